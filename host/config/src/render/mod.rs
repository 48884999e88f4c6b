//! The files that are made from the key table: the shipped configuration and its documentation.
//!
//! Both are committed; a test below says if they are not current. `cargo xtask gen` writes them.

mod markdown;
mod properties;

pub use markdown::markdown;
pub use properties::properties;

#[cfg(test)]
mod tests;

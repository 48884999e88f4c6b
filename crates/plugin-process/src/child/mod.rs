//! The child's end: one loaded library, driven over lanes by a host somewhere else.
//!
//! [`child_main`] is the whole life of such a process. [`Greeting`] and [`Child`] are its parts, so that
//! a test can drive one over socket pairs without a process.

mod arguments;
mod entries;
mod family;
mod flusher;
mod greeting;
mod host;
mod link;
mod main;
mod request;
mod responder;
mod serve;

pub use arguments::ChildArguments;
pub use entries::Create;
pub use greeting::Greeting;
pub use link::Lost;
pub use main::child_main;
pub use serve::Child;

#[cfg(test)]
mod tests;

//! Everything between a file in a plugin folder and a running plugin object.
//!
//! The way of a file, one module per station: [`file`] finds it, judges its owner, makes a private
//! copy and reads the copy's ELF tables and metadata, all without running a byte of it.
//!
//! This crate decides nothing about routes, HTTP or configuration: the host does. It never closes
//! a library it has opened.

pub mod file;
mod refusal;

pub use refusal::{Reason, Refusal};

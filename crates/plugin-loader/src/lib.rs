//! Everything between a file in a plugin folder and a running plugin object.
//!
//! The way of a file, one module per station: [`mod@file`] finds it, judges its owner, makes a private
//! copy and reads the copy's ELF tables and metadata, all without running a byte of it; [`probe`]
//! opens the copy in a throw-away process; [`load`] opens it in this one and compares the layout of
//! every type on the border; [`running`] creates the plugin and keeps it in service on threads of
//! its own.
//!
//! This crate decides nothing about routes, HTTP or configuration: the host does. It never closes
//! a library it has opened.

mod c;
pub mod file;
pub mod load;
pub mod probe;
mod refusal;
pub mod running;

pub use refusal::{Reason, Refusal};

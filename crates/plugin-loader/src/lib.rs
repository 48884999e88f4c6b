//! Everything between a verified plugin file and a running plugin object.
//!
//! The way of a file, one module per station: `meterbox-plugin-files` found it, judged its owner, made a private
//! copy and read it, all without running a byte; [`probe`] opens the copy in a throw-away process; [`load`]
//! opens it in this one and compares the layout of every type on the border; [`running`] creates the plugin and
//! keeps it in service on threads of its own.
//!
//! This crate decides nothing about routes, HTTP or configuration: the host does. It never closes
//! a library it has opened.

pub mod load;
pub mod probe;
pub mod running;

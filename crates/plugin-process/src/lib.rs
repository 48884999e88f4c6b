//! Running a plugin in a process of its own: what both ends share, the child's end and the host's end.
//!
//! The protocol is described in `docs/RUNNER-PROTOCOL.md`; [`wire`] is its frames and fields, [`lane`]
//! the sockets with their [`arena`]s, [`cells`] the values of series in shared memory, [`batch`]
//! gathered metrics as bytes. [`child`] drives a loaded library for a host somewhere else; [`parent`]
//! is a plugin object for the host whose entries run in such a child.
//!
//! Nothing here knows HTTP, the metric store or the configuration.

#[cfg(target_endian = "big")]
compile_error!("columns are read in place, and the protocol is little endian");

mod aligned;
pub mod arena;
pub mod batch;
pub mod cells;
pub mod child;
pub mod fds;
pub mod lane;
pub mod parent;
pub mod payload;
pub mod shared_file;
pub mod side;
pub mod wire;

#[cfg(test)]
mod testing;

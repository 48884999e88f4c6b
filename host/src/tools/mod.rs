//! What helps to write plugins without a server: a new project, a check with a dry run, pins.
//!
//! The command line names files and prints; here is what is done with them. Nothing of a plugin ever
//! runs in this process, and no server is asked.

pub mod check;
mod digest;
pub mod pin;
pub mod scaffold;

pub use digest::DigestError;

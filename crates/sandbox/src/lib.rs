//! Confines the calling process before it loads foreign code.
//!
//! [`confine`] is called once, by a process that still has one thread, right after its start. What it puts in force can only get tighter
//! afterwards and is inherited by whatever the process executes: nothing to write, little to read, no new process, no network, no look into
//! other processes, a bound on memory and descriptors, and death together with the parent. Layers that a kernel lacks are left out and named in
//! the [`Report`]; layers every supported kernel has are not optional: if one fails, the process must not go on ([`Refused`]).
//!
//! It deliberately knows nothing of plugins, and it starts no process: the confinement is what a process does to itself.

mod descriptors;
mod files;
mod limits;
mod policy;
mod privileges;
mod report;
mod steps;
mod syscalls;

pub use files::landlock;
pub use policy::Policy;
pub use privileges::hide;
pub use report::{Refused, Report};
pub use steps::confine;

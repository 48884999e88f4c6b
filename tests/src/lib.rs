//! The harness of the integration tests: builds the product once, starts hosts on port 0, talks to them.
//!
//! A test reads as a story: [`Host::start`] with the lines of its configuration, requests through
//! [`http`] or a real curl, pages through [`Page`]. Everything a test starts ends with it, by pid.
//! Nothing here sleeps blindly: [`eventually`] waits for a condition with a deadline.
#![forbid(unsafe_code)]

mod build;
pub mod circles;
pub mod faults;
mod folder;
mod host;
pub mod http;
mod page;
mod program;
mod wait;

pub use build::{Built, PROFILE, built};
pub use folder::Folder;
pub use host::{Host, HostBuilder};
pub use page::Page;
pub use program::{Program, curl, find_program};
pub use wait::eventually;

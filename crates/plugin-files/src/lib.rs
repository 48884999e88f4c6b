//! A plugin file before any of its code runs: found, judged, copied, hashed and read.
//!
//! [`candidates`] lists the files of the plugin folders, [`verify`] takes one of them through every
//! check and hands back a [`Verified`] with the private copy that is the only thing ever loaded.
//! Nothing here opens a library.

mod candidates;
mod copy;
mod dynamic;
mod elf;
mod glibc;
mod groups;
mod language;
mod metadata;
mod open;
mod ownership;
mod pins;
mod python;
mod refusal;
#[cfg(test)]
mod testing;
mod trusted;
mod verify;

pub use candidates::{Candidate, Found, candidates};
pub use copy::PrivateCopy;
pub use elf::Elf;
pub use language::Language;
pub use metadata::{ApiVersion, Border, C_API, METADATA_BYTES_MAX, Metadata, valid_name};
pub use open::FILE_BYTES_MAX;
pub use pins::Pins;
pub use python::RUNNER_PROTOCOL;
pub use refusal::{Reason, Refusal};
pub use trusted::read_trusted;
pub use verify::{Policy, Verified, verify};

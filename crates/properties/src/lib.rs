//! Reads Java `.properties` text into entries with line numbers.
//!
//! The configuration of the server keeps the syntax of TorchServe, which is the one that
//! `java.util.Properties.load` reads. This crate turns bytes into `(entries, errors)`: one bad line
//! never hides the good ones. It does not know any key, does not decide which of two equal keys
//! wins (Java lets the later one win), does not trim values and opens no file.
//!
//! ```
//! let parsed = meterbox_properties::parse(b"# listeners\ninference_address = http://127.0.0.1:8080\n");
//! assert!(parsed.errors.is_empty());
//! assert_eq!(parsed.entries[0].key, "inference_address");
//! assert_eq!(parsed.entries[0].value, "http://127.0.0.1:8080");
//! assert_eq!(parsed.entries[0].line, 2);
//! ```
//!
//! **Source:** `java.util.Properties.load(Reader)`, Java SE 17.

#![forbid(unsafe_code)]

mod decode;
mod entry;
mod error;
mod escape;
mod lines;

pub use decode::decode;
pub use entry::{Entry, Parsed, parse};
pub use error::{Error, Fault};

//! Gathered metrics to bytes, one module per format.
//!
//! An [`Encoder`] is a [`Visitor`](meterbox_plugin_abi::gather::Visitor): it is handed families
//! and segments as they are gathered, writes lines into one buffer of 64 KiB and passes each full
//! buffer to a [`Sink`]. Label text comes rendered and escaped from the store, so that a line is a
//! few copies and a number, and a page of any size needs one buffer. [`Page`] puts gathering,
//! encoding and compression together; [`negotiate`] and [`encoding`] read the headers of a scrape.
//!
//! It holds no metrics, opens no socket and asks no clock, and it does not decide which families a
//! page has: the source does.
#![forbid(unsafe_code)]

mod chunk;
mod encoder;
mod gzip;
mod negotiate;
mod openmetrics;
mod page;
pub mod parse;
mod plan;
mod rows;
mod sink;
mod text;

pub use chunk::CHUNK_BYTES;
pub use encoder::{Encoder, Outcome};
pub use gzip::Gzip;
pub use negotiate::{Encoding, Format, encoding, negotiate};
pub use page::Page;
pub use sink::Sink;

#[cfg(test)]
mod fixture;

//! Every metric that the program emits by itself, in one table.
//!
//! A row says all there is to say about a metric: what a page prints of it, who emits it and when it
//! moves. The instruments are made from these rows, `docs/METRICS.md` is written from them, and the
//! lint test reads them. What model code, plugins of others and ingest add is not here, nor are the
//! families that the bundled `system` plugin has in the sets `meterbox` and `node`: its README lists them.

mod row;

pub mod exports;
pub mod http;
pub mod plugin_design;
pub mod plugins;
pub mod process;
pub mod server;
pub mod serving;
pub mod torchserve;
pub mod workers;

pub use row::{Emitter, Row, Set, torchserve_help, type_word};

/// Declares rows as statics, and the list of them all.
macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident = $row:expr;)+) => {
        $($(#[$doc])* pub static $name: crate::names::Row = $row;)+

        /// The rows of this file, in the order in which the documentation lists them.
        pub static ROWS: &[&crate::names::Row] = &[$(&$name),+];
    };
}
use rows;

/// Rows by chapter of the documentation.
pub static CHAPTERS: &[(&str, &[&Row])] = &[
    ("Requests", http::ROWS),
    ("Predictions", serving::ROWS),
    ("Models and workers", workers::ROWS),
    ("Plugins", plugins::ROWS),
    ("Exports", exports::ROWS),
    ("The server", server::ROWS),
    ("The server's process", process::ROWS),
    ("TorchServe 0.12", torchserve::ROWS),
    ("TorchServe's metrics plugin", plugin_design::ROWS),
];

/// All rows.
pub fn all() -> impl Iterator<Item = &'static Row> {
    CHAPTERS.iter().flat_map(|(_, rows)| rows.iter().copied())
}

#[cfg(test)]
mod lint;

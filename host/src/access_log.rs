//! The access log: one line per request, written by a thread of its own.
//!
//! `/127.0.0.1:59732 "GET /ping HTTP/1.1" 200 21`, the last number in milliseconds.
//! **Source:** the line is that of TorchServe 0.12. A full queue drops lines and counts them.

use http::{Method, Uri, Version};
use meterbox_http::{Access, Peer};
use meterbox_telemetry::Drops;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that may wait to be written.
const LINES_MAX: usize = 4096;

/// Takes lines. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AccessLog {
    /// Boxed, since the queue's whole room is there from the start.
    entries: SyncSender<Box<Entry>>,
    drops: Drops,
}

/// One request.
struct Entry {
    peer: Peer,
    method: Method,
    uri: Uri,
    version: Version,
    status: u16,
    took: Duration,
}

impl AccessLog {
    /// Starts the thread; it ends with the last clone.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(drops: Drops) -> std::io::Result<Self> {
        let (entries, taken) = sync_channel(LINES_MAX);
        let thread = thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || write_all(&taken))?;
        Ok(Self { entries, drops })
    }
}

impl meterbox_http::AccessLog for AccessLog {
    fn write(&self, entry: &Access<'_>) {
        let entry = Entry {
            peer: entry.peer,
            method: entry.method.clone(),
            uri: entry.uri.clone(),
            version: entry.version,
            status: entry.status,
            took: entry.took,
        };
        if self.entries.try_send(Box::new(entry)).is_err() {
            self.drops.count("access_log", "queue_full");
        }
    }
}

fn write_all(entries: &Receiver<Box<Entry>>) {
    for entry in entries {
        tracing::info!(target: "access", "{}", line(&entry));
    }
}

fn line(entry: &Entry) -> String {
    let target = entry
        .uri
        .path_and_query()
        .map_or("*", http::uri::PathAndQuery::as_str);
    let slash = if matches!(entry.peer, Peer::Tcp(_)) {
        "/"
    } else {
        ""
    };
    format!(
        "{slash}{} \"{} {target} {:?}\" {} {}",
        entry.peer,
        entry.method,
        entry.version,
        entry.status,
        entry.took.as_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_like_torchserves() {
        let entry = Entry {
            peer: Peer::Tcp("127.0.0.1:57622".parse().unwrap()),
            method: Method::GET,
            uri: "/metrics?name[]=a&name[]=b".parse().unwrap(),
            version: Version::HTTP_11,
            status: 200,
            took: Duration::from_micros(21_900),
        };
        let expect = "/127.0.0.1:57622 \"GET /metrics?name[]=a&name[]=b HTTP/1.1\" 200 21";
        assert_eq!(line(&entry), expect);
    }
}

//! What is printed, when, and what becomes of too much.

use super::*;
use crate::testing::Lost;
use meterbox_config::{LogFormat, LogSettings, Settings};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::UNIX_EPOCH;

const REQUEST: Request<'static> = Request {
    peer: None,
    method: "GET",
    target: "/ping",
    version: "HTTP/1.1",
    status: 200,
    took: Duration::from_micros(21_900),
};

/// Hands each write on, or fails.
struct Sink(Option<Sender<String>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sender = self.0.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        sender.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn started(settings: &LogSettings) -> (AccessLog, Receiver<String>, Lost) {
    let (sender, writes) = channel();
    let lost = Lost::default();
    let log = Log::of(settings).0;
    let sink = Box::new(Sink(Some(sender)));
    let access = AccessLog::start(log, sink, Arc::new(lost.clone())).unwrap();
    (access, writes, lost)
}

#[test]
fn a_line_looks_like_torchserves() {
    let line = |peer: Option<&str>| {
        let mut lines = Lines::default();
        let request = Request {
            peer: peer.map(|peer| peer.parse().unwrap()),
            target: "/metrics?name[]=a&name[]=b",
            ..REQUEST
        };
        lines.push(UNIX_EPOCH, &request);
        lines.text
    };
    let rest = " \"GET /metrics?name[]=a&name[]=b HTTP/1.1\" 200 21";
    for (peer, expect) in [
        (Some("127.0.0.1:57622"), "/127.0.0.1:57622"),
        (Some("[::1]:80"), "/[::1]:80"),
        (None, "unix:"),
    ] {
        assert_eq!(line(peer), format!("{expect}{rest}"));
    }
}

#[test]
fn lines_are_printed_by_themselves_and_at_the_end() {
    let (access, writes, _) = started(&Settings::defaults().log);
    access.write(&REQUEST);
    let first = writes.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(
        first.ends_with("Z INFO  access: unix: \"GET /ping HTTP/1.1\" 200 21\n"),
        "{first}"
    );
    for _ in 0..1_000 {
        access.write(&REQUEST);
    }
    drop(access);
    let rest: Vec<String> = writes.iter().collect();
    assert!(rest.len() <= 50, "{} writes", rest.len());
    assert_eq!(rest.concat().lines().count(), 1_000);
}

#[test]
fn it_is_json_where_the_log_is_and_silent_where_the_log_is() {
    let json = LogSettings {
        format: LogFormat::Json,
        ..Settings::defaults().log
    };
    let (access, writes, _) = started(&json);
    access.write(&REQUEST);
    access.flush();
    let text = writes.recv_timeout(Duration::from_secs(10)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["target"], "access");
    assert_eq!(value["message"], "unix: \"GET /ping HTTP/1.1\" 200 21");
    let off = LogSettings {
        directives: Some("access=off".to_owned()),
        ..Settings::defaults().log
    };
    let (access, writes, lost) = started(&off);
    access.write(&REQUEST);
    drop(access);
    assert_eq!(writes.iter().collect::<String>(), "");
    assert_eq!(lost.get(SOURCE, "write"), 0);
}

#[test]
fn what_does_not_fit_or_cannot_be_written_is_counted() {
    let (access, writes, lost) = started(&Settings::defaults().log);
    let printing = access.0.printer.lock();
    let long = "x".repeat(1 << 20);
    let request = Request {
        target: &long,
        ..REQUEST
    };
    for _ in 0..6 {
        access.write(&request);
    }
    drop(printing);
    drop(access);
    assert_eq!(lost.get(SOURCE, "queue_full"), 2);
    assert_eq!(writes.iter().collect::<String>().lines().count(), 4);
    let lost = Lost::default();
    let log = Log::of(&Settings::defaults().log).0;
    let access = AccessLog::start(log, Box::new(Sink(None)), Arc::new(lost.clone())).unwrap();
    access.write(&REQUEST);
    access.write(&REQUEST);
    access.flush();
    drop(access);
    assert_eq!(lost.get(SOURCE, "write"), 2);
}

//! The logs as files, and what happens when the disk does not keep up or is not there.

use super::*;
use crate::testing::Lost;
use parking_lot::{Condvar, Mutex};
use tempfile::tempdir;

const LIMIT: Duration = Duration::from_secs(10);

fn clock() -> Clock {
    Arc::new(|| 1_795_225_508.324)
}

fn frame() -> Frame {
    Frame::new(
        "QueueTime",
        "Milliseconds",
        &["Level", "Hostname"],
        &["Host", "vm"],
    )
}

/// A console that blocks until it is opened, and keeps what it was told.
#[derive(Clone, Default)]
struct Console(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    bytes: Vec<u8>,
}

impl Console {
    fn open(&self) {
        self.0.state.lock().open = true;
        self.0.opened.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.state.lock().bytes.clone()).unwrap()
    }
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state.lock();
        while !state.open {
            self.0.opened.wait(&mut state);
        }
        state.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_go_to_their_files_and_to_the_console() {
    let folder = tempdir().unwrap();
    let console = Console::default();
    console.open();
    let target = LogTarget {
        folder: folder.path().into(),
        console: Some(Box::new(console.clone())),
    };
    let log = MetricLog::start(target, clock(), Arc::new(Lost::default())).unwrap();
    log.server(&frame(), 2.0, "vm");
    log.model(&frame(), 0.5, "wm", Some("a,b"), "17");
    assert!(log.flush(LIMIT));
    let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let body = "QueueTime.Milliseconds:2.0|#Level:Host|#hostname:vm,timestamp:1795225508\n";
    assert_eq!(
        read("ts_metrics.log"),
        format!("2026-11-21T01:45:08,324 - {body}")
    );
    let model = read("model_metrics.log");
    assert!(model.ends_with(":0.5|#Level:Host|#hostname:wm,requestID:a,b,timestamp:17\n"));
    let told = console.text();
    let expect = format!("2026-11-21T01:45:08,324 [INFO ] metric-log TS_METRICS - {body}");
    assert!(told.starts_with(&expect), "{told}");
    assert!(told.contains(" MODEL_METRICS - QueueTime"), "{told}");
}

#[test]
fn a_writer_that_stands_still_costs_lines_and_never_the_caller() {
    let folder = tempdir().unwrap();
    let console = Console::default();
    let target = LogTarget {
        folder: folder.path().into(),
        console: Some(Box::new(console.clone())),
    };
    let lost = Lost::default();
    let log = MetricLog::with_queue(target, clock(), Arc::new(lost.clone()), 4).unwrap();
    for _ in 0..100 {
        log.server(&frame(), 1.0, "vm");
    }
    let dropped = lost.get(SOURCE, "queue_full");
    assert!(
        (95..=96).contains(&dropped),
        "{dropped}: 4 wait and at most one is being written"
    );
    assert!(!log.flush(Duration::from_millis(5)));
    console.open();
    assert!(log.flush(LIMIT));
    let written = std::fs::read_to_string(folder.path().join("ts_metrics.log")).unwrap();
    assert_eq!(written.lines().count() as u64, 100 - dropped);
}

#[test]
fn what_cannot_be_written_is_counted_and_tried_again() {
    let folder = tempdir().unwrap();
    let blocked = folder.path().join("logs");
    std::fs::write(&blocked, "a file where the folder should be").unwrap();
    let lost = Lost::default();
    let target = LogTarget {
        folder: blocked.clone(),
        console: None,
    };
    let log = MetricLog::start(target, clock(), Arc::new(lost.clone())).unwrap();
    log.server(&frame(), 1.0, "vm");
    assert!(log.flush(LIMIT));
    assert_eq!(lost.get(SOURCE, "write"), 1);
    std::fs::remove_file(&blocked).unwrap();
    log.server(&frame(), 2.0, "vm");
    assert!(log.flush(LIMIT));
    let written = std::fs::read_to_string(blocked.join("ts_metrics.log")).unwrap();
    assert!(written.contains(":2.0|"), "{written}");
}

#[test]
fn text_of_model_code_cannot_begin_a_line() {
    assert_eq!(clean("a\rb\u{1b}[2J\nc".to_owned()), "a?b?[2J?c");
    assert_eq!(clean("ä b".to_owned()), "ä b");
}

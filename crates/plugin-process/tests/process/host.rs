//! The host of these tests: keeps metrics in memory, remembers what it was told.

use meterbox_plugin_abi::gather::Kind;
use meterbox_plugin_abi::testing::{FakeHost, TestFamily, TestSource};
use meterbox_plugin_abi::{Failure, Status};
use meterbox_plugin_process::parent::{Cause, Observer, Stream};
use std::sync::Arc;
use std::time::Duration;

/// A host with more families than fit one batch, and no models.
pub(crate) fn host() -> Arc<FakeHost> {
    let host = FakeHost::default();
    let family = |at: u32| {
        TestFamily::new(Kind::GAUGE, &format!("family_{at}"))
            .help("Some help to make it longer.")
            .value("", f64::from(at))
    };
    host.show(TestSource::of((0..20_000).map(family).collect()));
    host.refuse("models", Failure::new(Status::DENIED, "no models here"));
    let text = "plugin actor has no permission metrics.read";
    host.refuse("gather refused", Failure::new(Status::DENIED, text));
    Arc::new(host)
}

/// Tells the host what became of the process.
pub(crate) struct Watcher(pub(crate) Arc<FakeHost>);

impl Observer for Watcher {
    fn started(&self, _: u32, _: Duration, again: bool) {
        self.0.tell(format!("started again={again}"));
    }
    fn crashed(&self, cause: &Cause, sentence: &str) {
        self.0.tell(format!("crashed {}: {sentence}", cause.name()));
    }
    fn quarantined(&self, retry: Duration) {
        self.0.tell(format!("quarantined for {retry:?}"));
    }
    fn recovered(&self) {
        self.0.tell("recovered".to_owned());
    }
    fn line(&self, stream: Stream, text: &str) {
        self.0.tell(format!("line {stream:?} {text}"));
    }
}

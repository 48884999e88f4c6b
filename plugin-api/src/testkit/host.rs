//! The host in memory.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meterbox_plugin_abi as abi;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::testing::FakeHost;
use meterbox_plugin_abi::{Fact, Row};

use crate::host::{Host, Model};

/// A host for tests. A clone is the same host.
#[derive(Clone)]
pub struct TestHost {
    fake: Arc<FakeHost>,
}

impl Default for TestHost {
    fn default() -> Self {
        let fake = FakeHost::default();
        for (fact, text) in [
            (Fact::PID, "1"),
            (Fact::HOSTNAME, "testhost"),
            (Fact::UUID, "00000000-0000-4000-8000-000000000000"),
            (Fact::VERSION, env!("CARGO_PKG_VERSION")),
            (Fact::PLUGIN, "test"),
            (Fact::METRIC_SETS, "meterbox,torchserve,torchserve-plugin"),
        ] {
            fake.set_fact(fact, text);
        }
        Self {
            fake: Arc::new(fake),
        }
    }
}

impl TestHost {
    /// A host without metrics and models, at 2026-01-01 00:00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The host as a plugin sees it, for tests of parts of a plugin.
    #[must_use]
    pub fn host(&self) -> Host {
        Host::new(self.border())
    }

    /// The host as it crosses the border.
    pub(super) fn border(&self) -> abi::Host {
        abi::Host::of(self.fake.clone())
    }

    /// The value of a sample as a page would show it: a counter or gauge by its name, a histogram or
    /// summary by `name_count` and `name_sum`; labels in any order.
    #[must_use]
    pub fn value(&self, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.fake.store().value(sample, labels)
    }

    /// The lines that were logged so far, with their level's name.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        self.fake.lines()
    }

    /// Adds a model version to what [`Host::models`] gives.
    pub fn add_model(&self, model: Model) {
        use abi::models as field;
        self.fake.add_model(
            Row::new()
                .text(field::NAME, model.name)
                .text(field::VERSION, model.version)
                .number(field::IS_DEFAULT, f64::from(u8::from(model.is_default)))
                .number(field::WORKERS_READY, f64::from(model.workers_ready))
                .number(field::WORKERS_MIN, f64::from(model.workers_min))
                .number(field::WORKERS_MAX, f64::from(model.workers_max))
                .number(field::QUEUE_LEN, f64::from(model.queue_len)),
        );
    }

    /// Chooses the name sets that [`Host::metric_sets`] gives.
    pub fn set_metric_sets(&self, sets: &[&str]) {
        self.fake.set_fact(Fact::METRIC_SETS, &sets.join(","));
    }

    /// From now on everything that a server could forbid is denied for the lack of this permission.
    pub fn deny(&self, permission: &str) {
        self.fake.deny(permission);
    }

    /// The kinds of event that the plugin asked for.
    #[must_use]
    pub fn subscribed(&self) -> EventKinds {
        self.fake.subscribed()
    }

    /// The host's wall clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.host().now()
    }

    /// Moves the clock on and gives the ids of the timers that come round meanwhile, in their order, for
    /// [`TestPlugin::on_timer`].
    pub fn advance(&self, time: Duration) -> Vec<u64> {
        self.fake.advance(time)
    }
}

//! The host as the plugin in this process sees it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Clock, Fact, Failure, FamilySpec, HostServices, Level, MetricFamily, Table,
};

use super::family::ChildFamilies;
use super::link::Link;
use crate::cells::ChildCells;
use crate::wire::{DecodedRows, Kind, PayloadWriter};

/// Passes everything on to the host but the clocks and the question which log lines are kept.
pub(super) struct RemoteHost {
    link: Arc<Link>,
    families: ChildFamilies,
    log_level: Level,
    started: Instant,
}

impl RemoteHost {
    pub(super) fn new(link: Arc<Link>, cells: Arc<ChildCells>, log_level: Level) -> Self {
        Self {
            families: ChildFamilies::new(link.clone(), cells),
            link,
            log_level,
            started: Instant::now(),
        }
    }
}

impl GatherSource for RemoteHost {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        self.link
            .gather(filter.names, visitor)
            .map_err(|failure| failure.message)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl HostServices for RemoteHost {
    fn log_enabled(&self, level: Level, _target: &str) -> bool {
        level <= self.log_level
    }

    fn log(&self, level: Level, target: &str, message: &str) {
        if level > self.log_level {
            return;
        }
        let mut line = PayloadWriter::with_room(target.len() + message.len() + 12);
        line.u32(level.0).text(target).text(message);
        // Without a host there is nobody to tell.
        let _ = self.link.tell(Kind::LOG, &line);
    }

    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        self.families.register(family)
    }

    fn clock(&self, clock: Clock) -> u64 {
        match clock {
            Clock::UNIX => SystemTime::UNIX_EPOCH.elapsed().map_or(0, nanoseconds),
            Clock::MONOTONIC => nanoseconds(self.started.elapsed()),
            _ => 0,
        }
    }

    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        let mut request = PayloadWriter::new();
        request.u64(id).u64(nanoseconds(period));
        self.link.ask(Kind::TIMER_START, &request, |_| Ok(()))
    }

    fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        let mut request = PayloadWriter::new();
        request.u64(id);
        self.link.ask(Kind::TIMER_STOP, &request, |_| Ok(()))
    }

    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        let mut request = PayloadWriter::new();
        request.u64(kinds.0);
        self.link.ask(Kind::SUBSCRIBE, &request, |_| Ok(()))
    }

    fn models(&self) -> Result<Table, Failure> {
        let rows = self
            .link
            .ask(Kind::MODELS, &PayloadWriter::new(), DecodedRows::take)?;
        Ok(Table::of(Arc::new(rows)))
    }

    fn info(&self, fact: Fact) -> Option<String> {
        let mut request = PayloadWriter::new();
        request.u32(fact.0);
        let answer = self.link.ask(Kind::INFO, &request, |result| {
            let known = result.u8()? != 0;
            let text = result.text()?;
            Ok(known.then(|| text.to_owned()))
        });
        answer.ok().flatten()
    }
}

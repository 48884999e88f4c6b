//! TorchServe's system metrics in the metric log: read from a gather, now and then.
//!
//! The `system` plugin shows `CPUUtilization` and its kin when metrics are gathered and logs nothing;
//! TorchServe's collector logs them every `metric_time_interval`. This visitor turns the one into the
//! other. It does not know where the gather comes from or when.

use super::{Frame, MetricLog};
use crate::modes;
use crate::names::{Emitter, Row, torchserve};
use meterbox_config::MetricsMode;
use meterbox_plugin_abi::gather::names::{labels, unescape};
use meterbox_plugin_abi::gather::{Flow, Head, Segment, Visitor};
use std::borrow::Cow;

/// TorchServe's metrics that the `system` plugin shows.
fn rows() -> impl Iterator<Item = &'static Row> {
    torchserve::ROWS
        .iter()
        .copied()
        .filter(|row| row.emitter == Emitter::System)
}

/// The names to gather for [`SystemLines`].
#[must_use]
pub fn system_names() -> Vec<&'static str> {
    rows().map(|row| row.name).collect()
}

/// Logs each gathered sample of a system metric.
pub struct SystemLines<'a> {
    log: &'a MetricLog,
    mode: MetricsMode,
    row: Option<&'static Row>,
}

impl<'a> SystemLines<'a> {
    /// Logs what `mode` logs.
    #[must_use]
    pub fn new(log: &'a MetricLog, mode: MetricsMode) -> Self {
        Self {
            log,
            mode,
            row: None,
        }
    }
}

impl Visitor for SystemLines<'_> {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        let name = family.name();
        self.row = rows().find(|row| row.name == name && modes::logs_metric(self.mode, name));
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let Some(row) = self.row else {
            return Flow::Continue;
        };
        let text = segment.label_text();
        let mut begin = 0;
        for (end, value) in segment.label_ends().iter().zip(segment.values()) {
            let end = *end as usize;
            let block = text.get(begin..end).unwrap_or_default();
            begin = end;
            let labels = labels(block).map_while(Result::ok);
            let values: Vec<Cow<'_, str>> = labels.map(|(_, value)| unescape(value)).collect();
            let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
            let at = row.labels.iter().position(|label| *label == "Hostname");
            let hostname = at
                .and_then(|at| values.get(at))
                .copied()
                .unwrap_or_default();
            let frame = Frame::new(row.name, row.unit, row.labels, &values);
            self.log.server(&frame, *value, hostname);
        }
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Drops;
    use crate::metric_log::LogTarget;
    use crate::testing::Folder;
    use meterbox_plugin_abi::gather::Kind;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn gathered_system_metrics_are_logged_as_torchserves_collector_logs_them() {
        let folder = Folder::new("system-lines");
        let target = LogTarget {
            folder: folder.path().into(),
            console: None,
        };
        let log = MetricLog::start(target, Arc::new(|| 1_795_225_508.5), Drops::default()).unwrap();
        let mut lines = SystemLines::new(&log, MetricsMode::Log);
        let host =
            Segment::of("Level=\"Host\",Hostname=\"vm\"", &[26]).with_values(&[62.46177291870117]);
        let gpus = Segment::of(
            "Level=\"Host\",DeviceId=\"0\",Hostname=\"vm\"Level=\"Host\",DeviceId=\"1\",Hostname=\"vm\"",
            &[39, 78],
        )
        .with_values(&[1.0, 2.0]);
        for (name, rows) in [
            ("DiskAvailable", &host),
            ("Other", &host),
            ("GPUUtilization", &gpus),
        ] {
            let _ = lines.family(&Head::new(Kind::GAUGE, name).with_set("torchserve"));
            let _ = lines.segment(rows);
        }
        assert!(log.flush(Duration::from_secs(10)));
        let text = std::fs::read_to_string(folder.path().join("ts_metrics.log")).unwrap();
        let expect = [
            "DiskAvailable.Gigabytes:62.46177291870117|#Level:Host|#hostname:vm,timestamp:1795225508",
            "GPUUtilization.Percent:1.0|#Level:Host,DeviceId:0|#hostname:vm,timestamp:1795225508",
            "GPUUtilization.Percent:2.0|#Level:Host,DeviceId:1|#hostname:vm,timestamp:1795225508",
        ];
        let found: Vec<_> = text
            .lines()
            .map(|line| line.split_once(" - ").unwrap().1)
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn ten_of_torchserves_metrics_come_from_the_system() {
        assert_eq!(system_names().len(), 10);
    }
}

//! TorchServe's system metrics in the metric log: read from a gather, now and then.
//!
//! The `system` plugin shows `CPUUtilization` and its kin when metrics are gathered and logs nothing;
//! TorchServe's collector logs them every `metric_time_interval`. This visitor turns the one into the
//! other. It does not know where the gather comes from or when.

use super::{Frame, MetricLog};
use crate::modes;
use crate::names::{Emitter, Row, torchserve};
use meterbox_config::MetricsMode;
use meterbox_plugin_abi::gather::{Family, Flow, Segment, Visitor};

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
    fn family(&mut self, family: &Family<'_>) -> Flow {
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
            let values = label_values(block);
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
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

/// The values of a label block `a="b",c="d"`, as escaped in the text format 0.0.4.
fn label_values(block: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = block;
    while let Some((_, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut characters = after.char_indices();
        let mut end = after.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped)) => value.push(escaped),
                    None => {}
                },
                other => value.push(other),
            }
        }
        values.push(value);
        rest = &after[end..];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Drops;
    use crate::metric_log::LogTarget;
    use crate::testing::Folder;
    use meterbox_plugin_abi::gather::{FamilyColumns, Kind, SegmentColumns};
    use std::sync::Arc;
    use std::time::Duration;

    struct Named(&'static str);

    impl FamilyColumns for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn help(&self) -> &str {
            ""
        }
        fn unit(&self) -> &str {
            ""
        }
        fn kind(&self) -> Kind {
            Kind::GAUGE
        }
        fn bounds(&self) -> &[f64] {
            &[]
        }
        fn flags(&self) -> u32 {
            0
        }
        fn set(&self) -> &str {
            "torchserve"
        }
    }

    struct Rows {
        text: &'static str,
        ends: &'static [u32],
        values: &'static [f64],
    }

    impl SegmentColumns for Rows {
        fn len(&self) -> usize {
            self.values.len()
        }
        fn label_text(&self) -> &str {
            self.text
        }
        fn label_ends(&self) -> &[u32] {
            self.ends
        }
        fn values(&self) -> &[f64] {
            self.values
        }
        fn bucket_counts(&self) -> &[u64] {
            &[]
        }
        fn counts(&self) -> &[u64] {
            &[]
        }
        fn sums(&self) -> &[f64] {
            &[]
        }
        fn created_seconds(&self) -> &[f64] {
            &[]
        }
        fn structure(&self) -> u64 {
            0
        }
        fn stamp(&self) -> u64 {
            0
        }
    }

    #[test]
    fn gathered_system_metrics_are_logged_as_torchserves_collector_logs_them() {
        let folder = Folder::new("system-lines");
        let target = LogTarget {
            folder: folder.path().into(),
            console: None,
        };
        let log = MetricLog::start(target, Arc::new(|| 1_795_225_508.5), Drops::default()).unwrap();
        let mut lines = SystemLines::new(&log, MetricsMode::Log);
        let host = Rows {
            text: "Level=\"Host\",Hostname=\"vm\"",
            ends: &[26],
            values: &[62.46177291870117],
        };
        let gpus = Rows {
            text: "Level=\"Host\",DeviceId=\"0\",Hostname=\"vm\"Level=\"Host\",DeviceId=\"1\",Hostname=\"vm\"",
            ends: &[39, 78],
            values: &[1.0, 2.0],
        };
        for (name, rows) in [
            ("DiskAvailable", &host),
            ("Other", &host),
            ("GPUUtilization", &gpus),
        ] {
            let _ = lines.family(&Family::of(&Named(name)));
            let _ = lines.segment(&Segment::of(rows));
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
    fn label_values_are_read_back_from_their_escapes() {
        assert_eq!(
            label_values(r#"a="x,y=\"z\"",b="\\\n",c="""#),
            ["x,y=\"z\"", "\\\n", ""]
        );
        assert_eq!(label_values(""), Vec::<String>::new());
        assert_eq!(label_values("a=\"cut"), ["cut"]);
    }

    #[test]
    fn ten_of_torchserves_metrics_come_from_the_system() {
        assert_eq!(system_names().len(), 10);
    }
}

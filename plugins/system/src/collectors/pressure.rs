//! How long tasks waited for CPU, memory and I/O, from `/proc/pressure`.
//!
//! A kernel without pressure accounting has nothing to say, which is no error. The averages over
//! 10, 60 and 300 seconds are not read: a query over the totals gives any window.

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::{KernelFile, Reader};
use crate::sample::{Family, Samples, Set};

const fn node(name: &'static str, help: &'static str) -> Family {
    Family::counter(Set::Node, name, help, &[])
}

/// A resource: its file, and its families for "some task waited" and "all tasks waited". The last
/// is 0 for the CPU of a whole machine, so it has no family there.
static RESOURCES: [(&str, Family, Option<Family>); 3] = [
    (
        "cpu",
        node(
            "node_pressure_cpu_waiting_seconds_total",
            "Total time in seconds that processes have waited for CPU time",
        ),
        None,
    ),
    (
        "memory",
        node(
            "node_pressure_memory_waiting_seconds_total",
            "Total time in seconds that processes have waited for memory",
        ),
        Some(node(
            "node_pressure_memory_stalled_seconds_total",
            "Total time in seconds no process could make progress due to memory congestion",
        )),
    ),
    (
        "io",
        node(
            "node_pressure_io_waiting_seconds_total",
            "Total time in seconds that processes have waited due to IO congestion",
        ),
        Some(node(
            "node_pressure_io_stalled_seconds_total",
            "Total time in seconds no process could make progress due to IO congestion",
        )),
    ),
];
static WAITING: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_pressure_waiting_seconds_total",
    "Time in which at least one task waited for the resource.",
    &["resource"],
);
static STALLED: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_pressure_stalled_seconds_total",
    "Time in which no task got on because all waited for the resource.",
    &["resource"],
);

/// Reads the three files of `/proc/pressure`.
pub(super) struct Pressure {
    files: [KernelFile; RESOURCES.len()],
}

impl Pressure {
    pub(super) fn new(settings: &Settings) -> Self {
        let file =
            |(resource, ..): &(&str, _, _)| settings.machine.proc(format!("pressure/{resource}"));
        Self {
            files: RESOURCES.each_ref().map(file),
        }
    }
}

/// Seconds of one line, divided in node_exporter's two steps so that the last digit agrees.
fn seconds(line: &str) -> Option<f64> {
    let total = line
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("total="))?;
    let microseconds: u64 = total.parse().ok()?;
    Some(microseconds as f64 / 1000.0 / 1000.0)
}

impl Collector for Pressure {
    fn name(&self) -> &'static str {
        "pressure"
    }

    fn names(&self) -> Vec<&'static str> {
        let node = RESOURCES
            .iter()
            .flat_map(|(_, waiting, stalled)| [Some(waiting), stalled.as_ref()]);
        names_of(node.flatten().chain([&WAITING, &STALLED]))
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        for ((resource, waiting, stalled), file) in RESOURCES.iter().zip(&mut self.files) {
            let Ok(text) = reader.text(file) else {
                continue;
            };
            for line in text.lines() {
                let Some(value) = seconds(line) else {
                    out.problem(&CollectError::parse(
                        "pressure",
                        "not a pressure line",
                        line,
                    ));
                    continue;
                };
                if line.starts_with("some") {
                    out.add(waiting, &[], value);
                    out.add(&WAITING, &[resource], value);
                } else if let Some(stalled) = stalled.as_ref().filter(|_| line.starts_with("full"))
                {
                    out.add(stalled, &[], value);
                    out.add(&STALLED, &[resource], value);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn waiting_and_stalled_time_are_told_apart() {
        let fixture = Fixture::new();
        let text = "some avg10=0.00 avg60=2.26 avg300=4.47 total=30779541\n\
            full avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n";
        fixture.proc("pressure/cpu", text);
        fixture.proc("pressure/io", text);
        let samples = fixture.collect(&mut Pressure::new(&fixture.settings()));
        let value = |name| samples.value(name, &[]);
        assert_eq!(
            value("node_pressure_cpu_waiting_seconds_total"),
            Some(30779541.0 / 1000.0 / 1000.0)
        );
        assert_eq!(value("node_pressure_io_stalled_seconds_total"), Some(1.5));
        assert_eq!(value("node_pressure_memory_waiting_seconds_total"), None);
        let stalled = "meterbox_system_pressure_stalled_seconds_total";
        assert_eq!(samples.value(stalled, &["io"]), Some(1.5));
        assert_eq!(samples.value(stalled, &["cpu"]), None);
    }

    #[test]
    fn a_kernel_without_it_has_nothing_to_say_and_a_broken_line_is_told() {
        let fixture = Fixture::new();
        let mut pressure = Pressure::new(&fixture.settings());
        assert!(fixture.collect(&mut pressure).families().next().is_none());
        fixture.proc("pressure/memory", "some total=x\n\nful\n");
        let samples = fixture.collect(&mut Pressure::new(&fixture.settings()));
        assert_eq!(samples.problems().len(), 3);
    }
}

//! What the kernel counts over all processes, from `/proc/stat`: forks, switches, interrupts, and
//! how many processes run or wait.
//!
//! Single processes are not listed; the host's own has the collector `process`.

use super::{Collector, names_of};
use crate::error::CollectError;
use crate::kernel_stat::KernelStat;
use crate::machine::Reader;
use crate::sample::{Family, Samples, Set};

/// A figure of `/proc/stat` with its name in the `node` set and in ours.
struct Row {
    value: fn(&KernelStat) -> Option<u64>,
    node: Family,
    own: Family,
}

const fn counter(set: Set, name: &'static str, help: &'static str) -> Family {
    Family::counter(set, name, help, &[])
}
const fn gauge(set: Set, name: &'static str, help: &'static str) -> Family {
    Family::gauge(set, name, help, &[])
}

static ROWS: [Row; 6] = [
    Row {
        value: |stat| stat.interrupts,
        node: counter(
            Set::Node,
            "node_intr_total",
            "Total number of interrupts serviced.",
        ),
        own: counter(
            Set::Meterbox,
            "meterbox_system_interrupts_total",
            "Interrupts since boot.",
        ),
    },
    Row {
        value: |stat| stat.context_switches,
        node: counter(
            Set::Node,
            "node_context_switches_total",
            "Total number of context switches.",
        ),
        own: counter(
            Set::Meterbox,
            "meterbox_system_context_switches_total",
            "Context switches since boot.",
        ),
    },
    Row {
        value: |stat| stat.forks,
        node: counter(Set::Node, "node_forks_total", "Total number of forks."),
        own: counter(
            Set::Meterbox,
            "meterbox_system_forks_total",
            "Forks since boot.",
        ),
    },
    Row {
        value: |stat| stat.boot_time,
        node: gauge(
            Set::Node,
            "node_boot_time_seconds",
            "Node boot time, in unixtime.",
        ),
        own: gauge(
            Set::Meterbox,
            "meterbox_system_boot_time_seconds",
            "Unix time at which the machine was started.",
        ),
    },
    Row {
        value: |stat| stat.running,
        node: gauge(
            Set::Node,
            "node_procs_running",
            "Number of processes in runnable state.",
        ),
        own: gauge(
            Set::Meterbox,
            "meterbox_system_processes_running",
            "Processes that run or could run now.",
        ),
    },
    Row {
        value: |stat| stat.blocked,
        node: gauge(
            Set::Node,
            "node_procs_blocked",
            "Number of processes blocked waiting for I/O to complete.",
        ),
        own: gauge(
            Set::Meterbox,
            "meterbox_system_processes_blocked",
            "Processes that wait for I/O.",
        ),
    },
];

/// Reads `/proc/stat`.
pub(super) struct Kernel;

impl Collector for Kernel {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of(ROWS.iter().flat_map(|row| [&row.node, &row.own]))
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let stat = reader.kernel_stat()?;
        for row in &ROWS {
            // A kernel that does not count something has no sample for it, not a zero.
            if let Some(value) = (row.value)(stat) {
                out.add(&row.node, &[], value as f64);
                out.add(&row.own, &[], value as f64);
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
    fn figures_have_both_names_and_missing_ones_have_none() {
        let fixture = Fixture::new();
        fixture.proc(
            "stat",
            "cpu  1 2 3 4\nintr 5 0 0\nctxt 6\nbtime 1795231759\nprocs_running 3\n",
        );
        let samples = fixture.collect(&mut Kernel);
        assert_eq!(samples.value("node_intr_total", &[]), Some(5.0));
        assert_eq!(
            samples.value("meterbox_system_context_switches_total", &[]),
            Some(6.0)
        );
        assert_eq!(
            samples.value("node_boot_time_seconds", &[]),
            Some(1795231759.0)
        );
        assert_eq!(samples.value("node_procs_running", &[]), Some(3.0));
        assert_eq!(samples.count("node_procs_blocked"), 0);
        assert_eq!(samples.count("node_forks_total"), 0);
    }
}

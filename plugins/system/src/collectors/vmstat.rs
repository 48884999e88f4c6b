//! Page traffic and out-of-memory kills, from `/proc/vmstat`: node_exporter's choice of fields.

use super::Collector;
use crate::error::CollectError;
use crate::machine::Machine;
use crate::pattern::Patterns;
use crate::sample::{Family, Kind, Samples, Set};

const FIELDS: [&str; 4] = ["oom_kill*", "pgpg*", "pswp*", "pg*fault*"];

const OOM_KILLS: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_oom_kills_total",
    "Processes that the kernel killed since boot because memory ran out.",
    &[],
);

/// Reads `/proc/vmstat`.
pub(super) struct VmStat {
    fields: Patterns,
}

impl VmStat {
    pub(super) fn new() -> Self {
        Self {
            fields: Patterns::new(FIELDS),
        }
    }
}

impl Collector for VmStat {
    fn name(&self) -> &'static str {
        "vmstat"
    }

    fn collect(&mut self, machine: &Machine, out: &mut Samples) -> Result<(), CollectError> {
        for line in machine.proc("vmstat")?.lines() {
            let Some((name, value)) = line.split_once(' ') else {
                out.problem(&CollectError::parse("vmstat", "not `name number`", line));
                continue;
            };
            if !self.fields.matches(name) {
                continue;
            }
            let Ok(value) = value.parse::<f64>() else {
                out.problem(&CollectError::parse("vmstat", "not `name number`", line));
                continue;
            };
            let help = format!("/proc/vmstat information field {name}.");
            out.add(
                &Family::node(Kind::Unknown, format!("node_vmstat_{name}"), help),
                &[],
                value,
            );
            if name == "oom_kill" {
                out.add(&OOM_KILLS, &[], value);
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
    fn the_chosen_fields_are_read_and_a_broken_line_is_told() {
        let fixture = Fixture::new();
        fixture.proc(
            "vmstat",
            "nr_free_pages 5\noom_kill 2\npgfault 7\npgmajfault x\npgpgin\n",
        );
        let samples = fixture.collect(&mut VmStat::new());
        assert_eq!(samples.value("node_vmstat_oom_kill", &[]), Some(2.0));
        assert_eq!(
            samples.value("meterbox_system_oom_kills_total", &[]),
            Some(2.0)
        );
        assert_eq!(samples.value("node_vmstat_pgfault", &[]), Some(7.0));
        assert_eq!(samples.value("node_vmstat_nr_free_pages", &[]), None);
        let problem = &samples.problems()[0].text;
        assert_eq!(problem, "vmstat: not `name number`: \"pgmajfault x\"");
        assert_eq!(samples.problems().len(), 2);
    }
}

//! Page traffic and out-of-memory kills, from `/proc/vmstat`: node_exporter's choice of fields.

use super::Collector;
use crate::config::Settings;
use crate::error::CollectError;
use crate::in_order::InOrder;
use crate::machine::{KernelFile, Reader};
use crate::pattern::Patterns;
use crate::sample::{Family, Kind, Samples, Set};

const FIELDS: [&str; 4] = ["oom_kill*", "pgpg*", "pswp*", "pg*fault*"];

static OOM_KILLS: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_oom_kills_total",
    "Processes that the kernel killed since boot because memory ran out.",
    &[],
);

/// Reads `/proc/vmstat`.
pub(super) struct VmStat {
    file: KernelFile,
    fields: Patterns,
    /// Of each field that the kernel prints; none where it was not chosen.
    families: InOrder<Option<Family>>,
}

impl VmStat {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            file: settings.machine.proc("vmstat"),
            families: InOrder::default(),
            fields: Patterns::new(FIELDS),
        }
    }
}

fn family(field: &str) -> Family {
    let help = format!("/proc/vmstat information field {field}.");
    Family::node(Kind::Unknown, format!("node_vmstat_{field}"), help)
}

impl Collector for VmStat {
    fn name(&self) -> &'static str {
        "vmstat"
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["node_vmstat_*", &*OOM_KILLS.name]
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        for line in reader.text(&mut self.file)?.lines() {
            let Some((name, value)) = line.split_once(' ') else {
                out.problem(&CollectError::parse("vmstat", "not `name number`", line));
                continue;
            };
            let chosen = || self.fields.matches(name).then(|| family(name));
            let Some(family) = self.families.get_or(name, chosen) else {
                continue;
            };
            let Ok(value) = value.parse::<f64>() else {
                out.problem(&CollectError::parse("vmstat", "not `name number`", line));
                continue;
            };
            out.add(family, &[], value);
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
        let samples = fixture.collect(&mut VmStat::new(&fixture.settings()));
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

//! Samples shown to the host as families, in the order they were read.

use meterbox_plugin::prelude::*;

use crate::sample::{Family, Kind, LABELS_MAX, Samples, Set};

/// Units of our own names, as OpenMetrics spells them.
const UNITS: [&str; 6] = ["seconds", "bytes", "ratio", "celsius", "watts", "joules"];

/// Shows everything that was read.
pub(crate) fn show(samples: &Samples, families: &mut Families<'_>) {
    for samples in samples.families() {
        let family = &samples.family;
        if !families.wants(&family.name) {
            continue;
        }
        let kind = match family.kind {
            Kind::Counter => meterbox_plugin::gather::Kind::COUNTER,
            Kind::Gauge => meterbox_plugin::gather::Kind::GAUGE,
            Kind::Unknown => meterbox_plugin::gather::Kind::UNKNOWN,
        };
        let mut shown = families
            .family(kind, &family.name, &family.help)
            .in_set(family.set.name())
            .unit(unit(family));
        // TorchServe prints its families even while they have no sample; node_exporter does not.
        if matches!(family.set, Set::TorchServe | Set::TorchServePlugin) {
            shown = shown.inherited();
        }
        let mut labels = [("", ""); LABELS_MAX];
        let labels = &mut labels[..family.labels.len()];
        let mut shown = Some(shown);
        samples.each_row(|values, value| {
            for (slot, label) in labels.iter_mut().zip(family.labels.iter().zip(values)) {
                *slot = (label.0, label.1);
            }
            shown = shown.take().map(|shown| shown.sample(labels, value));
        });
    }
}

/// The unit that the name of one of our own families ends in; inherited names say it in their own
/// ways, or not at all.
fn unit(family: &Family) -> &'static str {
    if family.set != Set::Meterbox {
        return "";
    }
    let base = family.name.strip_suffix("_total").unwrap_or(&family.name);
    let ends_in = |unit: &&str| {
        base.strip_suffix(*unit)
            .is_some_and(|rest| rest.ends_with('_'))
    };
    UNITS.into_iter().find(ends_in).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_what_our_own_names_end_in() {
        const CPU: Family = Family::counter(Set::Meterbox, "process_cpu_seconds_total", "", &[]);
        const NODE: Family = Family::counter(Set::Node, "node_cpu_seconds_total", "", &[]);
        const FDS: Family = Family::gauge(Set::Meterbox, "process_open_fds", "", &[]);
        const ODD: Family = Family::gauge(Set::Meterbox, "kilobytes", "", &[]);
        assert_eq!(
            [unit(&CPU), unit(&NODE), unit(&FDS), unit(&ODD)],
            ["seconds", "", "", ""]
        );
    }
}

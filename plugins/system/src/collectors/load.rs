//! The load averages, from `/proc/loadavg`.
//!
//! Read as `f64`: `procfs::LoadAverage` keeps `f32`, which would print 0.1 as 0.10000000149.

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::{KernelFile, Reader};
use crate::sample::{Family, Samples, Set};

static NODE: [Family; 3] = [
    Family::gauge(Set::Node, "node_load1", "1m load average.", &[]),
    Family::gauge(Set::Node, "node_load5", "5m load average.", &[]),
    Family::gauge(Set::Node, "node_load15", "15m load average.", &[]),
];
static OWN: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_load_average",
    "Tasks that run or wait for a CPU or for I/O, averaged over 1, 5 and 15 minutes.",
    &["minutes"],
);

/// Reads `/proc/loadavg`.
pub(super) struct Load {
    file: KernelFile,
}

impl Load {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            file: settings.machine.proc("loadavg"),
        }
    }
}

fn parse(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse().ok());
    Some([words.next()??, words.next()??, words.next()??])
}

impl Collector for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of(NODE.iter().chain([&OWN]))
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let text = reader.text(&mut self.file)?;
        let averages = parse(text).ok_or_else(|| {
            CollectError::parse("loadavg", "does not begin with three numbers", text)
        })?;
        for ((family, minutes), average) in NODE.iter().zip(["1", "5", "15"]).zip(averages) {
            out.add(family, &[], average);
            out.add(&OWN, &[minutes], average);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn three_averages_under_both_names() {
        let fixture = Fixture::new();
        fixture.proc("loadavg", "0.10 1.25 12.00 1/90 5778\n");
        let samples = fixture.collect(&mut Load::new(&fixture.settings()));
        assert_eq!(samples.value("node_load1", &[]), Some(0.1));
        assert_eq!(samples.value("node_load15", &[]), Some(12.0));
        assert_eq!(
            samples.value("meterbox_system_load_average", &["5"]),
            Some(1.25)
        );
    }

    #[test]
    fn two_numbers_are_an_error() {
        let fixture = Fixture::new();
        fixture.proc("loadavg", "0.10 1.25\n");
        let error = Load::new(&fixture.settings())
            .collect(&mut fixture.reader(), &mut Samples::default())
            .unwrap_err();
        let expected = "loadavg: does not begin with three numbers: \"0.10 1.25\\n\"";
        assert_eq!(error.to_string(), expected);
    }
}

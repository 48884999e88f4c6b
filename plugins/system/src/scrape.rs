//! One scrape: every wanted collector in turn, each on its own account.
//!
//! A collector that fails leaves the others alone, shows `meterbox_system_collector_success` 0, and
//! what it could not read is counted by reason. Nothing runs between scrapes.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use crate::collectors::{self, Collector};
use crate::config::Settings;
use crate::machine::Machine;
use crate::sample::{Family, Samples, Set};

const DURATION: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_collector_duration_seconds",
    "How long the part of the system plugin took in this scrape.",
    &["collector"],
);
const SUCCESS: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_collector_success",
    "1 if the part of the system plugin had something to say in this scrape, 0 if it failed.",
    &["collector"],
);
const PROBLEMS: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_problems_total",
    "Things that could not be read, by part of the system plugin and reason.",
    &["collector", "reason"],
);

/// Different problems that are told in the log; further ones are only counted.
const TOLD_MAX: usize = 256;

/// The collectors and what they remember from scrape to scrape.
pub(crate) struct Scraper {
    machine: Machine,
    collectors: Vec<Box<dyn Collector>>,
    problems: BTreeMap<(&'static str, &'static str), u64>,
    told: HashSet<String>,
}

impl Scraper {
    /// Makes the collectors that these settings want.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            machine: settings.machine.clone(),
            collectors: collectors::all(settings),
            problems: BTreeMap::new(),
            told: HashSet::new(),
        }
    }

    /// Lets go of everything that collectors hold: the thread that asks file systems, the driver.
    pub(crate) fn stop(&mut self) {
        self.collectors.clear();
    }

    /// Reads everything now that has a name in one of `sets` (none: in any). A problem that was not
    /// met before goes to `tell`, as one line.
    pub(crate) fn scrape(&mut self, sets: &[String], tell: &mut dyn FnMut(&str)) -> Samples {
        let mut out = Samples::of_sets(sets);
        for collector in &mut self.collectors {
            if !collector.sets().iter().any(|set| out.wants(*set)) {
                continue;
            }
            let name = collector.name();
            for family in collector.declared() {
                out.declare(family);
            }
            let started = Instant::now();
            let result = collector.collect(&self.machine, &mut out);
            let success = result.is_ok();
            if let Err(error) = result {
                out.problem(&error);
            }
            out.add(&DURATION, &[name], started.elapsed().as_secs_f64());
            out.add(&SUCCESS, &[name], f64::from(success));
            for problem in out.take_problems() {
                *self
                    .problems
                    .entry((name, problem.reason.name()))
                    .or_default() += 1;
                if self.told.len() < TOLD_MAX && !self.told.contains(&problem.text) {
                    tell(&format!("{name}: {}", problem.text));
                    self.told.insert(problem.text);
                }
            }
        }
        for ((collector, reason), count) in &self.problems {
            out.add(&PROBLEMS, &[collector, reason], *count as f64);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::fixture::Fixture;

    fn scraper(fixture: &Fixture, collectors: &[&str]) -> Scraper {
        let collectors = collectors.iter().map(|name| String::from(*name)).collect();
        Scraper::new(&Settings {
            collectors,
            ..fixture.settings()
        })
    }

    #[test]
    fn a_failing_collector_is_counted_told_once_and_costs_no_other() {
        let fixture = Fixture::new();
        fixture.proc("loadavg", "1 2 3 1/2 3\n");
        let mut scraper = scraper(&fixture, &["memory", "load"]);
        let mut told = Vec::new();
        scraper.scrape(&[], &mut |line| told.push(String::from(line)));
        let samples = scraper.scrape(&[], &mut |line| told.push(String::from(line)));
        assert_eq!(
            samples.value("meterbox_system_collector_success", &["memory"]),
            Some(0.0)
        );
        assert_eq!(
            samples.value("meterbox_system_collector_success", &["load"]),
            Some(1.0)
        );
        assert_eq!(
            samples.value("meterbox_system_problems_total", &["memory", "read"]),
            Some(2.0)
        );
        assert_eq!(samples.value("node_load5", &[]), Some(2.0));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("memory: "), "{told:?}");
    }

    #[test]
    fn inherited_families_are_named_even_without_a_sample() {
        let fixture = Fixture::new();
        let samples = scraper(&fixture, &["gpu", "memory"]).scrape(&[], &mut |_| ());
        let names: Vec<&str> = samples
            .families()
            .iter()
            .map(|family| &*family.family.name)
            .collect();
        for name in [
            "GPUUtilization",
            "GPUMemoryUsed",
            "MemoryUsed",
            "memory_used",
        ] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
    }

    #[test]
    fn only_the_chosen_sets_are_read() {
        let fixture = Fixture::new();
        fixture.proc("loadavg", "1 2 3 1/2 3\n");
        fixture.proc("meminfo", "MemTotal: 3 kB\nMemFree: 1 kB\n");
        let mut scraper = scraper(&fixture, &["netstat", "memory", "load"]);
        let sets = [String::from("torchserve-plugin"), String::from("meterbox")];
        let samples = scraper.scrape(&sets, &mut |problem| panic!("{problem}"));
        let count = |name| samples.count(name);
        assert_eq!((count("node_load1"), count("MemoryUsed")), (0, 0));
        assert_eq!(
            (count("memory_used"), count("meterbox_system_load_average")),
            (1, 3)
        );
        // The protocols' counters have names in `node` only: their files are not even opened.
        let success = "meterbox_system_collector_success";
        assert_eq!(samples.value(success, &["netstat"]), None);
        assert_eq!(samples.value(success, &["memory"]), Some(1.0));
    }

    #[test]
    fn only_the_wanted_collectors_run() {
        let fixture = Fixture::new();
        let samples = scraper(&fixture, &["load"]).scrape(&[], &mut |_| ());
        assert_eq!(samples.count("meterbox_system_collector_success"), 1);
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let reasons = [Reason::Read, Reason::Parse, Reason::Call, Reason::Stuck];
        let names: HashSet<&str> = reasons.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), reasons.len());
    }

    #[test]
    fn this_very_machine_is_read_without_a_problem() {
        let mut told = Vec::new();
        let samples = Scraper::new(&Settings::default())
            .scrape(&[], &mut |line| told.push(String::from(line)));
        assert!(told.is_empty(), "{told:?}");
        for name in [
            "node_load1",
            "node_memory_MemTotal_bytes",
            "node_boot_time_seconds",
        ] {
            assert_eq!(samples.count(name), 1, "{name}");
        }
    }
}

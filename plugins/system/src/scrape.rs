//! One scrape: every wanted collector in turn, each on its own account.
//!
//! A collector that fails leaves the others alone, shows `meterbox_system_collector_success` 0, and
//! what it could not read is counted by reason. Nothing runs between scrapes.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use crate::collectors::{self, Collector};
use crate::config::Settings;
use crate::machine::Reader;
use crate::sample::{Family, Samples, Set};

static DURATION: Family = Family::gauge(
    Set::Meterbox,
    OWN_NAMES[0],
    "How long the part of the system plugin took in this scrape.",
    &["collector"],
);
static SUCCESS: Family = Family::gauge(
    Set::Meterbox,
    OWN_NAMES[1],
    "1 if the part of the system plugin had something to say in this scrape, 0 if it failed.",
    &["collector"],
);
static PROBLEMS: Family = Family::counter(
    Set::Meterbox,
    OWN_NAMES[2],
    "Things that could not be read, by part of the system plugin and reason.",
    &["collector", "reason"],
);

/// Different problems that are told in the log; further ones are only counted.
const TOLD_MAX: usize = 256;

/// What each part says about itself: who wants that makes all of them run.
const OWN_NAMES: [&str; 3] = [
    "meterbox_system_collector_duration_seconds",
    "meterbox_system_collector_success",
    "meterbox_system_problems_total",
];

/// A collector and the names of its families.
struct Part {
    collector: Box<dyn Collector>,
    names: Vec<&'static str>,
}

impl Part {
    fn new(collector: Box<dyn Collector>) -> Self {
        let names = collector.names();
        Self { collector, names }
    }
}

/// The collectors and what they remember from scrape to scrape.
pub(crate) struct Scraper {
    reader: Reader,
    samples: Samples,
    parts: Vec<Part>,
    problems: BTreeMap<(&'static str, &'static str), u64>,
    told: HashSet<String>,
}

impl Scraper {
    /// Makes the collectors that these settings want.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            reader: Reader::new(&settings.machine),
            samples: Samples::default(),
            parts: collectors::all(settings)
                .into_iter()
                .map(Part::new)
                .collect(),
            problems: BTreeMap::new(),
            told: HashSet::new(),
        }
    }

    /// Lets go of everything that collectors hold: the thread that asks file systems, the driver.
    pub(crate) fn stop(&mut self) {
        self.parts.clear();
    }

    /// Reads everything now that has a name in one of `sets` (none: in any) and that somebody `wants`.
    /// A problem that was not met before goes to `tell`, as one line.
    pub(crate) fn scrape(
        &mut self,
        sets: &[String],
        wants: &dyn Fn(&[&str]) -> bool,
        tell: &mut dyn FnMut(&str),
    ) -> &Samples {
        let out = &mut self.samples;
        out.begin(sets);
        self.reader.begin();
        let wants_all = wants(&OWN_NAMES);
        for Part { collector, names } in &mut self.parts {
            let in_sets = collector.sets().iter().any(|set| out.wants(*set));
            if !in_sets || !(wants_all || wants(names)) {
                continue;
            }
            let name = collector.name();
            for family in collector.declared() {
                out.declare(family);
            }
            let started = Instant::now();
            let result = collector.collect(&mut self.reader, out);
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
        scraper.scrape(&[], &|_| true, &mut |line| told.push(String::from(line)));
        let samples = scraper.scrape(&[], &|_| true, &mut |line| told.push(String::from(line)));
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
        let mut scraper = scraper(&fixture, &["gpu", "memory"]);
        let samples = scraper.scrape(&[], &|_| true, &mut |_| ());
        let names: Vec<&str> = samples
            .families()
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
        let samples = scraper.scrape(&sets, &|_| true, &mut |problem| panic!("{problem}"));
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
        let mut scraper = scraper(&fixture, &["load"]);
        let samples = scraper.scrape(&[], &|_| true, &mut |_| ());
        assert_eq!(samples.count("meterbox_system_collector_success"), 1);
    }

    #[test]
    fn only_what_can_have_a_wanted_name_is_read() {
        let fixture = Fixture::new();
        fixture.proc("loadavg", "1 2 3 1/2 3\n");
        let mut scraper = scraper(&fixture, &["load", "memory", "vmstat"]);
        for (wanted, ran) in [
            ("node_load1", &["load"][..]),
            ("node_vmstat_*", &["vmstat"]),
            (OWN_NAMES[0], &["load", "memory", "vmstat"]),
            ("node_time_seconds", &[]),
        ] {
            let wants = |names: &[&str]| names.contains(&wanted);
            let samples = scraper.scrape(&[], &wants, &mut |_| ());
            for name in ["load", "memory", "vmstat"] {
                let success = samples.value("meterbox_system_collector_success", &[name]);
                assert_eq!(success.is_some(), ran.contains(&name), "{wanted}: {name}");
            }
        }
    }

    #[test]
    fn every_family_that_this_very_machine_has_is_one_that_its_collector_names() {
        for name in collectors::NAMES {
            let settings = Settings {
                collectors: vec![String::from(name)],
                ..Settings::default()
            };
            let mut scraper = Scraper::new(&settings);
            let names: Vec<&str> = scraper.parts[0].names.clone();
            let samples = scraper.scrape(&[], &|_| true, &mut |_| ());
            for family in samples.families().map(|samples| &*samples.family.name) {
                let covers = |name: &&str| match name.strip_suffix('*') {
                    Some(begin) => family.starts_with(begin),
                    None => *name == family,
                };
                let mut known = names.iter().chain(&OWN_NAMES);
                assert!(known.any(covers), "{name} does not name {family}");
            }
            for name in names.iter().chain(&OWN_NAMES) {
                let begins = |all: &&str| name.starts_with(all.trim_end_matches('*'));
                assert!(crate::FAMILIES.iter().any(begins), "{name} is not declared");
            }
        }
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
        let mut scraper = Scraper::new(&Settings::default());
        let samples = scraper.scrape(&[], &|_| true, &mut |line| told.push(String::from(line)));
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

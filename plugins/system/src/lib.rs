//! System, process and GPU metrics, read when somebody scrapes.
//!
//! The plugin is a collector: at each gather `collectors` read the machine into plain
//! `sample::Samples`, and `show` hands them to the host. Families belong to name sets; those
//! that the operator did not choose are not read. No value is cached, and nothing runs between scrapes.

#![forbid(unsafe_code)]

mod collectors;
mod config;
mod error;
#[cfg(test)]
mod fixture;
mod in_order;
mod kernel_stat;
mod machine;
mod mount_probe;
mod mounts;
#[cfg(test)]
mod oracle;
mod pattern;
mod sample;
mod scrape;
mod settings;
mod show;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meterbox_plugin::prelude::*;

use scrape::Scraper;

/// The names of all families, those that begin alike as one.
const FAMILIES: &[&str] = &[
    "CPUUtilization",
    "Memory*",
    "Disk*",
    "GPU*",
    "memory_used",
    "node_*",
    "process_*",
    "meterbox_system_*",
];

/// The plugin: the collectors, and the host that chooses the sets.
struct System {
    host: Host,
    scraper: Mutex<Scraper>,
}

impl System {
    fn scraper(&self) -> MutexGuard<'_, Scraper> {
        // A collector that panicked has at worst lost its memory of the scrape before.
        self.scraper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plugin for System {
    fn new(host: &Host, config: Config) -> Result<Self> {
        let server = settings::Server {
            hostname: host.hostname(),
            uuid: host.uuid(),
            pid: Some(host.pid()).filter(|pid| *pid != 0),
        };
        let settings = settings::read(&config, server)?;
        Ok(Self {
            host: host.clone(),
            scraper: Mutex::new(Scraper::new(&settings)),
        })
    }

    fn stop(&self, _deadline: Duration) -> Result<()> {
        self.scraper().stop();
        Ok(())
    }

    fn roles(&self) -> Roles {
        Roles::COLLECTOR
    }

    fn collect(&self, families: &mut Families<'_>) -> Result<()> {
        let sets = self.host.metric_sets();
        let mut tell = |problem: &str| self.host.log(Level::WARN, problem);
        let mut scraper = self.scraper();
        let samples = scraper.scrape(&sets, &|names| families.wants_any(names), &mut tell);
        show::show(samples, families);
        Ok(())
    }
}

export_plugin!(
    System,
    name = "system",
    description = "CPU, memory, disk, network, process and GPU metrics of this machine",
    permissions = ["metrics.reserved"],
    families = FAMILIES,
    schema = include_str!("../schema.json")
);

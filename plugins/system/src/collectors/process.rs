//! The server's own process, from `/proc/<pid>`, under the names that every Prometheus client uses.
//!
//! Worker processes are not listed here; the host knows them and counts them under their model.

use std::path::PathBuf;

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::kernel_stat::KernelStat;
use crate::machine::{KernelFile, Reader};
use crate::sample::{Family, Samples, Set};

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::Meterbox, name, help, &[])
}
static CPU: Family = Family::counter(
    Set::Meterbox,
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    &[],
);
static RESIDENT: Family = gauge(
    "process_resident_memory_bytes",
    "Resident memory size in bytes.",
);
static VIRTUAL: Family = gauge(
    "process_virtual_memory_bytes",
    "Virtual memory size in bytes.",
);
static OPEN_FDS: Family = gauge("process_open_fds", "Number of open file descriptors.");
static MAX_FDS: Family = gauge(
    "process_max_fds",
    "Maximum number of open file descriptors.",
);
static START: Family = gauge(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
);
static THREADS: Family = gauge("process_threads", "Number of OS threads in the process.");

/// Reads `stat`, `limits` and `fd` of one process.
pub(super) struct Process {
    stat: KernelFile,
    limits: KernelFile,
    fds: PathBuf,
    /// The kernel's own `stat` where another machine's is looked at.
    kernel_stat: Option<KernelFile>,
}

impl Process {
    pub(super) fn new(settings: &Settings) -> Self {
        let machine = &settings.machine;
        let pid = settings
            .pid
            .map_or_else(|| String::from("self"), |pid| pid.to_string());
        let elsewhere = machine.proc_root != machine.own_proc_root;
        Self {
            stat: machine.own_proc(format!("{pid}/stat")),
            limits: machine.own_proc(format!("{pid}/limits")),
            fds: machine.own_proc_root.join(&pid).join("fd"),
            kernel_stat: elsewhere.then(|| machine.own_proc("stat")),
        }
    }

    /// How many descriptors are open. Since Linux 6.2 the folder's size says so; before, it has to
    /// be listed, which opens one more.
    fn open_fds(&self) -> Option<u64> {
        match std::fs::metadata(&self.fds).ok()?.len() {
            0 => Some((std::fs::read_dir(&self.fds).ok()?.count() as u64).saturating_sub(1)),
            open => Some(open),
        }
    }

    fn max_fds(&mut self, reader: &mut Reader) -> Result<f64, CollectError> {
        let text = reader.text(&mut self.limits)?;
        soft_limit(text, "Max open files")
            .ok_or_else(|| CollectError::parse("<pid>/limits", "no limit of open files", text))
    }

    fn boot_time(&mut self, reader: &mut Reader) -> Result<Option<u64>, CollectError> {
        match &mut self.kernel_stat {
            Some(file) => Ok(KernelStat::parse(reader.text(file)?)?.boot_time),
            None => Ok(reader.kernel_stat()?.boot_time),
        }
    }
}

/// The fields of `/proc/<pid>/stat` that become metrics.
///
/// Not `procfs::Stat`: its parser panics on a line that is cut in the wrong place.
struct Stat {
    /// User and system time together.
    cpu_ticks: u64,
    threads: u64,
    /// Since boot.
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name may contain anything, parentheses and spaces too: count from behind it.
        let (_, rest) = text.rsplit_once(')')?;
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        // proc(5) numbers the fields from 1; the first behind the name is number 3.
        let field = |number: usize| words.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// The first number in the row `name` of `/proc/<pid>/limits`.
fn soft_limit(text: &str, name: &str) -> Option<f64> {
    let row = text.lines().find_map(|line| line.strip_prefix(name))?;
    match row.split_ascii_whitespace().next()? {
        // As client_golang prints it.
        "unlimited" => Some(u64::MAX as f64),
        most => most.parse().ok(),
    }
}

impl Collector for Process {
    fn name(&self) -> &'static str {
        "process"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of([
            &CPU, &RESIDENT, &VIRTUAL, &OPEN_FDS, &MAX_FDS, &START, &THREADS,
        ])
    }

    fn sets(&self) -> &'static [Set] {
        &[Set::Meterbox]
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let text = reader.text(&mut self.stat)?;
        let stat = Stat::parse(text)
            .ok_or_else(|| CollectError::parse("<pid>/stat", "not a process's state", text))?;
        let ticks_per_second = procfs::ticks_per_second() as f64;
        out.add(&CPU, &[], stat.cpu_ticks as f64 / ticks_per_second);
        out.add(
            &RESIDENT,
            &[],
            stat.resident_pages as f64 * procfs::page_size() as f64,
        );
        out.add(&VIRTUAL, &[], stat.virtual_bytes as f64);
        out.add(&THREADS, &[], stat.threads as f64);
        match self.boot_time(reader) {
            Ok(Some(boot)) => {
                out.add(
                    &START,
                    &[],
                    boot as f64 + stat.start_ticks as f64 / ticks_per_second,
                );
            }
            Ok(None) => {}
            Err(error) => out.problem(&error),
        }
        if let Some(open) = self.open_fds() {
            out.add(&OPEN_FDS, &[], open as f64);
        }
        match self.max_fds(reader) {
            Ok(most) => out.add(&MAX_FDS, &[], most),
            Err(error) => out.problem(&error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    const STAT: &str = "42 (me) ter) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 7 0 171117 \
        1122443264 3707 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn a_process_with_a_strange_name_has_its_figures() {
        let fixture = Fixture::new();
        fixture.proc("42/stat", STAT);
        fixture.proc("stat", "cpu  1 2 3 4\nbtime 1795231759\n");
        for number in ["0", "1", "2"] {
            fixture.proc(&format!("42/fd/{number}"), "");
        }
        let settings = Settings {
            pid: Some(42),
            ..fixture.settings()
        };
        let samples = fixture.collect(&mut Process::new(&settings));
        let ticks = procfs::ticks_per_second() as f64;
        assert_eq!(
            samples.value("process_cpu_seconds_total", &[]),
            Some(300.0 / ticks)
        );
        let resident = samples.value("process_resident_memory_bytes", &[]);
        assert_eq!(resident, Some(3707.0 * procfs::page_size() as f64));
        assert_eq!(
            samples.value("process_virtual_memory_bytes", &[]),
            Some(1122443264.0)
        );
        assert_eq!(samples.value("process_threads", &[]), Some(7.0));
        let start = samples.value("process_start_time_seconds", &[]);
        assert_eq!(start, Some(1795231759.0 + 171117.0 / ticks));
        // There is no `limits` in this machine: noted, and the rest stands.
        assert_eq!(samples.problems().len(), 1);
        assert_eq!(samples.count("process_max_fds"), 0);
    }

    #[test]
    fn a_cut_line_is_an_error_and_an_unlimited_limit_is_a_number() {
        for cut in 0..STAT.len() - 20 {
            let whole = Stat::parse(&STAT[..cut]).is_some();
            assert!(!whole || cut > STAT.find(" 3707").unwrap(), "{cut}");
        }
        let text = "Limit      Soft Limit  Hard Limit  Units\n\
            Max open files            unlimited            524288               files\n";
        assert_eq!(
            soft_limit(text, "Max open files"),
            Some(18446744073709551615.0)
        );
        assert_eq!(soft_limit(text, "Max processes"), None);
    }

    #[test]
    fn this_very_process_is_plausible() {
        let settings = Settings::default();
        let mut samples = Samples::default();
        Process::new(&settings)
            .collect(&mut Reader::new(&settings.machine), &mut samples)
            .unwrap();
        let value = |name| samples.value(name, &[]).unwrap();
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
        assert!(samples.problems().is_empty(), "{:?}", samples.problems());
    }
}

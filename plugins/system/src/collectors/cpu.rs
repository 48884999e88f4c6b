//! Processor time, from `/proc/stat`.
//!
//! `CPUUtilization` is computed as psutil does it, which TorchServe asks: the share of ticks since
//! the reading before that were neither idle nor waiting for I/O. The time per CPU is node_exporter's.
//! CPU frequency and thermal throttling are not read.

use super::{Collector, HOST_LABELS, HOST_LEVEL, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::kernel_stat::{CpuTicks, IDLE, KernelStat, MODES};
use crate::machine::Reader;
use crate::sample::{Family, Samples, Set};

static UTILIZATION: [Family; 1] = [Family::gauge(
    Set::TorchServe,
    "CPUUtilization",
    "Torchserve prometheus gauge metric with unit: Percent",
    HOST_LABELS,
)];
static NODE_SECONDS: Family = Family::counter(
    Set::Node,
    "node_cpu_seconds_total",
    "Seconds the CPUs spent in each mode.",
    &["cpu", "mode"],
);
static NODE_GUEST_SECONDS: Family = Family::counter(
    Set::Node,
    "node_cpu_guest_seconds_total",
    "Seconds the CPUs spent in guests (VMs) for each mode.",
    &["cpu", "mode"],
);
static SECONDS: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_cpu_seconds_total",
    "Time of all CPUs together since boot, by mode; user and nice contain guests.",
    &["mode"],
);
static RATIO: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_cpu_utilization_ratio",
    "Share of all CPU time since the scrape before that was neither idle nor waiting for I/O.",
    &[],
);
static CPUS: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_cpus",
    "CPUs that are online.",
    &[],
);

/// Two scrapes closer than this tell more about the clock than about the load: the share of the
/// longer interval before stays. psutil recommends the same bound.
const INTERVAL_SECONDS_MIN: f64 = 0.1;
/// node_exporter's rule: an idle time that falls by more than this is a CPU that came back online.
const IDLE_RESET_SECONDS: u64 = 3;

/// Reads `/proc/stat`; remembers the ticks of the scrape before.
pub(super) struct Cpu {
    hostname: String,
    ticks_per_second: u64,
    baseline: Option<CpuTicks>,
    utilization: f64,
    seen: Vec<(u32, CpuTicks)>,
}

impl Cpu {
    pub(super) fn new(settings: &Settings) -> Self {
        let ticks_per_second = procfs::ticks_per_second();
        // The first scrape then tells of the time since the start, instead of a made-up zero.
        let mut reader = Reader::new(&settings.machine);
        let baseline = reader.kernel_stat().ok().map(|stat| stat.total);
        let hostname = settings.hostname.clone();
        Self {
            hostname,
            ticks_per_second,
            baseline,
            utilization: 0.0,
            seen: Vec::new(),
        }
    }

    fn seconds(&self, ticks: u64) -> f64 {
        ticks as f64 / self.ticks_per_second as f64
    }

    fn update_utilization(&mut self, now: &KernelStat) {
        let Some(before) = self.baseline else {
            self.baseline = Some(now.total);
            return;
        };
        let cpus = now.cpus.len().max(1) as f64;
        let passed = self.seconds(now.total.sum().saturating_sub(before.sum())) / cpus;
        if passed >= INTERVAL_SECONDS_MIN || now.total.sum() < before.sum() {
            self.utilization = busy_ratio(&before, &now.total);
            self.baseline = Some(now.total);
        }
    }

    /// The ticks to publish for a CPU: no mode runs backwards (the kernel's iowait does), unless
    /// the CPU was taken offline in between and starts anew.
    fn steady(&mut self, id: u32, now: CpuTicks) -> CpuTicks {
        let Some((_, before)) = self.seen.iter_mut().find(|(seen, _)| *seen == id) else {
            self.seen.push((id, now));
            return now;
        };
        let reset = before.modes[IDLE].saturating_sub(now.modes[IDLE])
            > IDLE_RESET_SECONDS * self.ticks_per_second;
        if reset {
            *before = now;
        } else {
            let slots = before.modes.iter_mut().chain(&mut before.guest);
            for (slot, value) in slots.zip(now.modes.iter().chain(&now.guest)) {
                *slot = (*slot).max(*value);
            }
        }
        *before
    }
}

/// psutil's share: every mode counts only forward; guests are inside user and nice.
fn busy_ratio(before: &CpuTicks, now: &CpuTicks) -> f64 {
    let mut passed = CpuTicks::default();
    for (mode, slot) in passed.modes.iter_mut().enumerate() {
        *slot = now.modes[mode].saturating_sub(before.modes[mode]);
    }
    match passed.sum() {
        0 => 0.0,
        all => (all - passed.idle()) as f64 / all as f64,
    }
}

/// A share as psutil prints it: percent, one digit after the point.
pub(super) fn percent(ratio: f64) -> f64 {
    format!("{:.1}", ratio * 100.0)
        .parse()
        .expect("a number that was just printed parses")
}

impl Collector for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of(UTILIZATION.iter().chain([
            &NODE_SECONDS,
            &NODE_GUEST_SECONDS,
            &SECONDS,
            &RATIO,
            &CPUS,
        ]))
    }

    fn sets(&self) -> &'static [Set] {
        &[Set::Meterbox, Set::TorchServe, Set::Node]
    }

    fn declared(&self) -> &'static [Family] {
        &UTILIZATION
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let stat = reader.kernel_stat()?;
        self.update_utilization(stat);
        out.add(
            &UTILIZATION[0],
            &[HOST_LEVEL, &self.hostname],
            percent(self.utilization),
        );
        out.add(&RATIO, &[], self.utilization);
        out.add(&CPUS, &[], stat.cpus.len() as f64);

        let total = self.steady(TOTAL, stat.total);
        for (mode, ticks) in MODES.iter().zip(total.modes) {
            out.add(&SECONDS, &[mode], self.seconds(ticks));
        }
        for (id, ticks) in &stat.cpus {
            let ticks = self.steady(*id, *ticks);
            let cpu = id.to_string();
            for (mode, ticks) in MODES.iter().zip(ticks.modes) {
                out.add(&NODE_SECONDS, &[&cpu, mode], self.seconds(ticks));
            }
            for (mode, ticks) in ["user", "nice"].iter().zip(ticks.guest) {
                out.add(&NODE_GUEST_SECONDS, &[&cpu, mode], self.seconds(ticks));
            }
        }
        Ok(())
    }
}

/// The place of the sum of all CPUs among the remembered ones; no CPU has this number.
const TOTAL: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn cpu_of(fixture: &Fixture) -> Cpu {
        let mut cpu = Cpu::new(&fixture.settings());
        cpu.ticks_per_second = 100;
        cpu
    }

    #[test]
    fn utilization_is_the_busy_share_since_the_scrape_before() {
        let fixture = Fixture::new();
        fixture.proc(
            "stat",
            "cpu  100 0 0 100 0 0 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0 0 0\n",
        );
        let mut cpu = cpu_of(&fixture);
        fixture.proc(
            "stat",
            "cpu  125 0 0 150 25 0 0 0 20 0\ncpu0 125 0 0 150 25 0 0 0 20 0\n",
        );
        let samples = fixture.collect(&mut cpu);
        assert_eq!(samples.value("CPUUtilization", &["Host", "vm"]), Some(25.0));
        assert_eq!(
            samples.value("meterbox_system_cpu_utilization_ratio", &[]),
            Some(0.25)
        );
    }

    #[test]
    fn scrapes_closer_than_a_tenth_of_a_second_keep_the_share() {
        let fixture = Fixture::new();
        fixture.proc("stat", "cpu  0 0 0 0\ncpu0 0 0 0 0\ncpu1 0 0 0 0\n");
        let mut cpu = cpu_of(&fixture);
        fixture.proc("stat", "cpu  50 0 0 50\ncpu0 25 0 0 25\ncpu1 25 0 0 25\n");
        assert_eq!(
            fixture
                .collect(&mut cpu)
                .value("CPUUtilization", &["Host", "vm"]),
            Some(50.0)
        );
        // 19 ticks of two CPUs: 95 ms.
        fixture.proc("stat", "cpu  69 0 0 50\ncpu0 44 0 0 25\ncpu1 25 0 0 25\n");
        assert_eq!(
            fixture
                .collect(&mut cpu)
                .value("CPUUtilization", &["Host", "vm"]),
            Some(50.0)
        );
        // Together with the next tick the interval is long enough, and none of it is lost.
        fixture.proc("stat", "cpu  70 0 0 50\ncpu0 45 0 0 25\ncpu1 25 0 0 25\n");
        assert_eq!(
            fixture
                .collect(&mut cpu)
                .value("CPUUtilization", &["Host", "vm"]),
            Some(100.0)
        );
    }

    #[test]
    fn seconds_are_per_cpu_and_mode_under_node_exporters_names() {
        let fixture = Fixture::new();
        fixture.proc("stat", "cpu  7 0 0 0\ncpu4 300 1 2 92342 9 3 17 119 5 6\n");
        let samples = fixture.collect(&mut cpu_of(&fixture));
        assert_eq!(
            samples.value("node_cpu_seconds_total", &["4", "idle"]),
            Some(923.42)
        );
        assert_eq!(
            samples.value("node_cpu_seconds_total", &["4", "steal"]),
            Some(1.19)
        );
        assert_eq!(
            samples.value("node_cpu_guest_seconds_total", &["4", "nice"]),
            Some(0.06)
        );
        assert_eq!(
            samples.value("meterbox_system_cpu_seconds_total", &["user"]),
            Some(0.07)
        );
        assert_eq!(samples.value("meterbox_system_cpus", &[]), Some(1.0));
    }

    #[test]
    fn a_mode_never_runs_backwards_unless_the_cpu_was_offline() {
        let fixture = Fixture::new();
        fixture.proc("stat", "cpu  0 0 0 5000 100\ncpu0 0 0 0 5000 100\n");
        let mut cpu = cpu_of(&fixture);
        fixture.collect(&mut cpu);
        fixture.proc("stat", "cpu  0 0 0 4990 90\ncpu0 0 0 0 4990 90\n");
        let samples = fixture.collect(&mut cpu);
        assert_eq!(
            samples.value("node_cpu_seconds_total", &["0", "iowait"]),
            Some(1.0)
        );
        assert_eq!(
            samples.value("node_cpu_seconds_total", &["0", "idle"]),
            Some(50.0)
        );
        fixture.proc("stat", "cpu  0 0 0 10 2\ncpu0 0 0 0 10 2\n");
        let samples = fixture.collect(&mut cpu);
        assert_eq!(
            samples.value("node_cpu_seconds_total", &["0", "iowait"]),
            Some(0.02)
        );
    }

    #[test]
    fn percents_have_one_digit_as_psutil_rounds_them() {
        assert_eq!(percent(0.14916), 14.9);
        assert_eq!(percent(1.0), 100.0);
        assert_eq!(percent(0.0625), 6.2);
    }
}

//! `/proc/stat` as numbers: CPU ticks, interrupts, forks, boot time.
//!
//! Three collectors read this file. Fields that an older or stripped-down kernel leaves out are
//! `None` or 0; what newer kernels add is passed over. `procfs::KernelStats` is not used because
//! it refuses the whole file when one line is missing, and drops the numbers of the CPUs.

use crate::error::CollectError;

/// What a CPU spent its time on, in ticks since boot.
///
/// **Source:** proc(5), `/proc/stat`. `user` and `nice` contain the guests' ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTicks {
    /// `user nice system idle iowait irq softirq steal`, in the order of [`MODES`].
    pub(crate) modes: [u64; MODES.len()],
    /// Ticks lent to guests, and to guests with a nice value.
    pub(crate) guest: [u64; 2],
}

/// The modes of [`CpuTicks::modes`], as node_exporter names them.
pub(crate) const MODES: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];
/// Index of `idle` in [`MODES`].
pub(crate) const IDLE: usize = 3;
/// Index of `iowait` in [`MODES`].
pub(crate) const IOWAIT: usize = 4;

/// The parts of `/proc/stat` that become metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KernelStat {
    /// All CPUs together.
    pub(crate) total: CpuTicks,
    /// Each CPU that is online, with its number; numbers may have gaps.
    pub(crate) cpus: Vec<(u32, CpuTicks)>,
    /// Interrupts since boot.
    pub(crate) interrupts: Option<u64>,
    /// Context switches since boot.
    pub(crate) context_switches: Option<u64>,
    /// Unix time of boot, in seconds.
    pub(crate) boot_time: Option<u64>,
    /// Forks since boot.
    pub(crate) forks: Option<u64>,
    /// Processes ready to run.
    pub(crate) running: Option<u64>,
    /// Processes that wait for I/O.
    pub(crate) blocked: Option<u64>,
}

impl KernelStat {
    /// Reads the text of `/proc/stat`.
    ///
    /// # Errors
    /// When there is no `cpu` line or one of its numbers is none; missing other lines are no error.
    pub(crate) fn parse(text: &str) -> Result<Self, CollectError> {
        let mut stat = Self::default();
        let mut has_total = false;
        for line in text.lines() {
            let Some((key, rest)) = line.split_once(' ') else {
                continue;
            };
            match key {
                "cpu" => {
                    stat.total = ticks(rest, line)?;
                    has_total = true;
                }
                "intr" => stat.interrupts = first_number(rest),
                "ctxt" => stat.context_switches = first_number(rest),
                "btime" => stat.boot_time = first_number(rest),
                "processes" => stat.forks = first_number(rest),
                "procs_running" => stat.running = first_number(rest),
                "procs_blocked" => stat.blocked = first_number(rest),
                _ => {
                    if let Some(Ok(id)) = key.strip_prefix("cpu").map(str::parse) {
                        stat.cpus.push((id, ticks(rest, line)?));
                    }
                }
            }
        }
        if has_total {
            Ok(stat)
        } else {
            Err(CollectError::parse("stat", "no `cpu` line", text))
        }
    }
}

fn first_number(rest: &str) -> Option<u64> {
    rest.split_ascii_whitespace().next()?.parse().ok()
}

fn ticks(rest: &str, line: &str) -> Result<CpuTicks, CollectError> {
    let mut ticks = CpuTicks::default();
    let slots = ticks.modes.iter_mut().chain(&mut ticks.guest);
    for (slot, word) in slots.zip(rest.split_ascii_whitespace()) {
        *slot = word
            .parse()
            .map_err(|_| CollectError::parse("stat", "not a tick count", line))?;
    }
    Ok(ticks)
}

impl CpuTicks {
    /// All ticks; guests are already in `user` and `nice`.
    pub(crate) fn sum(&self) -> u64 {
        self.modes.iter().sum()
    }

    /// Ticks in which the CPU had nothing to do.
    pub(crate) fn idle(&self) -> u64 {
        self.modes[IDLE] + self.modes[IOWAIT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "cpu  3167 1 1625 183105 437 2 52 234 11 12\n\
        cpu0 1085 0 671 92342 9 0 17 119 0 0\n\
        cpu3 2082 0 953 90762 428 0 34 114 0 0\n\
        intr 159415 0 0 1\nctxt 293641\nbtime 1795231759\nprocesses 5776\n\
        procs_running 3\nprocs_blocked 0\nsoftirq 114679 0 15337\n";

    #[test]
    fn every_field_is_read_and_cpus_keep_their_numbers() {
        let stat = KernelStat::parse(FULL).unwrap();
        assert_eq!(stat.total.modes, [3167, 1, 1625, 183105, 437, 2, 52, 234]);
        assert_eq!(stat.total.guest, [11, 12]);
        assert_eq!(
            stat.cpus.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [0, 3]
        );
        assert_eq!(
            (stat.interrupts, stat.context_switches),
            (Some(159415), Some(293641))
        );
        assert_eq!((stat.boot_time, stat.forks), (Some(1795231759), Some(5776)));
        assert_eq!((stat.running, stat.blocked), (Some(3), Some(0)));
    }

    #[test]
    fn an_old_kernel_without_steal_and_guest_reads_as_zero() {
        let stat = KernelStat::parse("cpu  10 20 30 40 50 60 70\ncpu0 1 2 3 4\n").unwrap();
        assert_eq!(stat.total.modes, [10, 20, 30, 40, 50, 60, 70, 0]);
        assert_eq!(stat.total.guest, [0, 0]);
        assert_eq!(stat.running, None);
        assert_eq!((stat.total.sum(), stat.total.idle()), (280, 90));
    }

    #[test]
    fn a_text_without_cpu_line_is_an_error_that_quotes_it() {
        let error = KernelStat::parse("nonsense here\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "stat: no `cpu` line: \"nonsense here\\n\""
        );
        let error = KernelStat::parse("cpu  1 -2 3\n").unwrap_err();
        assert_eq!(error.to_string(), "stat: not a tick count: \"cpu  1 -2 3\"");
    }
}

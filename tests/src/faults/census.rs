//! What a process has, as `/proc` counts it: descriptors, threads, descendants.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Threads that come and go by themselves: how many more than before may be there.
const COMING_AND_GOING: &[(&str, usize)] = &[
    // The runtime's threads for blocking work, which it keeps for ten seconds.
    ("http", 24),
    // Pools of plugins are filled when there is work.
    ("plg-", 4),
    // Started with the first timer of any plugin.
    ("plugin-timers", 1),
];

/// A count.
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    fds: usize,
    threads: BTreeMap<String, usize>,
    kin: BTreeSet<u32>,
    zombies: usize,
}

impl Census {
    /// Counts what process `pid` has.
    pub(super) fn take(pid: u32) -> Self {
        let own = Path::new("/proc").join(pid.to_string());
        let mut census = Self {
            fds: entries(&own.join("fd")).len(),
            ..Self::default()
        };
        for task in entries(&own.join("task")) {
            let name = std::fs::read_to_string(own.join("task").join(&task).join("comm"));
            // Ended meanwhile.
            let Ok(name) = name else { continue };
            *census
                .threads
                .entry(name.trim_end().to_owned())
                .or_default() += 1;
        }
        let mut parents = BTreeMap::new();
        for (process, parent, zombie) in processes() {
            parents.insert(process, (parent, zombie));
        }
        for &process in parents.keys() {
            let mut above = process;
            while let Some((parent, _)) = parents.get(&above) {
                if *parent == pid {
                    census.kin.insert(process);
                    census.zombies += usize::from(parents[&process].1);
                    break;
                }
                above = *parent;
            }
        }
        census
    }

    /// The descendants, of any depth.
    pub(super) fn kin(&self) -> &BTreeSet<u32> {
        &self.kin
    }

    /// What is there that was not `before`, or nothing.
    pub(super) fn left_over(&self, before: &Self) -> Result<(), String> {
        let mut left = Vec::new();
        if self.fds > before.fds {
            left.push(format!("{} descriptors, {} before", self.fds, before.fds));
        }
        if self.kin.len() > before.kin.len() {
            left.push(format!("processes {:?}, {:?} before", self.kin, before.kin));
        }
        if self.zombies > 0 {
            left.push(format!("{} zombies", self.zombies));
        }
        for (name, count) in &self.threads {
            let known = before.threads.get(name).copied().unwrap_or_default();
            let more = COMING_AND_GOING
                .iter()
                .find(|(start, _)| name.starts_with(start));
            if *count > known + more.map_or(0, |(_, more)| *more) {
                left.push(format!("{count} threads {name}, {known} before"));
            }
        }
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join("; "))
        }
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.filter_map(Result::ok);
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Every process: its id, its parent's, whether it is a zombie.
fn processes() -> Vec<(u32, u32, bool)> {
    let numbers = entries(Path::new("/proc"));
    numbers
        .iter()
        .filter_map(|number| {
            let process = number.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
            // The name in parentheses may hold anything.
            let (_, rest) = stat.rsplit_once(')')?;
            let mut fields = rest.split_whitespace();
            let state = fields.next()?;
            Some((process, fields.next()?.parse().ok()?, state == "Z"))
        })
        .collect()
}

/// Whether a process is there and is no zombie.
pub(super) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

/// Bytes of memory that process `pid` has in use.
pub(super) fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

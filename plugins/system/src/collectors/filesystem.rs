//! Space of file systems, from the mount table and `statvfs`.
//!
//! TorchServe's three figures are of `/`, as psutil computes them; the others are of every mount
//! that is not ignored, under node_exporter's names. Quotas and inodes of single users are not read.

use super::{Collector, HOST_LABELS, HOST_LEVEL, cpu::percent, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::{KernelFile, Machine, Reader};
use crate::mount_probe::{MountProbe, Room};
use crate::mounts::{Mount, Mounts};
use crate::pattern::covers;
use crate::sample::{Family, Samples, Set};

const GIBIBYTE: f64 = 1_073_741_824.0;

const fn host(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::TorchServe, name, help, HOST_LABELS)
}
const GIGABYTES: &str = "Torchserve prometheus gauge metric with unit: Gigabytes";
static INHERITED: [Family; 3] = [
    host("DiskUsage", GIGABYTES),
    host("DiskAvailable", GIGABYTES),
    host(
        "DiskUtilization",
        "Torchserve prometheus gauge metric with unit: Percent",
    ),
];

const LABELS: &[&str] = &["device", "fstype", "mountpoint"];
const fn node(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::Node, name, help, LABELS)
}
const fn own(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::Meterbox, name, help, LABELS)
}
static NODE_ERROR: Family = node(
    "node_filesystem_device_error",
    "Whether an error occurred while getting statistics for the given device.",
);
static NODE_READONLY: Family = node("node_filesystem_readonly", "Filesystem read-only status.");

/// A figure of one file system: its family and which part of its room it is.
struct Figure {
    family: Family,
    value: fn(&Room) -> u64,
}
static FIGURES: [Figure; 8] = [
    Figure {
        family: node("node_filesystem_size_bytes", "Filesystem size in bytes."),
        value: |room| room.size,
    },
    Figure {
        family: node(
            "node_filesystem_free_bytes",
            "Filesystem free space in bytes.",
        ),
        value: |room| room.free,
    },
    Figure {
        family: node(
            "node_filesystem_avail_bytes",
            "Filesystem space available to non-root users in bytes.",
        ),
        value: |room| room.available,
    },
    Figure {
        family: node("node_filesystem_files", "Filesystem total file nodes."),
        value: |room| room.files,
    },
    Figure {
        family: node(
            "node_filesystem_files_free",
            "Filesystem total free file nodes.",
        ),
        value: |room| room.files_free,
    },
    Figure {
        family: own(
            "meterbox_system_filesystem_size_bytes",
            "Size of the file system.",
        ),
        value: |room| room.size,
    },
    Figure {
        family: own(
            "meterbox_system_filesystem_used_bytes",
            "Space in use on the file system.",
        ),
        value: Room::used,
    },
    Figure {
        family: own(
            "meterbox_system_filesystem_available_bytes",
            "Space of the file system that programs without root rights can get.",
        ),
        value: |room| room.available,
    },
];

/// Reads the mount table and asks each file system.
pub(super) struct Filesystem {
    machine: Machine,
    hostname: String,
    ignored_mounts: Vec<String>,
    ignored_fs_types: Vec<String>,
    /// The first process sees the machine's mounts even if this one is confined; it may not be
    /// readable, then our own view has to do.
    tables: [KernelFile; 2],
    mounts: Mounts,
    probe: MountProbe,
}

impl Filesystem {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            machine: settings.machine.clone(),
            hostname: settings.hostname.clone(),
            tables: ["1/mounts", "mounts"].map(|name| settings.machine.proc(name)),
            mounts: Mounts::default(),
            ignored_mounts: settings.ignored_mounts.clone(),
            ignored_fs_types: settings.ignored_fs_types.clone(),
            probe: MountProbe::new(settings.mount_timeout),
        }
    }

    /// TorchServe's figures of `/`: used is all that is not free, the share leaves root's reserve out.
    fn inherited(&mut self, out: &mut Samples) {
        let [usage, available, utilization] = &INHERITED;
        let root = self.machine.fs_root.clone();
        let answers = self.mounts.answers("/");
        let room = match self.probe.room("/", root, answers) {
            Ok(room) => room,
            Err(error) => return out.problem(&error),
        };
        let labels: &[&str] = &[HOST_LEVEL, &self.hostname];
        let (used, free) = (room.used() as f64, room.available as f64);
        out.add(usage, labels, used / GIBIBYTE);
        out.add(available, labels, free / GIBIBYTE);
        let share = if used + free > 0.0 {
            used / (used + free)
        } else {
            0.0
        };
        out.add(utilization, labels, percent(share));
    }
}

impl Collector for Filesystem {
    fn name(&self) -> &'static str {
        "filesystem"
    }

    fn names(&self) -> Vec<&'static str> {
        let figures = FIGURES.iter().map(|figure| &figure.family);
        names_of(
            INHERITED
                .iter()
                .chain([&NODE_ERROR, &NODE_READONLY])
                .chain(figures),
        )
    }

    fn sets(&self) -> &'static [Set] {
        &[Set::Meterbox, Set::TorchServe, Set::Node]
    }

    fn declared(&self) -> &'static [Family] {
        &INHERITED
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        self.probe.begin();
        let [first, own] = &mut self.tables;
        let mut read = |table| reader.text(table).map(|text| self.mounts.update(text, out));
        let table = read(first).or_else(|_| read(own));
        if table.is_err() {
            self.mounts = Mounts::default();
        }
        self.inherited(out);
        table?;
        let (rules, types) = (&self.ignored_mounts, &self.ignored_fs_types);
        let ignores = |mount: &&Mount| {
            rules.iter().any(|rule| covers(rule, &mount.point)) || types.contains(&mount.fs_type)
        };
        for mount in self.mounts.list().iter().filter(|mount| !ignores(mount)) {
            let labels: &[&str] = &[&mount.device, &mount.fs_type, &mount.point];
            let path = self.machine.mount(&mount.point);
            let answer = self.probe.room(&mount.point, path, mount.answers);
            out.add(&NODE_ERROR, labels, f64::from(answer.is_err()));
            match answer {
                Ok(room) => {
                    for figure in &FIGURES {
                        out.add(&figure.family, labels, (figure.value)(&room) as f64);
                    }
                    out.add(&NODE_READONLY, labels, f64::from(mount.read_only));
                }
                Err(error) => out.problem(&error),
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
    fn default_rules_leave_real_disks_and_skip_the_kernels_own() {
        let fixture = Fixture::new();
        fixture.proc(
            "mounts",
            "proc /proc proc rw 0 0\n/dev/vda / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n\
             overlay /x overlay rw 0 0\n/dev/sdb /mnt/usb vfat rw 0 0\n",
        );
        let samples = fixture.collect(&mut Filesystem::new(&fixture.settings()));
        assert_eq!(samples.count("node_filesystem_size_bytes"), 1);
        let labels = ["/dev/vda", "ext4", "/"];
        assert_eq!(
            samples.value("node_filesystem_device_error", &labels),
            Some(0.0)
        );
        assert_eq!(
            samples.value("node_filesystem_readonly", &labels),
            Some(0.0)
        );
        let real = rustix::fs::statvfs(fixture.machine().fs_root.as_path()).unwrap();
        let size = real.f_blocks as f64 * real.f_frsize as f64;
        assert_eq!(
            samples.value("node_filesystem_size_bytes", &labels),
            Some(size)
        );
        assert_eq!(
            samples.value("meterbox_system_filesystem_size_bytes", &labels),
            Some(size)
        );
    }

    #[test]
    fn the_first_processs_mounts_come_first_and_a_missing_mount_is_an_error_of_its_own() {
        let fixture = Fixture::new();
        fixture.proc(
            "1/mounts",
            "/dev/sda1 /gone xfs rw 0 0\n/dev/vda / ext4 ro 0 0\n",
        );
        fixture.proc("mounts", "/dev/other / ext4 rw 0 0\n");
        let samples = fixture.collect(&mut Filesystem::new(&fixture.settings()));
        let gone = ["/dev/sda1", "xfs", "/gone"];
        assert_eq!(
            samples.value("node_filesystem_device_error", &gone),
            Some(1.0)
        );
        assert_eq!(samples.value("node_filesystem_size_bytes", &gone), None);
        let root = ["/dev/vda", "ext4", "/"];
        assert_eq!(samples.value("node_filesystem_readonly", &root), Some(1.0));
        assert_eq!(samples.problems().len(), 1);
    }

    #[test]
    fn torchserves_figures_of_the_root_are_psutils() {
        let fixture = Fixture::new();
        fixture.proc("mounts", "");
        let samples = fixture.collect(&mut Filesystem::new(&fixture.settings()));
        let used = samples.value("DiskUsage", &["Host", "vm"]).unwrap();
        let free = samples.value("DiskAvailable", &["Host", "vm"]).unwrap();
        let share = samples.value("DiskUtilization", &["Host", "vm"]).unwrap();
        assert!(
            (share - used / (used + free) * 100.0).abs() < 0.06,
            "{used} {free} {share}"
        );
        assert!(free > 0.0);
    }
}

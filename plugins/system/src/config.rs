//! What the operator can set, and where the machine is: plain data for the collectors.
//!
//! The table of `system.toml` is read in `settings`; collectors copy what they need when they are
//! made. Nothing here is read from the environment.

use std::time::Duration;

use crate::machine::Machine;
use crate::pattern::Patterns;

/// Every setting, with the defaults of `sample.toml`.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The machine to look at.
    pub(crate) machine: Machine,
    /// The value of TorchServe's label `Hostname`.
    pub(crate) hostname: String,
    /// The value of the label `uuid`: one per run of the server.
    pub(crate) uuid: String,
    /// The process that `process_*` is about; `None`: this one.
    pub(crate) pid: Option<u32>,
    /// Collectors that run; empty: all.
    pub(crate) collectors: Vec<String>,
    /// Mount points that are not asked; see [`crate::pattern::covers`].
    pub(crate) ignored_mounts: Vec<String>,
    /// Types of file systems that are not asked.
    pub(crate) ignored_fs_types: Vec<String>,
    /// How long one file system may take to answer.
    pub(crate) mount_timeout: Duration,
    /// Block devices without traffic figures.
    pub(crate) ignored_disks: Patterns,
    /// Interfaces without traffic figures.
    pub(crate) ignored_interfaces: Patterns,
    /// Interfaces without properties.
    pub(crate) ignored_links: Patterns,
    /// NVIDIA's library; `None`: `libnvidia-ml.so.1` where the system finds it.
    pub(crate) nvml_path: Option<String>,
}

/// The mount points that node_exporter 1.5 leaves out.
pub(crate) const IGNORED_MOUNTS: &[&str] = &[
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/mnt",
    "/media",
    "/var/lib/docker/*",
    "/var/lib/containers/storage/*",
];
/// The types of file systems that node_exporter 1.5 leaves out.
pub(crate) const IGNORED_FS_TYPES: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "procfs",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
];
/// Partitions and memory disks, as node_exporter 1.5 leaves them out.
pub(crate) const IGNORED_DISKS: &[&str] = &[
    "ram#",
    "loop#",
    "fd#",
    "hd?#",
    "sd?#",
    "vd?#",
    "xvd?#",
    "nvme#n#p#",
];
/// Debian's node_exporter leaves loopback out.
pub(crate) const IGNORED_INTERFACES: &[&str] = &["lo"];
/// How long one file system may take to answer, in milliseconds.
pub(crate) const MOUNT_TIMEOUT_MS: u64 = 1000;

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| String::from(*word)).collect()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            machine: Machine::default(),
            hostname: String::new(),
            uuid: String::new(),
            pid: None,
            collectors: Vec::new(),
            ignored_mounts: owned(IGNORED_MOUNTS),
            ignored_fs_types: owned(IGNORED_FS_TYPES),
            mount_timeout: Duration::from_millis(MOUNT_TIMEOUT_MS),
            ignored_disks: Patterns::new(IGNORED_DISKS.iter().copied()),
            ignored_interfaces: Patterns::new(IGNORED_INTERFACES.iter().copied()),
            ignored_links: Patterns::default(),
            nvml_path: None,
        }
    }
}

impl Settings {
    /// Whether the collector of this name runs.
    pub(crate) fn wants(&self, collector: &str) -> bool {
        self.collectors.is_empty() || self.collectors.iter().any(|name| name == collector)
    }
}

//! One file per collector: what it reads, what it makes of it, under which names.
//!
//! A collector belongs to one thing of the machine and emits it in every set that has a name for
//! it. It keeps state only where a figure needs the reading before (CPU load). It does not cache:
//! each scrape reads anew, from files that stay open. [`all`] is the one list; to add a collector, add a file and a line.

use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::Reader;
use crate::sample::{Family, Samples, Set};

mod cpu;
mod disk_io;
mod filesystem;
mod gpu;
mod interface;
mod kernel;
mod load;
mod memory;
mod netstat;
mod network;
mod pressure;
mod process;
mod sockets;
mod system;
mod vmstat;

/// Reads one thing of the machine at each scrape.
pub(crate) trait Collector: Send {
    /// Its name in the configuration and in the label `collector`.
    fn name(&self) -> &'static str;

    /// The sets that it has names in; it does not run while none of them is chosen.
    fn sets(&self) -> &'static [Set] {
        &[Set::Meterbox, Set::Node]
    }

    /// The names of all its families; one that ends in `*` stands for all that begin so.
    fn names(&self) -> Vec<&'static str>;

    /// Families to name in any case: the inherited ones, which print HELP and TYPE even
    /// while they have no sample.
    fn declared(&self) -> &'static [Family] {
        &[]
    }

    /// Reads now, and adds what it found.
    ///
    /// # Errors
    /// When there is nothing at all to say; parts that failed are noted in `out` instead.
    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError>;
}

/// The names of all collectors, in the order they run.
pub(crate) const NAMES: [&str; 15] = [
    "cpu",
    "memory",
    "filesystem",
    "disk_io",
    "network",
    "interface",
    "load",
    "kernel",
    "vmstat",
    "pressure",
    "sockets",
    "netstat",
    "system",
    "process",
    "gpu",
];

/// The collectors of these settings, in the order they run.
pub(crate) fn all(settings: &Settings) -> Vec<Box<dyn Collector>> {
    let all: [Box<dyn Collector>; NAMES.len()] = [
        Box::new(cpu::Cpu::new(settings)),
        Box::new(memory::Memory::new(settings)),
        Box::new(filesystem::Filesystem::new(settings)),
        Box::new(disk_io::DiskIo::new(settings)),
        Box::new(network::Network::new(settings)),
        Box::new(interface::Interface::new(settings)),
        Box::new(load::Load::new(settings)),
        Box::new(kernel::Kernel),
        Box::new(vmstat::VmStat::new(settings)),
        Box::new(pressure::Pressure::new(settings)),
        Box::new(sockets::Sockets::new(settings)),
        Box::new(netstat::NetStat::new(settings)),
        Box::new(system::System::new(settings)),
        Box::new(process::Process::new(settings)),
        Box::new(gpu::Gpu::new(settings)),
    ];
    all.into_iter()
        .filter(|collector| settings.wants(collector.name()))
        .collect()
}

fn names_of(families: impl IntoIterator<Item = &'static Family>) -> Vec<&'static str> {
    families.into_iter().map(|family| &*family.name).collect()
}

/// The labels of TorchServe's host metrics.
const HOST_LABELS: &[&str] = &["Level", "Hostname"];
/// The value of `Level` on them.
const HOST_LEVEL: &str = "Host";

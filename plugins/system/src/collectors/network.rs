//! Traffic of network interfaces, from `/proc/net/dev`, and what no protocol wanted, from sysfs.
//!
//! The kernel folds its detailed error counters into these columns; node_exporter, which reads
//! them over netlink, folds them the same way. What an interface *is* has the collector
//! `interface`.

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::in_order::InOrder;
use crate::machine::{Attributes, KernelFile, Machine, Reader};
use crate::pattern::Patterns;
use crate::sample::{Family, Samples, Set};

const DEVICE: &[&str] = &["device"];

macro_rules! node {
    ($statistic:literal) => {
        Family::counter(
            Set::Node,
            concat!("node_network_", $statistic, "_total"),
            concat!("Network device statistic ", $statistic, "."),
            DEVICE,
        )
    };
}

/// The sixteen columns of `/proc/net/dev`.
static COLUMNS: [Family; 16] = [
    node!("receive_bytes"),
    node!("receive_packets"),
    node!("receive_errs"),
    node!("receive_drop"),
    node!("receive_fifo"),
    node!("receive_frame"),
    node!("receive_compressed"),
    node!("receive_multicast"),
    node!("transmit_bytes"),
    node!("transmit_packets"),
    node!("transmit_errs"),
    node!("transmit_drop"),
    node!("transmit_fifo"),
    node!("transmit_colls"),
    node!("transmit_carrier"),
    node!("transmit_compressed"),
];
static NOHANDLER: Family = node!("receive_nohandler");

const fn own(name: &'static str, help: &'static str) -> Family {
    Family::counter(Set::Meterbox, name, help, DEVICE)
}
/// The columns that our own set has, with their place in [`COLUMNS`].
static OWN: [(usize, Family); 8] = [
    (
        0,
        own(
            "meterbox_system_network_receive_bytes_total",
            "Bytes received.",
        ),
    ),
    (
        1,
        own(
            "meterbox_system_network_receive_packets_total",
            "Packets received.",
        ),
    ),
    (
        2,
        own(
            "meterbox_system_network_receive_errors_total",
            "Packets received with an error.",
        ),
    ),
    (
        3,
        own(
            "meterbox_system_network_receive_drops_total",
            "Packets received and dropped.",
        ),
    ),
    (
        8,
        own(
            "meterbox_system_network_transmit_bytes_total",
            "Bytes sent.",
        ),
    ),
    (
        9,
        own(
            "meterbox_system_network_transmit_packets_total",
            "Packets sent.",
        ),
    ),
    (
        10,
        own(
            "meterbox_system_network_transmit_errors_total",
            "Packets that could not be sent.",
        ),
    ),
    (
        11,
        own(
            "meterbox_system_network_transmit_drops_total",
            "Packets dropped before sending.",
        ),
    ),
];

/// Interfaces whose file stays open; those of further ones are opened at each scrape.
const DEVICES_OPEN_MAX: usize = 32;

/// Reads `/proc/net/dev`.
pub(super) struct Network {
    machine: Machine,
    file: KernelFile,
    ignored: Patterns,
    /// The interfaces of the scrape before.
    devices: InOrder<Device>,
}

/// What is kept of an interface.
struct Device {
    name: String,
    /// The attribute that procfs has not.
    nohandler: Attributes<1>,
    /// Whether it was there in this scrape.
    seen: bool,
}

impl Device {
    fn new(machine: &Machine, name: &str) -> Self {
        let folder = format!("class/net/{name}");
        Self {
            name: name.into(),
            nohandler: Attributes::new(machine, &folder, ["statistics/rx_nohandler"]),
            seen: false,
        }
    }
}

impl Network {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            machine: settings.machine.clone(),
            file: settings.machine.proc("net/dev"),
            ignored: settings.ignored_interfaces.clone(),
            devices: InOrder::default(),
        }
    }
}

/// Name and columns of one line. Old kernels leave no space between the colon and the first
/// number; the name of an alias has a colon itself.
fn parse(line: &str) -> Option<(&str, [u64; 16])> {
    let (name, rest) = line.rsplit_once(':')?;
    let mut columns = [0; 16];
    let mut words = rest.split_ascii_whitespace();
    for column in &mut columns {
        *column = words.next()?.parse().ok()?;
    }
    Some((name.trim_start(), columns))
}

impl Collector for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn names(&self) -> Vec<&'static str> {
        let own = OWN.iter().map(|(_, family)| family);
        names_of(COLUMNS.iter().chain([&NOHANDLER]).chain(own))
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        const HEAD_LINES: usize = 2;
        for line in reader.text(&mut self.file)?.lines().skip(HEAD_LINES) {
            let Some((device, columns)) = parse(line) else {
                out.problem(&CollectError::parse(
                    "net/dev",
                    "not `name: 16 numbers`",
                    line,
                ));
                continue;
            };
            if self.ignored.matches(device) {
                continue;
            }
            for (family, value) in COLUMNS.iter().zip(columns) {
                out.add(family, &[device], value as f64);
            }
            for (column, family) in &OWN {
                out.add(family, &[device], columns[*column] as f64);
            }
            let known = || Device::new(&self.machine, device);
            self.devices.get_or(device, known).seen = true;
        }
        let mut gone = false;
        for (index, device) in self.devices.values_mut().enumerate() {
            gone |= !device.seen;
            let [file] = device.nohandler.files();
            let value = reader.attribute(file).map(str::parse::<u64>);
            if let Some(Ok(value)) = value.filter(|_| device.seen) {
                out.add(&NOHANDLER, &[&device.name], value as f64);
            }
            if index >= DEVICES_OPEN_MAX {
                device.nohandler.close();
            }
            device.seen = false;
        }
        if gone {
            self.devices = InOrder::default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    const HEAD: &str = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs|bytes\n";

    #[test]
    fn interfaces_have_their_columns_and_loopback_is_left_out() {
        let fixture = Fixture::new();
        let lines = "    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n\
            eth0:62999573    1996 1 2 3 4 5 6 150705 1372 7 8 9 10 11 12\n";
        fixture.proc("net/dev", &format!("{HEAD}{lines}"));
        fixture.sys("class/net/eth0/statistics/rx_nohandler", "13\n");
        let samples = fixture.collect(&mut Network::new(&fixture.settings()));
        assert_eq!(samples.count("node_network_receive_bytes_total"), 1);
        let value = |name| samples.value(name, &["eth0"]);
        assert_eq!(value("node_network_receive_bytes_total"), Some(62999573.0));
        assert_eq!(value("node_network_receive_multicast_total"), Some(6.0));
        assert_eq!(value("node_network_transmit_colls_total"), Some(10.0));
        assert_eq!(value("node_network_receive_nohandler_total"), Some(13.0));
        assert_eq!(
            value("meterbox_system_network_transmit_drops_total"),
            Some(8.0)
        );
    }

    #[test]
    fn a_broken_line_costs_only_itself_and_sysfs_may_be_missing() {
        let fixture = Fixture::new();
        let lines = "eth0: 1 2 3\n eth0:1: 1 2 0 0 0 0 0 0 9 8 0 0 0 0 0 0\n";
        fixture.proc("net/dev", &format!("{HEAD}{lines}"));
        let samples = fixture.collect(&mut Network::new(&fixture.settings()));
        assert_eq!(
            samples.value("node_network_transmit_bytes_total", &["eth0:1"]),
            Some(9.0)
        );
        assert_eq!(samples.count("node_network_receive_nohandler_total"), 0);
        let problem = &samples.problems()[0].text;
        assert_eq!(problem, "net/dev: not `name: 16 numbers`: \"eth0: 1 2 3\"");
    }
}

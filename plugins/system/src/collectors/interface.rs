//! What each network interface is and whether it is up, from `/sys/class/net`, under
//! node_exporter's names.
//!
//! Without sysfs there is nothing to say, which is no error: the traffic comes from procfs.

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::{Attributes, Machine, Reader};
use crate::pattern::Patterns;
use crate::sample::{Family, Samples, Set};

static UP: Family = Family::gauge(
    Set::Node,
    "node_network_up",
    "Value is 1 if operstate is 'up', 0 otherwise.",
    &["device"],
);
static INFO: Family = Family::gauge(
    Set::Node,
    "node_network_info",
    "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
    &[
        "address",
        "broadcast",
        "device",
        "duplex",
        "ifalias",
        "operstate",
    ],
);
static OWN_UP: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_network_up",
    "1 if the interface is up, 0 otherwise.",
    &["device"],
);

macro_rules! property {
    ($name:literal) => {
        Family::gauge(
            Set::Node,
            concat!("node_network_", $name),
            concat!("Network device property: ", $name),
            &["device"],
        )
    };
    (counter $name:literal) => {
        Family::counter(
            Set::Node,
            concat!("node_network_", $name),
            concat!("Network device property: ", $name),
            &["device"],
        )
    };
}

/// A numeric attribute: its file, its family.
static PROPERTIES: [(&str, Family); 16] = [
    ("addr_assign_type", property!("address_assign_type")),
    ("carrier", property!("carrier")),
    (
        "carrier_changes",
        property!(counter "carrier_changes_total"),
    ),
    (
        "carrier_up_count",
        property!(counter "carrier_up_changes_total"),
    ),
    (
        "carrier_down_count",
        property!(counter "carrier_down_changes_total"),
    ),
    ("dev_id", property!("device_id")),
    ("dormant", property!("dormant")),
    ("flags", property!("flags")),
    ("ifindex", property!("iface_id")),
    ("iflink", property!("iface_link")),
    ("link_mode", property!("iface_link_mode")),
    ("mtu", property!("mtu_bytes")),
    ("name_assign_type", property!("name_assign_type")),
    ("netdev_group", property!("net_dev_group")),
    ("tx_queue_len", property!("transmit_queue_length")),
    ("type", property!("protocol_type")),
];
static SPEED: Family = property!("speed_bytes");
/// The kernel tells the speed in megabits per second.
const BYTES_PER_MEGABIT: f64 = 125_000.0;

/// Interfaces whose files stay open; those of further ones are opened at each scrape.
const LINKS_OPEN_MAX: usize = 8;

/// Attributes that are texts, before those of [`PROPERTIES`]; the last of all is the speed.
const TEXTS: [&str; 5] = ["operstate", "address", "broadcast", "duplex", "ifalias"];
const ATTRIBUTES: usize = TEXTS.len() + PROPERTIES.len() + 1;

/// Reads `/sys/class/net`.
pub(super) struct Interface {
    machine: Machine,
    ignored: Patterns,
    /// The interfaces, and whatever else lies among them, in the order of their names.
    links: Vec<Link>,
}

/// One interface.
struct Link {
    device: String,
    attributes: Attributes<ATTRIBUTES>,
}

impl Link {
    fn new(machine: &Machine, device: String) -> Self {
        let folder = format!("class/net/{device}");
        let mut names = ["speed"; ATTRIBUTES];
        let known = TEXTS
            .into_iter()
            .chain(PROPERTIES.iter().map(|(file, _)| *file));
        names
            .iter_mut()
            .zip(known)
            .for_each(|(slot, name)| *slot = name);
        Self {
            device,
            attributes: Attributes::new(machine, &folder, names),
        }
    }

    fn read(&mut self, reader: &mut Reader, out: &mut Samples) {
        let device = self.device.as_str();
        let mut files = self.attributes.files().iter_mut();
        let mut texts = TEXTS.map(|_| None);
        for (text, file) in texts.iter_mut().zip(files.by_ref()) {
            *text = reader.attribute(file).map(String::from);
        }
        let [state, others @ ..] = texts;
        // `bonding_masters` lies among the interfaces and is none.
        let Some(state) = state else {
            return;
        };
        let up = f64::from(state == "up");
        out.add(&UP, &[device], up);
        out.add(&OWN_UP, &[device], up);
        let [address, broadcast, duplex, alias] = others.map(Option::unwrap_or_default);
        let labels = [&address, &broadcast, device, &duplex, &alias, &state];
        out.add(&INFO, &labels, 1.0);

        let mut number = |file| reader.attribute(file).and_then(number);
        for ((_, family), file) in PROPERTIES.iter().zip(files.by_ref()) {
            if let Some(value) = number(file) {
                out.add(family, &[device], value);
            }
        }
        if let Some(speed) = files.next().and_then(number) {
            out.add(&SPEED, &[device], speed * BYTES_PER_MEGABIT);
        }
    }
}

impl Interface {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            machine: settings.machine.clone(),
            ignored: settings.ignored_links.clone(),
            links: Vec::new(),
        }
    }
}

/// Decimal, or hexadecimal with `0x`, as attributes are written.
fn number(text: &str) -> Option<f64> {
    let value = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    Some(value as f64)
}

impl Collector for Interface {
    fn name(&self) -> &'static str {
        "interface"
    }

    fn names(&self) -> Vec<&'static str> {
        let properties = PROPERTIES.iter().map(|(_, family)| family);
        names_of([&UP, &INFO, &OWN_UP, &SPEED].into_iter().chain(properties))
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let mut names = self.machine.sys_names("class/net");
        names.retain(|name| !self.ignored.matches(name));
        if !names.iter().eq(self.links.iter().map(|link| &link.device)) {
            let link = |name| Link::new(&self.machine, name);
            self.links = names.into_iter().map(link).collect();
        }
        for (index, link) in self.links.iter_mut().enumerate() {
            link.read(reader, out);
            if index >= LINKS_OPEN_MAX {
                link.attributes.close();
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
    fn an_interface_has_its_properties_and_lacks_what_its_driver_lacks() {
        let fixture = Fixture::new();
        let attributes = [
            ("operstate", "up"),
            ("flags", "0x1003"),
            ("mtu", "1400"),
            ("speed", "-1"),
            ("address", "02:fc:00:00:00:01"),
            ("broadcast", "ff:ff:ff:ff:ff:ff"),
            ("carrier", ""),
        ];
        for (name, text) in attributes {
            fixture.sys(&format!("class/net/eth0/{name}"), &format!("{text}\n"));
        }
        fixture.sys("class/net/bonding_masters", "\n");
        let samples = fixture.collect(&mut Interface::new(&fixture.settings()));
        assert_eq!(samples.value("node_network_up", &["eth0"]), Some(1.0));
        assert_eq!(samples.value("node_network_flags", &["eth0"]), Some(4099.0));
        assert_eq!(
            samples.value("node_network_mtu_bytes", &["eth0"]),
            Some(1400.0)
        );
        assert_eq!(
            samples.value("node_network_speed_bytes", &["eth0"]),
            Some(-125000.0)
        );
        assert_eq!(samples.value("node_network_carrier", &["eth0"]), None);
        let labels = [
            "02:fc:00:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "eth0",
            "",
            "",
            "up",
        ];
        assert_eq!(samples.value("node_network_info", &labels), Some(1.0));
        assert_eq!(samples.count("node_network_up"), 1);
    }

    #[test]
    fn without_sysfs_there_is_nothing_to_say() {
        let fixture = Fixture::new();
        let samples = fixture.collect(&mut Interface::new(&fixture.settings()));
        assert!(samples.families().next().is_none() && samples.problems().is_empty());
    }
}

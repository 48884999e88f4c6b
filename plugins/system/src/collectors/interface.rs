//! What each network interface is and whether it is up, from `/sys/class/net`, under
//! node_exporter's names.
//!
//! Without sysfs there is nothing to say, which is no error: the traffic comes from procfs.

use super::Collector;
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::Machine;
use crate::pattern::Patterns;
use crate::sample::{Family, Samples, Set};

const UP: Family = Family::gauge(
    Set::Node,
    "node_network_up",
    "Value is 1 if operstate is 'up', 0 otherwise.",
    &["device"],
);
const INFO: Family = Family::gauge(
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
const OWN_UP: Family = Family::gauge(
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
const PROPERTIES: [(&str, Family); 16] = [
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
const SPEED: Family = property!("speed_bytes");
/// The kernel tells the speed in megabits per second.
const BYTES_PER_MEGABIT: f64 = 125_000.0;

/// Reads `/sys/class/net`.
pub(super) struct Interface {
    ignored: Patterns,
}

impl Interface {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            ignored: settings.ignored_links.clone(),
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

    fn collect(&mut self, machine: &Machine, out: &mut Samples) -> Result<(), CollectError> {
        for device in machine.sys_names("class/net") {
            if self.ignored.matches(&device) {
                continue;
            }
            let attribute = |name: &str| machine.sys(format!("class/net/{device}/{name}"));
            // `bonding_masters` lies among the interfaces and is none.
            let Some(state) = attribute("operstate") else {
                continue;
            };
            let up = f64::from(state == "up");
            out.add(&UP, &[&device], up);
            out.add(&OWN_UP, &[&device], up);

            let text = |name| attribute(name).unwrap_or_default();
            let (address, broadcast) = (text("address"), text("broadcast"));
            let (duplex, alias) = (text("duplex"), text("ifalias"));
            out.add(
                &INFO,
                &[&address, &broadcast, &device, &duplex, &alias, &state],
                1.0,
            );

            for (file, family) in &PROPERTIES {
                if let Some(value) = attribute(file).as_deref().and_then(number) {
                    out.add(family, &[&device], value);
                }
            }
            if let Some(speed) = attribute("speed").as_deref().and_then(number) {
                out.add(&SPEED, &[&device], speed * BYTES_PER_MEGABIT);
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
        assert!(samples.families().is_empty() && samples.problems().is_empty());
    }
}

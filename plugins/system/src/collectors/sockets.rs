//! Sockets in use by protocol, from `/proc/net/sockstat` and `sockstat6`, under node_exporter's
//! names.

use super::Collector;
use crate::error::CollectError;
use crate::machine::Machine;
use crate::sample::{Family, Kind, Samples, Set};

const USED: Family = Family::gauge(
    Set::Node,
    "node_sockstat_sockets_used",
    "Number of IPv4 sockets in use.",
    &[],
);
const OWN: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_sockets",
    "Sockets in use.",
    &["protocol"],
);

/// Reads the two tables of sockets.
pub(super) struct Sockets;

impl Sockets {
    fn add(protocol: &str, state: &str, value: f64, out: &mut Samples) {
        if protocol == "sockets" {
            // The second table has no such line.
            return out.add(&USED, &[], value);
        }
        let mut gauge = |state: &str, value| {
            let name = format!("node_sockstat_{protocol}_{state}");
            let help = format!("Number of {protocol} sockets in state {state}.");
            out.add(&Family::node(Kind::Gauge, name, help), &[], value);
        };
        gauge(state, value);
        match state {
            // The kernel counts these in pages.
            "mem" => gauge("mem_bytes", value * procfs::page_size() as f64),
            "inuse" => out.add(&OWN, &[&protocol.to_ascii_lowercase()], value),
            _ => {}
        }
    }
}

impl Collector for Sockets {
    fn name(&self) -> &'static str {
        "sockets"
    }

    fn collect(&mut self, machine: &Machine, out: &mut Samples) -> Result<(), CollectError> {
        let mut text = machine.proc("net/sockstat")?;
        // A machine without IPv6 has no such file.
        text.push_str(&machine.proc("net/sockstat6").unwrap_or_default());
        for line in text.lines() {
            let broken =
                || CollectError::parse("net/sockstat", "not `protocol: name number`", line);
            let Some((protocol, rest)) = line.split_once(": ") else {
                out.problem(&broken());
                continue;
            };
            let words: Vec<&str> = rest.split_ascii_whitespace().collect();
            for pair in words.chunks(2) {
                match pair {
                    [state, value] if value.parse::<f64>().is_ok() => {
                        let value = value.parse().expect("it just parsed");
                        Self::add(protocol, state, value, out);
                    }
                    _ => out.problem(&broken()),
                }
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
    fn both_tables_are_read_and_pages_are_told_in_bytes_too() {
        let fixture = Fixture::new();
        fixture.proc(
            "net/sockstat",
            "sockets: used 16\nTCP: inuse 1 orphan 0 tw 3 alloc 4 mem 315\nUDP: inuse x mem\nRAW\n",
        );
        fixture.proc("net/sockstat6", "TCP6: inuse 2\n");
        let samples = fixture.collect(&mut Sockets);
        let value = |name| samples.value(name, &[]);
        assert_eq!(value("node_sockstat_sockets_used"), Some(16.0));
        assert_eq!(value("node_sockstat_TCP_tw"), Some(3.0));
        let bytes = 315.0 * procfs::page_size() as f64;
        assert_eq!(value("node_sockstat_TCP_mem_bytes"), Some(bytes));
        assert_eq!(value("node_sockstat_TCP6_inuse"), Some(2.0));
        assert_eq!(
            samples.value("meterbox_system_sockets", &["tcp6"]),
            Some(2.0)
        );
        assert_eq!(samples.problems().len(), 3);
    }

    #[test]
    fn a_machine_without_ipv6_lacks_only_that() {
        let fixture = Fixture::new();
        fixture.proc("net/sockstat", "sockets: used 16\n");
        assert!(fixture.collect(&mut Sockets).problems().is_empty());
    }
}

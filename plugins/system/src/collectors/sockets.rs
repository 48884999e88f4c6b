//! Sockets in use by protocol, from `/proc/net/sockstat` and `sockstat6`, under node_exporter's
//! names.

use super::Collector;
use crate::config::Settings;
use crate::error::CollectError;
use crate::in_order::InOrder;
use crate::machine::{KernelFile, Reader};
use crate::sample::{Family, Kind, Samples, Set};

static USED: Family = Family::gauge(
    Set::Node,
    "node_sockstat_sockets_used",
    "Number of IPv4 sockets in use.",
    &[],
);
static OWN: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_sockets",
    "Sockets in use.",
    &["protocol"],
);

/// Reads the two tables of sockets.
pub(super) struct Sockets {
    file: KernelFile,
    /// The same for IPv6.
    file6: KernelFile,
    protocols: InOrder<Protocol>,
}

/// What is known of a protocol that the kernel prints.
struct Protocol {
    /// The value of our own label.
    label: String,
    /// Its families in the `node` set, by the kernel's word for the state.
    states: InOrder<Family>,
}

impl Protocol {
    fn new(protocol: &str) -> Self {
        Self {
            label: protocol.to_ascii_lowercase(),
            states: InOrder::default(),
        }
    }

    fn add(&mut self, protocol: &str, state: &str, value: f64, out: &mut Samples) {
        let mut gauge = |state: &str, value| {
            let family = || {
                let name = format!("node_sockstat_{protocol}_{state}");
                let help = format!("Number of {protocol} sockets in state {state}.");
                Family::node(Kind::Gauge, name, help)
            };
            out.add(self.states.get_or(state, family), &[], value);
        };
        gauge(state, value);
        match state {
            // The kernel counts these in pages.
            "mem" => gauge("mem_bytes", value * procfs::page_size() as f64),
            "inuse" => out.add(&OWN, &[&self.label], value),
            _ => {}
        }
    }
}

impl Sockets {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            file: settings.machine.proc("net/sockstat"),
            file6: settings.machine.proc("net/sockstat6"),
            protocols: InOrder::default(),
        }
    }

    fn table(protocols: &mut InOrder<Protocol>, text: &str, out: &mut Samples) {
        for line in text.lines() {
            let broken =
                || CollectError::parse("net/sockstat", "not `protocol: name number`", line);
            let Some((protocol, rest)) = line.split_once(": ") else {
                out.problem(&broken());
                continue;
            };
            let known = protocols.get_or(protocol, || Protocol::new(protocol));
            let mut words = rest.split_ascii_whitespace();
            while let Some(state) = words.next() {
                match words.next().map(str::parse) {
                    // The second table has no such line.
                    Some(Ok(value)) if protocol == "sockets" => out.add(&USED, &[], value),
                    Some(Ok(value)) => known.add(protocol, state, value, out),
                    _ => out.problem(&broken()),
                }
            }
        }
    }
}

impl Collector for Sockets {
    fn name(&self) -> &'static str {
        "sockets"
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["node_sockstat_*", &*OWN.name]
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let mut table = |text: &str| Self::table(&mut self.protocols, text, out);
        table(reader.text(&mut self.file)?);
        // A machine without IPv6 has no such file.
        table(reader.text(&mut self.file6).unwrap_or_default());
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
        let samples = fixture.collect(&mut Sockets::new(&fixture.settings()));
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
        assert!(
            fixture
                .collect(&mut Sockets::new(&fixture.settings()))
                .problems()
                .is_empty()
        );
    }
}

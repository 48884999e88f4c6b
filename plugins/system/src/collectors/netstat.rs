//! What the kernel's protocols count, from `/proc/net/snmp`, `netstat` and `snmp6`:
//! node_exporter's choice of fields, under its names.

use super::Collector;
use crate::config::Settings;
use crate::error::CollectError;
use crate::in_order::InOrder;
use crate::machine::{KernelFile, Reader};
use crate::pattern::Patterns;
use crate::sample::{Family, Kind, Samples, Set};

const FIELDS: [&str; 31] = [
    "*_InErrors",
    "*_InErrs",
    "Ip_Forwarding",
    "Ip6_InOctets",
    "Ip6_OutOctets",
    "IpExt_InOctets",
    "IpExt_OutOctets",
    "Icmp_InMsgs",
    "Icmp_OutMsgs",
    "Icmp6_InMsgs",
    "Icmp6_OutMsgs",
    "TcpExt_Listen*",
    "TcpExt_Syncookies*",
    "TcpExt_TCPSynRetrans",
    "TcpExt_TCPTimeouts",
    "Tcp_ActiveOpens",
    "Tcp_InSegs",
    "Tcp_OutSegs",
    "Tcp_OutRsts",
    "Tcp_PassiveOpens",
    "Tcp_RetransSegs",
    "Tcp_CurrEstab",
    "Udp_InDatagrams",
    "Udp_OutDatagrams",
    "Udp_NoPorts",
    "Udp_RcvbufErrors",
    "Udp_SndbufErrors",
    "Udp6_InDatagrams",
    "Udp6_OutDatagrams",
    "Udp6_NoPorts",
    "Udp6_*bufErrors",
];

/// Reads the three tables of protocol counters.
pub(super) struct NetStat {
    snmp: KernelFile,
    netstat: KernelFile,
    snmp6: KernelFile,
    chosen: Chosen,
}

/// The chosen fields.
struct Chosen {
    fields: Patterns,
    /// Of each `protocol_field` that the kernel prints; none where it was not chosen.
    families: InOrder<Option<Family>>,
    key: String,
}

impl NetStat {
    pub(super) fn new(settings: &Settings) -> Self {
        let file = |name| settings.machine.proc(name);
        Self {
            snmp: file("net/snmp"),
            netstat: file("net/netstat"),
            snmp6: file("net/snmp6"),
            chosen: Chosen {
                fields: Patterns::new(FIELDS),
                families: InOrder::default(),
                key: String::new(),
            },
        }
    }
}

impl Chosen {
    fn add(&mut self, protocol: &str, field: &str, value: &str, out: &mut Samples) {
        self.key.clear();
        for part in [protocol, "_", field] {
            self.key.push_str(part);
        }
        let chosen = || {
            let name = format!("node_netstat_{protocol}_{field}");
            let help = format!("Statistic {protocol}{field}.");
            let family = || Family::node(Kind::Unknown, name, help);
            self.fields.matches(&self.key).then(family)
        };
        let Some(family) = self.families.get_or(&self.key, chosen) else {
            return;
        };
        match value.parse() {
            Ok(number) => out.add(family, &[], number),
            Err(_) => out.problem(&CollectError::parse("net/netstat", "not a number", value)),
        }
    }

    /// Pairs of lines: names, then values, both behind the protocol.
    fn paired(&mut self, text: &str, out: &mut Samples) {
        let mut lines = text.lines();
        while let Some(names_line) = lines.next() {
            let names = names_line.split_once(": ");
            let values = lines.next().and_then(|line| line.split_once(": "));
            match (names, values) {
                (Some((protocol, names)), Some((same, values))) if protocol == same => {
                    for (field, value) in names.split(' ').zip(values.split(' ')) {
                        self.add(protocol, field, value, out);
                    }
                }
                _ => out.problem(&CollectError::parse(
                    "net/netstat",
                    "not a line of names and one of values",
                    names_line,
                )),
            }
        }
    }

    /// One field in each line, the protocol's name up to its `6`.
    fn single(&mut self, text: &str, out: &mut Samples) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(value)) = (words.next(), words.next()) else {
                out.problem(&CollectError::parse("net/snmp6", "not `name number`", line));
                continue;
            };
            if let Some(six) = name.find('6') {
                let (protocol, field) = name.split_at(six + 1);
                self.add(protocol, field, value, out);
            }
        }
    }
}

impl Collector for NetStat {
    fn name(&self) -> &'static str {
        "netstat"
    }

    fn sets(&self) -> &'static [Set] {
        &[Set::Node]
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["node_netstat_*"]
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let chosen = &mut self.chosen;
        chosen.paired(reader.text(&mut self.snmp)?, out);
        chosen.paired(reader.text(&mut self.netstat)?, out);
        // A machine without IPv6 has no such file.
        chosen.single(reader.text(&mut self.snmp6).unwrap_or_default(), out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn the_chosen_fields_of_three_tables_are_read() {
        let fixture = Fixture::new();
        fixture.proc(
            "net/snmp",
            "Ip: Forwarding DefaultTTL\nIp: 2 64\nTcp: CurrEstab InErrs\nTcp: 5 x\n",
        );
        fixture.proc(
            "net/netstat",
            "TcpExt: ListenDrops Other\nTcpExt: 7 8\nIpExt: A\nMib: 1\n",
        );
        fixture.proc(
            "net/snmp6",
            "Ip6InOctets   128\nUdp6RcvbufErrors 3\nUdpLite6InErrors 4\nbad\n",
        );
        let samples = fixture.collect(&mut NetStat::new(&fixture.settings()));
        let value = |name| samples.value(name, &[]);
        assert_eq!(value("node_netstat_Ip_Forwarding"), Some(2.0));
        assert_eq!(value("node_netstat_Tcp_CurrEstab"), Some(5.0));
        assert_eq!(value("node_netstat_TcpExt_ListenDrops"), Some(7.0));
        assert_eq!(value("node_netstat_Ip6_InOctets"), Some(128.0));
        assert_eq!(value("node_netstat_Udp6_RcvbufErrors"), Some(3.0));
        assert_eq!(value("node_netstat_UdpLite6_InErrors"), Some(4.0));
        assert_eq!(samples.families().count(), 6);
        let texts: Vec<&str> = samples.problems().iter().map(|p| p.text.as_str()).collect();
        let expected = [
            "net/netstat: not a number: \"x\"",
            "net/netstat: not a line of names and one of values: \"IpExt: A\"",
            "net/snmp6: not `name number`: \"bad\"",
        ];
        assert_eq!(texts, expected);
    }
}

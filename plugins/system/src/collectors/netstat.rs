//! What the kernel's protocols count, from `/proc/net/snmp`, `netstat` and `snmp6`:
//! node_exporter's choice of fields, under its names.

use super::Collector;
use crate::error::CollectError;
use crate::machine::Machine;
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
    fields: Patterns,
}

impl NetStat {
    pub(super) fn new() -> Self {
        Self {
            fields: Patterns::new(FIELDS),
        }
    }

    fn add(&self, protocol: &str, field: &str, value: &str, out: &mut Samples) {
        if !self.fields.matches(&format!("{protocol}_{field}")) {
            return;
        }
        let Ok(number) = value.parse() else {
            return out.problem(&CollectError::parse("net/netstat", "not a number", value));
        };
        let name = format!("node_netstat_{protocol}_{field}");
        let help = format!("Statistic {protocol}{field}.");
        out.add(&Family::node(Kind::Unknown, name, help), &[], number);
    }

    /// Pairs of lines: names, then values, both behind the protocol.
    fn paired(&self, text: &str, out: &mut Samples) {
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.chunks(2) {
            let heads = pair
                .iter()
                .map(|line| line.split_once(": "))
                .collect::<Option<Vec<_>>>();
            match heads.as_deref() {
                Some([(protocol, names), (same, values)]) if protocol == same => {
                    for (field, value) in names.split(' ').zip(values.split(' ')) {
                        self.add(protocol, field, value, out);
                    }
                }
                _ => out.problem(&CollectError::parse(
                    "net/netstat",
                    "not a line of names and one of values",
                    pair[0],
                )),
            }
        }
    }

    /// One field in each line, the protocol's name up to its `6`.
    fn single(&self, text: &str, out: &mut Samples) {
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

    fn collect(&mut self, machine: &Machine, out: &mut Samples) -> Result<(), CollectError> {
        self.paired(&machine.proc("net/snmp")?, out);
        self.paired(&machine.proc("net/netstat")?, out);
        // A machine without IPv6 has no such file.
        self.single(&machine.proc("net/snmp6").unwrap_or_default(), out);
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
        let samples = fixture.collect(&mut NetStat::new());
        let value = |name| samples.value(name, &[]);
        assert_eq!(value("node_netstat_Ip_Forwarding"), Some(2.0));
        assert_eq!(value("node_netstat_Tcp_CurrEstab"), Some(5.0));
        assert_eq!(value("node_netstat_TcpExt_ListenDrops"), Some(7.0));
        assert_eq!(value("node_netstat_Ip6_InOctets"), Some(128.0));
        assert_eq!(value("node_netstat_Udp6_RcvbufErrors"), Some(3.0));
        assert_eq!(value("node_netstat_UdpLite6_InErrors"), Some(4.0));
        assert_eq!(samples.families().len(), 6);
        let texts: Vec<&str> = samples.problems().iter().map(|p| p.text.as_str()).collect();
        let expected = [
            "net/netstat: not a number: \"x\"",
            "net/netstat: not a line of names and one of values: \"IpExt: A\"",
            "net/snmp6: not `name number`: \"bad\"",
        ];
        assert_eq!(texts, expected);
    }
}

//! Memory, from `/proc/meminfo`.
//!
//! Used, available and percent are psutil's figures, which TorchServe prints; the `node` set has
//! every field that this kernel prints, under node_exporter's spelling. NUMA nodes and cgroup
//! limits are not read: as in both models, the figures are the machine's.

use super::{Collector, HOST_LABELS, HOST_LEVEL, cpu::percent, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::in_order::InOrder;
use crate::machine::{KernelFile, Reader};
use crate::sample::{Family, Kind, Samples, Set};

const MEBIBYTE: f64 = 1_048_576.0;

const fn host(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::TorchServe, name, help, HOST_LABELS)
}
const MEGABYTES: &str = "Torchserve prometheus gauge metric with unit: Megabytes";
static INHERITED: [Family; 4] = [
    host("MemoryUsed", MEGABYTES),
    host("MemoryAvailable", MEGABYTES),
    host(
        "MemoryUtilization",
        "Torchserve prometheus gauge metric with unit: Percent",
    ),
    Family::gauge(
        Set::TorchServePlugin,
        "memory_used",
        "System Memory used",
        &["uuid"],
    ),
];

const fn own(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::Meterbox, name, help, &[])
}
static SIZE: Family = own(
    "meterbox_system_memory_size_bytes",
    "Memory that the kernel can use.",
);
static USED: Family = own(
    "meterbox_system_memory_used_bytes",
    "Memory in use, without buffers and page cache.",
);
static AVAILABLE: Family = own(
    "meterbox_system_memory_available_bytes",
    "Memory that programs can get without swapping.",
);
static SWAP_SIZE: Family = own("meterbox_system_swap_size_bytes", "Swap space.");
static SWAP_USED: Family = own("meterbox_system_swap_used_bytes", "Swap space in use.");

/// Reads `/proc/meminfo`.
pub(super) struct Memory {
    file: KernelFile,
    hostname: String,
    uuid: String,
    /// In the `node` set, of each field that the kernel prints.
    families: InOrder<Family>,
}

impl Memory {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            file: settings.machine.proc("meminfo"),
            hostname: settings.hostname.clone(),
            uuid: settings.uuid.clone(),
            families: InOrder::default(),
        }
    }
}

/// One line of `/proc/meminfo`: the kernel's name, and the value in bytes if `bytes`, else a count.
#[derive(Debug, PartialEq, Eq)]
struct Field<'a> {
    name: &'a str,
    value: u64,
    bytes: bool,
}

/// Reads the text of `/proc/meminfo`; a line that is none is noted and passed over.
fn parse<'a>(text: &'a str, out: &mut Samples) -> Vec<Field<'a>> {
    let mut fields = Vec::with_capacity(64);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let field = field(line);
        match field {
            Some(field) => fields.push(field),
            None => out.problem(&CollectError::parse(
                "meminfo",
                "not `name: number [kB]`",
                line,
            )),
        }
    }
    fields
}

fn field(line: &str) -> Option<Field<'_>> {
    let (name, rest) = line.split_once(':')?;
    let mut words = rest.split_ascii_whitespace();
    let value: u64 = words.next()?.parse().ok()?;
    let bytes = words.next().is_some();
    Some(Field {
        name,
        value: if bytes {
            value.checked_mul(1024)?
        } else {
            value
        },
        bytes,
    })
}

/// node_exporter's name of a field: `Active(anon)` becomes `Active_anon`, bytes say so.
fn node_name(field: &Field<'_>) -> String {
    let mut name = field.name.replace('(', "_").replace(')', "");
    if field.bytes {
        name.push_str("_bytes");
    }
    name
}

fn node_family(field: &Field<'_>) -> Family {
    let name = node_name(field);
    let help = format!("Memory information field {name}.");
    // node_exporter takes a name that ends so for a counter; no kernel has one yet.
    let kind = if name.ends_with("_total") {
        Kind::Counter
    } else {
        Kind::Gauge
    };
    Family::node(kind, format!("node_memory_{name}"), help)
}

/// The figures that psutil computes from the fields, in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Usage {
    size: u64,
    used: u64,
    available: u64,
    swap_size: u64,
    swap_used: u64,
}

/// # Errors
/// When size or free memory is missing; fields that came with later kernels may be.
fn usage(fields: &[Field<'_>]) -> Result<Usage, CollectError> {
    let get = |name| {
        fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value)
    };
    let need =
        |name| get(name).ok_or_else(|| CollectError::parse("meminfo", "field missing", name));
    let (size, free) = (need("MemTotal")?, need("MemFree")?);
    let page_cache = get("Cached").unwrap_or(0);
    let kept = page_cache + get("SReclaimable").unwrap_or(0) + get("Buffers").unwrap_or(0);
    let available = match get("MemAvailable") {
        // A container's view may claim more than there is; psutil falls back to what is free.
        Some(available) if available > size => free,
        Some(available) => available,
        None => (free + page_cache).min(size),
    };
    // The caches of a container's view may exceed what its own figures leave.
    let unused = free.saturating_add(kept);
    let used = if unused > size {
        size.saturating_sub(free)
    } else {
        size - unused
    };
    let swap_size = get("SwapTotal").unwrap_or(0);
    let swap_used = swap_size.saturating_sub(get("SwapFree").unwrap_or(0));
    Ok(Usage {
        size,
        used,
        available,
        swap_size,
        swap_used,
    })
}

impl Collector for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn names(&self) -> Vec<&'static str> {
        let own = [&SIZE, &USED, &AVAILABLE, &SWAP_SIZE, &SWAP_USED];
        let mut names = names_of(INHERITED.iter().chain(own));
        names.push("node_memory_*");
        names
    }

    fn sets(&self) -> &'static [Set] {
        &[
            Set::Meterbox,
            Set::TorchServe,
            Set::TorchServePlugin,
            Set::Node,
        ]
    }

    fn declared(&self) -> &'static [Family] {
        &INHERITED
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let fields = parse(reader.text(&mut self.file)?, out);
        for field in &fields {
            let family = self.families.get_or(field.name, || node_family(field));
            out.add(family, &[], field.value as f64);
        }

        let usage = usage(&fields)?;
        let [used, available, utilization, memory_used] = &INHERITED;
        let labels: &[&str] = &[HOST_LEVEL, &self.hostname];
        let megabytes = usage.used as f64 / MEBIBYTE;
        out.add(used, labels, megabytes);
        out.add(available, labels, usage.available as f64 / MEBIBYTE);
        let taken = (usage.size - usage.available) as f64;
        out.add(
            utilization,
            labels,
            percent(taken / (usage.size.max(1)) as f64),
        );
        out.add(memory_used, &[&self.uuid], megabytes);

        out.add(&SIZE, &[], usage.size as f64);
        out.add(&USED, &[], usage.used as f64);
        out.add(&AVAILABLE, &[], usage.available as f64);
        out.add(&SWAP_SIZE, &[], usage.swap_size as f64);
        out.add(&SWAP_USED, &[], usage.swap_used as f64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    const FULL: &str = "MemTotal:       24684096 kB\nMemFree:        20000000 kB\n\
        MemAvailable:   21000000 kB\nBuffers:             940 kB\nCached:           142784 kB\n\
        Active(anon):       1560 kB\nSwapTotal:       2000000 kB\nSwapFree:        1500000 kB\n\
        SReclaimable:      56744 kB\nHugePages_Total:       7\n";

    #[test]
    fn torchserves_figures_are_psutils() {
        let fixture = Fixture::new();
        fixture.proc("meminfo", FULL);
        let samples = fixture.collect(&mut Memory::new(&fixture.settings()));
        let used = (24684096 - 20000000 - 940 - 142784 - 56744) as f64 / 1024.0;
        assert_eq!(samples.value("MemoryUsed", &["Host", "vm"]), Some(used));
        assert_eq!(samples.value("memory_used", &["u-1"]), Some(used));
        assert_eq!(
            samples.value("MemoryAvailable", &["Host", "vm"]),
            Some(20507.8125)
        );
        assert_eq!(
            samples.value("MemoryUtilization", &["Host", "vm"]),
            Some(14.9)
        );
        let swap = samples.value("meterbox_system_swap_used_bytes", &[]);
        assert_eq!(swap, Some(500_000.0 * 1024.0));
    }

    #[test]
    fn every_field_has_node_exporters_name_and_unit() {
        let fixture = Fixture::new();
        fixture.proc("meminfo", FULL);
        let samples = fixture.collect(&mut Memory::new(&fixture.settings()));
        assert_eq!(
            samples.value("node_memory_MemTotal_bytes", &[]),
            Some(25276514304.0)
        );
        assert_eq!(
            samples.value("node_memory_Active_anon_bytes", &[]),
            Some(1597440.0)
        );
        assert_eq!(samples.value("node_memory_HugePages_Total", &[]), Some(7.0));
    }

    #[test]
    fn a_kernel_without_available_and_reclaimable_memory_still_has_figures() {
        let mut out = Samples::default();
        let fields = parse(
            "MemTotal: 100 kB\nMemFree: 40 kB\nCached: 20 kB\n",
            &mut out,
        );
        let usage = usage(&fields).unwrap();
        assert_eq!((usage.used, usage.available), (40 * 1024, 60 * 1024));
        assert_eq!((usage.swap_size, usage.swap_used), (0, 0));
    }

    #[test]
    fn a_containers_impossible_figures_never_go_below_zero() {
        let mut out = Samples::default();
        let text = "MemTotal: 100 kB\nMemFree: 40 kB\nMemAvailable: 900 kB\nCached: 800 kB\n";
        let usage = usage(&parse(text, &mut out)).unwrap();
        assert_eq!((usage.used, usage.available), (60 * 1024, 40 * 1024));
    }

    #[test]
    fn a_strange_line_is_noted_and_costs_only_itself() {
        let mut out = Samples::default();
        let fields = parse(
            "MemTotal: 100 kB\nMemFree 40\nHuge: x kB\n\nBig: 99999999999999999999 kB\n",
            &mut out,
        );
        assert_eq!(
            fields,
            [Field {
                name: "MemTotal",
                value: 102400,
                bytes: true
            }]
        );
        let texts: Vec<&str> = out
            .problems()
            .iter()
            .map(|problem| problem.text.as_str())
            .collect();
        assert_eq!(texts[0], "meminfo: not `name: number [kB]`: \"MemFree 40\"");
        assert_eq!(texts.len(), 3);
        assert_eq!(
            usage(&fields).unwrap_err().to_string(),
            "meminfo: field missing: \"MemFree\""
        );
    }
}

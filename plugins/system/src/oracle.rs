//! The set `node` beside Debian's node_exporter, on this very machine, in the same second.
//!
//! Names, HELP, TYPE and label sets must be the same; counters must lie between our readings before
//! and after; figures that do not move must be equal. Skipped, with a line that says so, where
//! `prometheus-node-exporter` 1.5 is not installed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::config::Settings;
use crate::sample::{Kind, Samples, Set};
use crate::scrape::Scraper;

/// Gauges that do not move while a machine does nothing special.
const STEADY: [&str; 13] = [
    "node_boot_time_seconds",
    "node_filefd_maximum",
    "node_filesystem_device_error",
    "node_filesystem_files",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_memory_Hugepagesize_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapTotal_bytes",
    "node_network_flags",
    "node_network_mtu_bytes",
    "node_network_up",
    "node_uname_info",
];

struct Exporter {
    child: Child,
    /// Kept open: a Go program ends when it can't write its log.
    log: Option<BufReader<ChildStderr>>,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts the exporter on a free port and returns its address; `None` where it is not installed.
fn start() -> Option<(Exporter, String)> {
    let child = Command::new("prometheus-node-exporter")
        .arg("--web.listen-address=127.0.0.1:0")
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut exporter = Exporter { child, log: None };
    let stderr = exporter.child.stderr.take().unwrap();
    let log = exporter.log.insert(BufReader::new(stderr));
    let address = log.lines().map_while(Result::ok).find_map(|line| {
        Some(String::from(
            line.split_once("\"Listening on\" address=")?.1,
        ))
    });
    Some((
        exporter,
        address.expect("the exporter says where it listens"),
    ))
}

fn page(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // HTTP/1.0, so that the body is not chunked.
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// A family of the page or of ours: help, type, and its samples by label set.
#[derive(Default)]
struct Shown {
    help: String,
    kind: String,
    samples: BTreeMap<String, f64>,
}

fn theirs(page: &str) -> BTreeMap<String, Shown> {
    let mut families: BTreeMap<String, Shown> = BTreeMap::new();
    for line in page.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' ')) {
            families.entry(name.into()).or_default().help = help.into();
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' '))
        {
            families.entry(name.into()).or_default().kind = kind.into();
        } else if line.starts_with("node_") {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let labels = labels.trim_end_matches('}').into();
            let family = families.entry(name.into()).or_default();
            family.samples.insert(labels, value.parse().unwrap());
        }
    }
    families
}

fn ours(samples: &Samples) -> BTreeMap<String, Shown> {
    let node = samples
        .families()
        .filter(|family| family.family.set == Set::Node);
    let shown = node.map(|family| {
        let kind = match family.family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Unknown => "untyped",
        };
        let labels = |values: &[&str]| {
            let names = family.family.labels.iter();
            let pairs = names
                .zip(values)
                .map(|(name, value)| format!("{name}={value:?}"));
            pairs.collect::<Vec<_>>().join(",")
        };
        let mut samples = BTreeMap::new();
        family.each_row(|values, value| _ = samples.insert(labels(values), value));
        let (help, kind) = (family.family.help.clone().into_owned(), kind.into());
        (
            family.family.name.clone().into_owned(),
            Shown {
                help,
                kind,
                samples,
            },
        )
    });
    shown.collect()
}

#[test]
fn the_node_set_agrees_with_node_exporter() {
    let Some((_exporter, address)) = start() else {
        eprintln!("skipped: prometheus-node-exporter is not installed");
        return;
    };
    let mut scraper = Scraper::new(&Settings::default());
    let mut scrape = || ours(scraper.scrape(&[], &|_| true, &mut |problem| panic!("{problem}")));
    let before = scrape();
    let page = page(&address);
    if !page.contains("node_exporter_build_info{") || !page.contains(",version=\"1.5.") {
        eprintln!("skipped: the set follows node_exporter 1.5, another version is installed");
        return;
    }
    let theirs = theirs(&page);
    let after = scrape();
    let mut compared = BTreeSet::new();
    for (name, shown) in &before {
        let other = theirs
            .get(name)
            .unwrap_or_else(|| panic!("node_exporter has no {name}"));
        assert_eq!(
            (&shown.help, &shown.kind),
            (&other.help, &other.kind),
            "{name}"
        );
        assert!(
            shown.samples.keys().eq(other.samples.keys()),
            "label sets of {name} differ"
        );
        for (labels, value) in &shown.samples {
            // The kernel's own CPU times step back by a tick now and then.
            let step = if name == "node_cpu_seconds_total" {
                0.02
            } else {
                0.0
            };
            let (least, most) = (*value - step, after[name].samples[labels] + step);
            let other = other.samples[labels];
            if shown.kind == "counter" {
                assert!(
                    least <= other && other <= most,
                    "{name}{{{labels}}}: {least} {other} {most}"
                );
                compared.insert(name.as_str());
            } else if STEADY.contains(&name.as_str()) {
                assert_eq!(other.to_bits(), value.to_bits(), "{name}{{{labels}}}");
                compared.insert(name.as_str());
            }
        }
    }
    assert!(compared.len() > 40, "{compared:?}");
}

//! Pages of 100,000 and 1,000,000 lines, the encoder by itself.
//!
//! Segments of plain vectors stand for the store here, handed over through the same border handles;
//! the group `border` takes the same figures over the real store and the loaded plugin. Beside ours:
//! the floor (whole lines rendered beforehand, a number appended to each, one buffer kept), and the
//! crates `prometheus` and `prometheus-client`.

pub(crate) mod data;
pub(crate) mod memory;
pub(crate) mod peers;

use std::hint::black_box;

use meterbox_exposition::{Encoding, Format, Page};
use meterbox_plugin_abi::gather::{Flow, GatherSource};

use crate::measure::{Contestant, compare, thread_cpu_ns};
use data::Data;

/// Runs the group; `small` leaves out the million lines.
pub(crate) fn run(arguments: &[String]) {
    if let [mode, who, series] = arguments
        && mode == "extra"
    {
        return extra_child(who, series.parse().unwrap_or(0));
    }
    let small = arguments.iter().any(|argument| argument == "small");
    lines("text, flat 100k", 30.0, &Data::flat(100_000), true);
    lines(
        "text, histograms 100k",
        30.0,
        &Data::histograms(6_667),
        true,
    );
    gzip(
        "gzip, flat 100k (level 1, no template)",
        &Data::flat(100_000),
    );
    extra("extra memory, flat 100k", 1024, 100_000);
    if !small {
        lines("text, flat 1M", 55.0, &Data::flat(1_000_000), false);
        extra("extra memory, flat 1M", 2048, 1_000_000);
    }
}

/// Bytes of a page, every chunk looked at and dropped.
fn encode(source: &dyn GatherSource, format: Format, encoding: Encoding) -> u64 {
    let page = Page {
        format,
        encoding,
        ..Page::default()
    };
    let mut bytes = 0;
    page.write(source, |chunk: &[u8]| {
        bytes += black_box(chunk).len() as u64;
        Flow::Continue
    })
    .expect("vectors can be gathered");
    bytes
}

fn per_line(lines: usize, work: impl Fn() -> u64) -> f64 {
    let start = thread_cpu_ns();
    black_box(work());
    (thread_cpu_ns() - start) as f64 / lines as f64
}

fn contestant<'a>(name: &'a str, lines: usize, work: impl Fn() -> u64 + 'a) -> Contestant<'a> {
    Contestant {
        name,
        run: Box::new(move || per_line(lines, &work)),
    }
}

fn lines(title: &str, most: f64, data: &Data, all_peers: bool) {
    let count = data.lines();
    let bytes = encode(data, Format::Text, Encoding::Identity);
    println!(
        "({count} lines, {:.0} bytes a line)",
        bytes as f64 / count as f64
    );
    let floor = peers::Floor::new(data);
    black_box(floor.write());
    let client = peers::client(data);
    let prometheus = all_peers.then(|| peers::prometheus(data));
    let mut contestants = vec![
        contestant("meterbox text", count, || {
            encode(data, Format::Text, Encoding::Identity)
        }),
        contestant("floor (rendered lines)", count, || floor.write()),
        contestant("meterbox OpenMetrics", count, || {
            encode(data, Format::OpenMetrics, Encoding::Identity)
        }),
        contestant("prometheus-client", count, || client.write()),
    ];
    if let Some(registry) = &prometheus {
        contestants.push(contestant("prometheus", count, || peers::write(registry)));
    }
    compare(title, "ns/line", most, &contestants);
}

fn gzip(title: &str, data: &Data) {
    let count = data.lines();
    let packed = encode(data, Format::Text, Encoding::Gzip);
    let plain = encode(data, Format::Text, Encoding::Identity);
    println!(
        "({plain} bytes, {packed} packed: {:.1})",
        plain as f64 / packed as f64
    );
    compare(
        title,
        "ns/line",
        70.0,
        &[
            contestant("meterbox text, gzip", count, || {
                encode(data, Format::Text, Encoding::Gzip)
            }),
            contestant("meterbox text", count, || {
                encode(data, Format::Text, Encoding::Identity)
            }),
        ],
    );
}

/// Each figure from a process of its own: memory that an earlier one freed would hide it.
fn extra(title: &str, most_kib: u64, series: usize) {
    println!("{title}");
    for who in ["identity", "gzip", "prometheus-client", "prometheus"] {
        let kib = memory::of_child(&["exposition", "extra", who, &series.to_string()]);
        let verdict = match who {
            "identity" | "gzip" if kib <= most_kib => format!("   goal <= {most_kib}: met"),
            "identity" | "gzip" => format!("   goal <= {most_kib}: MISSED"),
            _ => String::new(),
        };
        println!("  {who:<34} {kib:>8} KiB{verdict}");
    }
}

/// The child's part: fills a store, writes one page, prints what that needed at its peak.
fn extra_child(who: &str, series: usize) {
    let data = Data::flat(series);
    let kib = match who {
        "prometheus-client" => {
            let client = peers::client(&data);
            memory::extra_peak_kib(|| client.write())
        }
        "prometheus" => {
            let registry = peers::prometheus(&data);
            memory::extra_peak_kib(|| peers::write(&registry))
        }
        _ => {
            let encoding = if who == "gzip" {
                Encoding::Gzip
            } else {
                Encoding::Identity
            };
            memory::extra_peak_kib(|| encode(&data, Format::Text, encoding))
        }
    };
    println!("{kib}");
}

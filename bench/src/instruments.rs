//! What an instrument costs where the code that is measured by it runs.
//!
//! Beside ours: the crates `prometheus` and `prometheus-client`, and a bare `AtomicU64`.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use meterbox_metrics::{
    Descriptor, FloatCounter, Histogram, Kind, Options, Registry, Source, SourceOptions,
};

use crate::measure::{Contestant, ROUNDS, compare, median, per_call};

const CALLS: u64 = 4_000_000;
const BOUNDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
const LABELS: [&str; 4] = ["model", "version", "method", "worker"];
const VALUES: [&str; 4] = [
    "resnet-50-imagenet",
    "1.11",
    "predictions",
    "W-9000-resnet_1.0",
];

/// Runs the group.
pub(crate) fn run(_arguments: &[String]) {
    let registry = Registry::new(Options::new(|| 1_700_000_000.0));
    let source = registry
        .source("bench", &SourceOptions::own())
        .expect("the first source");
    increment(&source);
    for threads in [1, 2] {
        counter(&source, threads);
        histogram(&source, threads);
        labels(&source, threads);
    }
}

/// Values between 0 and 20 that no branch predictor learns.
fn noise(step: u64) -> f64 {
    (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44) as f64 * 1.9e-5
}

fn contestant<'a>(name: &'a str, threads: usize, work: impl Fn(u64) + Sync + 'a) -> Contestant<'a> {
    Contestant {
        name,
        run: Box::new(move || per_call(threads, CALLS, &work)),
    }
}

/// The most that an increment may cost, as a multiple of an addition to a number of the thread's own.
const INCREMENT_MOST: f64 = 1.5;
/// Numbers that a thread has in the reference, as many as a page of cells.
const PLAIN_NUMBERS: usize = 4096;

thread_local! {
    static PLAIN: [Cell<u64>; PLAIN_NUMBERS] = const { [const { Cell::new(0) }; PLAIN_NUMBERS] };
    static PLAIN_FRACTIONS: [Cell<f64>; PLAIN_NUMBERS] =
        const { [const { Cell::new(0.0) }; PLAIN_NUMBERS] };
}

/// As a ratio that no machine changes: an increment beside a plain addition to one of many thread-local
/// numbers. Which one is known only when it runs, as with a handle.
fn increment(source: &Source) {
    let family = source.counter("plain_total", "Increments.", &[]);
    let counter = family.expect("a good name").with(&[]);
    let counter = counter.expect("within the limits");
    let fraction = source
        .family::<FloatCounter>(&Descriptor::new(
            Kind::FloatCounter,
            "fractions_total",
            "Fractions.",
        ))
        .expect("a good descriptor")
        .with(&[])
        .expect("within the limits");
    beside_plain(
        "counter inc",
        &|calls| (0..calls).for_each(|_| black_box(&counter).inc()),
        &|calls| {
            (0..calls).for_each(|_| {
                PLAIN.with(|plain| {
                    let plain = &plain[black_box(PLAIN_NUMBERS / 2)];
                    plain.set(plain.get().wrapping_add(1));
                });
            });
        },
    );
    beside_plain(
        "float counter add",
        &|calls| (0..calls).for_each(|_| black_box(&fraction).add(0.5)),
        &|calls| {
            (0..calls).for_each(|_| {
                PLAIN_FRACTIONS.with(|plain| {
                    let plain = &plain[black_box(PLAIN_NUMBERS / 2)];
                    plain.set(plain.get() + 0.5);
                });
            });
        },
    );
}

fn beside_plain(title: &str, ours: &(dyn Fn(u64) + Sync), plain: &(dyn Fn(u64) + Sync)) {
    let (mut our_ns, mut plain_ns) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        our_ns.push(per_call(1, CALLS, ours));
        plain_ns.push(per_call(1, CALLS, plain));
    }
    let (ours, plain) = (median(&our_ns), median(&plain_ns));
    let ratio = ours / plain;
    let verdict = if ratio <= INCREMENT_MOST {
        "met"
    } else {
        "MISSED"
    };
    println!(
        "{title}: {ours:.2} ns, plain thread-local add {plain:.2} ns, ratio {ratio:.2} \
         (goal <= {INCREMENT_MOST}): {verdict}"
    );
}

fn counter(source: &Source, threads: usize) {
    let family = source
        .counter("increments_total", "Increments.", &[])
        .expect("a good name");
    let ours = family.with(&[]).expect("within the limits");
    let prometheus = prometheus::IntCounter::new("increments", "Increments").expect("a good name");
    let client = prometheus_client::metrics::counter::Counter::<u64>::default();
    let bare = AtomicU64::new(0);
    compare(
        &format!("counter inc, {threads} thread(s)"),
        "ns",
        if threads == 1 { 1.5 } else { 2.0 },
        &[
            contestant("meterbox Counter", threads, |calls| {
                (0..calls).for_each(|_| black_box(&ours).inc());
            }),
            contestant("prometheus IntCounter", threads, |calls| {
                (0..calls).for_each(|_| black_box(&prometheus).inc());
            }),
            contestant("prometheus-client Counter", threads, |calls| {
                (0..calls).for_each(|_| _ = black_box(&client).inc());
            }),
            contestant("AtomicU64", threads, |calls| {
                (0..calls).for_each(|_| _ = black_box(&bare).fetch_add(1, Ordering::Relaxed));
            }),
        ],
    );
}

fn histogram(source: &Source, threads: usize) {
    let descriptor =
        Descriptor::new(Kind::Histogram, "observed_seconds", "Observations.").bounds(&BOUNDS);
    let family = source
        .family::<Histogram>(&descriptor)
        .expect("a good descriptor");
    let ours = family.with(&[]).expect("within the limits");
    let options =
        prometheus::HistogramOpts::new("observed", "Observations").buckets(BOUNDS.to_vec());
    let prometheus = prometheus::Histogram::with_opts(options).expect("good options");
    let client = prometheus_client::metrics::histogram::Histogram::new(BOUNDS);
    compare(
        &format!("histogram observe, 12 bounds, {threads} thread(s)"),
        "ns",
        if threads == 1 { 8.0 } else { 9.0 },
        &[
            contestant("meterbox Histogram", threads, |calls| {
                (0..calls).for_each(|step| black_box(&ours).observe(noise(step)));
            }),
            contestant("prometheus Histogram", threads, |calls| {
                (0..calls).for_each(|step| black_box(&prometheus).observe(noise(step)));
            }),
            contestant("prometheus-client Histogram", threads, |calls| {
                (0..calls).for_each(|step| black_box(&client).observe(noise(step)));
            }),
        ],
    );
}

/// The values as a caller has them: an array whose length is known, its strings are not.
fn values() -> &'static [&'static str; 4] {
    black_box(&VALUES)
}

fn labels(source: &Source, threads: usize) {
    let ours = source
        .counter("looked_up_total", "Look-ups.", &LABELS)
        .expect("a good name");
    let options = prometheus::Opts::new("looked_up", "Look-ups");
    let prometheus = prometheus::IntCounterVec::new(options, &LABELS).expect("good options");
    let client = prometheus_client::metrics::family::Family::<
        Vec<(String, String)>,
        prometheus_client::metrics::counter::Counter<u64>,
    >::default();
    let key: Vec<_> = LABELS
        .iter()
        .zip(VALUES)
        .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
        .collect();
    compare(
        &format!("inc by 4 label strings of a known series, {threads} thread(s)"),
        "ns",
        if threads == 1 { 22.0 } else { 26.0 },
        &[
            contestant("meterbox CounterFamily::inc", threads, |calls| {
                for _ in 0..calls {
                    black_box(&ours)
                        .inc(black_box(&VALUES))
                        .expect("within the limits");
                }
            }),
            contestant("prometheus with_label_values", threads, |calls| {
                for _ in 0..calls {
                    black_box(&prometheus).with_label_values(values()).inc();
                }
            }),
            contestant("prometheus-client, key made before", threads, |calls| {
                for _ in 0..calls {
                    black_box(&client).get_or_create(black_box(&key)).inc();
                }
            }),
        ],
    );
}

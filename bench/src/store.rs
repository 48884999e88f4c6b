//! Memory, reading and making series: the metric store by itself, at a million series.
//!
//! Memory is measured in children of this program, one for each way of keeping the same series; beside
//! ours stand the crates `prometheus` and `prometheus-client`.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use meterbox_metrics::{
    Columns, Counter, FamilyOf, Limits, Options, Registry, Source, SourceOptions,
};

use crate::exposition::data::{LABELS, label_values};
use crate::exposition::memory;
use crate::measure::{Contestant, compare, thread_cpu_ns};

const FAMILIES: usize = 20;
const MILLION: usize = 1_000_000;

/// Runs the group.
pub(crate) fn run(arguments: &[String]) {
    if let [mode, who] = arguments
        && mode == "resident"
    {
        println!("{}", resident(who));
        return;
    }
    println!("resident bytes a series, flat 1M, 4 labels   (goal <= 260 with the kept text)");
    for who in ["meterbox", "prometheus-client", "prometheus"] {
        println!(
            "  {who:<34} {:>8}",
            memory::of_child(&["store", "resident", who])
        );
    }
    let (registry, source) = registry();
    let start = thread_cpu_ns();
    let families = fill(&source, MILLION);
    let spent = thread_cpu_ns() - start;
    println!(
        "making series, flat 1M: {:.0} ns a series",
        spent as f64 / MILLION as f64
    );
    gather(&registry);
    random_known(&families);
    new_series(&registry, &source);
}

fn registry() -> (Registry, Source) {
    let mut options = Options::new(|| 1_700_000_000.0);
    options.limits = Limits {
        series_per_metric: u32::MAX,
        series_in_all: u32::MAX,
        ..Limits::default()
    };
    let registry = Registry::new(options);
    let source = registry
        .source("bench", &SourceOptions::own())
        .expect("the first source");
    (registry, source)
}

/// Half counters, half gauges, each with one value.
fn fill(source: &Source, series: usize) -> Vec<FamilyOf<Counter>> {
    let mut counters = Vec::new();
    for family in 0..FAMILIES {
        let name = format!("bench_handled_requests_{family:02}");
        let labels = (0..series / FAMILIES).map(label_values);
        if family % 2 == 0 {
            let made = source
                .counter(&name, "Bench.", &LABELS)
                .expect("a good name");
            for values in labels {
                made.add(&values.each_ref().map(String::as_str), 7)
                    .expect("no limits");
            }
            counters.push(made);
        } else {
            let made = source.gauge(&name, "Bench.", &LABELS).expect("a good name");
            for values in labels {
                made.set(&values.each_ref().map(String::as_str), 0.7)
                    .expect("no limits");
            }
        }
    }
    counters
}

/// Bytes a series that the process gained by keeping a million.
fn resident(who: &str) -> u64 {
    let before = resident_bytes();
    let gained = |kept: &dyn std::any::Any| {
        black_box(kept);
        (resident_bytes() - before) / MILLION as u64
    };
    match who {
        "meterbox" => {
            let (registry, source) = registry();
            let families = fill(&source, MILLION);
            gained(&(registry, families))
        }
        "prometheus" => gained(&prometheus_registry()),
        _ => gained(&client_families()),
    }
}

fn prometheus_registry() -> prometheus::Registry {
    let registry = prometheus::Registry::new();
    for family in 0..FAMILIES {
        let options =
            prometheus::Opts::new(format!("bench_handled_requests_{family:02}"), "Bench.");
        let made = prometheus::IntCounterVec::new(options, &LABELS).expect("good options");
        for values in (0..MILLION / FAMILIES).map(label_values) {
            made.with_label_values(&values).inc_by(7);
        }
        registry.register(Box::new(made)).expect("a new name");
    }
    registry
}

type ClientFamily = prometheus_client::metrics::family::Family<
    [(&'static str, String); 4],
    prometheus_client::metrics::counter::Counter<u64, AtomicU64>,
>;

fn client_families() -> Vec<ClientFamily> {
    let families: Vec<ClientFamily> = (0..FAMILIES).map(|_| ClientFamily::default()).collect();
    for family in &families {
        for [a, b, c, d] in (0..MILLION / FAMILIES).map(label_values) {
            let [la, lb, lc, ld] = LABELS;
            family
                .get_or_create(&[(la, a), (lb, b), (lc, c), (ld, d)])
                .inc_by(7);
        }
    }
    families
}

fn resident_bytes() -> u64 {
    meterbox_processes::resident_bytes(std::process::id()).expect("a process can read its size")
}

fn read_all(registry: &Registry, columns: &mut Columns) -> u64 {
    let mut sum = 0;
    for segment in registry
        .gather()
        .families()
        .flat_map(|family| family.segments())
    {
        segment.read(columns);
        sum ^= segment.label_text().len() as u64;
        sum ^= columns.values().len() as u64;
    }
    sum
}

fn gather(registry: &Registry) {
    let once = || {
        let mut columns = Columns::new();
        let start = thread_cpu_ns();
        black_box(read_all(registry, &mut columns));
        (thread_cpu_ns() - start) as f64 / MILLION as f64
    };
    compare(
        "reading flat 1M",
        "ns a series",
        5.0,
        &[Contestant {
            name: "values",
            run: Box::new(once),
        }],
    );
}

/// Look-ups all over half a million known series: the thread's own table never helps.
fn random_known(families: &[FamilyOf<Counter>]) {
    const CALLS: usize = 200_000;
    let mut state = 1_u64;
    let keys: Vec<_> = (0..CALLS)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let number = (state >> 33) as usize;
            (
                number % families.len(),
                label_values(number / 16 % (MILLION / FAMILIES)),
            )
        })
        .collect();
    let start = thread_cpu_ns();
    for (family, values) in &keys {
        let known = families[*family].inc(&values.each_ref().map(String::as_str));
        known.expect("a known series");
    }
    let spent = thread_cpu_ns() - start;
    println!(
        "known series at random among 500,000: {:.0} ns",
        spent as f64 / CALLS as f64
    );
}

/// How long a new series takes while another thread reads a million without a pause.
fn new_series(registry: &Registry, source: &Source) {
    const NEW: usize = 200_000;
    let family = source.counter("bench_handled_requests_00", "Bench.", &LABELS);
    let family = family.expect("the same shape as before");
    let done = AtomicBool::new(false);
    let (mut times, mut rounds) = (Vec::with_capacity(NEW), 0);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let (mut columns, mut rounds) = (Columns::new(), 0);
            while !done.load(Ordering::Acquire) {
                black_box(read_all(registry, &mut columns));
                rounds += 1;
            }
            rounds
        });
        for values in (MILLION..MILLION + NEW).map(label_values) {
            let start = Instant::now();
            family
                .inc(&values.each_ref().map(String::as_str))
                .expect("no limits");
            times.push(start.elapsed().as_nanos() as u64);
        }
        done.store(true, Ordering::Release);
        rounds = reading.join().expect("the reader does not panic");
    });
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize] as f64 / 1000.0;
    let most = *times.last().expect("there are some") as f64 / 1000.0;
    println!("a new series during {rounds} back-to-back gathers of 1M, us (goal p99.9 <= 100)");
    println!(
        "  p50 {:.1}   p99 {:.1}   p99.9 {:.1}   max {most:.0} (the scheduler's quantum included)",
        at(0.5),
        at(0.99),
        at(0.999)
    );
}

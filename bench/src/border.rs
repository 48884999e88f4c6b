//! Pages over the real border: series registered by one loaded library, encoded by
//! another, values in the host's own store.
//!
//! The libraries are built and loaded as a user's would be. Beside the loaded page plugin runs the same
//! encoder linked into this program, over the same gather: the difference is what the border costs.

pub(crate) mod world;

use std::hint::black_box;

use crate::exposition::{data::Data, memory, peers};
use crate::measure::{Contestant, ROUNDS, compare, median, process_cpu_ns};
use world::World;

/// Increments per round.
const INCREMENTS: u64 = 20_000_000;

/// Runs the group; `small` leaves out the million lines.
pub(crate) fn run(arguments: &[String]) {
    let small = arguments.iter().any(|argument| argument == "small");
    increments();
    scrapes("flat 100k over the border", 30.0, &Shape::flat(100_000));
    scrapes(
        "histograms 100k over the border",
        30.0,
        &Shape::histograms(6_667),
    );
    extra("extra memory, flat 100k", 1024, &Shape::flat(100_000));
    if !small {
        scrapes("flat 1M over the border", 55.0, &Shape::flat(1_000_000));
        extra("extra memory, flat 1M", 2048, &Shape::flat(1_000_000));
    }
}

/// How much the filler registers, and the same as plain data for the references.
struct Shape {
    series: usize,
    histograms: usize,
}

impl Shape {
    fn flat(series: usize) -> Self {
        Self {
            series,
            histograms: 0,
        }
    }

    fn histograms(histograms: usize) -> Self {
        Self {
            series: 0,
            histograms,
        }
    }

    fn world(&self) -> World {
        World::new(self.series, self.histograms)
    }

    fn data(&self) -> Data {
        if self.histograms > 0 {
            Data::histograms(self.histograms)
        } else {
            Data::flat(self.series)
        }
    }
}

fn scrapes(title: &str, most: f64, shape: &Shape) {
    let data = shape.data();
    let lines = data.lines();
    let world = shape.world();
    println!(
        "({lines} lines, {:.0} bytes a line)",
        world.scrape() as f64 / lines as f64
    );
    let floor = peers::Floor::new(&data);
    black_box(floor.write());
    let client = peers::client(&data);
    let per_line = |work: &dyn Fn() -> u64| {
        // The contestants take turns on different threads; each finds its core's caches as its own
        // last scrape left them, as it would in a server.
        black_box(work());
        world.move_all();
        let start = process_cpu_ns();
        black_box(work());
        (process_cpu_ns() - start) as f64 / lines as f64
    };
    let contestant = |name, work: Box<dyn Fn() -> u64>| Contestant {
        name,
        run: Box::new(move || per_line(&work)),
    };
    let (loaded, linked) = (world.clone(), world.clone());
    compare(
        title,
        "ns/line",
        most,
        &[
            contestant("page plugin, loaded", Box::new(move || loaded.scrape())),
            contestant(
                "same encoder, linked",
                Box::new(move || linked.encode_linked()),
            ),
            contestant("floor (rendered lines)", Box::new(move || floor.write())),
            contestant("prometheus-client", Box::new(move || client.write())),
        ],
    );
}

fn extra(title: &str, most_kib: u64, shape: &Shape) {
    let world = shape.world();
    // Once before, so that threads and their buffers are there.
    black_box(world.scrape());
    let kib = memory::extra_peak_kib(|| world.scrape());
    let verdict = if kib <= most_kib { "met" } else { "MISSED" };
    println!("{title}\n  page plugin, loaded: {kib} KiB   goal <= {most_kib}: {verdict}");
}

fn increments() {
    let world = World::new(0, 0);
    for threads in [1, 2] {
        let mut border = Vec::new();
        let mut native = Vec::new();
        for _ in 0..ROUNDS {
            border.push(world.increments(INCREMENTS, threads));
            native.push(world.native_increments(INCREMENTS, threads));
        }
        let (border, native) = (median(&border), median(&native));
        let verdict = if border <= 6.0 { "met" } else { "MISSED" };
        println!(
            "increment from a plugin, {threads} thread(s)\n  over the border {border:>8.2} ns   goal \
             <= 6: {verdict}\n  in the host     {native:>8.2} ns"
        );
    }
}

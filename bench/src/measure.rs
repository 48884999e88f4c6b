//! Measuring: CPU time of threads, rounds in which all contestants take turns, ratios of medians.
//!
//! Absolute figures depend on the machine and its neighbours; what counts is the ratio to a reference
//! that ran in the same rounds. When the reference itself moved too much, no ratio is judged.

use std::hint::black_box;
use std::sync::Barrier;

use rustix::time::{ClockId, clock_gettime};

/// Rounds of every comparison.
pub(crate) const ROUNDS: usize = 11;
/// A reference whose slowest round took this many times its fastest judges nothing.
const UNSTEADY: f64 = 1.5;

/// CPU time of this thread, in nanoseconds.
#[must_use]
pub(crate) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// CPU time of all threads of this process, in nanoseconds.
#[must_use]
pub(crate) fn process_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds of CPU that one call of `work` costs, over `calls` calls in each of `threads` threads.
#[must_use]
pub(crate) fn per_call(threads: usize, calls: u64, work: &(dyn Fn(u64) + Sync)) -> f64 {
    let barrier = Barrier::new(threads);
    let spent: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    work(calls / 16);
                    barrier.wait();
                    let start = thread_cpu_ns();
                    work(black_box(calls));
                    thread_cpu_ns() - start
                })
            })
            .collect();
        running
            .into_iter()
            .map(|one| one.join().expect("a benchmark does not panic"))
            .sum()
    });
    spent as f64 / (calls * threads as u64) as f64
}

/// The middle of these figures.
#[must_use]
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One way of doing the work: `run` does it once and says what one operation cost, in nanoseconds.
pub(crate) struct Contestant<'a> {
    /// Its name in the output.
    pub(crate) name: &'a str,
    /// Measures one round.
    pub(crate) run: Box<dyn Fn() -> f64 + 'a>,
}

/// Lets all contestants take turns and prints medians; the first is ours, the others are references.
/// `goals` are `(reference, least ratio)`; `most` is the most that ours should cost.
pub(crate) fn compare(title: &str, unit: &str, most: f64, contestants: &[Contestant<'_>]) {
    let mut figures = vec![Vec::with_capacity(ROUNDS); contestants.len()];
    for _ in 0..ROUNDS {
        for (figures, contestant) in figures.iter_mut().zip(contestants) {
            figures.push((contestant.run)());
        }
    }
    let ours = median(&figures[0]);
    println!("{title}");
    let verdict = if ours <= most { "met" } else { "MISSED" };
    println!(
        "  {:<34} {ours:>8.2} {unit}   goal <= {most}: {verdict}",
        contestants[0].name
    );
    for (figures, contestant) in figures.iter().zip(contestants).skip(1) {
        let middle = median(figures);
        let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = figures.iter().copied().fold(0.0, f64::max);
        let steady = if largest > least * UNSTEADY {
            format!("   (unsteady, {least:.1} to {largest:.1}: not to be judged)")
        } else {
            String::new()
        };
        let name = contestant.name;
        println!(
            "  {name:<34} {middle:>8.2} {unit}   {:>6.1} x ours{steady}",
            middle / ours
        );
    }
}

//! The store beside a plain map: thousands of random operations, the same page.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails here has failed the test"
)]

mod common;

use std::collections::BTreeMap;

use common::{page, registry_with};
use meterbox_metrics::{Counter, Descriptor, Histogram, Kind, Limits, SourceOptions};

const TTL_SECONDS: u64 = 30;

/// A series of the model: its count, when it last moved, and how many handles there are.
#[derive(Clone, Default)]
struct Modelled {
    count: u64,
    moved_at: u64,
    seen: u64,
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % most
    }
}

#[test]
fn property_random_operations_agree_with_a_map() {
    for seed in 0..8 {
        run(seed, 6_000);
    }
}

fn run(seed: u64, steps: usize) {
    let mut random = Random(seed);
    let (registry, clock) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let counters = Descriptor::new(Kind::Counter, "c_total", "")
        .labels(&["n"])
        .ttl_seconds(TTL_SECONDS as f64);
    let counters = source.family::<Counter>(&counters).unwrap();
    let histograms = source.histogram("h", "", &["n"]).unwrap();
    let mut now = 0;
    let mut model: BTreeMap<String, Modelled> = BTreeMap::new();
    let mut observed: BTreeMap<String, u64> = BTreeMap::new();
    let mut handles: Vec<(String, Counter, Histogram)> = Vec::new();
    for _ in 0..steps {
        let name = format!("n\"{}", random.below(60));
        match random.below(12) {
            0..4 => {
                counters.inc(&[&name]).unwrap();
                model
                    .entry(name)
                    .or_insert(Modelled {
                        moved_at: now,
                        ..Modelled::default()
                    })
                    .count += 1;
            }
            4..6 => {
                histograms.observe(&[&name], 0.5).unwrap();
                *observed.entry(name).or_default() += 1;
            }
            6 if handles.len() < 20 => {
                let pair = (
                    counters.with(&[&name]).unwrap(),
                    histograms.with(&[&name]).unwrap(),
                );
                model.entry(name.clone()).or_insert(Modelled {
                    moved_at: now,
                    ..Modelled::default()
                });
                observed.entry(name.clone()).or_default();
                handles.push((name, pair.0, pair.1));
            }
            7 if !handles.is_empty() => {
                // A handle counts only while the series that it was made for is there.
                let at = random.below(handles.len() as u64) as usize;
                let (name, counter, histogram) = &handles[at];
                let slots = (counter.series().slot(), histogram.series().slot());
                counter.inc();
                histogram.observe(20.0);
                if model.contains_key(name)
                    && counters.with(&[name]).unwrap().series().slot() == slots.0
                {
                    model.get_mut(name).unwrap().count += 1;
                }
                if observed.contains_key(name)
                    && histograms.with(&[name]).unwrap().series().slot() == slots.1
                {
                    *observed.get_mut(name).unwrap() += 1;
                }
            }
            8 if !handles.is_empty() => {
                let at = random.below(handles.len() as u64) as usize;
                handles.swap_remove(at);
            }
            9 => {
                assert_eq!(counters.remove(&[&name]), model.remove(&name).is_some());
                assert_eq!(
                    histograms.remove(&[&name]),
                    observed.remove(&name).is_some()
                );
            }
            10 => {
                let seconds = random.below(20);
                clock.advance(seconds);
                now += seconds;
            }
            11 => {
                let held = |name: &String| {
                    handles.iter().any(|handle| {
                        handle.0 == *name
                            && counters.with(&[name]).unwrap().series().slot()
                                == handle.1.series().slot()
                    })
                };
                let names: Vec<_> = model.keys().cloned().collect();
                let mut gone = 0;
                for name in names {
                    let is_held = held(&name);
                    let series = model.get_mut(&name).unwrap();
                    if series.seen != series.count {
                        (series.seen, series.moved_at) = (series.count, now);
                    }
                    if now - series.moved_at >= TTL_SECONDS && !is_held {
                        model.remove(&name);
                        gone += 1;
                    }
                }
                assert_eq!(registry.expire(), gone);
            }
            _ => {}
        }
        if random.below(50) == 0 {
            compare(&page(&registry), &model, &observed);
        }
    }
    compare(&page(&registry), &model, &observed);
    assert_eq!(registry.series_len(), model.len() + observed.len());
    drop(handles);
    assert_eq!(registry.remove_source("test"), model.len() + observed.len());
    assert_eq!(registry.series_len(), 0);
}

#[track_caller]
fn compare(page: &str, model: &BTreeMap<String, Modelled>, observed: &BTreeMap<String, u64>) {
    let mut lines: Vec<_> = page
        .lines()
        .map(|line| {
            let (series, values) = line.split_once("} ").unwrap();
            let count = values.rsplit_once(']').map_or(values, |(_, rest)| {
                rest.trim_start().split(' ').next().unwrap()
            });
            format!("{series} {count}")
        })
        .collect();
    lines.sort();
    let escape = |name: &str| name.replace('"', "\\\"");
    let counters = model
        .iter()
        .map(|(name, one)| format!("c_total{{n=\"{}\" {}", escape(name), one.count));
    let histograms = observed
        .iter()
        .map(|(name, count)| format!("h{{n=\"{}\" {count}", escape(name)));
    let mut expect: Vec<_> = counters.chain(histograms).collect();
    expect.sort();
    assert_eq!(lines, expect);
}

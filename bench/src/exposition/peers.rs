//! The references of the exposition benchmarks, filled with the same data.

use std::cell::RefCell;
use std::sync::atomic::AtomicU64;

use meterbox_plugin_abi::gather::Kind;
use prometheus::Encoder as _;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::data::{BOUNDS, Data, LABELS, label_values};

/// What a hand-written encoder could at best do: every line stands ready up to its number, numbers
/// are appended by `itoa` and `zmij`, one buffer of the size of the page is kept.
pub(crate) struct Floor {
    lines: String,
    ends: Vec<u32>,
    values: Vec<Number>,
    page: RefCell<Vec<u8>>,
}

enum Number {
    Whole(u64),
    Real(f64),
}

impl Floor {
    pub(crate) fn new(data: &Data) -> Self {
        let mut floor = Self {
            lines: String::new(),
            ends: Vec::new(),
            values: Vec::new(),
            page: RefCell::default(),
        };
        for family in &data.families {
            let name = &family.name;
            for series in family.series() {
                let block = series.block;
                if family.kind != Kind::HISTOGRAM {
                    let value = series.value;
                    floor.line(
                        &format!("{name}{{{block},}} "),
                        if family.kind == Kind::COUNTER {
                            Number::Whole(value as u64)
                        } else {
                            Number::Real(value)
                        },
                    );
                    continue;
                }
                let mut total = 0;
                let bounds = BOUNDS.iter().map(|bound| format!("{bound:?}"));
                for (bound, bucket) in bounds.chain(["+Inf".to_owned()]).zip(series.buckets) {
                    total += bucket;
                    floor.line(
                        &format!("{name}_bucket{{{block},le=\"{bound}\",}} "),
                        Number::Whole(total),
                    );
                }
                floor.line(&format!("{name}_count{{{block},}} "), Number::Whole(total));
                floor.line(
                    &format!("{name}_sum{{{block},}} "),
                    Number::Real(series.sum),
                );
            }
        }
        floor
    }

    fn line(&mut self, text: &str, value: Number) {
        self.lines.push_str(text);
        self.ends
            .push(u32::try_from(self.lines.len()).expect("pages here are below 4 GiB"));
        self.values.push(value);
    }

    pub(crate) fn write(&self) -> u64 {
        let mut page = self.page.borrow_mut();
        page.clear();
        let lines = self.lines.as_bytes();
        let mut start = 0;
        for (end, value) in self.ends.iter().zip(&self.values) {
            let end = *end as usize;
            page.extend_from_slice(&lines[start..end]);
            start = end;
            match value {
                Number::Whole(value) => {
                    page.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
                    page.extend_from_slice(b".0\n");
                }
                Number::Real(value) => {
                    page.extend_from_slice(zmij::Buffer::new().format(*value).as_bytes());
                    page.push(b'\n');
                }
            }
        }
        page.len() as u64
    }
}

type Labels = Vec<(&'static str, String)>;

fn labels(number: usize) -> Labels {
    LABELS.into_iter().zip(label_values(number)).collect()
}

/// The crate `prometheus-client`.
pub(crate) struct Client {
    registry: prometheus_client::registry::Registry,
    page: RefCell<String>,
}

impl Client {
    /// Encodes into a kept buffer.
    pub(crate) fn write(&self) -> u64 {
        let mut page = self.page.borrow_mut();
        page.clear();
        encode(&mut *page, &self.registry).expect("a string takes everything");
        page.len() as u64
    }
}

pub(crate) fn client(data: &Data) -> Client {
    let mut registry = prometheus_client::registry::Registry::default();
    for family in &data.families {
        let (name, help) = (
            family.name.trim_end_matches("_total"),
            "One of the families",
        );
        match family.kind {
            Kind::COUNTER => {
                let theirs = Family::<Labels, Counter<u64, AtomicU64>>::default();
                registry.register(name, help, theirs.clone());
                for (number, series) in family.series().enumerate() {
                    theirs
                        .get_or_create(&labels(number))
                        .inc_by(series.value as u64);
                }
            }
            Kind::HISTOGRAM => {
                let theirs = Family::<Labels, Histogram>::new_with_constructor(|| {
                    Histogram::new(BOUNDS.iter().copied())
                });
                registry.register(name, help, theirs.clone());
                for (number, series) in family.series().enumerate() {
                    theirs.get_or_create(&labels(number)).observe(series.sum);
                }
            }
            _ => {
                let theirs = Family::<Labels, Gauge<f64, AtomicU64>>::default();
                registry.register(name, help, theirs.clone());
                for (number, series) in family.series().enumerate() {
                    theirs.get_or_create(&labels(number)).set(series.value);
                }
            }
        }
    }
    Client {
        registry,
        page: RefCell::default(),
    }
}

/// The crate `prometheus`.
pub(crate) fn prometheus(data: &Data) -> prometheus::Registry {
    let registry = prometheus::Registry::new();
    let register = |theirs: Box<dyn prometheus::core::Collector>| {
        registry.register(theirs).expect("names differ");
    };
    for family in &data.families {
        let options = prometheus::Opts::new(&family.name, "One of the families");
        match family.kind {
            Kind::HISTOGRAM => {
                let options = prometheus::HistogramOpts::from(options).buckets(BOUNDS.to_vec());
                let theirs = prometheus::HistogramVec::new(options, &LABELS).expect("good options");
                for (number, series) in family.series().enumerate() {
                    theirs
                        .with_label_values(&label_values(number))
                        .observe(series.sum);
                }
                register(Box::new(theirs));
            }
            _ => {
                let theirs = prometheus::GaugeVec::new(options, &LABELS).expect("good options");
                for (number, series) in family.series().enumerate() {
                    theirs
                        .with_label_values(&label_values(number))
                        .set(series.value);
                }
                register(Box::new(theirs));
            }
        }
    }
    registry
}

/// Gathers and encodes a registry of `prometheus`.
pub(crate) fn write(registry: &prometheus::Registry) -> u64 {
    let mut page = Vec::new();
    prometheus::TextEncoder::new()
        .encode(&registry.gather(), &mut page)
        .expect("a vector takes everything");
    page.len() as u64
}

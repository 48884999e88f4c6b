//! The metrics of the host in memory: plain maps behind one lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meterbox_plugin_abi::gather::{FAMILY_INHERITED_NAME, Filter, Kind, Visitor, check, names};
use meterbox_plugin_abi::{
    Cells, Failure, FamilyService, FamilySpec, Instrument, MetricFamily, Status,
};

use crate::families::Families;

/// All series, in the order of their creation within a family.
#[derive(Clone, Default)]
pub(super) struct Store(Arc<Mutex<BTreeMap<String, Stored>>>);

#[derive(Clone)]
struct Stored {
    kind: Kind,
    help: String,
    unit: String,
    set: String,
    flags: u32,
    labels: Vec<String>,
    bounds: Vec<f64>,
    /// `None` where a series was removed: a place is never used again.
    series: Vec<Option<Series>>,
}

#[derive(Clone, Default)]
struct Series {
    values: Vec<String>,
    value: f64,
    buckets: Vec<u64>,
    sum: f64,
}

impl Stored {
    fn find(&self, values: &[&str]) -> Option<usize> {
        self.series.iter().position(|series| {
            series
                .as_ref()
                .is_some_and(|series| series.values == values)
        })
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self, spec: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        check::registration(spec).map_err(|misfit| {
            Failure::new(Status::INVALID, format!("metric {}: {misfit}", spec.name))
        })?;
        let mut families = self.lock();
        let stored = families
            .entry(spec.name.to_owned())
            .or_insert_with(|| Stored {
                kind: spec.kind,
                help: spec.help.to_owned(),
                unit: spec.unit.to_owned(),
                set: spec.set.to_owned(),
                flags: spec.flags,
                labels: spec
                    .labels
                    .iter()
                    .map(|label| (*label).to_owned())
                    .collect(),
                bounds: spec.bounds.to_vec(),
                series: Vec::new(),
            });
        let conflict = |what: &str| {
            let text = format!("metric {} is registered with {what}", spec.name);
            Err(Failure::new(Status::CONFLICT, text))
        };
        if stored.kind != spec.kind {
            return conflict(&format!("kind {}", stored.kind.word()));
        }
        if stored.labels != spec.labels {
            return conflict(&format!("labels [{}]", stored.labels.join(", ")));
        }
        if stored.bounds != spec.bounds {
            return conflict("other buckets");
        }
        drop(families);
        Ok(MetricFamily::of(One {
            name: spec.name.to_owned(),
            store: self.clone(),
        }))
    }

    /// What a page would show for this sample: `x` itself, or `x_count` and `x_sum`.
    pub(super) fn value(&self, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let families = self.lock();
        let read = |family: &str, of: fn(&Series) -> f64| {
            let stored = families.get(family)?;
            let value = |name: &String| labels.iter().find(|(label, _)| label == name);
            let values: Vec<&str> = stored
                .labels
                .iter()
                .filter_map(|name| value(name).map(|(_, value)| *value))
                .collect();
            (labels.len() == values.len()).then_some(())?;
            let at = stored.find(&values)?;
            stored.series[at].as_ref().map(of)
        };
        read(sample, |series| series.value)
            .or_else(|| read(sample.strip_suffix("_sum")?, |series| series.sum))
            .or_else(|| {
                let count = |series: &Series| series.buckets.iter().sum::<u64>() as f64;
                read(sample.strip_suffix("_count")?, count)
            })
    }

    pub(super) fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        // A copy, so that a visitor may register metrics.
        let copy = self.lock().clone();
        let mut families = Families::new(filter, visitor);
        for (name, stored) in &copy {
            let mut rows = if stored.kind == Kind::HISTOGRAM {
                families.histogram(name, &stored.help, &stored.bounds)
            } else {
                families.family(stored.kind, name, &stored.help)
            };
            rows = rows.unit(&stored.unit).in_set(&stored.set);
            if stored.flags & FAMILY_INHERITED_NAME != 0 {
                rows = rows.inherited();
            }
            for series in stored.series.iter().flatten() {
                let texts = stored.labels.iter().map(String::as_str);
                let labels: Vec<(&str, &str)> = texts
                    .zip(series.values.iter().map(String::as_str))
                    .collect();
                rows = match stored.kind {
                    Kind::HISTOGRAM => rows.buckets(&labels, &series.buckets, series.sum),
                    Kind::SUMMARY => rows.total(&labels, series.buckets[0], series.sum),
                    _ => rows.sample(&labels, series.value),
                };
            }
        }
    }
}

/// One family of a store.
#[derive(Clone)]
struct One {
    name: String,
    store: Store,
}

impl FamilyService for One {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        let mut families = self.store.lock();
        let stored = families
            .get_mut(&self.name)
            .ok_or_else(|| Failure::internal("gone"))?;
        if values.len() != stored.labels.len() {
            let (wanted, given) = (stored.labels.len(), values.len());
            let text = format!("metric {} has {wanted} labels, not {given}", self.name);
            return Err(Failure::new(Status::INVALID, text));
        }
        let checked = values
            .iter()
            .try_for_each(|value| names::check_value(value));
        checked.map_err(|error| Failure::new(Status::INVALID, error.to_string()))?;
        let slot = stored.find(values).unwrap_or_else(|| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let buckets = vec![0; stored.bounds.len() + 1];
            stored.series.push(Some(Series {
                values,
                buckets,
                ..Series::default()
            }));
            stored.series.len() - 1
        });
        drop(families);
        Ok(Instrument::of(Arc::new(Cell {
            family: self.clone(),
            slot,
        })))
    }

    fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        let mut families = self.store.lock();
        let stored = families.get_mut(&self.name);
        let removed = stored.and_then(|stored| {
            let at = stored.find(values)?;
            stored.series[at].take()
        });
        let text = || format!("metric {} has no series {values:?}", self.name);
        removed
            .map(drop)
            .ok_or_else(|| Failure::new(Status::NOT_FOUND, text()))
    }
}

/// One series of a family.
struct Cell {
    family: One,
    slot: usize,
}

impl Cell {
    fn change(&self, change: impl FnOnce(Kind, &[f64], &mut Series)) {
        let One { name, store } = &self.family;
        let mut families = store.lock();
        if let Some(stored) = families.get_mut(name)
            && let Some(Some(series)) = stored.series.get_mut(self.slot)
        {
            change(stored.kind, &stored.bounds, series);
        }
    }
}

impl Cells for Cell {
    fn add_u64(&self, amount: u64) {
        self.add_f64(amount as f64);
    }

    fn add_f64(&self, amount: f64) {
        self.change(|kind, _, series| {
            if kind == Kind::GAUGE || (kind == Kind::COUNTER && amount >= 0.0) {
                series.value += amount;
            }
        });
    }

    fn set(&self, value: f64) {
        self.change(|kind, _, series| {
            if kind != Kind::COUNTER || value >= series.value {
                series.value = value;
            }
        });
    }

    fn observe(&self, value: f64) {
        self.change(|_, bounds, series| {
            series.buckets[bounds.partition_point(|bound| *bound < value)] += 1;
            series.sum += value;
        });
    }

    fn merge(&self, buckets: &[u64], sum: f64) {
        self.change(|_, _, series| {
            if series.buckets.len() == buckets.len() {
                let pairs = series.buckets.iter_mut().zip(buckets);
                pairs.for_each(|(bucket, more)| *bucket += more);
                series.sum += sum;
            }
        });
    }
}

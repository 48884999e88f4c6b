//! Metrics in memory: plain maps behind one lock, with the rules of the server's store.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::lock;
use crate::gather::spec::FamilySpec;
use crate::gather::{FamilyWriter, Filter, Kind, OwnedHead, Sample, Visitor, check, names};
use crate::metrics::{Cells, FamilyService, Instrument, MetricFamily};
use crate::status::{Failure, Status};

/// All series, in the order of their creation within a family. A clone is the same store.
#[derive(Clone, Default)]
pub struct Store(Arc<Shared>);

#[derive(Default)]
struct Shared {
    families: Mutex<BTreeMap<String, Stored>>,
    registered: Mutex<Vec<String>>,
    changes: Mutex<Vec<String>>,
    holders: AtomicI64,
}

#[derive(Clone)]
struct Stored {
    head: OwnedHead,
    labels: Vec<String>,
    /// `None` where a series was removed: a place is never used again.
    series: Vec<Option<Series>>,
}

#[derive(Clone)]
struct Series {
    values: Vec<String>,
    held: Held,
}

/// What one series holds.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Held {
    /// Of a counter, gauge, unknown or info.
    pub value: f64,
    /// Of a histogram, per bucket; of a summary the one count.
    pub buckets: Vec<u64>,
    /// Of both.
    pub sum: f64,
}

impl Stored {
    fn find(&self, values: &[&str]) -> Option<usize> {
        let is = |series: &Option<Series>| series.as_ref().is_some_and(|one| one.values == values);
        self.series.iter().position(is)
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        lock(&self.0.families)
    }

    /// Each change of a series that was asked for, as `add 1`, `set 2`, `observe 3`, `merge [4] 5`.
    #[must_use]
    pub fn changes(&self) -> Vec<String> {
        lock(&self.0.changes).clone()
    }

    /// How many series are held by somebody.
    #[must_use]
    pub fn holders(&self) -> i64 {
        self.0.holders.load(Ordering::Relaxed)
    }

    /// The name of each registration, in their order.
    #[must_use]
    pub fn registered(&self) -> Vec<String> {
        lock(&self.0.registered).clone()
    }

    /// What describes a family.
    #[must_use]
    pub fn head(&self, name: &str) -> Option<OwnedHead> {
        self.lock().get(name).map(|stored| stored.head.clone())
    }

    /// Registers a family, or finds the one that is there.
    ///
    /// # Errors
    /// [`Status::INVALID`] and [`Status::CONFLICT`], as a server.
    pub fn register(&self, spec: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        check::registration(spec).map_err(|misfit| {
            Failure::new(Status::INVALID, format!("metric {}: {misfit}", spec.name))
        })?;
        lock(&self.0.registered).push(spec.name.to_owned());
        let mut families = self.lock();
        let stored = families
            .entry(spec.name.to_owned())
            .or_insert_with(|| Stored {
                head: OwnedHead::from(&spec.head()),
                labels: spec.labels.iter().map(ToString::to_string).collect(),
                series: Vec::new(),
            });
        let conflict = |what: &str| {
            let text = format!("metric {} is registered with {what}", spec.name);
            Err(Failure::new(Status::CONFLICT, text))
        };
        if stored.head.kind != spec.kind {
            return conflict(&format!("kind {}", stored.head.kind.word()));
        }
        if stored.labels != spec.labels {
            return conflict(&format!("labels [{}]", stored.labels.join(", ")));
        }
        if stored.head.bounds != spec.bounds {
            return conflict("other buckets");
        }
        Ok(MetricFamily::of(One {
            name: spec.name.to_owned(),
            store: self.clone(),
        }))
    }

    /// What the series with these labels holds.
    #[must_use]
    pub fn held(&self, family: &str, labels: &[(&str, &str)]) -> Option<Held> {
        let families = self.lock();
        let stored = families.get(family)?;
        let value = |name: &String| labels.iter().find(|(label, _)| label == name);
        let names = stored.labels.iter();
        let values: Vec<&str> = names
            .filter_map(|name| value(name).map(|(_, value)| *value))
            .collect();
        (labels.len() == values.len()).then_some(())?;
        let at = stored.find(&values)?;
        stored.series[at].as_ref().map(|series| series.held.clone())
    }

    /// What a page would show for this sample: `x` itself, or `x_count` and `x_sum`.
    #[must_use]
    pub fn value(&self, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let of = |suffix: &str| self.held(sample.strip_suffix(suffix)?, labels);
        self.held(sample, labels)
            .map(|held| held.value)
            .or_else(|| of("_sum").map(|held| held.sum))
            .or_else(|| of("_count").map(|held| held.buckets.iter().sum::<u64>() as f64))
    }

    /// Shows all families that `filter` wants.
    pub fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) {
        // A copy, so that a visitor may register metrics.
        let copy = self.lock().clone();
        let mut families = FamilyWriter::new(filter, visitor);
        for stored in copy.into_values() {
            let kind = stored.head.kind;
            // Whatever is in a store was checked.
            let _ = families.begin(stored.head);
            for Series { values, held } in stored.series.iter().flatten() {
                let labels = stored.labels.iter().map(String::as_str);
                let labels = labels.zip(values.iter().map(String::as_str));
                let sample = match kind {
                    Kind::HISTOGRAM => Sample::Buckets(&held.buckets, held.sum),
                    Kind::SUMMARY => Sample::Total(held.buckets[0], held.sum),
                    _ => Sample::Value(held.value),
                };
                let _ = families.sample(labels, &sample);
            }
        }
        families.end();
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
        let mut checked = values.iter().map(|value| names::check_value(value));
        if let Some(Err(error)) = checked.find(Result::is_err) {
            return Err(Failure::new(Status::INVALID, error.to_string()));
        }
        let place = stored.find(values).unwrap_or_else(|| {
            let values = values.iter().map(ToString::to_string).collect();
            let held = Held {
                buckets: vec![0; stored.head.bounds.len() + 1],
                ..Held::default()
            };
            stored.series.push(Some(Series { values, held }));
            stored.series.len() - 1
        });
        self.store.0.holders.fetch_add(1, Ordering::Relaxed);
        Ok(Instrument::of(Arc::new(Holder {
            family: self.clone(),
            place,
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

/// One holder of a series.
struct Holder {
    family: One,
    place: usize,
}

impl Holder {
    fn change(&self, what: String, change: impl FnOnce(&OwnedHead, &mut Held)) {
        let One { name, store } = &self.family;
        lock(&store.0.changes).push(what);
        let mut families = store.lock();
        if let Some(stored) = families.get_mut(name)
            && let Some(Some(series)) = stored.series.get_mut(self.place)
        {
            change(&stored.head, &mut series.held);
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.family.store.0.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cells for Holder {
    fn add_u64(&self, amount: u64) {
        self.add_f64(amount as f64);
    }

    fn add_f64(&self, amount: f64) {
        self.change(format!("add {amount}"), |head, held| {
            if head.kind == Kind::GAUGE || (head.kind == Kind::COUNTER && amount >= 0.0) {
                held.value += amount;
            }
        });
    }

    fn set(&self, value: f64) {
        self.change(format!("set {value}"), |head, held| {
            if head.kind != Kind::COUNTER || value >= held.value {
                held.value = value;
            }
        });
    }

    fn observe(&self, value: f64) {
        self.change(format!("observe {value}"), |head, held| {
            if [Kind::HISTOGRAM, Kind::SUMMARY].contains(&head.kind) {
                held.buckets[head.bounds.partition_point(|bound| *bound < value)] += 1;
                held.sum += value;
            }
        });
    }

    fn merge(&self, buckets: &[u64], sum: f64) {
        self.change(format!("merge {buckets:?} {sum}"), |_, held| {
            if held.buckets.len() == buckets.len() {
                let pairs = held.buckets.iter_mut().zip(buckets);
                pairs.for_each(|(bucket, more)| *bucket += more);
                held.sum += sum;
            }
        });
    }
}

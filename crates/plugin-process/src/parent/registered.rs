//! The families and series that one child registered, and what its cells say about them.
//!
//! The series are the host's: the same names and labels give the same ones in the next child, which goes
//! on counting where this one ended.

use std::collections::HashMap;
use std::sync::Arc;

use meterbox_plugin_abi::{Failure, FamilySpec, HostServices, Instrument, MetricFamily, Status};
use parking_lot::Mutex;

use crate::cells::{CellChange, CellShape, ParentCells, SeriesWatch};

/// Most families of one child; the host has a limit of its own that is usually met first.
const FAMILIES_MAX: usize = 65_536;

struct RegisteredFamily {
    family: Arc<MetricFamily>,
    /// Held while the host's family is asked for a series or told of a removal, and until that is
    /// noted here: the child asks on several lanes at once.
    exchange: Arc<Mutex<()>>,
    shape: CellShape,
    series: HashMap<Box<[Box<str>]>, usize>,
}

struct RegisteredSeries {
    watch: SeriesWatch,
    instrument: Instrument,
}

#[derive(Default)]
struct CellPages {
    names: HashMap<Box<str>, u32>,
    families: Vec<RegisteredFamily>,
    series: Vec<Option<RegisteredSeries>>,
    free: Vec<usize>,
    cells_used: u64,
}

impl CellPages {
    /// The cell of a series that is known.
    fn cell(&self, family: u32, key: &[Box<str>]) -> Option<u32> {
        let at = self.families.get(family as usize)?.series.get(key)?;
        self.series[*at].as_ref().map(|one| one.watch.cell())
    }
}

/// All of it, with the cells.
pub(super) struct RegisteredFamilies {
    cells: ParentCells,
    pages: Mutex<CellPages>,
}

fn key(values: &[&str]) -> Box<[Box<str>]> {
    values.iter().map(|value| Box::from(*value)).collect()
}

fn no_family() -> Failure {
    Failure::new(Status::INVALID, "no family of this number is registered")
}

impl RegisteredFamilies {
    pub(super) fn new(cells: ParentCells) -> Self {
        Self {
            cells,
            pages: Mutex::default(),
        }
    }

    pub(super) fn cells(&self) -> &ParentCells {
        &self.cells
    }

    /// Registers a family with the host; its number.
    pub(super) fn register(
        &self,
        services: &dyn HostServices,
        spec: &FamilySpec<'_>,
    ) -> Result<u32, Failure> {
        let family = services.register(spec)?;
        let mut pages = self.pages.lock();
        if let Some(number) = pages.names.get(spec.name) {
            return Ok(*number);
        }
        let number = pages.families.len();
        if number >= FAMILIES_MAX {
            let text = format!("a plugin has at most {FAMILIES_MAX} families");
            return Err(Failure::new(Status::LIMIT, text));
        }
        pages.families.push(RegisteredFamily {
            family: Arc::new(family),
            exchange: Arc::default(),
            shape: CellShape::of(spec.kind, spec.bounds.len()),
            series: HashMap::new(),
        });
        let number = number as u32;
        pages.names.insert(spec.name.into(), number);
        Ok(number)
    }

    /// The cells of a series, made if it is new.
    pub(super) fn series(&self, family: u32, values: &[&str]) -> Result<u32, Failure> {
        let key = key(values);
        let (exchange, family_handle) = self.family(family)?;
        let _one_at_a_time = exchange.lock();
        let shape = {
            let pages = self.pages.lock();
            if let Some(cell) = pages.cell(family, &key) {
                return Ok(cell);
            }
            pages.families[family as usize].shape
        };
        let instrument = family_handle.series(values)?;
        let mut guard = self.pages.lock();
        let pages = &mut *guard;
        let Some(watch) = self.cells.allocate(shape) else {
            let text = "no cells are left for another series of this plugin";
            return Err(Failure::new(Status::LIMIT, text));
        };
        let cell = watch.cell();
        pages.cells_used += u64::from(shape.cells());
        let one = Some(RegisteredSeries { watch, instrument });
        let at = pages.free.pop().unwrap_or(pages.series.len());
        match pages.series.get_mut(at) {
            Some(place) => *place = one,
            None => pages.series.push(one),
        }
        pages.families[family as usize].series.insert(key, at);
        Ok(cell)
    }

    /// Removes a series.
    pub(super) fn remove(&self, family: u32, values: &[&str]) -> Result<(), Failure> {
        let (exchange, family_handle) = self.family(family)?;
        let _one_at_a_time = exchange.lock();
        {
            let mut guard = self.pages.lock();
            let pages = &mut *guard;
            let entry = &mut pages.families[family as usize];
            if let Some(at) = entry.series.remove(&key(values))
                && let Some(one) = pages.series[at].take()
            {
                pages.cells_used -= u64::from(one.watch.shape().cells());
                pages.free.push(at);
                self.cells.give_back(one.watch);
            }
        }
        family_handle.remove(values)
    }

    /// The host's family, and the lock of exchanges about its series. Families are never removed.
    fn family(&self, family: u32) -> Result<(Arc<Mutex<()>>, Arc<MetricFamily>), Failure> {
        let pages = self.pages.lock();
        let entry = pages.families.get(family as usize).ok_or_else(no_family)?;
        Ok((entry.exchange.clone(), entry.family.clone()))
    }

    /// Moves what changed in the cells to the host's series.
    pub(super) fn harvest(&self) {
        let mut pages = self.pages.lock();
        for RegisteredSeries { watch, instrument } in pages.series.iter_mut().flatten() {
            watch.changes(&self.cells, |change| apply(instrument, &change));
        }
        self.cells.rest();
    }

    pub(super) fn cells_used(&self) -> u64 {
        self.pages.lock().cells_used
    }
}

fn apply(instrument: &Instrument, change: &CellChange) {
    match change {
        CellChange::Counted(amount) => instrument.add_u64(*amount),
        CellChange::Added(amount) => instrument.add_f64(*amount),
        CellChange::Total(value) | CellChange::Level(value) => instrument.set(*value),
        CellChange::Observed { buckets, sum } => instrument.merge(buckets, *sum),
        CellChange::Summed { count, sum } => instrument.merge(&[*count], *sum),
    }
}

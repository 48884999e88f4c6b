//! Families that the plugin registered, and the series of them that it has asked for.
//!
//! A series that is known costs no exchange: its cells do not move while it lives.

use std::collections::HashMap;
use std::sync::Arc;

use meterbox_plugin_abi::{Failure, FamilyService, FamilySpec, Instrument, MetricFamily, Status};
use parking_lot::Mutex;

use super::link::Link;
use crate::cells::{CellShape, ChildCells, Series};
use crate::wire::{Kind, PayloadWriter, Registration};

/// Every family of the plugin by the host's number for it.
pub(super) struct ChildFamilies {
    link: Arc<Link>,
    cells: Arc<ChildCells>,
    known: Mutex<HashMap<u32, Arc<FamilyState>>>,
}

/// One family, however often it was registered.
struct FamilyState {
    number: u32,
    shape: CellShape,
    bounds: Arc<[f64]>,
    link: Arc<Link>,
    cells: Arc<ChildCells>,
    /// By label values, each behind its length.
    series: Mutex<HashMap<Box<[u8]>, Arc<Series>, foldhash::fast::RandomState>>,
    /// Held while the host is asked for a series or told of a removal, and until that is noted here: a
    /// series asked for in between would be one that is going.
    exchange: Mutex<()>,
}

/// What the plugin holds.
struct FamilyHandle(Arc<FamilyState>);

impl ChildFamilies {
    pub(super) fn new(link: Arc<Link>, cells: Arc<ChildCells>) -> Self {
        Self {
            link,
            cells,
            known: Mutex::default(),
        }
    }

    pub(super) fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        let request = Registration::put(family);
        let number = self
            .link
            .ask(Kind::REGISTER, &request, |result| result.u32())?;
        let mut known = self.known.lock();
        let found = known.entry(number).or_insert_with(|| {
            Arc::new(FamilyState {
                number,
                shape: CellShape::of(family.kind, family.bounds.len()),
                bounds: family.bounds.into(),
                link: self.link.clone(),
                cells: self.cells.clone(),
                series: Mutex::default(),
                exchange: Mutex::default(),
            })
        });
        Ok(MetricFamily::of(FamilyHandle(found.clone())))
    }
}

/// Label values as one key, for which no two lists are the same.
fn key(values: &[&str]) -> PayloadWriter {
    let mut key = PayloadWriter::with_room(64);
    key.texts(values);
    key
}

impl FamilyState {
    fn known(&self, key: &PayloadWriter) -> Option<Instrument> {
        let series = self.series.lock();
        series.get(key.as_bytes()).map(|series| series.instrument())
    }

    fn ask_series(&self, key: &PayloadWriter) -> Result<Arc<Series>, Failure> {
        let mut request = PayloadWriter::with_room(key.as_bytes().len() + 4);
        request.u32(self.number).append(key);
        let cell = self
            .link
            .ask(Kind::SERIES, &request, |result| result.u32())?;
        let series = Series::new(self.cells.clone(), cell, self.shape, self.bounds.clone());
        series.ok_or_else(|| {
            let text = format!("the host gave cell {cell}, which is none; report this");
            Failure::new(Status::INTERNAL, text)
        })
    }
}

impl FamilyService for FamilyHandle {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        let key = key(values);
        if let Some(series) = self.0.known(&key) {
            return Ok(series);
        }
        let _one_at_a_time = self.0.exchange.lock();
        // Another thread may have asked meanwhile; both must see one removal.
        if let Some(series) = self.0.known(&key) {
            return Ok(series);
        }
        let asked = self.0.ask_series(&key)?;
        let instrument = asked.instrument();
        let mut series = self.0.series.lock();
        series.insert(key.as_bytes().into(), asked);
        Ok(instrument)
    }

    fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        let key = key(values);
        let _one_at_a_time = self.0.exchange.lock();
        // First, so that nothing is changed any more when the host hears of it.
        if let Some(series) = self.0.series.lock().remove(key.as_bytes()) {
            series.remove();
        }
        let mut request = PayloadWriter::with_room(key.as_bytes().len() + 4);
        request.u32(self.0.number).append(&key);
        self.0.link.ask(Kind::REMOVE, &request, |_| Ok(()))
    }
}

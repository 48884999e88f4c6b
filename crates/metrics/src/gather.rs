//! Reading: families in order, segments of columns, values summed into memory that is used again.
//!
//! A view holds its families and rows by `Arc`: writers go on, series come and go, and what was handed
//! out stays as it was. Values are read when [`SegmentView::read`] is called and are as fresh as that.
//! How they are printed is not known here.

use std::sync::Arc;

use arc_swap::Guard;

use crate::columns::Columns;
use crate::family::Core;
use crate::kind::Kind;
use crate::rows::{SeriesColumns, SeriesPrefix};
use crate::segment::Segment;
use crate::store::Store;

/// The families that a page shows, as of one moment.
pub struct Gathered {
    store: Arc<Store>,
    families: Arc<Vec<Arc<Core>>>,
}

impl Gathered {
    pub(crate) fn new(store: Arc<Store>, families: Arc<Vec<Arc<Core>>>) -> Self {
        Self { store, families }
    }

    /// The families, in the order of the page.
    pub fn families(&self) -> impl ExactSizeIterator<Item = FamilyView<'_>> {
        self.families.iter().map(|core| FamilyView {
            core,
            store: &self.store,
        })
    }
}

/// One family of a view.
#[derive(Clone, Copy)]
pub struct FamilyView<'a> {
    core: &'a Arc<Core>,
    store: &'a Store,
}

impl<'a> FamilyView<'a> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.core.shape.name.as_str()
    }

    /// Its help text, not escaped.
    #[must_use]
    pub fn help(&self) -> &'a str {
        &self.core.descriptor.help
    }

    /// Its unit, or nothing.
    #[must_use]
    pub fn unit(&self) -> &'a str {
        &self.core.descriptor.unit
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.core.kind()
    }

    /// Upper bounds of its buckets without the one at infinity; empty unless it is a histogram.
    #[must_use]
    pub fn bounds(&self) -> &'a [f64] {
        &self.core.shape.bounds
    }

    /// The name set that it belongs to, if any.
    #[must_use]
    pub fn set(&self) -> Option<&'a str> {
        self.core.descriptor.set.as_deref()
    }

    /// Whether help and type are printed even without series.
    #[must_use]
    pub fn show_empty(&self) -> bool {
        self.core.descriptor.show_empty
    }

    /// Whether its name is one that an older system's clients know it by.
    #[must_use]
    pub fn inherited(&self) -> bool {
        self.core.descriptor.inherited
    }

    /// Its segments that have series.
    #[must_use]
    pub fn segments(&self) -> Segments<'a> {
        Segments {
            family: *self,
            list: self.core.segments.load(),
            next: 0,
        }
    }
}

/// The segments of one family, in their order.
pub struct Segments<'a> {
    family: FamilyView<'a>,
    /// Lent, not counted: a page asks this of every family.
    list: Guard<Arc<Vec<Arc<Segment>>>>,
    next: usize,
}

impl<'a> Iterator for Segments<'a> {
    type Item = SegmentView<'a>;

    fn next(&mut self) -> Option<SegmentView<'a>> {
        loop {
            let segment = self.list.get(self.next)?;
            self.next += 1;
            let rows = segment.rows.load();
            let len = rows.len();
            if len > 0 {
                let segment = Arc::clone(segment);
                return Some(SegmentView {
                    family: self.family,
                    segment,
                    rows,
                    len,
                });
            }
        }
    }
}

/// One segment of a view: up to 256 series with their label blocks.
pub struct SegmentView<'a> {
    family: FamilyView<'a>,
    segment: Arc<Segment>,
    rows: Guard<Arc<SeriesColumns>>,
    len: usize,
}

impl SegmentView<'_> {
    fn prefix(&self) -> SeriesPrefix<'_> {
        self.rows.prefix(self.len)
    }

    /// Its series: 1 to 256.
    #[must_use]
    #[allow(
        clippy::len_without_is_empty,
        reason = "a view of an empty segment is never made"
    )]
    pub fn len(&self) -> usize {
        self.len
    }

    /// All label blocks back to back, each `a="b",c="d"`, escaped as the text format 0.0.4 wants it.
    #[must_use]
    pub fn label_text(&self) -> &str {
        self.prefix().text
    }

    /// Where each block ends in [`SegmentView::label_text`].
    #[must_use]
    pub fn label_ends(&self) -> &[u32] {
        self.prefix().ends
    }

    /// When each series was made, in Unix seconds.
    #[must_use]
    pub fn created_seconds(&self) -> &[f64] {
        self.prefix().created
    }

    /// A number that changes if and only if the set of series or their labels did; no other segment
    /// of this registry ever has it.
    #[must_use]
    pub fn structure(&self) -> u64 {
        self.prefix().structure
    }

    /// Reads all values of the segment into `columns`, over what was there.
    pub fn read(&self, columns: &mut Columns) {
        columns.read(
            &self.family.store.cells,
            self.family.core,
            &self.segment,
            self.prefix(),
        );
    }
}

/// The single label blocks of a segment; handy in tests, encoders use the columns.
impl SegmentView<'_> {
    /// Each series' label block.
    pub fn blocks(&self) -> impl Iterator<Item = &str> {
        let prefix = self.prefix();
        (0..prefix.len()).map(move |row| prefix.block(row))
    }
}

//! Rows with numbered fields: the shape in which events and the list of models cross.
//!
//! A field that one side does not know is simply absent on the other, so that rows can grow without a
//! new type. The fields of each kind of row are in [`crate::events`] and [`crate::models`].

use std::sync::Arc;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;

use crate::border::{Ptr, caught, cross, shims};
use crate::lent::Lent;

/// The number of a field; each kind of row has its own list of them.
///
/// OWNERSHIP: a number.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, StableAbi)]
pub struct Field(pub u32);

/// A table as its owner gives it out.
pub trait Rows: Send + Sync + 'static {
    /// Number of rows.
    fn len(&self) -> usize;
    /// True when there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Text field of a row; `None` when the row has no such text.
    fn text(&self, row: usize, field: Field) -> Option<&str>;
    /// Number field of a row; `None` when the row has no such number.
    fn number(&self, row: usize, field: Field) -> Option<f64>;
}

type SharedTable = Arc<dyn Rows>;

/// Border functions of [`Rows`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = TableVtRef, prefix_fields = TableVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct TableVt {
    len: unsafe extern "C" fn(this: Ptr) -> usize,
    text: unsafe extern "C" fn(this: Ptr, row: usize, field: Field) -> Lent,
    /// NaN for a number that is not there.
    number: unsafe extern "C" fn(this: Ptr, row: usize, field: Field) -> f64,
    retain: unsafe extern "C" fn(this: Ptr) -> Ptr,
    #[sabi(last_prefix_field)]
    release: unsafe extern "C" fn(this: Ptr),
}

/// Rows behind the border.
///
/// OWNERSHIP: owned by whoever holds it, free to move to any thread; a clone shares the rows. Texts are
/// lent as long as the table is held.
#[repr(C)]
#[derive(StableAbi)]
pub struct Table {
    this: Ptr,
    vt: TableVtRef,
}

static VT: &WithMetadata<TableVt> = &WithMetadata::new(TableVt {
    len,
    text,
    number,
    retain,
    release,
});

shims! { in SharedTable as rows;
    fn len() -> usize, or 0 => rows.len();
    fn text(row: usize, field: Field) -> Lent, or Lent::NONE => Lent::maybe_text(rows.text(row, field));
    fn number(row: usize, field: Field) -> f64, or f64::NAN => rows.number(row, field).unwrap_or(f64::NAN);
    fn retain() -> Ptr, or Ptr::NULL => Ptr::boxed(Arc::clone(rows));
}

unsafe extern "C" fn release(this: Ptr) {
    // SAFETY: `of` or `retain` boxed it; the handle calls this once, when it is dropped.
    let rows = unsafe { this.unbox::<SharedTable>() };
    let _panic_has_nowhere_to_go = caught(move || drop(rows));
}

// SAFETY: the pointee is a `Rows`, which is `Send` and `Sync`.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    /// Wraps an owner's rows for the border.
    #[must_use]
    pub fn of(rows: Arc<dyn Rows>) -> Self {
        Self {
            this: Ptr::boxed(rows),
            vt: TableVtRef(VT.static_as_prefix()),
        }
    }

    /// A table without rows.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Arc::new(Empty))
    }

    /// See [`Rows::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        cross!(self.len())
    }

    /// See [`Rows::is_empty`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// See [`Rows::text`].
    #[must_use]
    pub fn text(&self, row: usize, field: Field) -> Option<&str> {
        let lent = cross!(self.text(row, field));
        // SAFETY: the owner lends text for as long as this handle is held.
        unsafe { lent.as_text() }
    }

    /// See [`Rows::number`].
    #[must_use]
    pub fn number(&self, row: usize, field: Field) -> Option<f64> {
        Some(cross!(self.number(row, field))).filter(|number| !number.is_nan())
    }
}

impl Clone for Table {
    fn clone(&self) -> Self {
        Self {
            this: cross!(self.retain()),
            ..*self
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        cross!(self.release());
    }
}

struct Empty;

impl Rows for Empty {
    fn len(&self) -> usize {
        0
    }
    fn text(&self, _row: usize, _field: Field) -> Option<&str> {
        None
    }
    fn number(&self, _row: usize, _field: Field) -> Option<f64> {
        None
    }
}

/// One row of a table that was put together by hand.
#[derive(Clone, Debug, Default)]
pub struct Row {
    texts: Vec<(Field, String)>,
    numbers: Vec<(Field, f64)>,
}

impl Row {
    /// A row without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, field: Field, text: impl Into<String>) -> Self {
        self.texts.push((field, text.into()));
        self
    }

    /// Adds a number; NaN counts as absent.
    #[must_use]
    pub fn number(mut self, field: Field, number: f64) -> Self {
        self.numbers.push((field, number));
        self
    }
}

impl Rows for Vec<Row> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn text(&self, row: usize, field: Field) -> Option<&str> {
        let (_, text) = self
            .get(row)?
            .texts
            .iter()
            .find(|(name, _)| *name == field)?;
        Some(text)
    }

    fn number(&self, row: usize, field: Field) -> Option<f64> {
        let (_, number) = self
            .get(row)?
            .numbers
            .iter()
            .find(|(name, _)| *name == field)?;
        Some(*number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Field = Field(1);
    const SIZE: Field = Field(2);

    #[test]
    fn fields_that_a_row_lacks_are_absent() {
        let rows = vec![Row::new().text(NAME, "noop").number(SIZE, 3.0), Row::new()];
        let table = Table::of(Arc::new(rows));
        let copy = table.clone();
        drop(table);
        assert_eq!(copy.len(), 2);
        assert_eq!(copy.text(0, NAME), Some("noop"));
        assert_eq!(copy.number(0, SIZE), Some(3.0));
        assert_eq!((copy.text(1, NAME), copy.number(1, SIZE)), (None, None));
        assert_eq!(copy.text(9, NAME), None, "a row that is not there");
        assert!(Table::empty().is_empty());
    }
}

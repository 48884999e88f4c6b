//! The columns of a segment that describe its series: label text, ends, creation times.
//!
//! Columns grow at the end only, inside memory that was set aside, so a new series costs one copy of
//! its own text while readers go on with the length they saw. What changes otherwise (a removal, more
//! room) makes new columns. Values are not here; they are in the cells.

#![allow(
    unsafe_code,
    reason = "readers borrow a column's front while its end grows"
)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::slice;
use std::str;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Most series of a segment.
pub(crate) const SEGMENT_SERIES_MAX: usize = 256;

/// One append-only column. Elements below the published length never change.
struct Column<T>(Box<[UnsafeCell<MaybeUninit<T>>]>);

impl<T: Copy> Column<T> {
    fn with_room(room: usize) -> Self {
        // SAFETY: an UnsafeCell of uninitialised memory needs no initialising.
        Self(unsafe { Box::new_uninit_slice(room).assume_init() })
    }

    fn fits(&self, at: usize, more: usize) -> bool {
        at + more <= self.0.len()
    }

    /// # Safety
    /// The caller is the only writer, `fits(at, items.len())`, and no reader was told of `at` or
    /// anything after it.
    unsafe fn write(&self, at: usize, items: &[T]) {
        // SAFETY: in bounds by `fits`; UnsafeCell<MaybeUninit<T>> has the layout of T; nobody reads
        // or writes this range at the same time.
        unsafe {
            let to = self.0.as_ptr().cast::<T>().cast_mut().add(at);
            to.copy_from_nonoverlapping(items.as_ptr(), items.len());
        }
    }

    /// # Safety
    /// The first `len` elements were written and published to this thread.
    unsafe fn read(&self, len: usize) -> &[T] {
        debug_assert!(len <= self.0.len());
        // SAFETY: written elements are initialised and never written again.
        unsafe { slice::from_raw_parts(self.0.as_ptr().cast::<T>(), len) }
    }
}

/// The describing columns of up to [`SEGMENT_SERIES_MAX`] series.
pub(crate) struct SeriesColumns {
    text: Column<u8>,
    ends: Column<u32>,
    created: Column<f64>,
    /// Position in the segment's block of cells; absent while row `i` is at position `i`.
    positions: Option<Column<u8>>,
    /// Rows that readers may see.
    len: AtomicU32,
    writing: AtomicBool,
    /// `structure` of these columns when empty; every row adds one.
    structure: u64,
}

// SAFETY: elements are written only by the holder of `writing`, beyond the published length, and read
// only below it; publishing is a Release store that readers Acquire.
unsafe impl Sync for SeriesColumns {}

/// How much room new columns get.
#[derive(Clone, Copy)]
pub(crate) struct ColumnRoom {
    /// Series.
    pub(crate) rows: usize,
    /// Bytes of label text.
    pub(crate) text: usize,
    /// Whether rows leave the order of their positions.
    pub(crate) scattered: bool,
}

impl SeriesColumns {
    /// Empty columns; `structure` is a number that no other columns of the store use, nor the
    /// [`SEGMENT_SERIES_MAX`] after it.
    pub(crate) fn new(room: ColumnRoom, structure: u64) -> Self {
        Self {
            text: Column::with_room(room.text),
            ends: Column::with_room(room.rows),
            created: Column::with_room(room.rows),
            positions: room.scattered.then(|| Column::with_room(room.rows)),
            len: AtomicU32::new(0),
            writing: AtomicBool::new(false),
            structure,
        }
    }

    /// Appends a row, or says `false` when it does not fit (or another thread is appending).
    pub(crate) fn push(&self, block: &str, created: f64, position: usize) -> bool {
        if self.writing.swap(true, Ordering::Acquire) {
            return false;
        }
        let done = self.push_alone(block, created, position);
        self.writing.store(false, Ordering::Release);
        done
    }

    fn push_alone(&self, block: &str, created: f64, position: usize) -> bool {
        let len = self.len.load(Ordering::Relaxed) as usize;
        let start = self.prefix(len).text.len();
        let end = start + block.len();
        let (Ok(position), Ok(end_number)) = (u8::try_from(position), u32::try_from(end)) else {
            return false;
        };
        let fits = self.ends.fits(len, 1)
            && self.text.fits(start, block.len())
            && (self.positions.is_some() || usize::from(position) == len);
        if !fits {
            return false;
        }
        // SAFETY: `writing` makes this thread the only writer, everything fits, and readers know of
        // `len` rows and `start` bytes at most.
        unsafe {
            self.text.write(start, block.as_bytes());
            self.ends.write(len, &[end_number]);
            self.created.write(len, &[created]);
            if let Some(positions) = &self.positions {
                positions.write(len, &[position]);
            }
        }
        self.len.store(len as u32 + 1, Ordering::Release);
        true
    }

    /// Rows that can be read now.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }

    /// The first `len` rows; `len` comes from [`SeriesColumns::len`] of these rows.
    pub(crate) fn prefix(&self, len: usize) -> SeriesPrefix<'_> {
        let len = len.min(self.len());
        // SAFETY: `len` is at most the published length; text up to the last end was written before
        // it, as whole `&str`s.
        unsafe {
            let ends = self.ends.read(len);
            let bytes = ends.last().map_or(0, |&end| end as usize);
            SeriesPrefix {
                text: str::from_utf8_unchecked(self.text.read(bytes)),
                ends,
                created: self.created.read(len),
                positions: self.positions.as_ref().map(|positions| positions.read(len)),
                structure: self.structure + len as u64,
            }
        }
    }

    /// Bytes set aside and not used.
    pub(crate) fn slack(&self) -> usize {
        let used = self.prefix(self.len());
        (self.text.0.len() - used.text.len()) + (self.ends.0.len() - used.ends.len()) * 12
    }

    /// The number that these columns were made with.
    pub(crate) fn structure(&self) -> u64 {
        self.structure
    }
}

/// The rows of a segment as one reader saw them.
#[derive(Clone, Copy)]
pub(crate) struct SeriesPrefix<'a> {
    pub(crate) text: &'a str,
    pub(crate) ends: &'a [u32],
    pub(crate) created: &'a [f64],
    pub(crate) positions: Option<&'a [u8]>,
    pub(crate) structure: u64,
}

impl<'a> SeriesPrefix<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The label block of a row.
    pub(crate) fn block(&self, row: usize) -> &'a str {
        let start = if row == 0 {
            0
        } else {
            self.ends[row - 1] as usize
        };
        &self.text[start..self.ends[row] as usize]
    }

    /// Where in the block of cells a row is.
    pub(crate) fn position(&self, row: usize) -> usize {
        self.positions
            .map_or(row, |positions| usize::from(positions[row]))
    }

    /// The row at a position.
    pub(crate) fn row_at(&self, position: usize) -> Option<usize> {
        match self.positions {
            None => (position < self.len()).then_some(position),
            Some(positions) => positions.iter().position(|&at| usize::from(at) == position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: ColumnRoom = ColumnRoom {
        rows: 3,
        text: 16,
        scattered: false,
    };

    #[test]
    fn a_reader_keeps_the_length_it_saw() {
        let rows = SeriesColumns::new(ROOM, 1000);
        assert!(rows.push(r#"a="1""#, 5.0, 0));
        let before = rows.prefix(1);
        assert!(rows.push(r#"a="2""#, 6.0, 1));
        assert_eq!(
            (before.text, before.ends, before.structure),
            (r#"a="1""#, &[5_u32][..], 1001)
        );
        let after = rows.prefix(rows.len());
        assert_eq!(
            (after.block(1), after.created, after.structure),
            (r#"a="2""#, &[5.0, 6.0][..], 1002)
        );
    }

    #[test]
    fn a_row_that_does_not_fit_changes_nothing() {
        let rows = SeriesColumns::new(ROOM, 0);
        assert!(rows.push("0123456789abcdef", 0.0, 0));
        assert!(!rows.push("x", 0.0, 1), "no text left");
        assert!(rows.push("", 0.0, 1));
        assert!(!rows.push("", 0.0, 7), "out of order, and not scattered");
        assert!(rows.push("", 0.0, 2));
        assert!(!rows.push("", 0.0, 3), "no rows left");
        assert_eq!(rows.prefix(rows.len()).ends, &[16, 16, 16]);
    }

    #[test]
    fn scattered_rows_find_their_positions() {
        let rows = SeriesColumns::new(
            ColumnRoom {
                scattered: true,
                ..ROOM
            },
            0,
        );
        assert!(rows.push("a", 0.0, 200) && rows.push("b", 0.0, 4));
        let prefix = rows.prefix(2);
        assert_eq!(
            (prefix.position(0), prefix.row_at(4), prefix.row_at(5)),
            (200, Some(1), None)
        );
    }

    #[test]
    fn readers_see_whole_rows_while_a_writer_appends() {
        let rows = SeriesColumns::new(
            ColumnRoom {
                rows: 256,
                text: 256 * 9,
                scattered: false,
            },
            0,
        );
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for row in 0..256 {
                    assert!(rows.push(&format!("n=\"{row:05}\""), f64::from(row), row as usize));
                }
            });
            loop {
                let seen = rows.prefix(rows.len());
                for row in 0..seen.len() {
                    assert_eq!(seen.block(row), format!("n=\"{row:05}\""));
                }
                if seen.len() == 256 {
                    break;
                }
            }
        });
    }
}

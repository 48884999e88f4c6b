//! A run of up to 256 series of one family, as columns.
//!
//! The list of columns at the end of this file is the only one: the struct that crosses, the one that
//! owns its columns and what a batch of bytes is made of follow from it.

use crate::column::{Column, Text, bytes_of, items_of};
use crate::growing::Growing;

/// Most series that one segment holds.
pub const SEGMENT_SERIES_MAX: usize = 256;

/// Declares [`Segment`] and [`OwnedSegment`], and all that is the same for each column.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident, $with:ident: $item:ty;)*) => {
        /// A segment as it crosses: `meterbox_segment_v1` of the header for C. New columns come at its
        /// end only; one that the family's kind lacks is empty.
        ///
        /// OWNERSHIP: borrowed from the side that made it, for the call; a copy copies the borrow.
        #[repr(C)]
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct Segment<'a> {
            struct_size: usize,
            structure: u64,
            label_text: Text<'a>,
            $($name: Column<'a, $item>,)*
        }

        /// A segment that owns its columns.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct OwnedSegment {
            /// As [`Segment::structure`].
            pub structure: u64,
            /// As [`Segment::label_text`].
            pub label_text: String,
            $($(#[$doc])* pub $name: Vec<$item>,)*
        }

        impl<'a> Segment<'a> {
            /// Each field with its place, for the tests that guard the layout.
            #[doc(hidden)]
            pub const LAYOUT: &'static [(&'static str, usize)] = &[
                ("struct_size", std::mem::offset_of!(Segment<'_>, struct_size)),
                ("structure", std::mem::offset_of!(Segment<'_>, structure)),
                ("label_text", std::mem::offset_of!(Segment<'_>, label_text)),
                $((stringify!($name), std::mem::offset_of!(Segment<'_>, $name)),)*
            ];

            /// A segment without series.
            pub const EMPTY: Self = Self {
                struct_size: size_of::<Segment<'_>>(),
                structure: 0,
                label_text: Text::of(""),
                $($name: Column::EMPTY,)*
            };

            $(
                $(#[$doc])*
                #[must_use]
                pub const fn $name(&self) -> &'a [$item] {
                    self.$name.get()
                }

                #[doc = concat!("With the column [`", stringify!($name), "`](Self::", stringify!($name), ").")]
                #[must_use]
                pub const fn $with(mut self, items: &'a [$item]) -> Self {
                    self.$name = Column::of(items);
                    self
                }
            )*

            /// All columns in their order: the size of an item of each, and the bytes of all.
            #[must_use]
            pub fn columns(&self) -> [(usize, &'a [u8]); Segment::<'static>::LAYOUT.len() - 2] {
                let text = self.label_text().as_bytes();
                [(1, text), $((size_of::<$item>(), bytes_of(self.$name())),)*]
            }

            /// A segment of such columns, aligned as in memory. `next` gives the bytes of each in turn
            /// and is told the size of its items; an empty column is one that it does not have.
            ///
            /// # Errors
            /// That of `next`, or what `broken` makes of a column that is no text or no whole numbers.
            pub fn from_columns<E>(
                mut next: impl FnMut(usize) -> Result<&'a [u8], E>,
                broken: impl Fn(&'static str) -> E,
            ) -> Result<Self, E> {
                let text = std::str::from_utf8(next(1)?);
                let mut segment = Self::EMPTY;
                segment.label_text = Text::of(text.map_err(|_| broken("labels that are not UTF-8"))?);
                $(
                    let items = items_of(next(size_of::<$item>())?);
                    let items = items.ok_or_else(|| broken("a column that is not aligned"))?;
                    segment.$name = Column::of(items);
                )*
                Ok(segment)
            }
        }

        impl OwnedSegment {
            /// Lends it.
            #[must_use]
            pub fn lend(&self) -> Segment<'_> {
                Segment {
                    struct_size: size_of::<Segment<'_>>(),
                    structure: self.structure,
                    label_text: Text::of(&self.label_text),
                    $($name: Column::of(&self.$name),)*
                }
            }

            /// Empties it and keeps its memory.
            pub fn clear(&mut self) {
                self.structure = 0;
                self.label_text.clear();
                $(self.$name.clear();)*
            }
        }

        impl From<&Segment<'_>> for OwnedSegment {
            fn from(segment: &Segment<'_>) -> Self {
                Self {
                    structure: segment.structure(),
                    label_text: segment.label_text().to_owned(),
                    $($name: segment.$name().to_vec(),)*
                }
            }
        }
    };
}

columns! {
    /// End of each series' block in the label text, in bytes: one entry for each series.
    label_ends, with_label_ends: u32;
    /// Values of a counter, gauge, unknown or info; one for each series.
    values, with_values: f64;
    /// Bucket counts of a histogram, row by row: bounds + 1 for each series, not cumulative, the last of
    /// a row counts what is above the highest bound.
    bucket_counts, with_bucket_counts: u64;
    /// Number of observations of a histogram or summary; one for each series.
    counts, with_counts: u64;
    /// Sum of observations of a histogram or summary; one for each series.
    sums, with_sums: f64;
    /// When each series was created, in Unix seconds; one for each series, or none when not known.
    created_seconds, with_created_seconds: f64;
    /// Labels of the series' exemplars back to back, as in the label text. All four columns of exemplars
    /// have an item for each series, or none.
    exemplar_text, with_exemplar_text: u8;
    /// End of each exemplar's labels in their text, in bytes.
    exemplar_ends, with_exemplar_ends: u32;
    /// The observation (or step of a counter) that an exemplar is of; not a number for a series without.
    exemplar_values, with_exemplar_values: f64;
    /// When that was, in Unix seconds; 0 when it is not known.
    exemplar_seconds, with_exemplar_seconds: f64;
}

// SAFETY: it is as the trait wants it, and zeros are a segment without series.
unsafe impl Growing for Segment<'_> {
    const NAME: &'static str = "meterbox_segment_v1";
    const SIZE_MIN: usize =
        std::mem::offset_of!(Segment<'_>, created_seconds) + size_of::<Column<'_, f64>>();
}

impl<'a> Segment<'a> {
    /// The label blocks of all series back to back, each `a="b",c="d"` with values escaped as in
    /// Prometheus text 0.0.4 (`\\`, `\n`, `\"`), without braces; empty for a series without labels.
    #[must_use]
    pub const fn label_text(&self) -> &'a str {
        self.label_text.get()
    }

    /// A segment of these label blocks, which makes it as many series.
    #[must_use]
    pub const fn of(label_text: &'a str, label_ends: &'a [u32]) -> Self {
        let mut segment = Self::EMPTY.with_label_ends(label_ends);
        segment.label_text = Text::of(label_text);
        segment
    }

    /// With a number that changes exactly when the set of series or their labels does, unique for each
    /// segment and version, where its owner has one cheaply.
    #[must_use]
    pub const fn with_structure(mut self, structure: u64) -> Self {
        self.structure = structure;
        self
    }

    /// Changes exactly when the set of series or their labels changed; 0 when its owner does not say.
    #[must_use]
    pub const fn structure(&self) -> u64 {
        self.structure
    }

    /// Number of series.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.label_ends().len()
    }

    /// True when no series is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

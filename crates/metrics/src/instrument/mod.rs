//! Typed instruments: one file per kind, each a series that offers only what its kind can do.

mod counter;
mod gauge;
mod histogram;

pub use counter::{Counter, FloatCounter, ObservedCounter};
pub use gauge::{Gauge, Info};
pub use histogram::{Histogram, Summary};

use crate::kind::Kind;
use crate::series::Series;

mod sealed {
    pub trait Sealed {}
}

/// A typed instrument of one kind. Implemented by this crate's instruments only.
pub trait Instrument: sealed::Sealed + Sized {
    /// The kind of families it belongs to.
    const KIND: Kind;

    #[doc(hidden)]
    fn wrap(series: Series) -> Self;
}

/// Declares a wrapper of [`Series`] as an instrument of a kind.
macro_rules! instrument {
    ($name:ident, $kind:ident) => {
        impl super::sealed::Sealed for $name {}

        impl super::Instrument for $name {
            const KIND: crate::kind::Kind = crate::kind::Kind::$kind;

            fn wrap(series: crate::series::Series) -> Self {
                debug_assert_eq!(series.kind(), Self::KIND);
                Self(series)
            }
        }

        impl $name {
            /// The series underneath, for code that works with any kind.
            #[must_use]
            pub fn series(&self) -> &crate::series::Series {
                &self.0
            }
        }
    };
}
use instrument;

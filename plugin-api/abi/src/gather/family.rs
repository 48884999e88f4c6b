//! What all series of one name share: name, help, unit, kind, bounds and flags.

use std::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr};

use crate::opaque::{Opaque, shim_borrow, shim_number};

/// Flag: HELP and TYPE are printed although the family has no sample (names inherited from
/// TorchServe behave like that).
pub const FAMILY_SHOW_EMPTY: u32 = 1;
/// Flag: the name is inherited and breaks the naming rules on purpose; no encoder may alter it.
pub const FAMILY_INHERITED_NAME: u32 = 2;

/// Flag of a registration: the counter takes fractions and is kept as a float, no longer exact beyond
/// 2^53. Readers may ignore it.
pub const FAMILY_FRACTIONS: u32 = 4;

/// Kind of a metric family. A number, so that a later kind does not change the border: a reader
/// treats a value that it does not know as [`Kind::UNKNOWN`].
#[repr(transparent)]
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(pub u32);

impl Kind {
    /// A value without stated meaning.
    pub const UNKNOWN: Self = Self(0);
    /// A value that only grows while its series lives.
    pub const COUNTER: Self = Self(1);
    /// A value that moves both ways.
    pub const GAUGE: Self = Self(2);
    /// Observations counted in buckets, with their sum.
    pub const HISTOGRAM: Self = Self(3);
    /// Count and sum of observations.
    pub const SUMMARY: Self = Self(4);
    /// Text carried in labels; its value is always 1.
    pub const INFO: Self = Self(5);

    /// The word that text formats print for it; a kind from a later border is `unknown`.
    #[must_use]
    pub fn word(self) -> &'static str {
        const WORDS: [&str; 6] = [
            "unknown",
            "counter",
            "gauge",
            "histogram",
            "summary",
            "info",
        ];
        WORDS.get(self.0 as usize).copied().unwrap_or("unknown")
    }
}

/// A family as its owner gives it out. Implemented by the owner of metrics, read as [`Family`].
pub trait FamilyColumns {
    /// Name of the family; for a counter the name under which its sample is printed.
    fn name(&self) -> &str;
    /// One sentence on what it measures, unescaped.
    fn help(&self) -> &str;
    /// Unit as in OpenMetrics (`seconds`, `bytes`); empty when none is stated.
    fn unit(&self) -> &str;
    /// Its kind.
    fn kind(&self) -> Kind;
    /// Upper bounds of a histogram's buckets, ascending, without `+Inf`; empty for other kinds.
    fn bounds(&self) -> &[f64];
    /// [`FAMILY_SHOW_EMPTY`], [`FAMILY_INHERITED_NAME`]; unknown bits are ignored.
    fn flags(&self) -> u32;
    /// The name set that it belongs to (`torchserve`, `node`, ...); empty: the default set. The
    /// source shows the sets that the operator chose, so a reader need not look at it.
    fn set(&self) -> &str {
        ""
    }
}

/// Border functions of [`FamilyColumns`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = FamilyVtRef, prefix_fields = FamilyVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct FamilyVt {
    name: for<'x> extern "C" fn(this: Opaque<'x>) -> RStr<'x>,
    help: for<'x> extern "C" fn(this: Opaque<'x>) -> RStr<'x>,
    unit: for<'x> extern "C" fn(this: Opaque<'x>) -> RStr<'x>,
    kind: for<'x> extern "C" fn(this: Opaque<'x>) -> Kind,
    bounds: for<'x> extern "C" fn(this: Opaque<'x>) -> RSlice<'x, f64>,
    flags: for<'x> extern "C" fn(this: Opaque<'x>) -> u32,
    #[sabi(last_prefix_field)]
    set: for<'x> extern "C" fn(this: Opaque<'x>) -> RStr<'x>,
}

/// A borrowed family behind the border.
///
/// OWNERSHIP: borrowed from the side that gathers, for the visitor's call; copying the handle
/// copies the borrow. It stays on the thread that received it.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Family<'a> {
    this: Opaque<'a>,
    vt: FamilyVtRef,
}

impl<'a> Family<'a> {
    /// Wraps an owner's family for the border.
    #[must_use]
    pub fn of<T: FamilyColumns>(columns: &'a T) -> Self {
        Self {
            this: Opaque::of(columns),
            vt: FamilyVtRef(FamilyGlue::<T>::VT.static_as_prefix()),
        }
    }

    /// See [`FamilyColumns::name`].
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.vt.name()(self.this).as_str()
    }

    /// See [`FamilyColumns::help`].
    #[must_use]
    pub fn help(&self) -> &'a str {
        self.vt.help()(self.this).as_str()
    }

    /// See [`FamilyColumns::unit`].
    #[must_use]
    pub fn unit(&self) -> &'a str {
        self.vt.unit()(self.this).as_str()
    }

    /// See [`FamilyColumns::kind`].
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.vt.kind()(self.this)
    }

    /// See [`FamilyColumns::bounds`].
    #[must_use]
    pub fn bounds(&self) -> &'a [f64] {
        self.vt.bounds()(self.this).as_slice()
    }

    /// See [`FamilyColumns::flags`].
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.vt.flags()(self.this)
    }

    /// See [`FamilyColumns::set`].
    #[must_use]
    pub fn set(&self) -> &'a str {
        self.vt.set()(self.this).as_str()
    }
}

struct FamilyGlue<T>(PhantomData<T>);

impl<T: FamilyColumns> FamilyGlue<T> {
    const VT: &'static WithMetadata<FamilyVt> = &WithMetadata::new(FamilyVt {
        name: Self::name,
        help: Self::help,
        unit: Self::unit,
        kind: Self::kind,
        bounds: Self::bounds,
        flags: Self::flags,
        set: Self::set,
    });

    shim_borrow!(name, RStr<'_>, RStr::empty());
    shim_borrow!(help, RStr<'_>, RStr::empty());
    shim_borrow!(unit, RStr<'_>, RStr::empty());
    shim_number!(kind, Kind, Kind::UNKNOWN);
    shim_borrow!(bounds, RSlice<'_, f64>, RSlice::EMPTY);
    shim_number!(flags, u32, 0);
    shim_borrow!(set, RStr<'_>, RStr::empty());
}

impl<T: FamilyColumns + ?Sized> FamilyColumns for &T {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn help(&self) -> &str {
        (**self).help()
    }
    fn unit(&self) -> &str {
        (**self).unit()
    }
    fn kind(&self) -> Kind {
        (**self).kind()
    }
    fn bounds(&self) -> &[f64] {
        (**self).bounds()
    }
    fn flags(&self) -> u32 {
        (**self).flags()
    }
    fn set(&self) -> &str {
        (**self).set()
    }
}

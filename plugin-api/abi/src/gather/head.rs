//! What all series of one name share: name, help, unit, kind, bounds and flags.

use abi_stable::StableAbi;

use crate::column::{Column, Text};
use crate::growing::Growing;

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
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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

/// A family as it crosses: `meterbox_family_v1` of the header for C. New fields come at its end only.
///
/// OWNERSHIP: borrowed from the side that made it, for the call; a copy copies the borrow.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head<'a> {
    struct_size: usize,
    kind: u32,
    flags: u32,
    name: Text<'a>,
    help: Text<'a>,
    unit: Text<'a>,
    set: Text<'a>,
    labels: Column<'a, Text<'a>>,
    bounds: Column<'a, f64>,
}

// SAFETY: it is as the trait wants it, and zeros are a family without a name.
unsafe impl Growing for Head<'_> {
    const NAME: &'static str = "meterbox_family_v1";
    const SIZE_MIN: usize = std::mem::offset_of!(Head<'_>, bounds) + size_of::<Column<'_, f64>>();
}

impl<'a> Head<'a> {
    /// Each field with its place, for the tests that guard the layout.
    #[doc(hidden)]
    pub const LAYOUT: &'static [(&'static str, usize)] = &[
        ("struct_size", std::mem::offset_of!(Head<'_>, struct_size)),
        ("kind", std::mem::offset_of!(Head<'_>, kind)),
        ("flags", std::mem::offset_of!(Head<'_>, flags)),
        ("name", std::mem::offset_of!(Head<'_>, name)),
        ("help", std::mem::offset_of!(Head<'_>, help)),
        ("unit", std::mem::offset_of!(Head<'_>, unit)),
        ("set", std::mem::offset_of!(Head<'_>, set)),
        ("labels", std::mem::offset_of!(Head<'_>, labels)),
        ("bounds", std::mem::offset_of!(Head<'_>, bounds)),
    ];

    /// A family of this kind and name; of a counter the name under which its sample is printed.
    #[must_use]
    pub const fn new(kind: Kind, name: &'a str) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            kind: kind.0,
            flags: 0,
            name: Text::of(name),
            help: Text::of(""),
            unit: Text::of(""),
            set: Text::of(""),
            labels: Column::EMPTY,
            bounds: Column::EMPTY,
        }
    }

    /// With one sentence on what it measures, unescaped.
    #[must_use]
    pub const fn with_help(mut self, help: &'a str) -> Self {
        self.help = Text::of(help);
        self
    }

    /// With a unit as in OpenMetrics (`seconds`, `bytes`).
    #[must_use]
    pub const fn with_unit(mut self, unit: &'a str) -> Self {
        self.unit = Text::of(unit);
        self
    }

    /// In a name set (`torchserve`, `node`, ...).
    #[must_use]
    pub const fn with_set(mut self, set: &'a str) -> Self {
        self.set = Text::of(set);
        self
    }

    /// With label names, where it is registered; gathered families name theirs in each label block.
    #[must_use]
    pub const fn with_labels(mut self, labels: &'a [Text<'a>]) -> Self {
        self.labels = Column::of(labels);
        self
    }

    /// With upper bounds of buckets, ascending, without `+Inf`.
    #[must_use]
    pub const fn with_bounds(mut self, bounds: &'a [f64]) -> Self {
        self.bounds = Column::of(bounds);
        self
    }

    /// With [`FAMILY_SHOW_EMPTY`], [`FAMILY_INHERITED_NAME`], [`FAMILY_FRACTIONS`].
    #[must_use]
    pub const fn with_flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name.get()
    }

    /// One sentence on what it measures, unescaped.
    #[must_use]
    pub const fn help(&self) -> &'a str {
        self.help.get()
    }

    /// Unit as in OpenMetrics; empty when none is stated.
    #[must_use]
    pub const fn unit(&self) -> &'a str {
        self.unit.get()
    }

    /// The name set that it belongs to; empty: the default set. The source shows the sets that the
    /// operator chose, so a reader need not look at it.
    #[must_use]
    pub const fn set(&self) -> &'a str {
        self.set.get()
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        Kind(self.kind)
    }

    /// Its flags; unknown bits are ignored.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.flags
    }

    /// Names of the labels where it is registered; none where it was gathered.
    #[must_use]
    pub const fn labels(&self) -> &'a [Text<'a>] {
        self.labels.get()
    }

    /// Upper bounds of a histogram's buckets, ascending, without `+Inf`; empty for other kinds.
    #[must_use]
    pub const fn bounds(&self) -> &'a [f64] {
        self.bounds.get()
    }

    /// The texts, for whoever has to check what a stranger filled in.
    #[must_use]
    pub const fn texts(&self) -> [Text<'a>; 4] {
        [self.name, self.help, self.unit, self.set]
    }

    /// Label names and bounds, likewise.
    #[must_use]
    pub const fn lists(&self) -> (Column<'a, Text<'a>>, Column<'a, f64>) {
        (self.labels, self.bounds)
    }
}

/// A family that owns its texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnedHead {
    /// As [`Head::kind`].
    pub kind: Kind,
    /// As [`Head::name`].
    pub name: String,
    /// As [`Head::help`].
    pub help: String,
    /// As [`Head::unit`].
    pub unit: String,
    /// As [`Head::set`].
    pub set: String,
    /// As [`Head::bounds`].
    pub bounds: Vec<f64>,
    /// As [`Head::flags`].
    pub flags: u32,
}

impl OwnedHead {
    /// Lends it.
    #[must_use]
    pub fn lend(&self) -> Head<'_> {
        Head::new(self.kind, &self.name)
            .with_help(&self.help)
            .with_unit(&self.unit)
            .with_set(&self.set)
            .with_bounds(&self.bounds)
            .with_flags(self.flags)
    }
}

impl From<&Head<'_>> for OwnedHead {
    fn from(head: &Head<'_>) -> Self {
        Self {
            kind: head.kind(),
            name: head.name().to_owned(),
            help: head.help().to_owned(),
            unit: head.unit().to_owned(),
            set: head.set().to_owned(),
            bounds: head.bounds().to_vec(),
            flags: head.flags(),
        }
    }
}

//! The three listeners by name, and sets of them.
//!
//! One socket may carry several: addresses that are equal share it. Where a listener is bound is
//! not known here.

use std::fmt;
use std::ops::BitOr;

/// One of the three listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listener {
    /// Predictions.
    Inference,
    /// Models and plugins.
    Management,
    /// Metric endpoints.
    Metrics,
}

impl Listener {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Inference, Self::Management, Self::Metrics];

    /// The word in logs, labels and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Management => "management",
            Self::Metrics => "metrics",
        }
    }

    /// The listener that [`name`](Self::name) calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|listener| listener.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of listeners.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Listeners(u8);

impl Listeners {
    /// None.
    pub const NONE: Self = Self(0);
    /// Only inference.
    pub const INFERENCE: Self = Self(Listener::Inference.bit());
    /// Only management.
    pub const MANAGEMENT: Self = Self(Listener::Management.bit());
    /// Only metrics.
    pub const METRICS: Self = Self(Listener::Metrics.bit());
    /// All three.
    pub const ALL: Self = Self(0b111);

    /// Whether `listener` is in it.
    #[must_use]
    pub const fn has(self, listener: Listener) -> bool {
        self.0 & listener.bit() != 0
    }

    /// Those in both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = Listener> {
        Listener::ALL
            .into_iter()
            .filter(move |listener| self.has(*listener))
    }
}

impl From<Listener> for Listeners {
    fn from(listener: Listener) -> Self {
        Self(listener.bit())
    }
}

impl BitOr for Listeners {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The words with commas between them: `inference,management`.
impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, listener) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(listener.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_shown_in_one_order_whatever_it_was_made_of() {
        let set = Listeners::METRICS | Listener::Inference.into();
        assert_eq!(set.to_string(), "inference,metrics");
        assert!(set.has(Listener::Metrics) && !set.has(Listener::Management));
        assert_eq!(set.both(Listeners::MANAGEMENT), Listeners::NONE);
        assert_eq!(Listeners::ALL.to_string(), "inference,management,metrics");
    }
}

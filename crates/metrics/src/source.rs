//! Sources: the names under which metrics are registered.

use std::fmt;
use std::sync::Arc;

use crate::account::Account;
use crate::descriptor::Descriptor;
use crate::error::RegisterError;
use crate::families::Families;
use crate::family_handle::{Family, FamilyOf};
use crate::instrument::{Counter, FloatCounter, Gauge, Histogram, Info, Instrument, Summary};
use crate::reason::Reason;

/// A name under which metrics are registered: the host, a plugin, a model. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    registry: Arc<Families>,
    account: Arc<Account>,
}

impl Source {
    pub(crate) fn new(registry: Arc<Families>, account: Arc<Account>) -> Self {
        Self { registry, account }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// Series that it owns now.
    #[must_use]
    pub fn series_len(&self) -> usize {
        self.account.series() as usize
    }

    /// Registers a family, or joins one of the same shape that is registered already (then the first
    /// help text stays).
    ///
    /// # Errors
    /// What is wrong with the descriptor, a reserved name, a conflict, a limit; each is counted.
    pub fn register(&self, descriptor: &Descriptor) -> Result<Family, RegisterError> {
        match self.registry.register(&self.account, descriptor) {
            Ok(core) => Ok(Family::new(core, Arc::clone(&self.account))),
            Err((reason, error)) => {
                self.account.drops.count(reason);
                Err(error)
            }
        }
    }

    /// Registers a family of a typed instrument; the descriptor's kind is the instrument's.
    ///
    /// # Errors
    /// As [`Source::register`].
    pub fn family<I: Instrument>(
        &self,
        descriptor: &Descriptor,
    ) -> Result<FamilyOf<I>, RegisterError> {
        let descriptor = Descriptor {
            kind: I::KIND,
            ..descriptor.clone()
        };
        self.register(&descriptor).map(FamilyOf::new)
    }

    /// Whether this source may use a metric name, reserved prefixes considered.
    #[must_use]
    pub fn may_use(&self, name: &str) -> bool {
        self.account.reserved_names() || !self.registry.reserves(name)
    }

    /// Counts something of this source that was refused before it came to the store.
    pub fn count_drop(&self, reason: Reason) {
        self.account.drops.count(reason);
    }

    /// How often something of it was dropped for this reason, since the start.
    #[must_use]
    pub fn drops(&self, reason: Reason) -> u64 {
        self.account.drops.get(reason)
    }
}

/// One short method per kind, for families in no set.
macro_rules! shorthand {
    ($($method:ident => $instrument:ident;)*) => {
        impl Source {
            $(
                #[doc = concat!("Registers a family of [`", stringify!($instrument), "`] in no set.")]
                ///
                /// # Errors
                /// As [`Source::register`].
                pub fn $method(
                    &self,
                    name: &str,
                    help: &str,
                    labels: &[&str],
                ) -> Result<FamilyOf<$instrument>, RegisterError> {
                    self.family(&Descriptor::new($instrument::KIND, name, help).labels(labels))
                }
            )*
        }
    };
}

shorthand! {
    counter => Counter;
    float_counter => FloatCounter;
    gauge => Gauge;
    histogram => Histogram;
    summary => Summary;
    info => Info;
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Source({})", self.name())
    }
}

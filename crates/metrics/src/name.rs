//! Names that are known to be valid: a value of these types was checked once and is never again.
//!
//! The rules are those of `meterbox-names`, which plugins and the border follow, too.

use std::fmt;

use meterbox_names::{NameError, check_label, check_metric};

/// A valid metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`, at most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricName(Box<str>);

/// A valid label name: `[a-zA-Z_][a-zA-Z0-9_]*`, at most 128 bytes, not starting with `__`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelName(Box<str>);

macro_rules! names {
    ($($name:ident by $check:ident;)*) => {$(
        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            /// What is wrong with it.
            pub fn new(name: &str) -> Result<Self, NameError> {
                $check(name)?;
                Ok(Self(name.into()))
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

names! {
    MetricName by check_metric;
    LabelName by check_label;
}

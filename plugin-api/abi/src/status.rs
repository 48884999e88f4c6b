//! Why a call across the border did not succeed: a number that both sides know, and one sentence.
//!
//! Numbers instead of an enum, so that a side which does not know a newer one can still pass it on.

use std::error::Error;
use std::fmt;

use abi_stable::StableAbi;

/// The outcome of a call, as it crosses the border. Unknown numbers count as [`Status::INTERNAL`].
///
/// OWNERSHIP: a number.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, StableAbi)]
pub struct Status(pub u32);

impl Status {
    /// It worked.
    pub const OK: Self = Self(0);
    /// The callee failed in a way that has no better name.
    pub const INTERNAL: Self = Self(1);
    /// The caller's input is wrong; the text says what, where, and what to do.
    pub const INVALID: Self = Self(2);
    /// What was asked for does not exist.
    pub const NOT_FOUND: Self = Self(3);
    /// It clashes with something that exists, for example a metric of another kind.
    pub const CONFLICT: Self = Self(4);
    /// The caller may not do this; the text names the permission.
    pub const DENIED: Self = Self(5);
    /// A bound was reached: series, queue, rate.
    pub const LIMIT: Self = Self(6);
    /// One item is too large: a body, a label value, a reply.
    pub const TOO_LARGE: Self = Self(7);
    /// The client has left, or the host answered in the plugin's place (deadline, shutdown).
    pub const CLOSED: Self = Self(8);
    /// The deadline passed.
    pub const TIMEOUT: Self = Self(9);
    /// Not able right now; asking again later may work.
    pub const UNAVAILABLE: Self = Self(10);
    /// This plugin or host does not do that at all; do not ask again.
    pub const UNSUPPORTED: Self = Self(11);
    /// The callee panicked; the text is the panic's.
    pub const PANICKED: Self = Self(12);
    /// The plugin's process ended during the call; the text says how.
    pub const CRASHED: Self = Self(13);

    /// The HTTP status code with which a failed request is answered.
    #[must_use]
    pub const fn http(self) -> u16 {
        match self {
            Self::OK => 200,
            Self::INVALID => 400,
            Self::DENIED => 403,
            Self::NOT_FOUND => 404,
            Self::CONFLICT => 409,
            Self::TOO_LARGE => 413,
            Self::LIMIT => 429,
            Self::UNSUPPORTED => 501,
            Self::CRASHED => 502,
            Self::UNAVAILABLE => 503,
            Self::TIMEOUT => 504,
            _ => 500,
        }
    }
}

/// A failed call: its [`Status`] and one sentence for a person. Plain Rust; split in two to cross.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is; never [`Status::OK`].
    pub status: Status,
    /// What, where, and what to do; lower case, without a full stop.
    pub message: String,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// [`Status::INTERNAL`] with this text.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Status::INTERNAL, message)
    }

    /// [`Status::UNSUPPORTED`]: `what` is not offered by the side that was asked.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::new(Status::UNSUPPORTED, format!("{what} is not offered here"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

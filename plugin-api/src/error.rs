//! Why a plugin could not do what it was asked, as an author says it.

use std::error::Error as StdError;
use std::fmt;

use meterbox_plugin_abi::{Failure, Status};

/// What a plugin's methods return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is; decides the HTTP status when it answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong: 400.
    Invalid,
    /// Not allowed; the host's text names the missing permission: 403.
    Denied,
    /// What was asked for does not exist: 404.
    NotFound,
    /// It clashes with something that exists: 409.
    Conflict,
    /// One item is too large: 413.
    TooLarge,
    /// A budget is used up: 429.
    Limit,
    /// The client has left, or the host has already answered.
    Closed,
    /// Neither this plugin nor this host does that: 501.
    Unsupported,
    /// Not able right now: 503.
    Unavailable,
    /// It took too long: 504.
    Timeout,
    /// Everything else: 500.
    Internal,
}

/// Which border status stands for which kind.
const STATUSES: [(ErrorKind, Status); 11] = [
    (ErrorKind::Invalid, Status::INVALID),
    (ErrorKind::Denied, Status::DENIED),
    (ErrorKind::NotFound, Status::NOT_FOUND),
    (ErrorKind::Conflict, Status::CONFLICT),
    (ErrorKind::TooLarge, Status::TOO_LARGE),
    (ErrorKind::Limit, Status::LIMIT),
    (ErrorKind::Closed, Status::CLOSED),
    (ErrorKind::Unsupported, Status::UNSUPPORTED),
    (ErrorKind::Unavailable, Status::UNAVAILABLE),
    (ErrorKind::Timeout, Status::TIMEOUT),
    (ErrorKind::Internal, Status::INTERNAL),
];

impl ErrorKind {
    fn of(status: Status) -> Self {
        let known = STATUSES.iter().find(|(_, number)| *number == status);
        known.map_or(Self::Internal, |(kind, _)| *kind)
    }

    fn status(self) -> Status {
        let known = STATUSES.iter().find(|(kind, _)| *kind == self);
        known.map_or(Status::INTERNAL, |(_, status)| *status)
    }
}

/// A failure: its kind and one sentence for a person.
///
/// `?` makes one of any standard error, with kind [`ErrorKind::Internal`] and the texts of its whole
/// chain of causes. (That is why it does not implement [`std::error::Error`] itself.)
///
/// ```
/// use meterbox_plugin::prelude::*;
///
/// fn port(text: &str) -> Result<u16> {
///     if text.is_empty() {
///         return Err(Error::invalid("the port is empty"));
///     }
///     Ok(text.parse()?)
/// }
/// assert_eq!(port("").unwrap_err().kind(), ErrorKind::Invalid);
/// assert_eq!(port("x").unwrap_err().message(), "invalid digit found in string");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// A failure of this kind; say what, where, and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The input is wrong: answered as 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// What was asked for does not exist: answered as 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Not able right now: answered as 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// Anything else: answered as 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Its text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status with which the host answers a request that failed like this.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.kind.status().http()
    }

    /// The same failure with `context` and a colon before its text.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    pub(crate) fn into_failure(self) -> Failure {
        Failure::new(self.kind.status(), self.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: StdError + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let error: &(dyn StdError + 'static) = &error;
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Self::new(ErrorKind::of(failure.status), failure.message.clone());
        }
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::internal(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_survives_the_border_both_ways() {
        for (kind, _) in STATUSES {
            let failure = Error::new(kind, "why").into_failure();
            assert_eq!(Error::from(failure), Error::new(kind, "why"));
        }
        assert_eq!(
            Error::from(Failure::new(Status(999), "new")).kind(),
            ErrorKind::Internal
        );
    }

    #[test]
    fn a_foreign_error_brings_the_texts_of_its_causes() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bad port")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::from(Outer("x".parse::<u16>().expect_err("no number")));
        assert_eq!(
            error.context("sample.toml").message(),
            "sample.toml: bad port: invalid digit found in string"
        );
    }
}

//! The numbers that cross the border where Rust code would use an enum or a set.
//!
//! Each is a transparent integer with named constants: a value added later is just an unknown number to
//! an older side, never an invalid enum.

use abi_stable::StableAbi;

/// Declares one transparent integer with named constants and a name for each.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $repr:ty { $($(#[$item_doc:meta])* $item:ident = $value:expr, $text:literal;)* }) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$item_doc])* pub const $item: Self = Self($value);)*

            /// Every constant with the word that people read for it.
            pub const NAMED: &'static [(Self, &'static str)] = &[$((Self::$item, $text)),*];

            /// The word for this value; `None` when a newer side sent one that is not known here.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                Self::NAMED.iter().find(|(code, _)| *code == self).map(|(_, name)| *name)
            }
        }
    };
}

codes! {
    /// How much a log line matters; smaller is louder.
    Level: u32 {
        /// Data was lost, or an operator is needed.
        ERROR = 1, "error";
        /// Odd, but recovered.
        WARN = 2, "warn";
        /// A person did something.
        INFO = 3, "info";
        /// For the person who hunts a fault.
        DEBUG = 4, "debug";
        /// Every step.
        TRACE = 5, "trace";
    }
}

codes! {
    /// Which of the host's three listeners a route is served on.
    Listener: u32 {
        /// Predictions; `:8080` by default.
        INFERENCE = 1, "inference";
        /// Registration and scaling; `:8081` by default.
        MANAGEMENT = 2, "management";
        /// Metric endpoints; `:8082` by default.
        METRICS = 3, "metrics";
    }
}

codes! {
    /// A set of HTTP methods, one bit each.
    Methods: u32 {
        /// `GET`
        GET = 1, "GET";
        /// `HEAD`
        HEAD = 2, "HEAD";
        /// `POST`
        POST = 4, "POST";
        /// `PUT`
        PUT = 8, "PUT";
        /// `DELETE`
        DELETE = 16, "DELETE";
        /// `PATCH`
        PATCH = 32, "PATCH";
        /// `OPTIONS`
        OPTIONS = 64, "OPTIONS";
        /// Any method, also ones that have no bit here.
        ANY = u32::MAX, "*";
    }
}

impl Methods {
    /// No method.
    pub const NONE: Self = Self(0);

    /// The set that holds just `method`, an upper case token; [`Methods::NONE`] when it has no bit.
    #[must_use]
    pub fn of(method: &str) -> Self {
        let found = Self::NAMED
            .iter()
            .find(|(code, name)| *code != Self::ANY && *name == method);
        found.map_or(Self::NONE, |(code, _)| *code)
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a request with this method is served.
    #[must_use]
    pub fn allows(self, method: &str) -> bool {
        self == Self::ANY || self.0 & Self::of(method).0 != 0
    }

    /// The methods as an `Allow` header lists them; empty for [`Methods::ANY`].
    #[must_use]
    pub fn list(self) -> Vec<&'static str> {
        let single = Self::NAMED
            .iter()
            .filter(|(code, _)| *code != Self::ANY && self != Self::ANY);
        single
            .filter(|(code, _)| self.0 & code.0 != 0)
            .map(|(_, name)| *name)
            .collect()
    }
}

codes! {
    /// What a plugin does, one bit each; a library may have any mix.
    Roles: u32 {
        /// Answers HTTP requests.
        ENDPOINT = 1, "endpoint";
        /// Adds families when metrics are gathered.
        COLLECTOR = 2, "collector";
        /// Pushes gathered metrics outward.
        EXPORTER = 4, "exporter";
        /// Is told about events.
        LISTENER = 8, "listener";
    }
}

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every role of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The words for the roles in this set.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMED
            .iter()
            .filter(|(role, _)| self.has(*role))
            .map(|(_, name)| *name)
            .collect()
    }
}

codes! {
    /// What becomes of one push, as an exporter judges the answer to it.
    Verdict: u32 {
        /// Let the host decide by status code: 2xx done, 408, 429 and 5xx retry, everything else drop.
        BY_STATUS = 0, "by status";
        /// Delivered.
        DONE = 1, "done";
        /// Send it again later.
        RETRY = 2, "retry";
        /// Give it up and count it under the reason.
        DROP = 3, "drop";
        /// Too large: send it again in smaller pieces.
        SPLIT = 4, "split";
    }
}

codes! {
    /// Which clock [`crate::Host::clock`] reads; the answer is in nanoseconds.
    Clock: u32 {
        /// Since 1970-01-01 UTC.
        UNIX = 0, "unix";
        /// Since an arbitrary start, never going back.
        MONOTONIC = 1, "monotonic";
    }
}

codes! {
    /// One fact about the host, asked for by [`crate::Host::info`].
    Fact: u32 {
        /// The host's process id, decimal.
        PID = 1, "pid";
        /// The machine's name.
        HOSTNAME = 2, "hostname";
        /// The random id of this run of the host, the label `uuid` of inherited metrics.
        UUID = 3, "uuid";
        /// The host's version.
        VERSION = 4, "version";
        /// The name under which the host runs this plugin.
        PLUGIN = 5, "plugin";
        /// The chosen name sets in their order, separated by commas.
        METRIC_SETS = 6, "metric sets";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_methods_serves_what_it_names_and_lists_it() {
        let set = Methods::GET.with(Methods::HEAD);
        assert!(set.allows("GET") && set.allows("HEAD"));
        assert!(!set.allows("POST") && !set.allows("get") && !set.allows("BREW"));
        assert_eq!(set.list(), ["GET", "HEAD"]);
    }

    #[test]
    fn any_serves_methods_that_have_no_bit() {
        assert!(Methods::ANY.allows("BREW"));
        assert!(Methods::ANY.list().is_empty());
        assert_eq!(Methods::of("*"), Methods::NONE, "a star is not a method");
    }

    #[test]
    fn an_unknown_number_has_no_name() {
        assert_eq!(Listener(77).name(), None);
        assert_eq!(
            Roles::COLLECTOR.with(Roles::LISTENER).names(),
            ["collector", "listener"]
        );
    }
}

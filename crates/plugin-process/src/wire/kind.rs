//! The kinds of frame.

use std::fmt;

/// What a frame is; a number that this side does not know is kept, and refused where it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(pub u16);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl Kind {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// Every kind with its name.
            pub const NAMED: &'static [(Self, &'static str)] = &[$((Self::$name, stringify!($name))),*];
        }
    };
}

kinds! {
    /// Host: first frame of all, with descriptors.
    HELLO = 0x10;
    /// Host: create the plugin.
    CREATE = 0x11;
    /// Host: start it.
    START = 0x12;
    /// Host: stop it.
    STOP = 0x13;
    /// Host: its roles and routes.
    ROUTES = 0x14;
    /// Host: answer a request.
    CALL = 0x15;
    /// Host: show families of your own.
    COLLECT = 0x16;
    /// Host: take events.
    EVENTS = 0x17;
    /// Host: make pushes.
    EXPORT = 0x18;
    /// Host: judge the answer to a push.
    CLASSIFY = 0x19;
    /// Host: a timer came round.
    TIMER = 0x1a;
    /// Child: the entry has ended.
    DONE = 0x1f;
    /// Child, one way: a log line.
    LOG = 0x20;
    /// Child: register a family.
    REGISTER = 0x21;
    /// Child: the cells of a series.
    SERIES = 0x22;
    /// Child: remove a series.
    REMOVE = 0x23;
    /// Child: show me all metrics.
    GATHER = 0x24;
    /// Child: the registered models.
    MODELS = 0x25;
    /// Child: choose events.
    SUBSCRIBE = 0x26;
    /// Child: start a timer.
    TIMER_START = 0x27;
    /// Child: stop a timer.
    TIMER_STOP = 0x28;
    /// Child: one fact.
    INFO = 0x29;
    /// Child: the next bytes of a request's body.
    BODY = 0x2a;
    /// Child: a part of an answer.
    REPLY = 0x2b;
    /// Child, one way: an answer was dropped.
    DROP = 0x2c;
    /// Child: does anybody still wait for the answer?
    CLOSED = 0x2d;
    /// Child: one push of an exporter.
    PUSH = 0x2e;
    /// Child: families of its own.
    SHOW = 0x2f;
    /// Host: the answer to a request.
    ANSWER = 0x40;
    /// Host: gathered families.
    VISIT = 0x41;
    /// Child: whether a gather goes on.
    FLOW = 0x42;
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(kind, _)| kind == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "kind 0x{:x}", self.0),
        }
    }
}

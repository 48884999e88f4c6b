//! What the listeners need from the program around them, as traits that it implements.

use crate::listener::{Listener, Listeners};
use crate::request::Request;
use crate::route::Answer;
use crate::tokens::Tokens;
use http::{Method, Uri, Version};
use meterbox_config::Settings;
use meterbox_net::Peer;
use std::sync::Arc;
use std::time::Duration;

/// What operations may use, and what every request asks of it.
pub trait Services: Send + Sync + 'static {
    /// What answers on paths that are no row of the table.
    type Endpoint: Endpoint;

    /// The configuration in force.
    fn settings(&self) -> Arc<Settings>;

    /// The keys of the token guard.
    fn tokens(&self) -> &Tokens;

    /// Those of `listeners` that serve at this moment.
    fn open(&self, listeners: Listeners) -> Listeners;

    /// What answers for `path` on `listener`, whatever the method.
    fn endpoint(&self, listener: Listener, path: &str) -> Option<Self::Endpoint>;
}

/// An answer to a path that is no row of the table.
pub trait Endpoint: Send + Sync + 'static {
    /// Under what it is counted: a text from a closed set, never a path that a client chose.
    fn pattern(&self) -> &str;

    /// Whether it takes `method`.
    fn allows(&self, method: &Method) -> bool;

    /// All methods that it takes.
    fn methods(&self) -> Vec<&'static str>;

    /// Answers.
    fn answer(self, request: Request) -> Answer;
}

/// Counts what happens on one socket.
pub trait Counters: Send + Sync + 'static {
    /// A connection was accepted.
    fn connection_opened(&self);

    /// It ended.
    fn connection_closed(&self);

    /// A connection was refused or cut. `reason` is one of a closed set.
    fn connection_refused(&self, reason: &'static str);

    /// A request has begun.
    fn request_began(&self);

    /// Its answer is finished, or given up.
    fn request_ended(&self);

    /// A request was answered with `status` before it had a route. `reason` is one of a closed set.
    fn request_refused(&self, reason: &'static str, status: u16);

    /// Bytes of a request's body came in.
    fn received(&self, bytes: u64);

    /// Bytes of an answer's body went out.
    fn sent(&self, bytes: u64);

    /// Counters of a route: a fixed text such as `/predictions/{model}`.
    fn route(&self, pattern: &str) -> Arc<dyn RouteCounters>;
}

/// Counts the answers of one route.
pub trait RouteCounters: Send + Sync + 'static {
    /// A request was answered with `status`, `took` after its head had come.
    fn answered(&self, status: u16, took: Duration);
}

/// Makes the counters of a socket that carries these listeners.
pub type MakeCounters = Box<dyn Fn(Listeners) -> Arc<dyn Counters> + Send + Sync>;

/// Takes one entry per request. It must not wait.
pub trait AccessLog: Send + Sync + 'static {
    /// A request was answered.
    fn write(&self, entry: &Access<'_>);
}

/// One request and what came of it.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The client.
    pub peer: Peer,
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub uri: &'a Uri,
    /// The client's version of HTTP.
    pub version: Version,
    /// The status of the answer.
    pub status: u16,
    /// From the head's arrival to the answer's end.
    pub took: Duration,
}

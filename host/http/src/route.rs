//! One row of the route table: which request goes to which operation, behind which guard.
//!
//! `S` is what operations may use. Who writes the rows is not known here; how they are found is the
//! router's matter.

use crate::error::ApiError;
use crate::listener::Listeners;
use crate::reply::Reply;
use crate::request::Request;
use http::Method;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What an operation gives back.
pub type Outcome = Result<Reply, ApiError>;

/// An operation under way. It is dropped when the client leaves: what has to be finished once it
/// was begun is spawned.
pub type Answer = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What answers a request; [`operation!`](crate::operation) makes one of an `async fn`.
pub type Operation<S> = fn(Arc<S>, Request, Params) -> Answer;

/// An `async fn(Arc<S>, Request, Params) -> Outcome` as an [`Operation`].
#[macro_export]
macro_rules! operation {
    ($operation:path) => {
        |services, request, params| ::std::boxed::Box::pin($operation(services, request, params))
    };
}

/// One row.
#[derive(Debug)]
pub struct Route<S> {
    /// The listeners that serve it.
    pub listeners: Listeners,
    /// The methods that it takes.
    pub methods: Methods,
    /// The path: segments are fixed, `{name}`, `{name}:fixed`, or at the end `{name...}` for all
    /// that is left, which may be empty.
    pub pattern: &'static str,
    /// Who may ask.
    pub guard: Guard,
    /// Whether it changes something.
    pub effect: Effect,
    /// One line for people, without a full stop.
    pub about: &'static str,
    /// What answers.
    pub operation: Operation<S>,
}

/// The methods of a route.
#[derive(Debug, Clone, Copy)]
pub enum Methods {
    /// Every method.
    Any,
    /// These.
    Only(&'static [Method]),
}

impl Methods {
    /// GET.
    pub const GET: Self = Self::Only(&[Method::GET]);
    /// POST.
    pub const POST: Self = Self::Only(&[Method::POST]);
    /// PUT.
    pub const PUT: Self = Self::Only(&[Method::PUT]);
    /// DELETE.
    pub const DELETE: Self = Self::Only(&[Method::DELETE]);
    /// OPTIONS.
    pub const OPTIONS: Self = Self::Only(&[Method::OPTIONS]);

    /// Whether `method` is one of them.
    #[must_use]
    pub fn allow(self, method: &Method) -> bool {
        match self {
            Self::Any => true,
            Self::Only(methods) => methods.contains(method),
        }
    }
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Everybody.
    Open,
    /// With tokens switched on: who has the token of the listener that serves the route. The
    /// metrics listener has none.
    Token,
    /// With tokens switched on: who has the API key; with tokens off the route does not exist.
    ApiKey,
}

/// Whether a route changes something; pages of other sites may not ask for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is changed.
    Reads,
    /// Models, plugins or settings are changed.
    Changes,
}

/// The decoded variable parts of the path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(pub(crate) Vec<(&'static str, String)>);

impl Params {
    /// The part `{name}`; empty if the pattern has none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    /// The part `{name}` if the pattern has one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }
}

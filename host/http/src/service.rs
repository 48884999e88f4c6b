//! One request from its head to its reply: checks, table, guard, body, operation.

use crate::account::{Account, Counted};
use crate::body::{self, BodyFault, Payload};
use crate::error::{ApiError, Class};
use crate::front::Front;
use crate::guard;
use crate::link::Link;
use crate::listener::Listeners;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::{Request, RequestId};
use crate::respond::respond;
use crate::route::{Answer, Effect, Guard, Outcome, Params};
use crate::router::{self, Begin, Found, Segments};
use crate::services::{Endpoint, Services};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, Version, header, request::Parts};
use hyper::body::Incoming;
use meterbox_config::Settings;
use meterbox_net::Peer;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

/// What the requests of one connection share.
pub(crate) struct Session<S: Services> {
    pub(crate) front: Arc<Front<S>>,
    pub(crate) link: Arc<Link>,
    pub(crate) peer: Peer,
    /// Those in force when the connection was accepted.
    pub(crate) settings: Arc<Settings>,
}

/// What came of a request.
struct Handled {
    reply: Reply,
    counted: Counted,
    /// Whether the connection is of no use for another request.
    close: bool,
}

/// Answers one request.
pub(crate) async fn serve<S: Services>(
    session: Arc<Session<S>>,
    request: http::Request<Incoming>,
) -> Result<Response<Payload>, Infallible> {
    let received = Instant::now();
    let id = RequestId::random();
    let (parts, body) = request.into_parts();
    let shared = Arc::clone(&session.front.shared);
    let link = Arc::clone(&session.link);
    let logged = session.settings.log.access;
    let mut account = Account::new(shared, link, session.peer, &parts, received, logged);
    let wants_keep = wants_keep_alive(&parts);
    let chunks = parts.version == Version::HTTP_11;
    let Handled {
        reply,
        counted,
        close,
    } = session.handle(id, received, parts, body).await;
    account.answer(reply.status(), counted);
    let error = reply.status() >= 400 && !reply.bare;
    // The end of the connection is the only end that a client of HTTP/1.0 can see.
    let ends = chunks || reply.length().is_some();
    let keep = wants_keep && ends && !close && !error && !session.link.is_draining();
    Ok(respond(reply, id, keep, account))
}

fn wants_keep_alive(parts: &Parts) -> bool {
    let mut says = parts.headers.get_all(header::CONNECTION).iter();
    let mut has = |word: &str| {
        says.any(|value| {
            let words = value.to_str().unwrap_or("").split(',');
            words
                .map(str::trim)
                .any(|known| known.eq_ignore_ascii_case(word))
        })
    };
    if parts.version == Version::HTTP_11 {
        !has("close")
    } else {
        has("keep-alive")
    }
}

/// What a request is for.
enum Target<E> {
    Row(usize, Params),
    Endpoint(E, Listeners),
    OtherMethods(Vec<&'static str>, Listeners),
    Nothing,
}

impl<E> From<Found> for Target<E> {
    fn from(found: Found) -> Self {
        match found {
            Found::Row(index, params) => Self::Row(index, params),
            Found::OtherMethods(allow, listeners) => Self::OtherMethods(allow, listeners),
            Found::Nothing => Self::Nothing,
        }
    }
}

impl<S: Services> Session<S> {
    async fn handle(
        &self,
        id: RequestId,
        received: Instant,
        parts: Parts,
        body: Incoming,
    ) -> Handled {
        let front = &*self.front;
        let shared = &*front.shared;
        let head = if shared.keeps_heads() {
            self.link.next_head()
        } else {
            Bytes::new()
        };
        if parts.uri.path() == "*" {
            return self.refused();
        }
        if let Err(error) = shared.hosts.load().check(&parts.headers) {
            return refuse(error, "host_unknown");
        }
        if unknown_expectation(&parts.headers) {
            // Read to its end, so that the connection can go on.
            let drained = body::read(body, &self.settings.http, &self.link)
                .await
                .is_ok();
            let counted = Counted::Refused("expectation");
            return Handled {
                reply: Reply::bare(417),
                counted,
                close: !drained,
            };
        }
        let segments = match router::segments(parts.uri.path()) {
            Ok(segments) => segments,
            Err(error) => return refuse(error, "percent_encoding"),
        };
        let target = self.find(&parts.method, parts.uri.path(), &segments);
        drop(segments);
        let counted = match &target {
            Target::Row(index, _) => Counted::Row(*index),
            Target::Endpoint(endpoint, _) => Counted::Endpoint(shared.endpoint(endpoint.pattern())),
            Target::OtherMethods(..) | Target::Nothing => Counted::Nowhere,
        };
        let permitted = self.permit(&target, &parts.method, &parts.headers);
        let asked = permitted.and_then(|()| match &target {
            Target::Nothing => Err(ApiError::not_found()),
            Target::OtherMethods(allow, _) => Err(ApiError::method_not_allowed(allow)),
            Target::Row(..) | Target::Endpoint(..) => Query::parse(parts.uri.query().unwrap_or("")),
        });
        let query = match asked {
            Ok(query) => query,
            Err(error) => {
                return Handled {
                    reply: error.into_reply(),
                    counted,
                    close: true,
                };
            }
        };
        let body = match body::read(body, &self.settings.http, &self.link).await {
            Ok(body) => body,
            Err(fault) => return body_fault(fault),
        };
        if !body.is_empty() {
            shared.counters.received(body.len() as u64);
        }
        let request = Request {
            listeners: shared.listeners,
            method: parts.method,
            uri: parts.uri,
            query,
            headers: parts.headers,
            peer: self.peer,
            id,
            received,
            body,
            head,
        };
        let outcome = caught(self.begin(target, request)).await;
        let reply = outcome.unwrap_or_else(ApiError::into_reply);
        Handled {
            reply,
            counted,
            close: false,
        }
    }

    /// The answer to what the rules of the wire refused.
    fn refused(&self) -> Handled {
        match self.link.refusal() {
            Some(refusal) => refuse(ApiError::from(refusal), refusal.reason),
            // Only the wire makes this target, and it says why before.
            None => refuse(
                ApiError::internal("a request was refused for no reason"),
                "unknown",
            ),
        }
    }

    /// Finds what a request is for: a row by its fixed begin, then an endpoint, then the rows that
    /// begin with a model's name. What matches more of a path so goes first.
    fn find(&self, method: &Method, path: &str, segments: &Segments<'_>) -> Target<S::Endpoint> {
        let front = &*self.front;
        let listeners = front.services.open(front.shared.listeners);
        let fixed = front.router.find(Begin::Fixed, listeners, method, segments);
        match fixed {
            Found::Row(..) => return fixed.into(),
            Found::OtherMethods(..) => {}
            Found::Nothing => {
                if let Some(found) = self.endpoint(listeners, method, path) {
                    return found;
                }
            }
        }
        match front
            .router
            .find(Begin::Variable, listeners, method, segments)
        {
            Found::Nothing => fixed.into(),
            found => found.into(),
        }
    }

    fn endpoint(
        &self,
        listeners: Listeners,
        method: &Method,
        path: &str,
    ) -> Option<Target<S::Endpoint>> {
        listeners.iter().find_map(|listener| {
            let endpoint = self.front.services.endpoint(listener, path)?;
            Some(if endpoint.allows(method) {
                Target::Endpoint(endpoint, listener.into())
            } else {
                Target::OtherMethods(endpoint.methods(), listener.into())
            })
        })
    }

    /// Guard and origin rule of what was found; what was not found needs a token as well.
    fn permit(
        &self,
        target: &Target<S::Endpoint>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), ApiError> {
        let front = &*self.front;
        let tokens = front.services.tokens();
        let peer = self.peer.ip();
        let (guard, listeners, changes) = match target {
            Target::Row(index, _) => {
                let route = front.router.route(*index);
                (
                    route.guard,
                    route.listeners,
                    route.effect == Effect::Changes,
                )
            }
            Target::Endpoint(_, listeners) => (Guard::Token, *listeners, !method.is_safe()),
            Target::OtherMethods(_, listeners) => (Guard::Token, *listeners, false),
            Target::Nothing => (Guard::Token, front.shared.listeners, false),
        };
        match guard {
            Guard::Open => {}
            Guard::Token => {
                guard::check_token(
                    tokens,
                    listeners.both(front.shared.listeners),
                    headers,
                    peer,
                )?;
            }
            Guard::ApiKey => guard::check_api_key(tokens, headers, peer)?,
        }
        if changes {
            guard::check_origin(front.shared.scheme, headers)
        } else {
            Ok(())
        }
    }

    /// Begins what was found.
    fn begin(&self, target: Target<S::Endpoint>, request: Request) -> Answer {
        match target {
            Target::Row(index, params) => {
                let operation = self.front.router.route(index).operation;
                operation(Arc::clone(&self.front.services), request, params)
            }
            Target::Endpoint(endpoint, _) => endpoint.answer(request),
            Target::OtherMethods(allow, _) => {
                Box::pin(async move { Err(ApiError::method_not_allowed(&allow)) })
            }
            Target::Nothing => Box::pin(async { Err(ApiError::not_found()) }),
        }
    }
}

fn unknown_expectation(headers: &HeaderMap) -> bool {
    let known = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    headers
        .get_all(header::EXPECT)
        .iter()
        .any(|value| !known(value))
}

fn refuse(error: ApiError, reason: &'static str) -> Handled {
    Handled {
        reply: error.into_reply(),
        counted: Counted::Refused(reason),
        close: true,
    }
}

fn body_fault(fault: BodyFault) -> Handled {
    let (reply, reason, close) = match fault {
        BodyFault::TooLarge(drained) => (Reply::bare(413), "body_too_large", !drained),
        BodyFault::TooSlow => {
            let error = ApiError::new(Class::REQUEST_TIMEOUT, "The body came too slowly.");
            (error.into_reply(), "body_too_slow", true)
        }
        BodyFault::Refused(refusal) => (ApiError::from(refusal).into_reply(), refusal.reason, true),
        BodyFault::Gone => {
            let error = ApiError::bad_request("The body ended before it was whole.");
            (error.into_reply(), "body_cut", true)
        }
    };
    Handled {
        reply,
        counted: Counted::Refused(reason),
        close,
    }
}

/// Runs an operation; a panic in it costs its own request.
async fn caught(mut answer: Answer) -> Outcome {
    poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)));
        polled.unwrap_or_else(|payload| {
            let text = payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            let text = text.unwrap_or_default();
            tracing::error!(target: "http", "an operation panicked: {text}");
            Poll::Ready(Err(ApiError::internal(
                "The server failed to answer this request.",
            )))
        })
    })
    .await
}

//! Turns a reply into what hyper sends: the headers that every answer has, the phrase, the body.

use crate::account::Account;
use crate::body::{Content, Payload};
use crate::reply::{Body, Phrase, Reply};
use crate::request::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;

const NOSNIFF: (HeaderName, HeaderValue) = (
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderValue::from_static("nosniff"),
);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// No answer may be kept. **Source:** TorchServe 0.12.
const CACHING: [(HeaderName, HeaderValue); 3] = [
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
    (
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache; no-store, must-revalidate, private"),
    ),
    (
        header::EXPIRES,
        HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 UTC"),
    ),
];
/// Errors echo parts of requests; no browser shall find a page in them.
const NO_CONTENT: (HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static("default-src 'none'"),
);

/// The answer. `keep` says whether the connection stays open.
pub(crate) fn respond(
    reply: Reply,
    id: RequestId,
    keep: bool,
    account: Account,
) -> Response<Payload> {
    let length = reply.length();
    let Reply {
        status,
        phrase,
        mut headers,
        body,
        bare,
    } = reply;
    let content = match body {
        Body::Ready(bytes) => Content::Ready(bytes),
        Body::Stream(stream) => Content::Stream(stream),
    };
    if bare {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        if !keep {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    } else {
        complete(&mut headers, status, id, length, keep);
    }
    let mut response = Response::new(Payload { content, account });
    // `Reply` holds no other number.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = headers;
    let phrase = match phrase {
        Phrase::Own(text) => ReasonPhrase::try_from(text).ok(),
        Phrase::Usual => phrase_of(status).map(ReasonPhrase::from_static),
    };
    if let Some(phrase) = phrase {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// The words of a status where the ones that hyper knows are not TorchServe's.
fn phrase_of(status: u16) -> Option<&'static [u8]> {
    match status {
        413 => Some(b"Request Entity Too Large"),
        414 => Some(b"Request-URI Too Long"),
        _ => None,
    }
}

fn complete(headers: &mut HeaderMap, status: u16, id: RequestId, length: Option<u64>, keep: bool) {
    headers.reserve(9);
    let mut buffer = [0; 36];
    if let Ok(id) = HeaderValue::from_str(id.encode(&mut buffer)) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in CACHING.into_iter().chain([NOSNIFF]) {
        headers.insert(name, value);
    }
    if status >= 400 {
        headers.entry(NO_CONTENT.0).or_insert(NO_CONTENT.1);
    }
    // A 204 and a 304 have no body that could be measured.
    if let Some(length) = length.filter(|_| !matches!(status, 204 | 304)) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    let connection = if keep { "keep-alive" } else { "close" };
    headers.insert(header::CONNECTION, HeaderValue::from_static(connection));
}

//! One request to a plugin in a dry run, and the answer to it: its size is kept, its bytes are not.

use meterbox_plugin_abi::testing::{FakeRequest, Recorder};
use meterbox_plugin_abi::{PluginObject, Reply, Request, Route};
use std::sync::Arc;
use std::time::Duration;

/// A longer answer is broken off, in bytes.
const BODY_BYTES_MAX: u64 = 256 << 20;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) bytes: u64,
    /// The sentence of an answer that is an error.
    pub(super) error: Option<String>,
}

/// Calls `route` once and waits for the end of the answer, for at most `limit`.
///
/// # Errors
/// There is no answer in time.
pub(super) fn get(plugin: &PluginObject, route: &Route, limit: Duration) -> Result<Answer, String> {
    let (begin, rest) = match route.pattern.strip_suffix("/{rest}") {
        Some(begin) => (begin, "/check"),
        None => (route.pattern.as_str(), ""),
    };
    let client = Recorder::counting(BODY_BYTES_MAX);
    let (responder, watch) = Reply::over(client.sink());
    let request = FakeRequest {
        rest: rest.to_owned(),
        ..FakeRequest::get(&format!("/{begin}{rest}")).time_left(limit)
    };
    let result = plugin.call(route.id, Request::of(Arc::new(request)), responder);
    watch.returned(&result);
    let late = || format!("no answer within {} s", limit.as_secs());
    let reply = client.wait_for(limit).ok_or_else(late)?;
    Ok(Answer {
        status: reply.status,
        bytes: reply.bytes,
        error: match reply.end {
            "fail" => Some(reply.message),
            "abort" => Some(format!("broke off: {}", reply.message)),
            _ => None,
        },
    })
}

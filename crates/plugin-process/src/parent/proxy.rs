//! The plugin object of the host whose entries run in a child.

use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi::PluginObject;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Failure, PluginEntries, PushSink, Request, Responder, Roles, Route, Status, Table, Verdict,
};

use super::child::EntryCall;
use super::host_calls::Scope;
use super::isolated::Isolated;
use super::launch::PluginFacts;
use crate::batch::BatchReader;
use crate::wire::{
    Body, Call, DecodedRows, Kind, Malformed, NO_DEADLINE, PayloadReader, PayloadWriter,
};

/// A body that is said to be no longer goes along with its request, in bytes.
const INLINE_BODY_BYTES_MAX: usize = 64 << 10;
/// Headers that go along; the host takes fewer.
const HEADERS_MAX: usize = 1024;
/// Fields of an event's row that are sent.
const EVENT_FIELDS_END: u32 = 32;

/// Entries of a plugin that is somewhere else. Dropping it ends the plugin's process.
pub(super) struct Proxy {
    isolated: Arc<Isolated>,
    facts: PluginFacts,
}

impl Isolated {
    /// Starts its first process and creates the plugin in it. The object's entries run there, and its
    /// process is kept alive from its start hook on until the object is dropped.
    ///
    /// # Errors
    /// What the plugin said, [`Status::CRASHED`] when its process ended, or why there is none.
    pub fn create(self: &Arc<Self>) -> Result<PluginObject, Failure> {
        let facts = self.start_first()?;
        let isolated = Arc::clone(self);
        Ok(PluginObject::of(Box::new(Proxy { isolated, facts })))
    }
}

impl Proxy {
    fn ask<T>(
        &self,
        kind: Kind,
        payload: &PayloadWriter,
        limit: Duration,
        scope: Scope<'_>,
        read: impl FnOnce(&str, &mut PayloadReader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let ask = EntryCall {
            kind,
            payload: payload.as_bytes(),
            limit,
        };
        self.isolated.child()?.entry(&ask, scope, read)
    }

    /// Twice the deadline of an entry that is no request.
    fn limit(&self) -> Duration {
        self.isolated.plugin().settings.entry_limit * 2
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.isolated.shut_down();
    }
}

fn nothing(_: &str, _: &mut PayloadReader<'_>) -> Result<(), Malformed> {
    Ok(())
}

impl PluginEntries for Proxy {
    fn start(&self) -> Result<(), Failure> {
        self.isolated.start()
    }

    fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        self.isolated.stop(deadline)
    }

    fn roles(&self) -> Roles {
        self.facts.roles
    }

    fn routes(&self) -> Vec<Route> {
        self.facts.routes.clone()
    }

    fn call(&self, route: u32, request: Request, responder: Responder) -> Result<(), Failure> {
        let child = self.isolated.child()?;
        let inline = short_body(&request)?;
        let body = match &inline {
            Inline::None => Body::None,
            Inline::Whole(bytes) => Body::Whole(bytes),
            Inline::Asked => Body::Asked,
        };
        let left = request.time_left();
        let entry_limit = self.isolated.plugin().settings.entry_limit;
        let call = child.host_calls.calls.add(request.clone(), responder)?;
        let headers = (0..HEADERS_MAX).map_while(|at| request.header_at(at));
        let payload = Call {
            route,
            call,
            method: request.method(),
            path: request.path(),
            rest: request.rest(),
            query: request.query(),
            peer: request.peer(),
            headers: headers.collect(),
            left_ns: left.map_or(NO_DEADLINE, |left| {
                u64::try_from(left.as_nanos()).unwrap_or(NO_DEADLINE)
            }),
            body,
        };
        let payload = payload.put();
        let ask = EntryCall {
            kind: Kind::CALL,
            payload: payload.as_bytes(),
            // What is left of a request that had to wait may be little; that is not the plugin's fault.
            limit: left.unwrap_or(entry_limit) + entry_limit,
        };
        let answered = child.entry(&ask, Scope::Plain, nothing);
        let failed = answered.as_ref().err().map(|failure| failure.status);
        if failed.is_some_and(|status| status != Status::CRASHED) {
            // What it had begun to write must not look as if more were coming. After a crash all its
            // answers are broken off elsewhere, where a slow client is not waited for.
            child.host_calls.calls.drop_answer(call);
        }
        answered
    }

    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        let mut payload = PayloadWriter::new();
        payload.texts(filter.names);
        let limit = self.isolated.plugin().settings.collect_limit * 2;
        let scope = Scope::Collect(visitor, BatchReader::new(), 0);
        self.ask(Kind::COLLECT, &payload, limit, scope, nothing)
    }

    fn on_events(&self, events: Table) -> Result<(), Failure> {
        let mut payload = PayloadWriter::new();
        DecodedRows::put(&events, EVENT_FIELDS_END, &mut payload);
        self.ask(Kind::EVENTS, &payload, self.limit(), Scope::Plain, nothing)
    }

    fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        let scope = Scope::Export(gathered, pushes);
        self.ask(
            Kind::EXPORT,
            &PayloadWriter::new(),
            self.limit(),
            scope,
            nothing,
        )
    }

    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        let mut payload = PayloadWriter::new();
        payload.u16(status).bytes(body);
        let limit = self.limit();
        self.ask(
            Kind::CLASSIFY,
            &payload,
            limit,
            Scope::Plain,
            |message, take| Ok((Verdict(take.u32()?), message.to_owned())),
        )
    }

    fn on_timer(&self, id: u64) -> Result<(), Failure> {
        let mut payload = PayloadWriter::new();
        payload.u64(id);
        self.ask(Kind::TIMER, &payload, self.limit(), Scope::Plain, nothing)
    }
}

/// A body as it goes with a request.
enum Inline {
    None,
    Whole(Vec<u8>),
    Asked,
}

/// Reads a body that is announced as a short one; a plugin that is asked for it would wait for it, too.
fn short_body(request: &Request) -> Result<Inline, Failure> {
    let Some(length) = request.header("content-length") else {
        let chunked = request.header("transfer-encoding").is_some();
        return Ok(if chunked { Inline::Asked } else { Inline::None });
    };
    let length = std::str::from_utf8(length).ok();
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    let Some(length) = length.filter(|length| *length <= INLINE_BODY_BYTES_MAX) else {
        return Ok(Inline::Asked);
    };
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match request.read_body(&mut bytes[read..])? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    Ok(Inline::Whole(bytes))
}

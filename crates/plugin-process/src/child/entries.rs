//! The entries of the plugin, each called by a frame of the host.

use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi::gather::{Filter, Flow};
use meterbox_plugin_abi::{
    Failure, Host, PluginObject, Push, PushSink, Request, Responder, Table, caught,
};

use parking_lot::RwLock;

use super::host::RemoteHost;
use super::link::{self, Link};
use super::request::RemoteRequest;
use super::responder::RemoteAnswer;
use crate::batch::BatchWriter;
use crate::payload::Payload;
use crate::wire::{
    DecodedRows, Kind, Malformed, PayloadReader, PayloadWriter, put_outcome, put_route,
};

/// Creates the plugin of a loaded library from its configuration.
pub type Create = Box<dyn Fn(Host, &str) -> Result<PluginObject, Failure> + Send + Sync>;

/// Longest batch that a collector's families are packed into.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// The same where no arena takes it.
const BATCH_BYTES_INLINE: usize = 64 << 10;

/// The plugin once it is created, and what it is created with.
pub(super) struct Entries {
    create: Create,
    /// Empty before `CREATE` and after `STOP`.
    plugin: RwLock<Option<Arc<PluginObject>>>,
    host: Arc<RemoteHost>,
    link: Arc<Link>,
}

/// What an entry answers: message and result, or the failure.
type EntryOutcome = Result<(String, PayloadWriter), Failure>;
type EntryFn = fn(&Entries, PayloadReader<'_>) -> Result<EntryOutcome, Malformed>;

/// All but `CALL`, which keeps its payload.
const ENTRIES: [(Kind, EntryFn); 9] = [
    (Kind::COLLECT, Entries::collect),
    (Kind::TIMER, Entries::timer),
    (Kind::EVENTS, Entries::events),
    (Kind::EXPORT, Entries::export),
    (Kind::CLASSIFY, Entries::classify),
    (Kind::CREATE, Entries::create),
    (Kind::ROUTES, Entries::routes),
    (Kind::START, Entries::start),
    (Kind::STOP, Entries::stop),
];

fn nothing(outcome: Result<(), Failure>) -> EntryOutcome {
    outcome.map(|()| (String::new(), PayloadWriter::new()))
}

impl Entries {
    pub(super) fn new(create: Create, host: Arc<RemoteHost>, link: Arc<Link>) -> Self {
        Self {
            create,
            plugin: RwLock::default(),
            host,
            link,
        }
    }

    /// Runs the entry that `kind` names and gives the payload of `DONE`.
    pub(super) fn run(&self, kind: Kind, payload: Payload) -> Result<PayloadWriter, Malformed> {
        // The border catches what the plugin does; this is for mistakes of this process.
        let ran = caught(|| match ENTRIES.iter().find(|(name, _)| *name == kind) {
            Some((_, entry)) => entry(self, PayloadReader::of(&payload)),
            None if kind == Kind::CALL => self.call(payload),
            None => Err(Malformed::new(format!("{kind:?}, which is no entry"))),
        });
        let outcome = ran.unwrap_or_else(|panicked| Ok(Err(panicked)))?;
        let mut done = PayloadWriter::new();
        match &outcome {
            Ok((message, result)) => {
                put_outcome(Ok(message), &mut done);
                done.raw(result.as_bytes());
            }
            Err(failure) => put_outcome(Err(failure), &mut done),
        }
        Ok(done)
    }

    fn plugin(&self) -> Result<Arc<PluginObject>, Failure> {
        let plugin = self.plugin.read().clone();
        plugin.ok_or_else(|| Failure::internal("the plugin is not created, or was stopped"))
    }

    fn create(&self, mut fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        let config = fields.text()?;
        fields.end()?;
        let created = (self.create)(Host::of(self.host.clone()), config);
        Ok(nothing(created.and_then(|plugin| {
            let mut place = self.plugin.write();
            if place.is_some() {
                return Err(Failure::internal("the plugin was created already"));
            }
            *place = Some(Arc::new(plugin));
            Ok(())
        })))
    }

    fn start(&self, fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        fields.end()?;
        Ok(nothing(self.plugin().and_then(|plugin| plugin.start())))
    }

    fn stop(&self, mut fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        let deadline = Duration::from_nanos(fields.u64()?);
        fields.end()?;
        let stopped = self.plugin().and_then(|plugin| plugin.stop(deadline));
        // The author's value is dropped while the host still waits, and its lanes still work.
        let plugin = self.plugin.write().take();
        drop(plugin);
        Ok(nothing(stopped))
    }

    fn routes(&self, fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        fields.end()?;
        let asked = self
            .plugin()
            .and_then(|plugin| Ok((plugin.roles(), plugin.routes()?)));
        Ok(asked.map(|(roles, routes)| {
            let mut result = PayloadWriter::new();
            result.u32(roles.0).count(routes.len());
            for route in &routes {
                put_route(route, &mut result);
            }
            (String::new(), result)
        }))
    }

    fn call(&self, payload: Payload) -> Result<EntryOutcome, Malformed> {
        let (route, call, request) = RemoteRequest::new(payload, self.link.clone())?;
        let responder = Responder::of(Box::new(RemoteAnswer::new(call, self.link.clone())));
        let request = Request::of(Arc::new(request));
        Ok(nothing(
            self.plugin()
                .and_then(|plugin| plugin.call(route, request, responder)),
        ))
    }

    fn collect(&self, mut fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        let names = fields.texts()?;
        fields.end()?;
        let mut refused = None;
        let mut batches = BatchWriter::new(batch_bytes(), |batch: &[u8]| {
            let mut request = PayloadWriter::with_room(batch.len());
            request.raw(batch);
            match self
                .link
                .ask(Kind::SHOW, &request, |result| Ok(result.u32()? == 0))
            {
                Ok(true) => Flow::Continue,
                Ok(false) => Flow::Stop,
                Err(failure) => {
                    refused = Some(failure);
                    Flow::Stop
                }
            }
        });
        let filter = Filter { names: &names };
        let collected = self
            .plugin()
            .and_then(|plugin| plugin.collect(&filter, &mut batches));
        let _stop_is_no_failure = batches.finish();
        Ok(nothing(match refused {
            Some(refused) => Err(refused),
            None => collected,
        }))
    }

    fn events(&self, mut fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        let rows = DecodedRows::take(&mut fields)?;
        fields.end()?;
        Ok(nothing(self.plugin().and_then(|plugin| {
            plugin.on_events(Table::of(Arc::new(rows)))
        })))
    }

    fn export(&self, fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        fields.end()?;
        let mut pushes = RemotePushes(&self.link);
        Ok(nothing(self.plugin().and_then(|plugin| {
            plugin.export(&*self.host, &mut pushes)
        })))
    }

    fn classify(&self, mut fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        let status = fields.u16()?;
        let body = fields.bytes()?;
        fields.end()?;
        let judged = self
            .plugin()
            .and_then(|plugin| plugin.classify(status, body));
        Ok(judged.map(|(verdict, reason)| {
            let mut result = PayloadWriter::new();
            result.u32(verdict.0);
            (reason, result)
        }))
    }

    fn timer(&self, mut fields: PayloadReader<'_>) -> Result<EntryOutcome, Malformed> {
        let id = fields.u64()?;
        fields.end()?;
        Ok(nothing(
            self.plugin().and_then(|plugin| plugin.on_timer(id)),
        ))
    }
}

/// What goes by the arena of this thread's lane.
fn batch_bytes() -> usize {
    match link::with_own(|lane| lane.half()) {
        None | Some(0) => BATCH_BYTES_INLINE,
        Some(half) => half.min(BATCH_BYTES_MAX),
    }
}

/// Takes the pushes of an export.
struct RemotePushes<'l>(&'l Link);

impl PushSink for RemotePushes<'_> {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let mut request = PayloadWriter::with_room(push.body.len() + 256);
        request
            .text(push.method)
            .text(push.url)
            .count(push.headers.len());
        for (name, value) in push.headers {
            request.text(name).text(value);
        }
        request.bytes(push.body);
        self.0.ask(Kind::PUSH, &request, |_| Ok(()))
    }
}

//! A plugin as the host calls it: every role's entry in one object.
//!
//! The SDK implements [`PluginEntries`] once, around an author's plugin; the host holds a
//! [`PluginObject`]. Threads, deadlines and counting are the host's.

use std::time::Duration;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr, RString};

use crate::border::{Ptr, answered, caught, cross, outcome, shims, try_cross};
use crate::codes::{Roles, Verdict};
use crate::export::{PushHandle, PushSink};
use crate::gather::{Filter, GatherHandle, GatherSource, Visitor, VisitorHandle, gather_over};
use crate::request::Request;
use crate::responder::Responder;
use crate::route::{Route, RouteSink};
use crate::status::{Failure, Status};
use crate::table::Table;

/// What a plugin does when the host asks. Every method may be called from any thread of the plugin's
/// pool, several at once. An entry for a role that [`PluginEntries::roles`] does not name is not called.
pub trait PluginEntries: Send + Sync + 'static {
    /// Called once after creation, before any other entry but `roles` and `routes`.
    ///
    /// # Errors
    /// The plugin is not put into service.
    fn start(&self) -> Result<(), Failure>;

    /// Called once when no call is in progress any more; `deadline` is the time left for it.
    ///
    /// # Errors
    /// Text for the log; the plugin is stopped all the same.
    fn stop(&self, deadline: Duration) -> Result<(), Failure>;

    /// What it does. Asked once after creation.
    fn roles(&self) -> Roles;

    /// Its routes, at most [`crate::ROUTES_MAX`]. Asked once after creation.
    fn routes(&self) -> Vec<Route>;

    /// Answers one request, now or later by keeping the responder.
    ///
    /// # Errors
    /// Becomes the answer when there is none yet.
    fn call(&self, route: u32, request: Request, responder: Responder) -> Result<(), Failure>;

    /// Shows families of the plugin's own to `visitor`, as part of a gather.
    ///
    /// # Errors
    /// The gather goes on without them; the failure is counted.
    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure>;

    /// Takes a batch of the events that it subscribed to; fields in [`crate::events`].
    ///
    /// # Errors
    /// Text for the log.
    fn on_events(&self, events: Table) -> Result<(), Failure>;

    /// Encodes `gathered` into pushes.
    ///
    /// # Errors
    /// Counted as a failed push.
    fn export(&self, gathered: &dyn GatherSource, pushes: &mut dyn PushSink)
    -> Result<(), Failure>;

    /// Judges the answer to a push; the text is the reason of a [`Verdict::DROP`].
    ///
    /// # Errors
    /// The host judges by status.
    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure>;

    /// A timer that it started has come round.
    ///
    /// # Errors
    /// Text for the log.
    fn on_timer(&self, id: u64) -> Result<(), Failure>;
}

type Owned = Box<dyn PluginEntries>;

/// Border functions of [`PluginEntries`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginVtRef, prefix_fields = PluginVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct PluginVt {
    start: for<'o> unsafe extern "C" fn(this: Ptr, error: &'o mut RString) -> Status,
    stop:
        for<'o> unsafe extern "C" fn(this: Ptr, deadline_ns: u64, error: &'o mut RString) -> Status,
    roles: unsafe extern "C" fn(this: Ptr) -> Roles,
    routes: for<'a, 'o> unsafe extern "C" fn(
        this: Ptr,
        sink: RouteSink<'a>,
        error: &'o mut RString,
    ) -> Status,
    call: for<'o> unsafe extern "C" fn(
        this: Ptr,
        route: u32,
        request: Request,
        responder: Responder,
        error: &'o mut RString,
    ) -> Status,
    collect: for<'n, 'v, 'o> unsafe extern "C" fn(
        this: Ptr,
        names: RSlice<'n, RStr<'n>>,
        visitor: VisitorHandle<'v>,
        error: &'o mut RString,
    ) -> Status,
    on_events:
        for<'o> unsafe extern "C" fn(this: Ptr, events: Table, error: &'o mut RString) -> Status,
    export: for<'g, 'p, 'o> unsafe extern "C" fn(
        this: Ptr,
        gathered: GatherHandle<'g>,
        pushes: PushHandle<'p>,
        error: &'o mut RString,
    ) -> Status,
    classify: for<'b, 'o> unsafe extern "C" fn(
        this: Ptr,
        status: u16,
        body: RSlice<'b, u8>,
        verdict: &'o mut Verdict,
        reason: &'o mut RString,
    ) -> Status,
    on_timer: for<'o> unsafe extern "C" fn(this: Ptr, id: u64, error: &'o mut RString) -> Status,
    #[sabi(last_prefix_field)]
    release: unsafe extern "C" fn(this: Ptr),
}

/// A created plugin behind the border.
///
/// OWNERSHIP: owned by the host. Dropping it drops the author's value, on the thread that drops it; the
/// library stays mapped.
#[repr(C)]
#[derive(StableAbi)]
pub struct PluginObject {
    this: Ptr,
    vt: PluginVtRef,
}

static VT: &WithMetadata<PluginVt> = &WithMetadata::new(PluginVt {
    start,
    stop,
    roles,
    routes,
    call,
    collect,
    on_events,
    export,
    classify,
    on_timer,
    release,
});

shims! { in Owned as plugin;
    try fn start() => plugin.start();
    try fn stop(deadline_ns: u64) => plugin.stop(Duration::from_nanos(deadline_ns));
    fn roles() -> Roles, or Roles::NONE => plugin.roles();
    try fn routes(sink: RouteSink<'_>) => {
        plugin.routes().iter().for_each(|route| sink.add(route));
        Ok(())
    };
    try fn call(route: u32, request: Request, responder: Responder) =>
        plugin.call(route, request, responder);
    try fn on_events(events: Table) => plugin.on_events(events);
    try fn on_timer(id: u64) => plugin.on_timer(id);
}

unsafe extern "C" fn collect(
    this: Ptr,
    names: RSlice<'_, RStr<'_>>,
    mut visitor: VisitorHandle<'_>,
    error: &mut RString,
) -> Status {
    // SAFETY: only `PluginObject::of` pairs this function with a pointer, to a boxed `Owned`.
    let plugin = unsafe { this.get::<Owned>() };
    outcome(error, || {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        plugin.collect(&Filter { names: &names }, &mut visitor)
    })
}

unsafe extern "C" fn export(
    this: Ptr,
    gathered: GatherHandle<'_>,
    mut pushes: PushHandle<'_>,
    error: &mut RString,
) -> Status {
    // SAFETY: as in `collect`.
    let plugin = unsafe { this.get::<Owned>() };
    outcome(error, || plugin.export(&gathered, &mut pushes))
}

unsafe extern "C" fn classify(
    this: Ptr,
    status: u16,
    body: RSlice<'_, u8>,
    verdict: &mut Verdict,
    reason: &mut RString,
) -> Status {
    // SAFETY: as in `collect`.
    let plugin = unsafe { this.get::<Owned>() };
    let mut said = String::new();
    let outcome = outcome(reason, || {
        let (judged, why) = plugin.classify(status, body.as_slice())?;
        *verdict = judged;
        said = why;
        Ok(())
    });
    if outcome == Status::OK {
        *reason = RString::from(said);
    }
    outcome
}

unsafe extern "C" fn release(this: Ptr) {
    // SAFETY: `of` boxed it; the handle calls this once, when it is dropped.
    let plugin = unsafe { this.unbox::<Owned>() };
    let _panic_has_nowhere_to_go = caught(move || drop(plugin));
}

// SAFETY: the pointee is a `PluginEntries`, which is `Send` and `Sync`.
unsafe impl Send for PluginObject {}
// SAFETY: as above.
unsafe impl Sync for PluginObject {}

impl PluginObject {
    /// Wraps a plugin for the border.
    #[must_use]
    pub fn of(plugin: Box<dyn PluginEntries>) -> Self {
        Self {
            this: Ptr::boxed(plugin),
            vt: PluginVtRef(VT.static_as_prefix()),
        }
    }

    /// A plugin that does nothing. What an out-parameter holds before it is filled.
    pub(crate) fn inert() -> Self {
        Self::of(Box::new(NoEntries))
    }

    /// See [`PluginEntries::start`].
    ///
    /// # Errors
    /// As there; [`Status::PANICKED`] here and in all other entries.
    pub fn start(&self) -> Result<(), Failure> {
        try_cross!(self.start())
    }

    /// See [`PluginEntries::stop`].
    ///
    /// # Errors
    /// As there.
    pub fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        let deadline_ns = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX);
        try_cross!(self.stop(deadline_ns))
    }

    /// See [`PluginEntries::roles`]; no role when it panics.
    #[must_use]
    pub fn roles(&self) -> Roles {
        cross!(self.roles())
    }

    /// See [`PluginEntries::routes`].
    ///
    /// # Errors
    /// Its panic.
    pub fn routes(&self) -> Result<Vec<Route>, Failure> {
        let mut routes = Vec::new();
        answered(|error| cross!(self.routes(RouteSink::of(&mut routes), error)))?;
        Ok(routes)
    }

    /// See [`PluginEntries::call`].
    ///
    /// # Errors
    /// As there; hand it to [`crate::ReplyWatch::returned`].
    pub fn call(&self, route: u32, request: Request, responder: Responder) -> Result<(), Failure> {
        try_cross!(self.call(route, request, responder))
    }

    /// See [`PluginEntries::collect`].
    ///
    /// # Errors
    /// As there.
    pub fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        let mut status = Status::OK;
        gather_over(filter, visitor, |names, visitor| {
            let mut error = RString::new();
            status = cross!(self.collect(names, visitor, &mut error));
            error
        })
        .map_err(Failure::internal)
        .map_err(|failure| match status {
            Status::OK => failure,
            status => Failure { status, ..failure },
        })
        .and_then(|()| match status {
            Status::OK => Ok(()),
            status => Err(Failure::new(status, "the collector gave no reason")),
        })
    }

    /// See [`PluginEntries::on_events`].
    ///
    /// # Errors
    /// As there.
    pub fn on_events(&self, events: Table) -> Result<(), Failure> {
        try_cross!(self.on_events(events))
    }

    /// See [`PluginEntries::export`].
    ///
    /// # Errors
    /// As there.
    pub fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        let mut pushes = pushes;
        let gathered = GatherHandle::of(&gathered);
        answered(|error| cross!(self.export(gathered, PushHandle::of(&mut pushes), error)))
    }

    /// See [`PluginEntries::classify`].
    ///
    /// # Errors
    /// As there.
    pub fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        let mut verdict = Verdict::BY_STATUS;
        let mut reason = RString::new();
        let body = RSlice::from_slice(body);
        match cross!(self.classify(status, body, &mut verdict, &mut reason)) {
            Status::OK => Ok((verdict, reason.into_string())),
            failed => Err(Failure::new(failed, reason.into_string())),
        }
    }

    /// See [`PluginEntries::on_timer`].
    ///
    /// # Errors
    /// As there.
    pub fn on_timer(&self, id: u64) -> Result<(), Failure> {
        try_cross!(self.on_timer(id))
    }
}

impl Drop for PluginObject {
    fn drop(&mut self) {
        cross!(self.release());
    }
}

/// The plugin of [`PluginObject::inert`].
struct NoEntries;

impl PluginEntries for NoEntries {
    fn start(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn stop(&self, _deadline: Duration) -> Result<(), Failure> {
        Ok(())
    }
    fn roles(&self) -> Roles {
        Roles::NONE
    }
    fn routes(&self) -> Vec<Route> {
        Vec::new()
    }
    fn call(&self, _route: u32, _request: Request, _responder: Responder) -> Result<(), Failure> {
        Err(Failure::unsupported("an endpoint"))
    }
    fn collect(&self, _filter: &Filter<'_>, _visitor: &mut dyn Visitor) -> Result<(), Failure> {
        Err(Failure::unsupported("a collector"))
    }
    fn on_events(&self, _events: Table) -> Result<(), Failure> {
        Err(Failure::unsupported("a listener"))
    }
    fn export(&self, _: &dyn GatherSource, _: &mut dyn PushSink) -> Result<(), Failure> {
        Err(Failure::unsupported("an exporter"))
    }
    fn classify(&self, _status: u16, _body: &[u8]) -> Result<(Verdict, String), Failure> {
        Ok((Verdict::BY_STATUS, String::new()))
    }
    fn on_timer(&self, _id: u64) -> Result<(), Failure> {
        Err(Failure::unsupported("a timer"))
    }
}

#[cfg(test)]
mod tests;

//! A plugin in C behind the border's entries.

use super::collect::Collecting;
use super::functions::FUNCTIONS;
use super::gather::{Gathered, Pushes};
use super::host::HostHandle;
use super::plugin_table::CPluginTable;
use super::reply::Lending;
use super::values::{Bytes, LATER, Text, asked, failure, try_ask};
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Failure, Host, PluginEntries, PushSink, Request, Responder, Roles, Route, Table, Verdict,
};
use std::ffi::c_void;
use std::time::Duration;

/// A created plugin.
pub(super) struct CPlugin {
    table: CPluginTable,
    /// What `create` made; C's own.
    plugin: *mut c_void,
    routes: Vec<Route>,
    /// C may use it until `destroy` has returned.
    _host: Box<HostHandle>,
}

// SAFETY: the header demands that every function of the table may be called from any thread, several
// at once; the pointer is only ever handed to those functions.
unsafe impl Send for CPlugin {}
// SAFETY: as above.
unsafe impl Sync for CPlugin {}

impl CPlugin {
    /// Lets the functions of `table` make a plugin.
    pub(super) fn create(table: CPluginTable, host: Host, config: &str) -> Result<Self, Failure> {
        let host = Box::new(HostHandle::new(host));
        let mut plugin = std::ptr::null_mut();
        let create = table.create.ok_or_else(|| Failure::unsupported("create"))?;
        // SAFETY: the table was judged; functions and host live until `destroy` has returned, text and
        // places for the call.
        try_ask(|error| unsafe {
            create(
                &raw const FUNCTIONS,
                &raw const *host,
                Text::of(config),
                &raw mut plugin,
                error,
            )
        })?;
        let mut made = Self {
            table,
            plugin,
            routes: Vec::new(),
            _host: host,
        };
        if let Some(routes) = table.routes {
            let mut named = Vec::new();
            // SAFETY: the plugin was created just now; the list lives for the call.
            unsafe { routes(plugin, &raw mut named) };
            made.routes = named;
        }
        Ok(made)
    }
}

/// Calls a function of the plugin that it may not have.
macro_rules! entry {
    ($this:ident . $function:ident ( $($argument:expr),* ) or $otherwise:expr) => {
        match $this.table.$function {
            // SAFETY: the plugin lives; all arguments live for the call.
            Some(function) => try_ask(|error| unsafe {
                function($this.plugin, $($argument,)* error)
            }),
            None => $otherwise,
        }
    };
}

impl PluginEntries for CPlugin {
    fn start(&self) -> Result<(), Failure> {
        entry!(self.start() or Ok(()))
    }

    fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        let deadline_ns = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX);
        entry!(self.stop(deadline_ns) or Ok(()))
    }

    fn roles(&self) -> Roles {
        let table = &self.table;
        let roles = [
            (!self.routes.is_empty(), Roles::ENDPOINT),
            (table.collect.is_some(), Roles::COLLECTOR),
            (table.push_metrics.is_some(), Roles::EXPORTER),
            (table.on_events.is_some(), Roles::LISTENER),
        ];
        let has = roles.into_iter().filter(|(has, _)| *has);
        has.fold(Roles::NONE, |all, (_, role)| all.with(role))
    }

    fn routes(&self) -> Vec<Route> {
        self.routes.clone()
    }

    fn call(&self, route: u32, request: Request, responder: Responder) -> Result<(), Failure> {
        let Some(call) = self.table.call else {
            return Err(Failure::unsupported("an endpoint"));
        };
        let (lending, reply) = Lending::new(responder);
        // SAFETY: the plugin lives; request and error live for the call, and the reply is C's own.
        let (status, text) =
            asked(|error| unsafe { call(self.plugin, route, &raw const request, reply, error) });
        if status == LATER {
            return Ok(());
        }
        lending.take_back();
        match status {
            0 => Ok(()),
            status => Err(failure(status, text)),
        }
    }

    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        let mut families = Collecting::new(filter, visitor);
        let handle = &raw mut families;
        let collected = entry!(self.collect(handle) or Err(Failure::unsupported("a collector")));
        let shown = families.finish();
        collected.and(shown)
    }

    fn on_events(&self, events: Table) -> Result<(), Failure> {
        entry!(self.on_events(&raw const events) or Err(Failure::unsupported("a listener")))
    }

    fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        let gathered = Gathered(gathered);
        let mut pushes = Pushes(pushes);
        let pushes = &raw mut pushes;
        entry!(self.push_metrics(&raw const gathered, pushes) or
            Err(Failure::unsupported("an exporter")))
    }

    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        let mut verdict = Verdict::BY_STATUS;
        let Some(classify) = self.table.classify else {
            return Ok((verdict, String::new()));
        };
        let place = &raw mut verdict.0;
        // SAFETY: the plugin lives; body and places live for the call.
        let (outcome, text) = asked(|reason| unsafe {
            classify(
                self.plugin,
                u32::from(status),
                Bytes::of(body),
                place,
                reason,
            )
        });
        match outcome {
            0 => Ok((verdict, text)),
            outcome => Err(failure(outcome, text)),
        }
    }

    fn on_timer(&self, id: u64) -> Result<(), Failure> {
        entry!(self.on_timer(id) or Err(Failure::unsupported("a timer")))
    }
}

impl Drop for CPlugin {
    fn drop(&mut self) {
        if let Some(destroy) = self.table.destroy {
            // SAFETY: no call is in progress while the plugin is dropped, and none comes after it.
            unsafe { destroy(self.plugin) };
        }
    }
}

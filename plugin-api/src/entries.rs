//! An author's plugin behind the border's entries.
//!
//! It turns border types into the author's and errors back. Panics are caught one layer further out, by
//! the border itself, in every entry and in the drop of the plugin.

use std::time::Duration;

use meterbox_plugin_abi as abi;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Failure, PluginEntries, PushSink, Responder as BorderResponder, Roles, Route, Table, Verdict,
};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::exports::{Gathered, Pushes};
use crate::families::Families;
use crate::host::Host;
use crate::plugin::Plugin;
use crate::request::Request;
use crate::responder::Responder;
use crate::routes::Routes;

/// A created plugin with its routes.
pub(crate) struct Entries<P> {
    plugin: P,
    routes: Routes<P>,
}

/// Creates a plugin from what crosses the border.
pub(crate) fn create<P: Plugin>(
    host: &Host,
    config: &str,
) -> Result<Box<dyn PluginEntries>, Failure> {
    let make = || {
        let config = Config::from_json(host.plugin_name(), config)?;
        let plugin = P::new(host, config)?;
        let mut routes = Routes::new();
        plugin.routes(&mut routes);
        routes.check()?;
        Ok(Entries { plugin, routes })
    };
    match make() {
        Ok(entries) => Ok(Box::new(entries)),
        Err(error) => Err(Error::into_failure(error)),
    }
}

impl<P: Plugin> PluginEntries for Entries<P> {
    fn start(&self) -> Result<(), Failure> {
        self.plugin.start().map_err(Error::into_failure)
    }

    fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        self.plugin.stop(deadline).map_err(Error::into_failure)
    }

    fn roles(&self) -> Roles {
        let routed = if self.routes.is_empty() {
            Roles::NONE
        } else {
            Roles::ENDPOINT
        };
        self.plugin.roles().with(routed)
    }

    fn routes(&self) -> Vec<Route> {
        self.routes.list()
    }

    fn call(
        &self,
        route: u32,
        request: abi::Request,
        responder: BorderResponder,
    ) -> Result<(), Failure> {
        let request = Request::new(request);
        let reply = Responder::new(responder);
        self.routes
            .call(&self.plugin, route, &request, reply)
            .map_err(Error::into_failure)
    }

    fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        let mut families = Families::new(filter, visitor);
        let collected = self.plugin.collect(&mut families);
        collected
            .and_then(|()| families.finish())
            .map_err(Error::into_failure)
    }

    fn on_events(&self, events: Table) -> Result<(), Failure> {
        self.plugin
            .on_events(&Events::new(events))
            .map_err(Error::into_failure)
    }

    fn export(
        &self,
        gathered: &dyn GatherSource,
        pushes: &mut dyn PushSink,
    ) -> Result<(), Failure> {
        self.plugin
            .export(&Gathered::new(gathered), &mut Pushes::new(pushes))
            .map_err(Error::into_failure)
    }

    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String), Failure> {
        self.plugin
            .classify(status, body)
            .map_err(Error::into_failure)
    }

    fn on_timer(&self, id: u64) -> Result<(), Failure> {
        self.plugin.on_timer(id).map_err(Error::into_failure)
    }
}

//! A plugin in the hands of a test.

use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi as abi;
use meterbox_plugin_abi::gather::check::Checked;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_abi::{
    Failure, PluginFactory, PluginObject, Push, PushSink, Roles, Route, Row, Table, Verdict,
    module_of,
};

use super::call::{TestReply, TestRequest, call};
use super::host::TestHost;
use crate::entries;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::plugin::Plugin;

/// A created and started plugin. Dropping it stops nothing: see [`TestPlugin::stop`].
pub struct TestPlugin {
    plugin: PluginObject,
    routes: Vec<Route>,
    host: TestHost,
}

/// A push that an exporter made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPush {
    /// HTTP method.
    pub method: String,
    /// Address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct Pushes(Vec<TestPush>);

impl PushSink for Pushes {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.0.push(TestPush {
            method: push.method.to_owned(),
            url: push.url.to_owned(),
            headers: push.headers.iter().map(owned).collect(),
            body: push.body.to_vec(),
        });
        Ok(())
    }
}

impl TestHost {
    /// Creates a plugin with this configuration, a TOML text as in its `sample.toml`.
    ///
    /// # Errors
    /// What stops a server from loading it: TOML that is none, the error of its `new`, its panic.
    pub fn create<P: Plugin>(&self, toml: &str) -> Result<TestPlugin> {
        let table: toml::Table =
            toml::from_str(toml).map_err(|error| Error::invalid(error.to_string()))?;
        let json = serde_json::to_string(&table)?;
        let plugin = module_of::<Factory<P>>().create_plugin(self.border(), &json)?;
        plugin.start()?;
        let routes = plugin.routes()?;
        Ok(TestPlugin {
            plugin,
            routes,
            host: self.clone(),
        })
    }
}

struct Factory<P>(std::marker::PhantomData<P>);

impl<P: Plugin> PluginFactory for Factory<P> {
    const METADATA: &'static str = "{}";

    fn create(
        host: abi::Host,
        config: &str,
    ) -> std::result::Result<Box<dyn abi::PluginEntries>, Failure> {
        entries::create::<P>(&Host::new(host), config)
    }
}

impl TestPlugin {
    /// What the plugin does.
    #[must_use]
    pub fn roles(&self) -> Roles {
        self.plugin.roles()
    }

    /// Sends a request and waits for the answer, 10 s at most.
    #[must_use]
    pub fn call(&self, request: &TestRequest) -> TestReply {
        call(&self.plugin, &self.routes, request)
    }

    /// Sends a `GET`.
    #[must_use]
    pub fn get(&self, target: &str) -> TestReply {
        self.call(&TestRequest::get(target))
    }

    /// Lets it collect into `visitor`, as a gather does.
    ///
    /// # Errors
    /// Its error or panic, and a missing role: a server would never ask this plugin.
    pub fn collect(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<()> {
        self.needs(Roles::COLLECTOR, "COLLECTOR")?;
        let mut checked = Checked::new(visitor);
        self.plugin.collect(filter, &mut checked)?;
        Ok(checked.finish()?)
    }

    /// Hands it a batch of events.
    ///
    /// # Errors
    /// As [`TestPlugin::collect`].
    pub fn on_events(&self, events: Vec<Row>) -> Result<()> {
        self.needs(Roles::LISTENER, "LISTENER")?;
        Ok(self.plugin.on_events(Table::of(Arc::new(events)))?)
    }

    /// Lets it export what its host has, and gives its pushes.
    ///
    /// # Errors
    /// As [`TestPlugin::collect`].
    pub fn export(&self) -> Result<Vec<TestPush>> {
        self.needs(Roles::EXPORTER, "EXPORTER")?;
        let mut pushes = Pushes::default();
        self.plugin.export(&self.host.host(), &mut pushes)?;
        Ok(pushes.0)
    }

    /// Asks for its judgement of an answer.
    ///
    /// # Errors
    /// As [`TestPlugin::collect`].
    pub fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String)> {
        Ok(self.plugin.classify(status, body)?)
    }

    /// Lets a timer come round; see [`TestHost::advance`].
    ///
    /// # Errors
    /// Its error or panic.
    pub fn on_timer(&self, id: u64) -> Result<()> {
        Ok(self.plugin.on_timer(id)?)
    }

    /// Stops it.
    ///
    /// # Errors
    /// Its error or panic.
    pub fn stop(&self, deadline: Duration) -> Result<()> {
        Ok(self.plugin.stop(deadline)?)
    }

    fn needs(&self, role: Roles, name: &str) -> Result<()> {
        if self.roles().has(role) {
            return Ok(());
        }
        Err(Error::internal(format!(
            "Plugin::roles does not name Roles::{name}: nobody would ask it"
        )))
    }
}

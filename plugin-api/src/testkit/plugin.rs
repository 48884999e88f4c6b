//! A plugin in the hands of a test.

use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi::gather::check::Checked;
use meterbox_plugin_abi::gather::{Filter, Visitor};
use meterbox_plugin_abi::{
    Failure, PluginObject, Push, PushSink, Roles, Route, Row, Table, Verdict,
};

use super::call::{TestReply, TestRequest, call};
use super::host::TestHost;
use crate::error::{Error, Result};

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

impl TestPlugin {
    pub(super) fn new(plugin: PluginObject, host: TestHost) -> Result<Self> {
        let routes = plugin.routes()?;
        Ok(Self {
            plugin,
            routes,
            host,
        })
    }

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

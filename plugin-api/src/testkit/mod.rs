//! A host in memory, for a plugin's own unit tests: no server, no sockets, no waiting. Feature `testkit`.
//!
//! A [`TestPlugin`] is called through the same border functions as in a server, panic wall included, so
//! that a test sees what a client would see. Time stands still until [`TestHost::advance`].
//!
//! ```
//! use meterbox_plugin::prelude::*;
//! use meterbox_plugin::testkit::TestHost;
//! # struct Drift { asked: Counter }
//! # impl Plugin for Drift {
//! #     fn new(host: &Host, _config: Config) -> Result<Self> {
//! #         Ok(Self { asked: host.metrics().counter("drift_checks_total", "Drift checks run.")?.with(&[])? })
//! #     }
//! #     fn routes(&self, routes: &mut Routes<Self>) { routes.metrics("drift").get(Self::show); }
//! # }
//! # impl Drift {
//! #     fn show(&self, _request: &Request, reply: Responder) -> Result<()> {
//! #         self.asked.inc();
//! #         reply.json(r#"{"drift":0.02}"#)
//! #     }
//! # }
//!
//! let host = TestHost::new();
//! let plugin = host.create::<Drift>("").unwrap();
//! let reply = plugin.get("/drift");
//! assert_eq!((reply.status, reply.text()), (200, r#"{"drift":0.02}"#));
//! assert_eq!(host.value("drift_checks_total", &[]), Some(1.0));
//! ```

mod call;
mod host;
mod plugin;

pub use call::{TestReply, TestRequest};
pub use host::TestHost;
pub use meterbox_plugin_abi::{Field, Row, events as event_fields};
pub use plugin::{TestPlugin, TestPush};

/// Creates a `P` without configuration in a host of its own and answers one request to it: the shortest
/// test there is.
///
/// # Panics
/// When the plugin cannot be created, with its error.
#[must_use]
pub fn call<P: crate::Plugin>(request: &TestRequest) -> TestReply {
    let plugin = TestHost::new()
        .create::<P>("")
        .expect("the plugin can be created");
    plugin.call(request)
}

#[cfg(test)]
mod tests;

//! The smallest plugin: `GET /drift` on the metrics listener, and one counter of how often it was asked.
//!
//! It measures no drift: the figure is a constant. Start your own plugin from a copy of it.
#![forbid(unsafe_code)]

use meterbox_plugin::prelude::*;

/// Reports how far inputs drift, and counts how often it was asked.
struct Drift {
    asked: Counter,
}

impl Plugin for Drift {
    fn new(host: &Host, _config: Config) -> Result<Self> {
        Ok(Self {
            asked: host
                .metrics()
                .counter("drift_checks_total", "Drift checks run.")?
                .with(&[])?,
        })
    }
    fn routes(&self, routes: &mut Routes<Self>) {
        routes.metrics("drift").get(Self::show);
    }
}

impl Drift {
    fn show(&self, _request: &Request, reply: Responder) -> Result<()> {
        self.asked.inc();
        reply.json(r#"{"drift":0.02}"#)
    }
}

export_plugin!(
    Drift,
    name = "drift",
    description = "Input drift of a model"
);

#[cfg(test)]
mod tests {
    use meterbox_plugin::testkit::TestHost;

    use super::*;

    #[test]
    fn every_check_is_counted() {
        let host = TestHost::new();
        let plugin = host.create::<Drift>("").expect("it needs no configuration");
        for checks in [1.0, 2.0] {
            let reply = plugin.get("/drift");
            assert_eq!((reply.status, reply.text()), (200, r#"{"drift":0.02}"#));
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!(host.value("drift_checks_total", &[]), Some(checks));
        }
    }
}

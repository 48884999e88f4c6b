//! The metrics page for Prometheus and everything that reads its formats.
//!
//! `GET /metrics` on the metrics listener gathers what the host has and streams it through an encoder
//! in chunks of 64 KiB. The format follows `Accept`, the compression `Accept-Encoding`, and `name[]`
//! chooses samples. The plugin holds no metrics and no cache; it decides nothing about which families
//! exist.

#![forbid(unsafe_code)]

mod answer;
mod settings;
#[cfg(test)]
mod tests;

use meterbox_exposition::{Encoding, Page, encoding, negotiate};
use meterbox_plugin::gather::Filter;
use meterbox_plugin::prelude::*;

use answer::Answer;
use settings::Settings;

/// The plugin: where it gathers, and how its pages look.
struct Prometheus {
    host: Host,
    settings: Settings,
}

impl Plugin for Prometheus {
    fn new(host: &Host, config: Config) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            settings: Settings::read(&config)?,
        })
    }

    fn routes(&self, routes: &mut Routes<Self>) {
        // The inherited page answers POST as well; HEAD follows GET.
        routes.metrics("metrics").get(Self::page).post(Self::page);
    }
}

impl Prometheus {
    /// Answers with the page, or with as much of it as `name[]` asks for.
    fn page(&self, request: &Request, mut reply: Responder) -> Result<()> {
        if !request.rest().trim_matches('/').is_empty() {
            return Err(Error::not_found("there is nothing below /metrics"));
        }
        let names = request.query_values("name[]");
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let page = Page {
            filter: Filter { names: &names },
            format: negotiate(request.header("accept")),
            encoding: self.encoding(request),
            created: self.settings.created,
        };
        reply.header("content-type", page.format.content_type());
        reply.header("vary", "Accept, Accept-Encoding");
        if let Some(coding) = page.encoding.header() {
            reply.header("content-encoding", coding);
        }
        let mut answer = Answer::new(reply);
        let outcome = page
            .write(&self.host, &mut answer)
            .map_err(Error::internal)?;
        if outcome.malformed > 0 {
            let series = outcome.malformed;
            let text = format!("{series} series left out of a page: their columns disagree");
            self.host.log(Level::ERROR, &text);
        }
        answer.finish()
    }

    fn encoding(&self, request: &Request) -> Encoding {
        if self.settings.gzip {
            encoding(request.header("accept-encoding"))
        } else {
            Encoding::Identity
        }
    }
}

export_plugin!(
    Prometheus,
    name = "prometheus",
    description = "The metrics page for Prometheus: text 0.0.4 and OpenMetrics 1.0",
    license = "Apache-2.0",
    permissions = ["metrics.read"],
    schema = include_str!("../schema.json"),
);

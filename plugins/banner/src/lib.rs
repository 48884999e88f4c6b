//! Extends the default metrics page in ten lines: `GET /banner` is the page of `/metrics` with one family
//! of its own in front.
//!
//! The text comes from `banner.toml`. To extend `/metrics` itself, claim the route `metrics`: a user's
//! plugin goes before the bundled one. It compresses nothing and knows no `name[]`; the `prometheus`
//! plugin shows how.
#![forbid(unsafe_code)]

use meterbox_exposition::{Encoder, negotiate};
use meterbox_plugin::gather::{Filter, Flow};
use meterbox_plugin::prelude::*;

struct Banner {
    host: Host,
    text: String,
}

impl Plugin for Banner {
    fn new(host: &Host, config: Config) -> Result<Self> {
        config.allow_only(&["text"])?;
        let text = config.str_or("text", "Served by Meterbox.")?.to_owned();
        Ok(Self {
            host: host.clone(),
            text,
        })
    }

    fn routes(&self, routes: &mut Routes<Self>) {
        routes.metrics("banner").get(Self::page);
    }
}

impl Banner {
    fn page(&self, request: &Request, mut reply: Responder) -> Result<()> {
        let format = negotiate(request.header("accept"));
        reply.header("content-type", format.content_type());
        let send = |chunk: &[u8]| reply.write(chunk).map_or(Flow::Stop, |()| Flow::Continue);
        let mut page = Encoder::new(format, Filter::ALL, send);
        Families::new(&Filter::ALL, &mut page)
            .gauge("banner_info", "What the operator has to say.")
            .sample(&[("text", &self.text)], 1.0);
        self.host.gather(&Filter::ALL, &mut page)?;
        let _outcome = page.finish();
        reply.finish()
    }
}

export_plugin!(
    Banner,
    name = "banner",
    description = "The default metrics page with a banner",
    license = "Apache-2.0",
    permissions = ["metrics.read"],
    schema =
        r#"{"type":"object","additionalProperties":false,"properties":{"text":{"type":"string"}}}"#
);

#[cfg(test)]
mod tests;

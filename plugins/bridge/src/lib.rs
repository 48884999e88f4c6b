//! Shows an existing `prometheus::Registry`: its families appear on the default page, and alone under
//! `GET /bridge`.
//!
//! Stands for a program that is instrumented with the `prometheus` crate already; its work here is to
//! count the jobs that are posted to `/bridge`. The host's own counters are the better choice for new
//! code: they survive a new generation of the plugin, a private registry does not.
#![forbid(unsafe_code)]

use meterbox_exposition::{Encoder, negotiate};
use meterbox_plugin::gather::{Filter, Flow};
use meterbox_plugin::prelude::*;
use prometheus::{HistogramOpts, IntCounterVec, Opts, Registry};

struct Bridge {
    registry: Registry,
    queues: Vec<String>,
    jobs: IntCounterVec,
    sizes: prometheus::Histogram,
}

impl Plugin for Bridge {
    fn new(_host: &Host, config: Config) -> Result<Self> {
        config.allow_only(&["queues", "size_bounds"])?;
        let queues = config.list_or("queues", &["default"])?;
        let queues = queues.into_iter().map(str::to_owned).collect();
        let bounds = config.numbers_or("size_bounds", &[64.0, 1024.0, 16384.0])?;
        let jobs = IntCounterVec::new(Opts::new("bridge_jobs_total", "Jobs taken."), &["queue"])?;
        let sizes = HistogramOpts::new("bridge_job_size_bytes", "Size of jobs.").buckets(bounds);
        let sizes = prometheus::Histogram::with_opts(sizes)?;
        let registry = Registry::new();
        registry.register(Box::new(jobs.clone()))?;
        registry.register(Box::new(sizes.clone()))?;
        Ok(Self {
            registry,
            queues,
            jobs,
            sizes,
        })
    }

    fn roles(&self) -> Roles {
        Roles::COLLECTOR
    }

    fn routes(&self, routes: &mut Routes<Self>) {
        routes.metrics("bridge").get(Self::page).post(Self::job);
    }

    fn collect(&self, families: &mut Families<'_>) -> Result<()> {
        meterbox_plugin::prometheus::show(&self.registry, families);
        Ok(())
    }
}

impl Bridge {
    /// Takes a job for the queue that follows `/bridge/`; its size is that of the body. Only queues that
    /// the configuration names: a label must not take whatever a client sends.
    fn job(&self, request: &Request, mut reply: Responder) -> Result<()> {
        let queue = request.rest().trim_start_matches('/');
        if !self.queues.iter().any(|known| known == queue) {
            let known = self.queues.join(", ");
            return Err(Error::not_found(format!(
                "no queue {queue:?} (known: {known})"
            )));
        }
        let size = request.body_up_to(1024 * 1024)?.len();
        self.jobs.with_label_values(&[queue]).inc();
        self.sizes.observe(size as f64);
        reply.status(202);
        reply.finish()
    }

    fn page(&self, request: &Request, mut reply: Responder) -> Result<()> {
        let format = negotiate(request.header("accept"));
        reply.header("content-type", format.content_type());
        let send = |chunk: &[u8]| reply.write(chunk).map_or(Flow::Stop, |()| Flow::Continue);
        let mut page = Encoder::new(format, Filter::ALL, send);
        let mut families = Families::new(&Filter::ALL, &mut page);
        self.collect(&mut families)?;
        families.finish()?;
        let _outcome = page.finish();
        reply.finish()
    }
}

export_plugin!(
    Bridge,
    name = "bridge",
    description = "Shows an existing prometheus::Registry",
    license = "Apache-2.0",
    schema = r#"{"type":"object","additionalProperties":false,
        "properties":{"queues":{"type":"array","items":{"type":"string"}},
            "size_bounds":{"type":"array","items":{"type":"number"}}}}"#
);

#[cfg(test)]
mod tests;

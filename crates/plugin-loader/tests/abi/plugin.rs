//! A plugin straight on the border, built against a variant of it by `abi_growth`.
//!
//! `METADATA` is given by the test. With `--cfg grown` it uses what the grown border has more.

use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Head, Kind, Segment, Visitor};
use meterbox_plugin_abi::{
    Failure, Header, Host, Level, PluginEntries, PluginFactory, PushSink, Request, Responder, Roles,
    Route, Table, Verdict, header_of,
};
use std::time::Duration;

struct Plain(Host);

/// Logs what is gathered.
struct Gathered<'a>(&'a Host);

impl Visitor for Gathered<'_> {
    fn family(&mut self, _: &Head<'_>) -> Flow {
        Flow::Continue
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        self.0.log(Level::INFO, "plain", &format!("gathered {:?}", segment.values()));
        #[cfg(grown)]
        self.0.log(Level::INFO, "plain", &format!("more {:?}", segment.more()));
        Flow::Continue
    }
}

impl PluginEntries for Plain {
    fn start(&self) -> Result<(), Failure> {
        self.0.log(Level::INFO, "plain", "started");
        self.0.gather(&Filter::ALL, &mut Gathered(&self.0)).map_err(Failure::internal)?;
        #[cfg(grown)]
        self.0.log(Level::INFO, "plain", &format!("uptime {:?}", self.0.uptime_ns()));
        Ok(())
    }
    fn stop(&self, _: Duration) -> Result<(), Failure> {
        Ok(())
    }
    fn roles(&self) -> Roles {
        Roles::LISTENER
    }
    fn routes(&self) -> Vec<Route> {
        Vec::new()
    }
    fn call(&self, _: u32, _: Request, _: Responder) -> Result<(), Failure> {
        Err(Failure::unsupported("an endpoint"))
    }
    fn collect(&self, _: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), Failure> {
        let segment = Segment::of("", &[0]).with_values(&[2.0]);
        #[cfg(grown)]
        let segment = segment.with_more(&[5.0]);
        let _ = visitor.family(&Head::new(Kind::GAUGE, "g"));
        let _ = visitor.segment(&segment);
        Ok(())
    }
    fn on_events(&self, events: Table) -> Result<(), Failure> {
        Err(Failure::internal(format!("{} events too many", events.len())))
    }
    fn export(&self, _: &dyn GatherSource, _: &mut dyn PushSink) -> Result<(), Failure> {
        Err(Failure::unsupported("an exporter"))
    }
    fn classify(&self, _: u16, _: &[u8]) -> Result<(Verdict, String), Failure> {
        Ok((Verdict::DONE, String::new()))
    }
    fn on_timer(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
    #[cfg(grown)]
    fn health(&self) -> u32 {
        2
    }
}

struct Factory;

impl PluginFactory for Factory {
    const METADATA: &'static str = env!("METADATA");

    fn create(host: Host, _: &str) -> Result<Box<dyn PluginEntries>, Failure> {
        Ok(Box::new(Plain(host)))
    }
}

#[used]
#[unsafe(link_section = ".meterbox")]
static SECTION: [u8; env!("METADATA").len()] = {
    let mut bytes = [0; env!("METADATA").len()];
    bytes.copy_from_slice(env!("METADATA").as_bytes());
    bytes
};

#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static HEADER: Header = header_of::<Factory>();

//! What an exporter is given: everything gathered, and a place for its pushes.

use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Head, Kind, Segment, Visitor};
use meterbox_plugin_abi::{Push, PushSink};

use crate::error::{Error, Result};
use crate::series::{Series, series};

/// All metrics of the host as they are at this moment. See [`Plugin::export`](crate::Plugin::export).
pub struct Gathered<'a> {
    source: &'a dyn GatherSource,
}

/// What all series of one name share.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FamilyFacts {
    /// Name; of a counter with its `_total`.
    pub name: String,
    /// One sentence.
    pub help: String,
    /// Base unit as in OpenMetrics, or empty.
    pub unit: String,
    /// What its values mean; [`Kind::word`] names it.
    pub kind: Kind,
    /// Upper bounds of a histogram's buckets without the last, which has none.
    pub bounds: Vec<f64>,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(source: &'a dyn GatherSource) -> Self {
        Self { source }
    }

    /// Shows every series with its family, family by family, in the order of a page.
    ///
    /// # Errors
    /// Why the host could not gather.
    pub fn each(&self, take: impl FnMut(&FamilyFacts, Series<'_>)) -> Result<()> {
        let facts = FamilyFacts {
            name: String::new(),
            help: String::new(),
            unit: String::new(),
            kind: Kind::UNKNOWN,
            bounds: Vec::new(),
        };
        self.visit(&Filter::ALL, &mut Each { facts, take })
    }

    /// Shows the families that `filter` wants as whole segments: for encoders of a million series.
    ///
    /// # Errors
    /// As [`Gathered::each`].
    pub fn visit(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<()> {
        self.source.gather(filter, visitor).map_err(Error::internal)
    }
}

struct Each<F> {
    facts: FamilyFacts,
    take: F,
}

impl<F: FnMut(&FamilyFacts, Series<'_>)> Visitor for Each<F> {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        let keep = |kept: &mut String, text: &str| {
            kept.clear();
            kept.push_str(text);
        };
        keep(&mut self.facts.name, family.name());
        keep(&mut self.facts.help, family.help());
        keep(&mut self.facts.unit, family.unit());
        self.facts.kind = family.kind();
        self.facts.bounds.clear();
        self.facts.bounds.extend_from_slice(family.bounds());
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        for row in series(segment) {
            (self.take)(&self.facts, row);
        }
        Flow::Continue
    }
}

/// Takes pushes for delivery. See [`Plugin::export`](crate::Plugin::export).
pub struct Pushes<'a> {
    sink: &'a mut dyn PushSink,
}

impl<'a> Pushes<'a> {
    pub(crate) fn new(sink: &'a mut dyn PushSink) -> Self {
        Self { sink }
    }

    /// Begins a `POST` to an absolute address such as `http://127.0.0.1:8086/api/v2/write?bucket=b`.
    pub fn post<'p>(&'p mut self, url: &'p str) -> PushDraft<'p> {
        self.request("POST", url)
    }

    /// Begins a push with another method.
    pub fn request<'p>(&'p mut self, method: &'p str, url: &'p str) -> PushDraft<'p> {
        PushDraft {
            sink: &mut *self.sink,
            method,
            url,
            headers: Vec::new(),
        }
    }
}

/// A push that is being written: headers, then the body, which hands it to the host.
#[must_use = "nothing is pushed before its body is given"]
pub struct PushDraft<'p> {
    sink: &'p mut dyn PushSink,
    method: &'p str,
    url: &'p str,
    headers: Vec<(&'p str, &'p str)>,
}

impl<'p> PushDraft<'p> {
    /// Adds a header. The host adds `host`, `content-length` and what frames the connection, and
    /// refuses those from a plugin.
    pub fn header(mut self, name: &'p str, value: &'p str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Hands it to the host with a body of text. Without a content type of its own it is
    /// `text/plain; charset=utf-8`.
    ///
    /// # Errors
    /// As [`PushDraft::bytes`].
    pub fn text(mut self, body: &str) -> Result<()> {
        let typed = |name: &&str| name.eq_ignore_ascii_case("content-type");
        if !self.headers.iter().any(|(name, _)| typed(name)) {
            self.headers
                .push(("content-type", "text/plain; charset=utf-8"));
        }
        self.bytes(body.as_bytes())
    }

    /// Hands it to the host.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) when too much waits already, others when no host could
    /// ever send it. Either way it is counted as dropped; nothing more needs to be done.
    pub fn bytes(self, body: &[u8]) -> Result<()> {
        let push = Push {
            method: self.method,
            url: self.url,
            headers: &self.headers,
            body,
        };
        Ok(self.sink.push(&push)?)
    }
}

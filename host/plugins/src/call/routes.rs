//! Which plugin answers which path: a table that is made anew at every change and never edited.
//!
//! Of the patterns that match a path the longest counts.

use super::inline_fit::InlineFit;
use crate::budgets::counts::Budgets;
use arc_swap::ArcSwap;
use meterbox_plugin_abi::{Listener, Methods, PATTERN_SEGMENTS_MAX, Pattern};
use meterbox_plugin_loader::running::Running;
use meterbox_telemetry::plugins::PluginMetrics;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// One endpoint: what one pattern matches on one listener.
pub struct Endpoint {
    /// The plugin that answers.
    pub running: Arc<Running>,
    /// The pattern, as the plugin wrote it.
    pub pattern: String,
    /// After this long the host answers in the plugin's place.
    pub limit: Duration,
    /// Whether it is on the metrics listener: a scrape has a thread kept free for it.
    pub scrape: bool,
    /// Largest answer, in bytes.
    pub reply_bytes_max: u64,
    pub(crate) metrics: Arc<PluginMetrics>,
    pub(crate) budgets: Arc<Budgets>,
    pub(super) inline: InlineFit,
    pub(super) listener: Listener,
    pub(super) routes: Vec<(Methods, u32)>,
    /// The table in force, for a call that comes just after a swap.
    pub(super) current: Weak<ArcSwap<Routes>>,
}

impl Endpoint {
    /// The plugin's number of the route for `method`; none means 405.
    pub fn route(&self, method: &str) -> Option<u32> {
        self.routes
            .iter()
            .find(|(methods, _)| methods.allows(method))
            .map(|(_, id)| *id)
    }

    /// Who answers here now, if that is another generation or plugin.
    pub(crate) fn successor(&self) -> Option<Arc<Endpoint>> {
        let routes = self.current.upgrade()?.load_full();
        let now = routes.at(self.listener, &self.pattern)?;
        (!Arc::ptr_eq(&now.running, &self.running)).then(|| now.clone())
    }

    /// Whether requests still go to this generation of its plugin.
    pub fn is_current(&self) -> bool {
        let routes = self.current.upgrade().map(|current| current.load_full());
        let now = routes.as_ref();
        let now = now.and_then(|routes| routes.at(self.listener, &self.pattern));
        now.is_some_and(|now| Arc::ptr_eq(&now.running, &self.running))
    }

    /// An answer of it could not be passed on: a header that it may not set, or half a body.
    pub fn refused_answer(&self) {
        self.budgets.bad_answer();
    }

    /// What follows the pattern in a path that it matches, with its leading `/`.
    pub fn rest<'p>(&self, path: &'p str) -> &'p str {
        let begin = self.pattern().map_or("", |pattern| pattern.begin);
        let inside = trimmed(path).and_then(|inside| inside.strip_prefix(begin));
        inside.unwrap_or("")
    }

    /// None cannot be: what is in a table was checked.
    fn pattern(&self) -> Option<Pattern<'_>> {
        Pattern::parse(&self.pattern).ok()
    }

    /// All methods that it answers, for an `Allow` header.
    pub fn methods(&self) -> Methods {
        self.routes
            .iter()
            .fold(Methods::NONE, |all, (methods, _)| all.with(*methods))
    }
}

/// A path without the slashes around it.
fn trimmed(path: &str) -> Option<&str> {
    path.strip_prefix('/')
        .map(|path| path.trim_end_matches('/'))
}

/// The endpoints of all plugins at one moment, for each listener by the begin of their patterns.
#[derive(Default)]
pub struct Routes {
    tables: BTreeMap<Listener, HashMap<String, Node>>,
}

/// What patterns with one begin there are.
#[derive(Default)]
struct Node {
    /// For the path itself, and for what is below unless that is another's.
    whole: Option<Arc<Endpoint>>,
    /// Only for what is below.
    below: Option<Arc<Endpoint>>,
}

impl Node {
    fn of(&self, rest: bool) -> Option<&Arc<Endpoint>> {
        let below = self.below.as_ref().filter(|_| rest);
        below.or(self.whole.as_ref())
    }
}

impl Routes {
    /// The endpoint for `path` on `listener`, and what follows its pattern.
    pub fn find<'p>(&self, listener: Listener, path: &'p str) -> Option<(&Arc<Endpoint>, &'p str)> {
        let table = self.tables.get(&listener)?;
        let path = trimmed(path)?;
        let longest = path.match_indices('/').nth(PATTERN_SEGMENTS_MAX - 1);
        let mut end = longest.map_or(path.len(), |(at, _)| at);
        loop {
            let (begin, rest) = path.split_at(end);
            let node = table.get(begin);
            if let Some(endpoint) = node.and_then(|node| node.of(!rest.is_empty())) {
                return Some((endpoint, rest));
            }
            end = begin.rfind('/')?;
        }
    }

    /// The endpoint with just this pattern.
    fn at(&self, listener: Listener, pattern: &str) -> Option<&Arc<Endpoint>> {
        let pattern = Pattern::parse(pattern).ok()?;
        let node = self.tables.get(&listener)?.get(pattern.begin)?;
        let own = if pattern.rest {
            &node.below
        } else {
            &node.whole
        };
        own.as_ref()
    }

    pub(super) fn add(&mut self, endpoint: Endpoint) {
        let Some(pattern) = endpoint.pattern() else {
            return;
        };
        let (begin, rest) = (pattern.begin.to_owned(), pattern.rest);
        let table = self.tables.entry(endpoint.listener).or_default();
        let node = table.entry(begin).or_default();
        let own = if rest {
            &mut node.below
        } else {
            &mut node.whole
        };
        *own = Some(Arc::new(endpoint));
    }

    /// Every endpoint with its listener, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Listener, &Arc<Endpoint>)> {
        self.tables.iter().flat_map(|(listener, table)| {
            let nodes = table.values();
            let endpoints = nodes.flat_map(|node| node.whole.iter().chain(&node.below));
            endpoints.map(|endpoint| (*listener, endpoint))
        })
    }
}

//! Which plugin answers which path: a table that is made anew at every change and never edited.
//!
//! The first path segment names an endpoint on a listener. A user's plugin goes before a bundled one;
//! of two users' plugins the later by file name does not get in at all. What the host itself serves
//! can't be claimed.

use super::here::Here;
use crate::budgets::counts::Budgets;
use arc_swap::ArcSwap;
use meterbox_plugin_abi::{Listener, Methods};
use meterbox_plugin_files::{Reason, Refusal};
use meterbox_plugin_loader::running::Running;
use meterbox_telemetry::plugins::PluginMetrics;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// First segments that belong to the host.
const RESERVED: &[&str] = &["plugins", "models", "-"];
/// Longest first segment, in bytes.
const PATTERN_BYTES_MAX: usize = 64;

/// One endpoint: everything below one first segment on one listener.
pub struct Endpoint {
    /// The plugin that answers.
    pub running: Arc<Running>,
    /// The first segment.
    pub pattern: String,
    /// After this long the host answers in the plugin's place.
    pub limit: Duration,
    /// Whether it is on the metrics listener: a scrape has a thread kept free for it.
    pub scrape: bool,
    /// Largest answer, in bytes.
    pub reply_bytes_max: u64,
    pub(crate) metrics: Arc<PluginMetrics>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) here: Here,
    listener: Listener,
    routes: Vec<(Methods, u32)>,
    /// The table in force, for a call that comes just after a swap.
    current: Weak<ArcSwap<Routes>>,
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
        let now = routes
            .endpoints
            .get(&(self.listener, self.pattern.clone()))?;
        (!Arc::ptr_eq(&now.running, &self.running)).then(|| now.clone())
    }

    /// An answer of it could not be passed on: a header that it may not set, or half a body.
    pub fn refused_answer(&self) {
        self.budgets.bad_answer();
    }

    /// All methods that it answers, for an `Allow` header.
    pub fn methods(&self) -> Methods {
        self.routes
            .iter()
            .fold(Methods::NONE, |all, (methods, _)| all.with(*methods))
    }
}

/// The endpoints of all plugins at one moment.
#[derive(Default)]
pub struct Routes {
    endpoints: HashMap<(Listener, String), Arc<Endpoint>>,
}

impl Routes {
    /// The endpoint for `path` on `listener`, and what follows its first segment.
    pub fn find<'p>(&self, listener: Listener, path: &'p str) -> Option<(&Arc<Endpoint>, &'p str)> {
        let path = path.strip_prefix('/')?;
        let end = path.find('/').unwrap_or(path.len());
        let (first, rest) = path.split_at(end);
        // A listener has few endpoints; the key is only made for the look-up.
        let endpoint = self.endpoints.get(&(listener, first.to_owned()))?;
        Some((endpoint, rest))
    }

    /// Every endpoint with its listener, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Listener, &Arc<Endpoint>)> {
        self.endpoints
            .iter()
            .map(|((listener, _), endpoint)| (*listener, endpoint))
    }
}

/// A plugin that wants its routes.
pub(crate) struct Claimant {
    pub(crate) running: Arc<Running>,
    pub(crate) bundled: bool,
    pub(crate) file_name: String,
    pub(crate) request_limit: Duration,
    pub(crate) scrape_limit: Duration,
    pub(crate) reply_bytes_max: u64,
    pub(crate) metrics: Arc<PluginMetrics>,
    pub(crate) budgets: Arc<Budgets>,
    /// Short answers may be given on the runtime's own thread.
    pub(crate) here: bool,
}

/// What came of one round of claims.
pub(crate) struct Claims {
    pub(crate) routes: Routes,
    /// Index of each claimant that does not get in, and why.
    pub(crate) refused: Vec<(usize, Refusal)>,
    /// Lines for the log: who took which route from whom.
    pub(crate) superseded: Vec<String>,
}

/// Checks a plugin's list of routes by itself.
pub(crate) fn check(running: &Running) -> Result<(), Refusal> {
    for route in running.routes() {
        let pattern = route.pattern.as_str();
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let fault = if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
            format!("a route is 1 to {PATTERN_BYTES_MAX} bytes long")
        } else if !pattern.bytes().all(good) || pattern.starts_with('.') {
            "a route is one path segment of letters, digits, -, _, . and ~".to_owned()
        } else if RESERVED.contains(&pattern) {
            "this path belongs to the host".to_owned()
        } else if route.listener.name().is_none() {
            format!("there is no listener {}", route.listener.0)
        } else {
            continue;
        };
        let text = format!("it claims the route {pattern:?}: {fault}; choose another name");
        return Err(Refusal::new(Reason::Claim, text).at(&running.origin().path));
    }
    Ok(())
}

/// Gives out all routes. `metrics_endpoints` false leaves the metrics listener empty.
pub(crate) fn claim(
    claimants: &[Claimant],
    metrics_endpoints: bool,
    current: &Arc<ArcSwap<Routes>>,
) -> Claims {
    let mut order: Vec<usize> = (0..claimants.len()).collect();
    order.sort_by_key(|&index| (claimants[index].bundled, &claimants[index].file_name));
    let mut owners: HashMap<(Listener, String), usize> = HashMap::new();
    let mut refused = Vec::new();
    let mut superseded = Vec::new();
    for index in order {
        let claimant = &claimants[index];
        let key = |pattern: &str, listener| (listener, pattern.to_owned());
        let taken = claimant.running.routes().iter().find_map(|route| {
            let owner = owners.get(&key(&route.pattern, route.listener))?;
            (*owner != index).then_some((route, &claimants[*owner]))
        });
        if let Some((route, owner)) = taken
            && !claimant.bundled
        {
            let text = format!(
                "route {} on {} belongs to plugin {} ({}); rename one of them",
                route.pattern,
                route.listener.name().unwrap_or("?"),
                owner.running.origin().metadata.name,
                owner.file_name
            );
            let refusal = Refusal::new(Reason::Claim, text);
            refused.push((index, refusal.at(&claimant.running.origin().path)));
            continue;
        }
        for route in claimant.running.routes() {
            match owners.entry(key(&route.pattern, route.listener)) {
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(index);
                }
                std::collections::hash_map::Entry::Occupied(owner) if *owner.get() != index => {
                    superseded.push(format!(
                        "plugin {} answers {} on {} instead of the bundled plugin {}",
                        claimants[*owner.get()].running.origin().metadata.name,
                        route.pattern,
                        route.listener.name().unwrap_or("?"),
                        claimant.running.origin().metadata.name
                    ));
                }
                std::collections::hash_map::Entry::Occupied(_) => {}
            }
        }
    }
    superseded.dedup();
    let routes = table(claimants, &owners, metrics_endpoints, current);
    Claims {
        routes,
        refused,
        superseded,
    }
}

fn table(
    claimants: &[Claimant],
    owners: &HashMap<(Listener, String), usize>,
    metrics_endpoints: bool,
    current: &Arc<ArcSwap<Routes>>,
) -> Routes {
    let shown = |listener: Listener| metrics_endpoints || listener != Listener::METRICS;
    let endpoints = owners.iter().filter(|((listener, _), _)| shown(*listener));
    let endpoints = endpoints.map(|((listener, pattern), &index)| {
        let Claimant {
            running,
            request_limit,
            scrape_limit,
            reply_bytes_max,
            metrics,
            budgets,
            here,
            ..
        } = &claimants[index];
        let own = running.routes().iter();
        let own = own.filter(|route| route.listener == *listener && route.pattern == *pattern);
        let endpoint = Endpoint {
            running: running.clone(),
            pattern: pattern.clone(),
            limit: if *listener == Listener::METRICS {
                *scrape_limit
            } else {
                *request_limit
            },
            scrape: *listener == Listener::METRICS,
            reply_bytes_max: *reply_bytes_max,
            metrics: metrics.clone(),
            budgets: budgets.clone(),
            here: Here::new(*here),
            listener: *listener,
            current: Arc::downgrade(current),
            routes: own.map(|route| (route.methods, route.id)).collect(),
        };
        ((*listener, pattern.clone()), Arc::new(endpoint))
    });
    Routes {
        endpoints: endpoints.collect(),
    }
}

//! Who gets which route.
//!
//! A user's plugin goes before a bundled one; of two users' plugins the later by file name does not get
//! in at all. What the host itself serves can't be claimed.

use super::host_paths::HostPaths;
use super::inline_fit::InlineFit;
use super::routes::{Endpoint, Routes};
use crate::budgets::counts::Budgets;
use arc_swap::ArcSwap;
use meterbox_plugin_abi::{Listener, Pattern};
use meterbox_plugin_files::{Reason, Refusal};
use meterbox_plugin_loader::running::Running;
use meterbox_telemetry::plugins::PluginMetrics;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

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
    pub(crate) inline: bool,
}

/// What came of one round of claims.
pub(crate) struct Claims {
    pub(crate) routes: Routes,
    /// Index of each claimant that does not get in, and why.
    pub(crate) refused: Vec<(usize, Refusal)>,
    /// Lines for the log: who took which route from whom.
    pub(crate) superseded: Vec<String>,
}

/// What is said of a claim that can never be reached, or would take a path of the host.
const HOSTS: &str = "this path belongs to the host";

/// Checks a plugin's list of routes by itself.
pub(crate) fn check(running: &Running, host: &HostPaths) -> Result<(), Refusal> {
    for route in running.routes() {
        let fault = match Pattern::parse(&route.pattern) {
            _ if route.listener.name().is_none() => {
                format!("there is no listener {}", route.listener.0)
            }
            // The root is the host's, too.
            Err(_) if route.pattern.is_empty() => HOSTS.to_owned(),
            Err(fault) => format!("it {fault}"),
            Ok(pattern) if host.own(pattern) => HOSTS.to_owned(),
            Ok(_) => continue,
        };
        let pattern = &route.pattern;
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
    let mut owners: Owners<'_> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut superseded = Vec::new();
    for index in order {
        let claimant = &claimants[index];
        let taken = claimant.running.routes().iter().find_map(|route| {
            let owner = owners.get(&(route.listener, route.pattern.as_str()))?;
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
            match owners.entry((route.listener, route.pattern.as_str())) {
                Entry::Vacant(free) => {
                    free.insert(index);
                }
                Entry::Occupied(owner) if *owner.get() != index => {
                    superseded.push(format!(
                        "plugin {} answers {} on {} instead of the bundled plugin {}",
                        claimants[*owner.get()].running.origin().metadata.name,
                        route.pattern,
                        route.listener.name().unwrap_or("?"),
                        claimant.running.origin().metadata.name
                    ));
                }
                Entry::Occupied(_) => {}
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

/// The claimant that gets a pattern.
type Owners<'c> = BTreeMap<(Listener, &'c str), usize>;

fn table(
    claimants: &[Claimant],
    owners: &Owners<'_>,
    metrics_endpoints: bool,
    current: &Arc<ArcSwap<Routes>>,
) -> Routes {
    let mut routes = Routes::default();
    for (&(listener, pattern), &index) in owners {
        let scrape = listener == Listener::METRICS;
        if scrape && !metrics_endpoints {
            continue;
        }
        let claimant = &claimants[index];
        let own = claimant.running.routes().iter();
        let own = own.filter(|route| route.listener == listener && route.pattern == pattern);
        routes.add(Endpoint {
            running: claimant.running.clone(),
            pattern: pattern.to_owned(),
            limit: if scrape {
                claimant.scrape_limit
            } else {
                claimant.request_limit
            },
            scrape,
            reply_bytes_max: claimant.reply_bytes_max,
            metrics: claimant.metrics.clone(),
            budgets: claimant.budgets.clone(),
            inline: InlineFit::new(claimant.inline),
            listener,
            current: Arc::downgrade(current),
            routes: own.map(|route| (route.methods, route.id)).collect(),
        });
    }
    routes
}

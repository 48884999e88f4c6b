//! Brings one file into service: every station from the folder to the swap of routes.
//!
//! Nothing changes for the generation in service until the new one has started and its routes are
//! free; whatever fails before that is a refusal and nothing else.

use super::in_service::retire;
use super::plugins::Catalog;
use super::slot::{Slot, Standing};
use crate::plugins::call::routes;
use crate::plugins::options::config_file;
use crate::plugins::options::settings::PluginOptions;
use crate::plugins::process::isolate::Candidate;
use crate::plugins::served::services::{Budgeted, Services};
use crate::plugins::served::subscription::Subscription;
use meterbox_metrics::SourceOptions;
use meterbox_plugin_abi::{Host, Roles};
use meterbox_plugin_loader::file::{Verified, verify};
use meterbox_plugin_loader::load::Loaded;
use meterbox_plugin_loader::probe::{ProbeCommand, probe};
use meterbox_plugin_loader::running::{Running, Supervisor};
use meterbox_plugin_loader::{Reason, Refusal};
use meterbox_plugin_process::parent::Isolated;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// What became of a file.
pub(in crate::plugins) enum Installed {
    /// A new generation serves; these ones do not any more.
    Started {
        /// The plugin's name.
        name: String,
        /// Generations to drain.
        retired: Vec<Arc<Running>>,
    },
    /// Nothing had to be done.
    Unchanged,
}

/// A file that was looked at, or why it is refused.
type Examined = Result<Verified, Refusal>;

/// Looks at the files of these slots, all at the same time: digests take longer than everything else.
pub(in crate::plugins) fn examine_all(catalog: &Catalog, indices: &[usize]) -> Vec<Examined> {
    let [others @ .., last] = indices else {
        return Vec::new();
    };
    std::thread::scope(|scope| {
        let look = |&index: &usize| {
            let thread = std::thread::Builder::new().name("plugin-verify".to_owned());
            let looking = thread.spawn_scoped(scope, move || examine(catalog, index));
            (index, looking)
        };
        let looking: Vec<_> = others.iter().map(look).collect();
        let last = examine(catalog, *last);
        let joined = looking.into_iter().map(|(index, looking)| {
            let joined = looking.ok().and_then(|looking| looking.join().ok());
            // Without a thread of its own, on this one.
            joined.unwrap_or_else(|| examine(catalog, index))
        });
        joined.chain([last]).collect()
    })
}

/// Looks at the file of one slot.
pub(in crate::plugins) fn examine(catalog: &Catalog, index: usize) -> Examined {
    let (candidate, bundled) = catalog.with_slot(index, |slot| {
        slot.fingerprint = slot.look();
        (slot.candidate.clone(), slot.bundled)
    });
    let policy = catalog
        .options()
        .policy_of(&candidate.folder, bundled)
        .map_err(|refusal| refusal.at(&candidate.path()))?;
    verify(&candidate, &policy)
}

/// Takes slot `index` of `catalog`, whose file was `examined`, through every further station.
pub(in crate::plugins) fn install(
    catalog: &Catalog,
    index: usize,
    examined: Examined,
    again: bool,
) -> Result<Installed, Refusal> {
    let options = catalog.options();
    let verified = examined?;
    let (folder, bundled) =
        catalog.with_slot(index, |slot| (slot.candidate.folder.clone(), slot.bundled));
    let name = verified.metadata.name.clone();
    let config_path = config_file::path(&folder, &name);
    let sha256 = verified.sha256_hex();
    let same_file = catalog.with_slot(index, |slot| {
        let same = slot.running.is_some() && slot.sha256.as_deref() == Some(&sha256);
        slot.metadata = Some(verified.metadata.clone());
        slot.sha256 = Some(sha256);
        slot.fingerprint = slot.look();
        same
    });
    let plugin = options.plugin(&name);
    // A name that was switched off stays off, whichever other file carries it.
    let is_off = |slot: &Slot| slot.is_called(&name) && slot.standing == Standing::Disabled;
    let off = plugin.enabled == Some(false)
        || catalog.with_slots(|slots| slots[index].running.is_none() && slots.iter().any(is_off));
    if off && !again {
        catalog.with_slot(index, |slot| slot.stand(Standing::Disabled));
        return Ok(Installed::Unchanged);
    }
    let config = config_file::read(
        &config_path,
        verified.metadata.schema.as_ref(),
        options.policy.insecure_permissions,
    )?;
    let in_service = |slot: &mut Slot| {
        let same = slot.config == config;
        if same {
            // Whatever was wrong with its files is mended.
            slot.last_refusal = None;
        }
        same
    };
    if same_file && !again && catalog.with_slot(index, in_service) {
        return Ok(Installed::Unchanged);
    }
    if let Some(standing) = stand_back(catalog, index, &name, &verified.path)? {
        catalog.with_slot(index, |slot| slot.stand(standing));
        return Ok(Installed::Unchanged);
    }
    if let Some(history) = catalog.histories.lock().remove(&name) {
        catalog.with_slot(index, |slot| slot.resume(history));
    }
    let trusted = bundled && verified.pinned;
    let code = match catalog.isolated_by(&verified, &plugin, trusted) {
        // Its first process is its probe.
        Some(child) => Code::InProcess(Box::new(verified), child),
        None => Code::Here(load(catalog, index, verified, trusted)?),
    };
    let generation = catalog.with_slot(index, |slot| {
        slot.generation += 1;
        slot.trusted = trusted;
        slot.generation
    });
    let started = start(catalog, index, &code, generation, &config, &plugin)?;
    let retired = swap(catalog, index, started, config)?;
    Ok(Installed::Started { name, retired })
}

/// Where a plugin's code runs.
enum Code {
    /// On threads of this process, into which it is loaded.
    Here(Loaded),
    /// In processes that are started so.
    InProcess(Box<Verified>, ProbeCommand),
}

impl Code {
    fn path(&self) -> &Path {
        match self {
            Self::Here(loaded) => &loaded.origin().path,
            Self::InProcess(verified, _) => &verified.path,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Here(loaded) => &loaded.origin().metadata.name,
            Self::InProcess(verified, _) => &verified.metadata.name,
        }
    }
}

/// A generation that has started and has no routes yet.
struct Started {
    running: Arc<Running>,
    services: Arc<Services>,
    isolated: Option<Arc<Isolated>>,
}

/// Loads a file into this process, for good.
fn load(
    catalog: &Catalog,
    index: usize,
    verified: Verified,
    trusted: bool,
) -> Result<Loaded, Refusal> {
    let options = catalog.options();
    let loads = catalog.with_slot(index, |slot| slot.loads);
    let max = options.generations_max;
    if loads >= max {
        let megabytes = (verified.copy.len() * max) >> 20;
        let text = format!(
            "it was loaded {max} times in this process, which never unloads a library; restart \
             to get about {megabytes} MB back, raise plugins_max_generations, or let it run in a \
             process of its own"
        );
        return Err(Refusal::new(Reason::Generations, text).at(&verified.path));
    }
    // What was shipped and pinned with the host was tried when it was made.
    if let Some(command) = options.probe.as_ref().filter(|_| !trusted) {
        probe(&verified, command, options.probe_limit)?;
    }
    let loaded = Loaded::load(verified)?;
    catalog.with_slot(index, |slot| {
        slot.loads += 1;
        slot.mapped_bytes += loaded.origin().mapped_bytes;
    });
    Ok(loaded)
}

/// Whether another plugin of this name goes before this file.
fn stand_back(
    catalog: &Catalog,
    index: usize,
    name: &str,
    path: &Path,
) -> Result<Option<Standing>, Refusal> {
    catalog.with_slots(|slots| {
        let own = &slots[index];
        let same_name = |other: &&Slot| {
            other.running.is_some() && other.is_called(name) && other.candidate != own.candidate
        };
        let first = slots
            .iter()
            .filter(same_name)
            .find(|other| other.rank() < own.rank());
        match first {
            None => Ok(None),
            Some(_) if own.bundled => Ok(Some(Standing::Superseded)),
            Some(first) => {
                let text = format!(
                    "plugin {name} is loaded from {} already; rename or remove one of them",
                    first.path().display()
                );
                Err(Refusal::new(Reason::DuplicateName, text).at(path))
            }
        }
    })
}

fn start(
    catalog: &Catalog,
    index: usize,
    code: &Code,
    generation: u64,
    config: &str,
    plugin: &PluginOptions,
) -> Result<Started, Refusal> {
    let name = code.name();
    let (bundled, tally, budgets, processes) = catalog.with_slot(index, |slot| {
        slot.budgets.belong_to(name);
        let counts = (
            slot.tally.clone(),
            slot.budgets.clone(),
            slot.processes.clone(),
        );
        (slot.bundled, counts.0, counts.1, counts.2)
    });
    let options = catalog.options();
    let grants = catalog.grants(name, bundled);
    let source = SourceOptions {
        reserved_names: grants.has("metrics.reserved"),
        privileged: grants.has("metrics.reserved"),
        ..SourceOptions::guest().series_max(options.series_max_of(plugin))
    };
    let source = catalog
        .house
        .registry
        .source(&crate::plugins::source_name(name), &source);
    let source = source.ok_or_else(|| {
        let text = "the host has as many sources of metrics as it may; remove plugins";
        Refusal::new(Reason::Create, text).at(code.path())
    })?;
    catalog.with_slot(index, |slot| slot.source = Some(source.clone()));
    let house = catalog.house.clone();
    let budget = Budgeted {
        counts: budgets.clone(),
        log_lines_max: options.log_lines_max,
        families_max: options.families_max,
    };
    let services = Services::new(name, generation, source, grants.clone(), house, &budget);
    let services = Arc::new(services);
    let settings = options.settings_of(plugin);
    let clock = catalog.clock.clone();
    let (running, isolated) = match code {
        Code::Here(loaded) => {
            let host = Host::of(services.clone());
            let running = Running::start(loaded, host, config, settings, clock, tally)?;
            (running, None)
        }
        Code::InProcess(verified, child) => {
            let candidate = Candidate {
                name,
                verified,
                config,
                grants: &grants,
                plugin,
                settings: &settings,
                services: &services,
                processes,
                budgets,
            };
            let (origin, isolated) = catalog.isolate(&candidate, child)?;
            let create = {
                let isolated = isolated.clone();
                move || isolated.create()
            };
            let supervisor: Arc<dyn Supervisor> = isolated.clone();
            let supervisor = Some(supervisor);
            let running = Running::start_with(origin, create, supervisor, settings, clock, tally)?;
            (running, Some(isolated))
        }
    };
    services.connect(&running);
    Ok(Started {
        running,
        services,
        isolated,
    })
}

/// Puts the new generation in the place of the old one, if its routes are free.
fn swap(
    catalog: &Catalog,
    index: usize,
    started: Started,
    config: String,
) -> Result<Vec<Arc<Running>>, Refusal> {
    let Started {
        running,
        services,
        isolated,
    } = started;
    let name = running.origin().metadata.name.clone();
    let (owners, mut claims) = catalog.claims(Some((index, &running)));
    let refused: Vec<(usize, Refusal)> = std::mem::take(&mut claims.refused)
        .into_iter()
        .map(|(at, refusal)| (owners[at], refusal))
        .collect();
    let own = refused.iter().find(|(at, _)| *at == index);
    let checked = routes::check(&running).and(match own {
        Some((_, refusal)) => Err(refusal.clone()),
        None => Ok(()),
    });
    if let Err(refusal) = checked {
        // It has served nobody, so this takes no longer than its stop hook.
        let _ = running.drain();
        return Err(refusal);
    }
    let mut retired = Vec::new();
    let others_left = catalog.with_slots(|slots| {
        let rank = slots[index].rank();
        for (at, refusal) in refused {
            retired.extend(retire(&mut slots[at]));
            slots[at].reject(refusal);
        }
        for slot in slots
            .iter_mut()
            .filter(|slot| slot.is_called(&name) && slot.rank() > rank)
        {
            let bundled = slot.bundled;
            retired.extend(retire(slot));
            slot.stand(if bundled {
                Standing::Superseded
            } else {
                Standing::Rejected
            });
        }
        let others_left = !retired.is_empty();
        let slot = &mut slots[index];
        retired.extend(retire(slot));
        slot.running = Some(running.clone());
        let listens = running.roles().has(Roles::LISTENER);
        slot.subscription = listens.then(|| Subscription::new(services.subscribed(), &running));
        slot.services = Some(services);
        slot.isolated = isolated;
        slot.config = config;
        slot.last_refusal = None;
        slot.stand(Standing::Serving);
        slot.since = SystemTime::now();
        others_left
    });
    if others_left {
        catalog.publish();
    } else {
        catalog.put_in_force(claims);
    }
    Ok(retired)
}

//! Puts a configuration that was read again into force, as far as that is possible without a restart.
//!
//! All or nothing: a configuration with an error, or an address that cannot be bound, changes nothing.

use crate::banner;
use crate::services::Services;
use meterbox_config::{LoadRequest, Settings, keys};
use meterbox_http::{Listener, Listeners, Server, bind};
use meterbox_logs::Log;
use meterbox_telemetry::unix_seconds;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a reload needs.
pub(crate) struct Reloader {
    pub(crate) services: Arc<Services>,
    pub(crate) server: Arc<Server<Services>>,
    pub(crate) log: Log,
    pub(crate) request: LoadRequest,
}

impl Reloader {
    /// Reads the configuration and puts it into force.
    ///
    /// # Errors
    /// Why it is refused; the one before stays.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        let outcome = self.take().await;
        let server = self.services.telemetry.server();
        match &outcome {
            Ok(()) => {
                server.reloaded(unix_seconds());
                tracing::info!(target: "config", "the configuration was read again and is in force");
            }
            Err(why) => {
                server.reload_refused();
                tracing::error!(
                    target: "config",
                    "the configuration was refused, the one before stays in force: {why}"
                );
            }
        }
        outcome
    }

    async fn take(&self) -> Result<(), String> {
        let settings = self
            .request
            .load()
            .map_err(|error| error.to_string())?
            .settings;
        let before = self.services.settings.load_full();
        // Addresses are as they were at the start, whatever the file says now.
        let mut listeners = before.listeners.clone();
        listeners.metrics.clone_from(&settings.listeners.metrics);
        let opens = settings.metrics_are_bound() && !self.server.carries(Listener::Metrics);
        let bound = if opens {
            let backlog = settings.http.backlog;
            bind(&listeners, Listeners::METRICS, backlog).map_err(|error| error.to_string())?
        } else {
            Vec::new()
        };
        for warning in &settings.warnings {
            tracing::warn!(target: "config", "{warning}");
        }
        for key in fixed(&before, &settings) {
            tracing::warn!(target: "config", "{key} has changed; that takes effect at the next start");
        }
        let open = settings.metrics.endpoints_enabled;
        let settings = Arc::new(settings);
        let plugins = Arc::clone(&self.services.plugins);
        let asked = Arc::clone(&settings);
        // Plugins that are enabled now have to be started, which blocks.
        let applied = tokio::task::spawn_blocking(move || plugins.apply(asked)).await;
        match applied {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => return Err(refusal.to_string()),
            Err(_) => return Err("the plugins could not be reconfigured".to_owned()),
        }
        self.log.apply(&settings.log);
        self.services.settings.store(settings);
        self.server.reconfigure();
        self.services.stage.set_metrics_open(open);
        if open {
            self.server.serve(bound);
        } else {
            self.server.close(Listener::Metrics).await;
        }
        let places = self.server.places();
        if opens {
            // A port that the system chose is another one now: whoever reads the lines must know.
            let metrics = places.iter().filter(|place| place.0.has(Listener::Metrics));
            banner::listeners(&metrics.cloned().collect::<Vec<_>>());
        }
        self.services.places.store(Arc::new(places));
        Ok(())
    }
}

/// Keys that differ and cannot change while the server runs.
fn fixed(before: &Settings, after: &Settings) -> Vec<String> {
    let texts = |settings: &Settings| -> BTreeMap<String, String> {
        let all = settings.properties.iter();
        all.map(|property| (property.key.clone(), property.text.clone()))
            .collect()
    };
    let (before, after) = (texts(before), texts(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differs = |name: &&&String| before.get(**name) != after.get(**name);
    let changed = names.iter().filter(differs);
    let is_fixed = |name: &&&String| keys::find(name).is_some_and(|key| !key.reloadable);
    changed
        .filter(is_fixed)
        .map(|name| (**name).clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_config::{Environment, FileText, Sources};

    fn settings(text: &str) -> Settings {
        let file = FileText {
            name: "config.properties".to_owned(),
            folder: "/".into(),
            bytes: text.as_bytes().to_vec(),
        };
        let sources = Sources {
            file: Some(file),
            overrides: &[],
            environment: &Environment::default(),
            working_folder: std::path::Path::new("/"),
        };
        Settings::from_sources(&sources).unwrap()
    }

    #[test]
    fn only_changes_that_have_to_wait_are_named() {
        let before = settings("enable_metrics_endpoints=true\nlisten_backlog=16\n");
        let after = settings("enable_metrics_endpoints=false\nlisten_backlog=17\nmy_key=1\n");
        assert_eq!(fixed(&before, &after), ["listen_backlog"]);
        assert!(fixed(&before, &before).is_empty());
    }
}

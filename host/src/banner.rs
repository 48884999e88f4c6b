//! What the server prints when it starts: one plain line for each listener, plugin and model.
//!
//! Programs read these lines, so their form is part of the interface; everything else goes to the log.

use meterbox_http::{Listeners, Place};
use meterbox_models::Started;
use meterbox_plugins::PluginStatus;
use std::fmt::Write as _;
use std::io::Write as _;

/// Prints where the listeners are: `listening on inference,management at http://127.0.0.1:8080`.
pub(crate) fn listeners(places: &[(Listeners, Place)]) {
    let lines = places
        .iter()
        .map(|(listeners, place)| format!("listening on {listeners} at {place}"));
    print(lines);
}

/// Prints what became of each plugin file.
pub(crate) fn plugins(plugins: &[PluginStatus]) {
    print(plugins.iter().map(plugin));
}

/// Prints what became of each model of the configuration.
pub(crate) fn models(models: &[Started]) {
    print(models.iter().map(model));
}

fn print(lines: impl Iterator<Item = String>) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        // Whoever reads may have gone; the server does not depend on it.
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

fn plugin(status: &PluginStatus) -> String {
    let mut line = format!("plugin {}", status.name);
    if !status.version.is_empty() {
        let _ = write!(line, " {}", status.version);
    }
    let _ = write!(line, " {}", status.state.name());
    if !status.roles.is_empty() {
        let _ = write!(line, " as {}", status.roles.join(","));
    }
    for endpoint in &status.endpoints {
        let listener = endpoint.listener.name().unwrap_or("unknown");
        let _ = write!(line, ", /{} on {listener}", endpoint.pattern);
    }
    if let Some(error) = &status.last_error {
        let _ = write!(line, ": {error}");
    }
    line
}

fn model(started: &Started) -> String {
    match &started.outcome {
        Ok((name, version, 1)) => format!("model {name} {version} with 1 worker"),
        Ok((name, version, workers)) => format!("model {name} {version} with {workers} workers"),
        Err(error) => format!("model {} not loaded: {error}", started.url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_with_their_workers_or_the_reason() {
        let line = |outcome| {
            model(&Started {
                url: "a.mar".to_owned(),
                outcome,
            })
        };
        assert_eq!(
            line(Ok(("a".to_owned(), "1.0".to_owned(), 2))),
            "model a 1.0 with 2 workers"
        );
        assert_eq!(
            line(Err("empty".to_owned())),
            "model a.mar not loaded: empty"
        );
    }
}

//! `meterbox plugins call`: one request to a route of a plugin, on the listener it is on.

use super::{CallArguments, named, pretty};
use crate::cli::client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::print;
use base64::Engine;
use meterbox_config::Environment;
use meterbox_http::Listener;
use meterbox_http::client::Received;
use serde_json::{Value, json};
use std::io::Write;

/// Sends the request and prints the answer.
///
/// # Errors
/// The usage or the configuration is refused, nobody answers, or the answer's status is 400 or more.
pub(super) fn call(call: CallArguments, environment: &Environment) -> Result<(), Failure> {
    let name = named(&call.name)?.to_owned();
    let body = call.data.as_deref().map(data).transpose()?;
    let method = method(call.method, body.is_some())?;
    let settings = call.options.request(environment)?.load()?.settings;
    let described = client::manage(&settings, "GET", &format!("/plugins/{name}"));
    let plugin: Value =
        serde_json::from_slice(&described.map_err(Failure::failed)?).map_err(Failure::failed)?;
    let (listener, target) = route(&plugin, call.path.as_deref())?;
    let answer = client::send(&settings, listener, &method, &target, body.as_deref())
        .map_err(Failure::failed)?;
    show(&answer, call.json);
    if answer.status < 400 {
        Ok(())
    } else {
        Err(Failure::said(Exit::Failed))
    }
}

fn method(asked: Option<String>, with_body: bool) -> Result<String, Failure> {
    let method = asked.unwrap_or_else(|| if with_body { "POST" } else { "GET" }.to_owned());
    let word = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    if word {
        Ok(method)
    } else {
        Err(Failure::refused(format!(
            "command line -X: {method:?} is not a method (expected a word such as POST)"
        )))
    }
}

fn data(text: &str) -> Result<Vec<u8>, Failure> {
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some(file) => std::fs::read(file).map_err(|error| {
            Failure::refused(format!(
                "command line -d: {file} cannot be read ({error}); name a readable file after the @"
            ))
        }),
    }
}

/// The listener and the target of `path`, by the routes that the plugin has now.
fn route(plugin: &Value, path: Option<&str>) -> Result<(Listener, String), Failure> {
    let name = plugin["name"].as_str().unwrap_or_default();
    let routes: Vec<(&str, &str)> = plugin["endpoints"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["listener"].as_str()?, one["path"].as_str()?)))
        .collect();
    let found = match path {
        None => routes
            .first()
            .map(|(listener, path)| (*listener, (*path).to_owned())),
        Some(path) => {
            let target = target(path)?;
            let owner = routes.iter().find(|(_, route)| owns(route, &target));
            owner.map(|(listener, _)| (*listener, target))
        }
    };
    let known = found.and_then(|(listener, target)| Some((Listener::named(listener)?, target)));
    known.ok_or_else(|| {
        let state = plugin["state"].as_str().unwrap_or("unknown");
        let routes: Vec<&str> = routes.iter().map(|(_, path)| *path).collect();
        Failure::failed(if routes.is_empty() {
            format!("plugin {name} has no route now; its state is {state}")
        } else {
            let path = path.unwrap_or_default();
            format!(
                "plugin {name} has no route for {path}; its routes are {}",
                routes.join(", ")
            )
        })
    })
}

/// Path and query as they go on the wire.
fn target(path: &str) -> Result<String, Failure> {
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains('#');
    if !clean {
        return Err(Failure::refused(format!(
            "{path:?} is not a path (expected printable ASCII; encode the rest as %XX)"
        )));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(format!("{slash}{path}"))
}

/// Whether `route`, a first path segment, is that of `target`.
fn owns(route: &str, target: &str) -> bool {
    let rest = target.strip_prefix(route);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

fn show(answer: &Received, as_json: bool) {
    if as_json {
        let headers: serde_json::Map<String, Value> = answer
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into())
            })
            .collect();
        let mut shown = json!({ "status": answer.status, "headers": headers });
        match std::str::from_utf8(&answer.body) {
            Ok(text) => shown["body"] = text.into(),
            Err(_) => {
                let base64 = base64::engine::general_purpose::STANDARD.encode(&answer.body);
                shown["body_base64"] = base64.into();
            }
        }
        print(&pretty(&shown));
        return;
    }
    // A reader that went away is no failure of a command.
    let mut errors = std::io::stderr().lock();
    drop(writeln!(errors, "status {}", answer.status));
    let mut out = std::io::stdout().lock();
    drop(out.write_all(&answer.body).and_then(|()| out.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin() -> Value {
        json!({ "name": "drift", "state": "started", "endpoints": [
            { "listener": "metrics", "path": "/drift", "methods": ["GET"] },
            { "listener": "inference", "path": "/explain", "methods": ["POST"] },
        ] })
    }

    #[test]
    fn the_path_chooses_the_listener_and_without_one_the_first_route_is_asked() {
        let asked = |path| route(&plugin(), path).unwrap();
        assert_eq!(asked(None), (Listener::Metrics, "/drift".to_owned()));
        assert_eq!(
            asked(Some("drift/a?b=c")),
            (Listener::Metrics, "/drift/a?b=c".to_owned())
        );
        assert_eq!(
            asked(Some("/explain?x")),
            (Listener::Inference, "/explain?x".to_owned())
        );
    }

    #[test]
    fn a_path_of_nobody_is_a_failure_and_no_path_a_refusal() {
        let exit = |path| route(&plugin(), Some(path)).unwrap_err().exit;
        assert_eq!(exit("/drifting"), Exit::Failed);
        assert_eq!(exit("/drift HTTP/1.1\r\nX: y"), Exit::Refused);
        let stopped = json!({ "name": "drift", "state": "disabled", "endpoints": [] });
        assert_eq!(route(&stopped, None).unwrap_err().exit, Exit::Failed);
        assert!(method(Some("GE T".to_owned()), false).is_err());
        assert_eq!(method(None, true).unwrap(), "POST");
    }
}

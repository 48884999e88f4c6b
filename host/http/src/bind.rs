//! Opens the sockets of the three listeners, all of them before any serves.
//!
//! Listeners with equal addresses share a socket; port 0 takes a free port for each.

use crate::listener::{Listener, Listeners};
use meterbox_config::{Address, ListenerSettings};
use meterbox_net::OpenError;

/// What is spoken on every socket.
const SCHEME: &str = "http";

/// A bound socket that does not serve yet.
#[derive(Debug)]
pub struct Bound {
    /// Which listeners it carries.
    pub listeners: Listeners,
    /// The socket.
    pub socket: meterbox_net::Bound,
}

/// A socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for {listeners} on {}: {}", error.address, error.what)]
pub struct BindError {
    listeners: Listeners,
    error: OpenError,
}

/// Binds every listener of `settings` that is in `wanted`. Needs a runtime.
///
/// # Errors
/// The first address that cannot be had, and who has it.
pub fn bind(
    settings: &ListenerSettings,
    wanted: Listeners,
    backlog: u32,
) -> Result<Vec<Bound>, BindError> {
    groups(settings, wanted)
        .into_iter()
        .map(|(listeners, address)| {
            let socket = meterbox_net::open(address, SCHEME, backlog);
            let socket = socket.map_err(|error| BindError { listeners, error })?;
            Ok(Bound { listeners, socket })
        })
        .collect()
}

/// Listeners by address, in their order.
fn groups(settings: &ListenerSettings, wanted: Listeners) -> Vec<(Listeners, &Address)> {
    let mut groups: Vec<(Listeners, &Address)> = Vec::new();
    for listener in wanted.iter() {
        let address = address_of(settings, listener);
        let any_port = matches!(address, Address::Tcp { port: 0, .. });
        let shared = groups
            .iter_mut()
            .find(|(_, known)| !any_port && *known == address);
        match shared {
            Some((listeners, _)) => *listeners = *listeners | listener.into(),
            None => groups.push((listener.into(), address)),
        }
    }
    groups
}

fn address_of(settings: &ListenerSettings, listener: Listener) -> &Address {
    match listener {
        Listener::Inference => &settings.inference,
        Listener::Management => &settings.management,
        Listener::Metrics => &settings.metrics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(inference: &str, management: &str, metrics: &str) -> ListenerSettings {
        let read = |text| Address::parse(text, 80).unwrap();
        ListenerSettings {
            inference: read(inference),
            management: read(management),
            metrics: read(metrics),
            allowed_hosts: Vec::new(),
        }
    }

    #[test]
    fn equal_addresses_share_a_socket_and_free_ports_do_not() {
        let same = "http://127.0.0.1:8080";
        let settings_shared = settings(same, same, "http://127.0.0.1:8082");
        let sets: Vec<_> = groups(&settings_shared, Listeners::ALL)
            .iter()
            .map(|(listeners, _)| listeners.to_string())
            .collect();
        assert_eq!(sets, ["inference,management", "metrics"]);
        let free = "http://127.0.0.1:0";
        let free = settings(free, free, free);
        assert_eq!(groups(&free, Listeners::ALL).len(), 3);
        assert_eq!(groups(&free, Listeners::INFERENCE).len(), 1);
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_listeners() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", taken.local_addr().unwrap());
        let settings = settings(&address, &address, &address);
        let error = bind(&settings, Listeners::METRICS, 16).unwrap_err();
        let expect = format!(
            "cannot listen for metrics on {address}: process {} ",
            std::process::id()
        );
        assert!(error.to_string().starts_with(&expect), "{error}");
    }
}

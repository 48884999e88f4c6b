//! Who may ask for what: the Host check, the Origin rule, the token guard.

use crate::error::{ApiError, Class};
use crate::listener::{Listener, Listeners};
use crate::tokens::{KeyKind, Tokens};
use http::{HeaderMap, Uri, header};
use meterbox_net::{At, Place};
use std::net::IpAddr;

/// Which hosts requests may be for.
#[derive(Debug, Clone)]
pub(crate) enum Hosts {
    /// Any: the socket can be reached by names that we do not know.
    Any,
    /// These, in lower case, without ports.
    Only(Vec<String>),
}

impl Hosts {
    /// The rule of a socket. One that only this machine can reach takes bound addresses, `localhost`
    /// and `allowed`; others are checked only if something is allowed in so many words.
    pub(crate) fn of(place: &Place, bound: &[IpAddr], allowed: &[String]) -> Self {
        if matches!(place.at, At::Unix(_)) || (!place.is_local() && allowed.is_empty()) {
            return Self::Any;
        }
        let addresses = bound.iter().map(|ip| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let allowed = allowed.iter().map(|host| host.to_ascii_lowercase());
        let mut hosts: Vec<String> = addresses
            .chain(["localhost".to_owned()])
            .chain(allowed)
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        Self::Only(hosts)
    }

    /// # Errors
    /// 421: the request is for another server.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Self::Only(hosts) = self else {
            return Ok(());
        };
        // Only HTTP/1.0 comes here without one, which no browser speaks.
        let Some(host) = headers.get(header::HOST) else {
            return Ok(());
        };
        let name = host.to_str().ok().map(|host| split_port(host).0);
        if name.is_some_and(|name| hosts.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            return Ok(());
        }
        let message = "The Host header names another server; allowed_hosts adds names.";
        Err(ApiError::new(Class::MISDIRECTED, message))
    }
}

/// Host and port; an IPv6 address keeps its brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

/// A request that changes something must not come from a page of another site.
///
/// # Errors
/// 403 for a foreign `Origin`, or a `Sec-Fetch-Site` other than `none` and `same-origin`.
pub(crate) fn check_origin(scheme: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site");
    let foreign_site = site.is_some_and(|site| !matches!(site, "none" | "same-origin"));
    let foreign_origin = match (text("origin"), text("host")) {
        (None, _) => false,
        (Some(origin), Some(host)) => !same_origin(scheme, origin, host),
        (Some(_), None) => true,
    };
    if foreign_site || foreign_origin {
        let message = "A page of another site may not ask for a change here.";
        return Err(ApiError::new(Class::FOREIGN_ORIGIN, message));
    }
    Ok(())
}

fn same_origin(scheme: &str, origin: &str, host: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = origin.authority() else {
        return false;
    };
    let usual = if scheme == "https" { "443" } else { "80" };
    let (name, port) = split_port(host);
    let (origin_name, origin_port) = split_port(authority.as_str());
    origin.scheme_str() == Some(scheme)
        && name.eq_ignore_ascii_case(origin_name)
        && port.unwrap_or(usual) == origin_port.unwrap_or(usual)
}

/// Checks the token for a route that `listeners` serve.
///
/// # Errors
/// 400, as TorchServe answers; 429 after too many wrong ones.
pub(crate) fn check_token(
    tokens: &Tokens,
    listeners: Listeners,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<(), ApiError> {
    const KINDS: [(Listener, KeyKind); 2] = [
        (Listener::Inference, KeyKind::Inference),
        (Listener::Management, KeyKind::Management),
    ];
    let kinds = KINDS
        .into_iter()
        .filter(|(listener, _)| listeners.has(*listener));
    let kinds: Vec<KeyKind> = kinds.map(|(_, kind)| kind).collect();
    if !tokens.required() || kinds.is_empty() {
        return Ok(());
    }
    tokens.check(&kinds, bearer(headers), peer)
}

/// Checks the API key.
///
/// # Errors
/// 404 with tokens off; else as [`check_token`].
pub(crate) fn check_api_key(
    tokens: &Tokens,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<(), ApiError> {
    if !tokens.required() {
        return Err(ApiError::not_found());
    }
    tokens.check(&[KeyKind::Api], bearer(headers), peer)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        });
        pairs.collect()
    }

    fn tcp(address: &str) -> Place {
        Place {
            scheme: "http",
            at: At::Tcp(address.parse().unwrap()),
        }
    }

    fn loopback(allowed: &[&str]) -> Hosts {
        let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
        let place = tcp("127.0.0.1:8081");
        let bound = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        Hosts::of(&place, &bound, &allowed)
    }

    #[test]
    fn a_loopback_socket_serves_only_its_own_names() {
        let hosts = loopback(&["Meter.example"]);
        let status = |host| {
            hosts
                .check(&headers(&[("host", host)]))
                .map_err(|e| e.status())
        };
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "127.0.0.1:1",
            "[::1]:8081",
            "meter.example",
        ] {
            assert_eq!(status(host), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "::1",
        ] {
            assert_eq!(status(host), Err(421), "{host}");
        }
        assert!(hosts.check(&HeaderMap::new()).is_ok(), "HTTP/1.0");
    }

    #[test]
    fn other_sockets_are_checked_only_when_names_are_listed() {
        let place = tcp("0.0.0.0:8081");
        let evil = headers(&[("host", "evil.example")]);
        assert!(Hosts::of(&place, &[], &[]).check(&evil).is_ok());
        assert!(
            Hosts::of(&place, &[], &["a".to_owned()])
                .check(&evil)
                .is_err()
        );
        let unix = Place {
            scheme: "http",
            at: At::Unix("/s".into()),
        };
        assert!(
            Hosts::of(&unix, &[], &["a".to_owned()])
                .check(&evil)
                .is_ok()
        );
    }

    #[test]
    fn pages_of_other_sites_may_not_change_anything() {
        let host = ("host", "localhost:8081");
        let status = |pairs: &[(&'static str, &str)]| {
            let all = [&[host], pairs].concat();
            check_origin("http", &headers(&all)).map_err(|error| error.status())
        };
        assert_eq!(status(&[]), Ok(()), "curl");
        assert_eq!(status(&[("origin", "http://localhost:8081")]), Ok(()));
        assert_eq!(status(&[("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(status(&[("sec-fetch-site", "none")]), Ok(()));
        for origin in [
            "http://evil.example",
            "http://localhost:3000",
            "null",
            "https://localhost:8081",
        ] {
            assert_eq!(status(&[("origin", origin)]), Err(403), "{origin}");
        }
        for site in ["cross-site", "same-site", "x"] {
            assert_eq!(status(&[("sec-fetch-site", site)]), Err(403), "{site}");
        }
    }

    #[test]
    fn the_bearer_scheme_is_read_in_any_case() {
        assert_eq!(
            bearer(&headers(&[("authorization", "bearer  k")])),
            Some("k")
        );
        assert_eq!(bearer(&headers(&[("authorization", "Basic k")])), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}

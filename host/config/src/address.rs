//! The address of a listener, as it is written.
//!
//! It resolves no host name and binds nothing.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// A host name or an IP address, without brackets.
        host: String,
        /// The port; 0 takes a free one.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Reads `http://host[:port]` or `unix:/path`.
    ///
    /// # Errors
    /// Says in a few words what is wrong.
    ///
    /// **Source:** TorchServe 0.12, `inference_address`.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err("names no path")
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("does not start with http:// or unix:")?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => {
                return Err(
                    "wants TLS, which this version does not serve; put a TLS proxy in front",
                );
            }
            _ => return Err("does not start with http:// or unix:"),
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err("has more than a host and a port");
        }
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err("names no host");
        }
        let port = match port {
            None => default_port,
            Some(port) => number(port).ok_or("has a port that is not 0..=65535")?,
        };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    /// Whether only this machine can reach it: 127.0.0.0/8, ::1, localhost or a Unix socket.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => match host.parse::<IpAddr>() {
                Ok(ip) => ip.to_canonical().is_loopback(),
                Err(_) => host.eq_ignore_ascii_case("localhost"),
            },
        }
    }

    /// Whether it is every address of the machine.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        let Self::Tcp { host, .. } = self else {
            return false;
        };
        host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
    }

    /// Whether binding both fails although they are not equal: one is a wildcard of the same port.
    #[must_use]
    pub fn clashes_with(&self, other: &Self) -> bool {
        let (
            Self::Tcp { port, .. },
            Self::Tcp {
                port: other_port, ..
            },
        ) = (self, other)
        else {
            return false;
        };
        self != other
            && port == other_port
            && *port != 0
            && (self.is_wildcard() || other.is_wildcard())
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("has no ] after its [")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| "has no IPv6 address between [ and ]")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("has more than a port after its ]"),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("has an IPv6 address without [ and ]"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn number(port: &str) -> Option<u16> {
    port.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| port.parse().ok())
        .flatten()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "http://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let found = Address::parse(text, 8081).map(|address| address.to_string());
        assert_eq!(found.as_deref().map_err(|why| *why), expect, "of {text:?}");
    }

    #[test]
    fn addresses_are_read_and_printed() {
        check("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080"));
        check("HTTP://localhost:0/", Ok("http://localhost:0"));
        check("http://0.0.0.0", Ok("http://0.0.0.0:8081"));
        check("http://[::1]:8080", Ok("http://[::1]:8080"));
        check("http://[::]", Ok("http://[::]:8081"));
        check("unix:/run/meterbox.sock", Ok("unix:/run/meterbox.sock"));
        check("unix:///run/meterbox.sock", Ok("unix:/run/meterbox.sock"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        check(
            "127.0.0.1:8080",
            Err("does not start with http:// or unix:"),
        );
        check("ftp://a", Err("does not start with http:// or unix:"));
        check(
            "https://127.0.0.1:8443",
            Err("wants TLS, which this version does not serve; put a TLS proxy in front"),
        );
        check(
            "http://a:8080/metrics",
            Err("has more than a host and a port"),
        );
        check("http://:8080", Err("names no host"));
        check("http://a:", Err("has a port that is not 0..=65535"));
        check("http://a:+80", Err("has a port that is not 0..=65535"));
        check("http://a:65536", Err("has a port that is not 0..=65535"));
        check("http://::1:80", Err("has an IPv6 address without [ and ]"));
        check("http://[::1", Err("has no ] after its ["));
        check("http://[a]:80", Err("has no IPv6 address between [ and ]"));
        check("http://[::1]80", Err("has more than a port after its ]"));
        check("unix:", Err("names no path"));
    }

    #[test]
    fn only_loopback_and_unix_sockets_are_local() {
        let local = |text| Address::parse(text, 0).unwrap().is_local();
        assert!(local("http://127.1.2.3:80"));
        assert!(local("http://[::1]:80"));
        assert!(local("http://[::ffff:127.0.0.1]:80"));
        assert!(local("http://LOCALHOST:80"));
        assert!(local("unix:/s"));
        assert!(!local("http://0.0.0.0:80"));
        assert!(!local("http://[::]:80"));
        assert!(!local("http://localhost.example.org:80"));
    }

    #[test]
    fn a_wildcard_clashes_with_another_host_on_its_port() {
        let read = |text| Address::parse(text, 0).unwrap();
        let (any, one) = (read("http://0.0.0.0:80"), read("http://127.0.0.1:80"));
        assert!(any.clashes_with(&one) && one.clashes_with(&any));
        assert!(!any.clashes_with(&any));
        assert!(!any.clashes_with(&read("http://127.0.0.1:81")));
        assert!(!read("http://0.0.0.0:0").clashes_with(&read("http://127.0.0.1:0")));
    }
}

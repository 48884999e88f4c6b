//! Where a socket is, and who is at the other end of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where a socket is, and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What a URL of it begins with: `http`.
    pub scheme: &'static str,
    /// The address.
    pub at: At,
}

/// An address that is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A path.
    Unix(PathBuf),
}

impl Place {
    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.ip().is_none_or(|ip| ip.to_canonical().is_loopback())
    }

    /// Its address, unless it is a path.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self.at {
            At::Tcp(address) => Some(address),
            At::Unix(_) => None,
        }
    }

    /// Its IP address, unless it is a path.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.tcp().map(|address| address.ip())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Tcp(address) => write!(f, "{}://{address}", self.scheme),
            At::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a Unix socket.
    Unix,
}

impl Peer {
    /// Its IP address, unless it came over a Unix socket.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix:"),
        }
    }
}

//! Why there is no answer.

use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no connection.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The address is one of the server's own.
    #[error("that is this server itself, which exporters cannot reach")]
    OwnListener,
    /// The other end did not prove to be what the address names.
    #[error("no safe connection: {0}")]
    Unsafe(String),
    /// The deadline passed.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection ended before the answer was whole.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

/// Why the authorities of a file cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file cannot be read, or is no PEM.
    #[error("{}: cannot be read as certificates in PEM ({why})", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file holds none.
    #[error("{}: there is no certificate in it (expected BEGIN CERTIFICATE)", .0.display())]
    Empty(PathBuf),
}

impl SendError {
    /// What went wrong while both ends agreed on keys.
    pub(super) fn of_handshake(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        Self::Unsafe(match inner {
            Some(TlsError::InvalidCertificate(why)) => certificate(why),
            _ => error.to_string(),
        })
    }
}

fn certificate(why: &CertificateError) -> String {
    match why {
        // The second is an authority of the same name with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no authority that is trusted here has signed its certificate".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is for another name ({why})")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("its certificate is too old ({why})")
        }
        other => format!("its certificate is refused ({other})"),
    }
}

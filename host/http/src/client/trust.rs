//! Whose certificates are believed: the system's authorities and those of one file beside them.

use super::error::{SendError, TrustError};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Authorities. Cheap to clone; those of the system are read when first needed.
#[derive(Debug, Clone, Default)]
pub struct Trust(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    own: Vec<CertificateDer<'static>>,
    connector: OnceCell<Result<Connector, String>>,
}

#[derive(Clone)]
struct Connector(TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Connector")
    }
}

impl Trust {
    /// The system's authorities and those in `file`, a PEM file.
    ///
    /// # Errors
    /// The file cannot be read or holds no certificate.
    pub fn with_file(file: &Path) -> Result<Self, TrustError> {
        let unreadable = |why: &dyn std::fmt::Display| TrustError::Unreadable {
            path: file.to_owned(),
            why: why.to_string(),
        };
        let pem = std::fs::read(file).map_err(|error| unreadable(&error))?;
        let own: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(&error))?;
        if own.is_empty() {
            return Err(TrustError::Empty(file.to_owned()));
        }
        Ok(Self(Arc::new(Inner {
            own,
            connector: OnceCell::new(),
        })))
    }

    /// Agrees on keys with `host`, which has to prove that it is.
    pub(super) async fn secure(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, SendError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| SendError::Unsafe(format!("{host:?} is no name of a host")))?;
        let connector = self.connector().await.map_err(SendError::Unsafe)?;
        let secured = connector.0.connect(name, stream).await;
        secured.map_err(|error| SendError::of_handshake(&error))
    }

    async fn connector(&self) -> Result<Connector, String> {
        let inner = &self.0;
        let made = inner.connector.get_or_init(|| async {
            let own = inner.own.clone();
            // Reads many files.
            let made = tokio::task::spawn_blocking(move || connector(own)).await;
            made.unwrap_or_else(|error| Err(error.to_string()))
        });
        made.await.clone()
    }
}

fn connector(own: Vec<CertificateDer<'static>>) -> Result<Connector, String> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(target: "http", "an authority of this system cannot be read: {error}");
    }
    // One that is malformed vouches for nobody; the others do.
    roots.add_parsable_certificates(system.certs);
    roots.add_parsable_certificates(own);
    if roots.is_empty() {
        return Err("this system has no list of authorities (ca-certificates)".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector(TlsConnector::from(Arc::new(config))))
}

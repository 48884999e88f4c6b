//! The client against a TLS server with certificates made for the test.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::io::Write;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority of this test alone.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server's side with a certificate for `name`, signed by `authority`.
fn acceptor(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Serves one connection with one answer and closes it, with a goodbye or without.
async fn receiver(acceptor: TlsAcceptor, text: &'static str, goodbye: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // Refused by the client in some tests.
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        answer(&mut stream, &mut [text.to_owned()].into_iter()).await;
        if goodbye {
            stream.shutdown().await.unwrap();
        }
    });
    address
}

/// Trust in `authority` by way of a file.
fn trust(authority: &CertifiedIssuer<'static, KeyPair>) -> Trust {
    let file = file_of(&authority.pem());
    Trust::with_file(file.path()).unwrap()
}

fn file_of(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

async fn send(trust: Trust, uri: &str) -> Result<Received, SendError> {
    let mut client = Client::new(Arc::new(Vec::new), trust, BYTES_MAX);
    client.send(&to(uri), LIMIT).await
}

const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine!";

#[tokio::test]
async fn a_certificate_of_an_authority_in_the_file_is_believed() {
    let authority = authority("ours");
    let address = receiver(acceptor(&authority, "127.0.0.1"), FINE, true).await;
    let received = send(trust(&authority), &format!("https://{address}/write")).await;
    let received = received.unwrap();
    assert_eq!((received.status, &received.body[..]), (200, &b"fine"[..]));

    let address = receiver(acceptor(&authority, "localhost"), FINE, true).await;
    let named = format!("https://localhost:{}/write", address.port());
    let received = send(trust(&authority), &named).await;
    assert_eq!(received.unwrap().status, 200);
}

#[tokio::test]
async fn an_unknown_authority_and_another_name_are_refused_with_the_reason() {
    let ours = authority("ours");
    for stranger in [authority("theirs"), authority("ours")] {
        let address = receiver(acceptor(&stranger, "127.0.0.1"), FINE, true).await;
        let refused = send(trust(&ours), &format!("https://{address}/")).await;
        let expect =
            "no safe connection: no authority that is trusted here has signed its certificate";
        assert_eq!(refused.unwrap_err().to_string(), expect);
    }

    let address = receiver(acceptor(&ours, "b.example"), FINE, true).await;
    let refused = send(trust(&ours), &format!("https://{address}/")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("its certificate is for another name"),
        "{refused}"
    );
    assert!(refused.contains("b.example"), "{refused}");
}

#[tokio::test]
async fn an_end_in_the_middle_is_no_answer() {
    let ours = authority("ours");
    for half in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort!",
        // An answer without a length ends with a goodbye, or somebody cut it.
        "HTTP/1.1 200 OK\r\n\r\ncut!",
    ] {
        let address = receiver(acceptor(&ours, "127.0.0.1"), half, false).await;
        let answer = send(trust(&ours), &format!("https://{address}/")).await;
        assert!(matches!(answer, Err(SendError::Broken(_))), "{answer:?}");
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let refused = send(trust(&ours), &format!("https://{address}/")).await;
    assert!(matches!(refused, Err(SendError::Unsafe(_))), "{refused:?}");
    closing.await.unwrap();
}

#[tokio::test]
async fn plain_http_and_tls_do_not_mix() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").await.unwrap();
        stream
    });
    let refused = send(Trust::default(), &format!("https://{address}/")).await;
    assert!(matches!(refused, Err(SendError::Unsafe(_))), "{refused:?}");
    drop(plain.await.unwrap());
}

#[test]
fn a_file_without_certificates_is_refused_with_its_name() {
    let refused = |text: &str| {
        let file = file_of(text);
        let error = Trust::with_file(file.path()).unwrap_err().to_string();
        assert!(error.starts_with(file.path().to_str().unwrap()), "{error}");
        error
    };
    assert!(refused("nothing\n").contains("there is no certificate in it"));
    let torn = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    assert!(refused(torn).contains("cannot be read as certificates"));
    let absent = Trust::with_file(std::path::Path::new("/absent.pem")).unwrap_err();
    assert!(absent.to_string().contains("/absent.pem: cannot be read"));
}

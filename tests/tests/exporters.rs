//! An exporter plugin in the real server, against a receiver that refuses, accepts, or is not there.

use meterbox_tests::{Folder, Host, Page, eventually, http};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::Signal;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One request as the receiver saw it, with its answer.
#[derive(Clone, Debug)]
struct Seen {
    head: String,
    body: String,
    answer: u16,
}

/// A plain HTTP receiver with prepared answers: status and further header lines.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// The answers in their order; the last one for ever.
type Script = Arc<Mutex<VecDeque<(u16, &'static str)>>>;

impl Receiver {
    fn start(script: &[(u16, &'static str)]) -> Self {
        Self::over(script, Ok)
    }

    /// The same over TLS.
    fn start_safe(script: &[(u16, &'static str)], config: ServerConfig) -> Self {
        let config = Arc::new(config);
        Self::over(script, move |stream| {
            let server = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(StreamOwned::new(server, stream))
        })
    }

    fn over<S: Read + Write>(
        script: &[(u16, &'static str)],
        open: impl Fn(TcpStream) -> io::Result<S> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::default();
        let receiver = Self {
            address,
            seen: Arc::clone(&seen),
        };
        let script: Script = Arc::new(Mutex::new(script.iter().copied().collect()));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                let open = open.clone();
                std::thread::spawn(move || {
                    open(stream).and_then(|stream| serve(stream, &script, &seen))
                });
            }
        });
        receiver
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no server panics").clone()
    }

    fn answered(&self, status: u16) -> Vec<String> {
        let with = |seen: &Seen| seen.answer == status;
        let bodies = self.seen().into_iter().filter(with);
        bodies.map(|seen| seen.body).collect()
    }

    fn url(&self) -> String {
        format!("url = \"http://{}/write?db=test\"\n", self.address)
    }
}

/// Serves the requests of one connection.
fn serve(stream: impl Read + Write, script: &Script, seen: &Mutex<Vec<Seen>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let line = line.to_ascii_lowercase();
            line.strip_prefix("content-length: ")?.parse().ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let (status, more) = {
            let mut script = script.lock().expect("no server panics");
            match script.len() {
                1 => script[0],
                _ => script.pop_front().expect("a script has a last answer"),
            }
        };
        seen.lock().expect("no server panics").push(Seen {
            head,
            body: String::from_utf8_lossy(&body).into_owned(),
            answer: status,
        });
        let answer = format!("HTTP/1.1 {status} X\r\n{more}content-length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes())?;
        reader.get_mut().flush()?;
    }
}

/// A host with the exporter `lines`, asked four times a second, and the page.
fn host(config: &str, lines: &[&str]) -> Host {
    let builder = Host::builder()
        .plugin("prometheus")
        .plugin("lines")
        .file("lines.toml", config)
        .line("export_interval_ms=250");
    let builder = lines
        .iter()
        .fold(builder, |builder, line| builder.line(*line));
    builder.start()
}

fn value(page: &Page, name: &str) -> f64 {
    let name = format!("meterbox_export_{name}");
    page.value(&name, &[("plugin", "lines")]).unwrap_or(0.0)
}

fn dropped(page: &Page, reason: &str) -> f64 {
    let labels = [("plugin", "lines"), ("reason", reason)];
    let name = "meterbox_export_dropped_total";
    page.value(name, &labels).unwrap_or(0.0)
}

/// Waits until the page says so.
#[track_caller]
fn until(host: &Host, what: &str, so: impl Fn(&Page) -> bool) -> Page {
    eventually(what, || {
        let page = host.scrape("/metrics");
        if so(&page) {
            Ok(page)
        } else {
            let shown = http::get(host.metrics(), "/metrics").text();
            let exports = shown.lines().filter(|line| line.contains("_export_"));
            Err(exports.collect::<Vec<_>>().join("\n"))
        }
    })
}

fn lines_with(host: &Host, part: &str) -> usize {
    host.output()
        .lines()
        .filter(|line| line.contains(part))
        .count()
}

#[test]
fn a_receiver_that_refuses_for_a_while_gets_everything_in_order() {
    let receiver = Receiver::start(&[(503, ""), (429, "Retry-After: 1\r\n"), (500, ""), (204, "")]);
    let host = host(&receiver.url(), &[]);
    let page = until(&host, "pushes are delivered", |page| {
        value(page, "delivered_total") >= 4.0
    });
    assert_eq!(value(&page, "retries_total"), 3.0);
    assert!(value(&page, "delivered_bytes_total") > 1000.0);
    assert!(value(&page, "last_success_timestamp_seconds") > 1.7e9);
    assert!(page.samples("meterbox_export_dropped_total").is_empty());
    assert!(page.samples("meterbox_export_failures_total").is_empty());
    let accounted = value(&page, "delivered_total") + value(&page, "queue_length");
    // The page is no snapshot: a push may move between two of its lines.
    let unaccounted = value(&page, "pushes_total") - accounted;
    assert!(unaccounted.abs() <= 1.0, "{unaccounted}");

    let accepted = receiver.answered(204);
    let refused: Vec<String> = [503, 429, 500]
        .into_iter()
        .flat_map(|status| receiver.answered(status))
        .collect();
    assert_eq!(refused.len(), 3);
    assert!(
        refused.iter().all(|body| *body == accepted[0]),
        "the first push was tried until it was taken"
    );
    let time = |body: &String| {
        let last = body.split_ascii_whitespace().last().expect("a time");
        last.parse::<u64>().expect("nanoseconds")
    };
    let times: Vec<u64> = accepted.iter().map(time).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert!(
        accepted[0].contains("meterbox_ready value=1 "),
        "{accepted:?}"
    );
    let first = &receiver.seen()[0].head;
    assert!(
        first.starts_with("POST /write?db=test HTTP/1.1\r\n"),
        "{first}"
    );
    let own = format!("host: {}\r\n", receiver.address);
    assert!(first.to_ascii_lowercase().contains(&own), "{first}");
    assert_eq!(lines_with(&host, "they are kept and tried again"), 1);
    assert_eq!(lines_with(&host, "are delivered again after 3 failures"), 1);
}

#[test]
fn bad_answers_drop_by_reason_large_pushes_are_cut_and_nothing_is_followed() {
    let script = [
        (400, ""),
        (404, ""),
        (302, "Location: /elsewhere\r\n"),
        (413, ""),
        (204, ""),
    ];
    let receiver = Receiver::start(&script);
    let host = host(&receiver.url(), &["plugin.lines.isolation=thread"]);
    let page = until(&host, "pushes are delivered", |page| {
        value(page, "delivered_total") >= 3.0
    });
    for reason in ["bad_line", "status_404", "status_302"] {
        assert_eq!(dropped(&page, reason), 1.0, "{reason}");
    }
    assert_eq!(value(&page, "retries_total"), 0.0);
    let (whole, halves) = (receiver.answered(413), receiver.answered(204));
    assert_eq!(whole[0], format!("{}{}", halves[0], halves[1]));
    let heads = receiver.seen();
    assert!(
        heads
            .iter()
            .all(|seen| seen.head.starts_with("POST /write"))
    );
}

#[test]
fn a_full_queue_drops_what_comes_and_does_not_blame_the_plugin() {
    let receiver = Receiver::start(&[(503, "Retry-After: 300\r\n")]);
    let host = host(&receiver.url(), &["export_queue_pushes_max=2"]);
    let page = until(&host, "pushes are dropped", |page| {
        dropped(page, "queue_full") >= 6.0
    });
    assert_eq!(value(&page, "queue_length"), 2.0);
    assert_eq!(value(&page, "delivered_total"), 0.0);
    assert!(page.samples("meterbox_export_failures_total").is_empty());
    let started = [("plugin", "lines"), ("state", "started")];
    assert_eq!(page.value("meterbox_plugin_state", &started), Some(1.0));
    assert_eq!(receiver.seen().len(), 1, "asked to wait, it waits");

    let library = host.folder().join("plugins/lines.so");
    std::fs::remove_file(library).expect("it is there");
    let page = until(&host, "what waits goes with the plugin", |page| {
        dropped(page, "removed") >= 2.0 && page.samples("meterbox_export_queue_length").is_empty()
    });
    assert_eq!(dropped(&page, "removed"), 2.0);
}

#[test]
fn what_is_too_old_is_given_up() {
    let receiver = Receiver::start(&[(503, "")]);
    let host = host(&receiver.url(), &["export_give_up_ms=1000"]);
    until(&host, "old pushes are dropped", |page| {
        dropped(page, "gave_up") >= 2.0
    });
}

#[test]
fn the_end_of_the_server_pushes_once_more_with_the_endpoints_off_too() {
    let receiver = Receiver::start(&[(204, "")]);
    let mut host = host(
        &receiver.url(),
        &[
            "export_interval_ms=3600000",
            "enable_metrics_endpoints=false",
        ],
    );
    assert_eq!(receiver.seen().len(), 0);
    host.signal(Signal::TERM);
    assert!(host.wait().success(), "{}", host.output());
    let seen = receiver.seen();
    assert_eq!(seen.len(), 1, "{}", host.output());
    assert!(seen[0].body.contains("meterbox_ready value=0 "));
}

#[test]
fn exporters_go_on_with_the_endpoints_off_and_the_end_does_not_wait_for_the_dead() {
    let receiver = Receiver::start(&[(204, ""), (204, ""), (503, "")]);
    let mut host = host(&receiver.url(), &["enable_metrics_endpoints=false"]);
    eventually("the receiver refuses", || {
        match receiver.answered(503).len() {
            0 => Err(format!("{:?}", receiver.seen().len())),
            _ => Ok(()),
        }
    });
    assert_eq!(receiver.answered(204).len(), 2);
    host.signal(Signal::TERM);
    assert!(host.wait().success(), "{}", host.output());
    assert_eq!(
        lines_with(&host, "left when the server ended"),
        1,
        "{}",
        host.output()
    );
}

#[test]
fn the_server_itself_is_out_of_reach_and_an_exporter_without_permission_is_not_asked() {
    let host = Host::builder()
        .plugin("prometheus")
        .line("export_interval_ms=250")
        .start();
    let plugins = host.folder().join("plugins");
    let url = format!("url = \"http://{}/models\"\n", host.management());
    std::fs::write(plugins.join("lines.toml"), url).expect("the folder is ours");
    host.drop_plugin("lines");
    until(&host, "pushes fail", |page| {
        value(page, "retries_total") >= 1.0
    });
    assert_eq!(lines_with(&host, "that is this server itself"), 1);

    let receiver = Receiver::start(&[(204, "")]);
    let denied = self::host(&receiver.url(), &["plugin.lines.permissions=timers"]);
    eventually("the log says so", || {
        match lines_with(&denied, "plugin.lines.permissions lacks export") {
            1 => Ok(()),
            _ => Err(denied.output()),
        }
    });
    assert_eq!(receiver.seen().len(), 0);
}

/// An authority as PEM, and a server's side with a certificate of it for 127.0.0.1.
fn certified() -> (String, ServerConfig) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key()).expect("an authority");
    let key = key();
    let named = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let certificate = named.signed_by(&key, &authority).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    (
        authority.pem(),
        config.expect("the key is the certificate's"),
    )
}

#[test]
fn https_receivers_are_believed_by_the_authorities_of_a_file() {
    let (pem, config) = certified();
    let receiver = Receiver::start_safe(&[(204, "")], config);
    let url = receiver.url().replace("http://", "https://");
    let stranger = host(&url, &[]);
    until(&stranger, "pushes wait", |page| {
        value(page, "retries_total") >= 1.0
    });
    eventually("the log says why", || {
        let said = "no authority that is trusted here has signed its certificate";
        match lines_with(&stranger, said) {
            1 => Ok(()),
            _ => Err(stranger.output()),
        }
    });
    assert_eq!(receiver.seen().len(), 0);
    drop(stranger);

    let folder = Folder::new("ca");
    let file = folder.write("ca.pem", pem);
    let host = host(&url, &[&format!("export_ca_file={}", file.display())]);
    until(&host, "pushes are delivered", |page| {
        value(page, "delivered_total") >= 2.0
    });
    assert!(receiver.answered(204)[0].contains("meterbox_ready value=1 "));
}

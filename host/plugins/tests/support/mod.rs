//! A catalog over two folders of its own, with libraries built by cargo.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot build its fixture has failed"
)]

use meterbox_config::{PluginGrants, Settings};
use meterbox_metrics::Registry;
use meterbox_plugin_abi::gather::{Filter, Flow, Head, Segment, Visitor};
use meterbox_plugin_abi::testing::FakeRequest;
use meterbox_plugin_abi::{Listener, Request};
use meterbox_plugins::testing::parts;
use meterbox_plugins::{Catalog, HostPaths, Options, Program, Subscribers, call};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long anything may take here before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Site {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) runtime: tokio::runtime::Runtime,
    root: PathBuf,
    pub(crate) subscribers: Subscribers,
}

impl Site {
    pub(crate) fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("plugins")
            .join(name);
        let _ = std::fs::remove_dir_all(&root);
        for folder in ["user", "bundled"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let mut store = meterbox_metrics::Options::new(|| 1_700_000_000.0);
        store.name_sets = vec!["meterbox".to_owned()];
        let registry = Registry::new(store);
        let program = Program {
            bundled_folder: Some(root.join("bundled")),
            host_paths: HostPaths::of(["/models/{model}"].into_iter()),
            ..Program::default()
        };
        let options = Options::new(Arc::new(settings(&root, name)), program).unwrap();
        let parts = parts(options, registry);
        let subscribers = parts.subscribers.clone();
        let catalog = Catalog::new(parts).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            catalog,
            runtime,
            root,
            subscribers,
        }
    }

    /// The settings that the catalog began with.
    pub(crate) fn settings(&self) -> Settings {
        settings(&self.root, "")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join("user")
    }

    pub(crate) fn put(&self, package: &str, file: &str) {
        std::fs::copy(built(package), self.folder().join(file)).unwrap();
    }

    pub(crate) fn put_bundled(&self, package: &str, file: &str) {
        let bundled = self.root.join("bundled");
        std::fs::copy(built(package), bundled.join(file)).unwrap();
        self.list(&bundled.join("bundled.lock"), file);
    }

    /// Puts a plugin into the bundled folder that was not shipped in it.
    pub(crate) fn drop_beside_bundled(&self, package: &str, file: &str) {
        let bundled = self.root.join("bundled");
        std::fs::copy(built(package), bundled.join(file)).unwrap();
        self.list(&bundled.join("plugins.lock"), file);
    }

    /// Writes a lock file of the bundled folder with this one file in it.
    fn list(&self, lock: &std::path::Path, file: &str) {
        let printed = std::process::Command::new("sha256sum")
            .arg(file)
            .current_dir(self.root.join("bundled"))
            .output()
            .unwrap();
        std::fs::write(lock, printed.stdout).unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.folder().join(file)).unwrap();
    }

    pub(crate) fn config(&self, plugin: &str, text: &str) {
        std::fs::write(self.folder().join(format!("{plugin}.toml")), text).unwrap();
    }

    /// Status and body; status 0 for a body that broke off.
    pub(crate) fn get(&self, target: &str) -> (u16, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let routes = self.catalog.routes();
        let Some((endpoint, rest)) = routes.find(Listener::METRICS, path) else {
            return (404, String::new());
        };
        let request = request(path, rest, query);
        self.runtime.block_on(async {
            let mut reply = match call(endpoint, endpoint.route("GET").unwrap(), &request).await {
                Ok(reply) => reply,
                Err(error) => return (error.status, error.message),
            };
            let mut body = Vec::new();
            loop {
                match reply.body.next().await {
                    Ok(Some(chunk)) => body.extend(chunk),
                    Ok(None) => return (reply.status, String::from_utf8(body).unwrap()),
                    Err(broken) => return (0, format!("broken: {broken}")),
                }
            }
        })
    }

    /// The first sample of every family of the page.
    pub(crate) fn page(&self) -> Vec<(String, f64)> {
        let mut first = First::default();
        self.catalog.gather(&Filter::ALL, &mut first);
        first.0
    }
}

fn settings(root: &Path, name: &str) -> Settings {
    let mut settings = Settings::defaults();
    let plugins = &mut settings.plugins;
    plugins.folders = vec![root.join("user")];
    plugins.insecure_permissions = true;
    plugins.start_deadline = Duration::from_secs(2);
    let own = plugins.default_grants.clone();
    // Only the test about a hanging call has this plugin hang.
    if name == "hangs" || name == "slow" {
        let deadline = Duration::from_millis(if name == "slow" { 300 } else { 200 });
        let actor = PluginGrants {
            deadline,
            scrape_deadline: Some(deadline),
            ..own
        };
        plugins.grants.insert("actor".to_owned(), actor);
    } else if name == "deadline" {
        // Less than its collectors may take.
        let prometheus = PluginGrants {
            scrape_deadline: Some(Duration::from_secs(2)),
            ..own
        };
        plugins.grants.insert("prometheus".to_owned(), prometheus);
        plugins.scrape_deadline = PATIENCE;
    }
    settings.metrics.name_sets = vec!["meterbox".to_owned()];
    settings
}

pub(crate) fn request(path: &str, rest: &str, query: &str) -> Request {
    Request::of(Arc::new(FakeRequest {
        rest: rest.to_owned(),
        ..FakeRequest::get(&format!("{path}?{query}"))
    }))
}

#[derive(Default)]
struct First(Vec<(String, f64)>);

impl Visitor for First {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.0.push((family.name().to_owned(), f64::NAN));
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        if let (Some((_, value)), Some(first)) = (self.0.last_mut(), segment.values().first()) {
            *value = *first;
        }
        Flow::Continue
    }
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for: {what}"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The library of a package of this workspace.
fn built(package: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root)
        .args(["build", "--quiet", "-p", package]);
    assert!(cargo.status().unwrap().success(), "{package} builds");
    // CARGO_TARGET_TMPDIR is <target>/tmp; a plain build of the same tree writes beside it.
    let name = package.replace('-', "_");
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("../debug/lib{name}.so"))
}

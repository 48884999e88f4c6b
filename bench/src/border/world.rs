//! A host's catalog with two loaded plugins: one that fills the store, one that serves the page.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use meterbox_config::{Isolation, Settings};
use meterbox_exposition::Page;
use meterbox_metrics::{Counter, Limits, Registry, SourceOptions};
use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Visitor};
use meterbox_plugin_abi::testing::{FakeRequest, Recorder};
use meterbox_plugin_abi::{Listener, Request};
use meterbox_plugin_loader::running::{Ended, Lane};
use meterbox_plugins::{Catalog, Endpoint, Options, Program, testing};

use crate::measure::process_cpu_ns;

const FILLER: &str = "meterbox-fixture-filler";
const PAGE: &str = "meterbox-plugin-prometheus";
const PATIENCE: Duration = Duration::from_secs(120);

/// Cheap to clone; all clones share the catalog.
#[derive(Clone)]
pub(super) struct World {
    catalog: Arc<Catalog>,
    ticks: Counter,
}

impl World {
    /// Builds and loads both plugins; the filler registers this much.
    pub(super) fn new(series: usize, histograms: usize) -> Self {
        let folder = plugin_folder();
        let config = format!("series = {series}\nhistograms = {histograms}\n");
        std::fs::write(folder.join("filler.toml"), config).expect("the folder is ours");
        let mut options = meterbox_metrics::Options::new(|| 1_700_000_000.0);
        options.limits = Limits {
            series_per_metric: u32::MAX,
            series_in_all: u32::MAX,
            ..Limits::default()
        };
        let registry = Registry::new(options);
        let host = registry
            .source("host", &SourceOptions::own())
            .expect("the first source");
        let ticks = host.counter("native_ticks_total", "Increments in the host.", &[]);
        let ticks = ticks.expect("a new name").with(&[]).expect("no labels");
        let catalog = testing::catalog(catalog_options(folder), registry);
        let scan = catalog.scan();
        assert_eq!(scan.started.len(), 2, "both plugins start: {scan:?}");
        Self { catalog, ticks }
    }

    /// One scrape through the loaded plugin; gives its bytes.
    pub(super) fn scrape(&self) -> u64 {
        let bytes = self.call("metrics", "/metrics", "", "");
        assert!(bytes > 0, "the page is not empty");
        bytes
    }

    /// The same page by the encoder linked into this program.
    pub(super) fn encode_linked(&self) -> u64 {
        let mut bytes = 0;
        let page = Page::default();
        page.write(&Linked(&self.catalog), |chunk: &[u8]| {
            bytes += std::hint::black_box(chunk).len() as u64;
            Flow::Continue
        })
        .expect("the store can be gathered");
        bytes
    }

    /// Changes every value.
    pub(super) fn move_all(&self) {
        self.call("filler", "/filler/move", "/move", "");
    }

    /// CPU nanoseconds of one increment by the plugin.
    pub(super) fn increments(&self, times: u64, threads: u64) -> f64 {
        let query = format!("times={times}&threads={threads}");
        let start = process_cpu_ns();
        self.call("filler", "/filler/inc", "/inc", &query);
        (process_cpu_ns() - start) as f64 / (times * threads) as f64
    }

    /// CPU nanoseconds of one increment in the host.
    pub(super) fn native_increments(&self, times: u64, threads: u64) -> f64 {
        let start = process_cpu_ns();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..times {
                        std::hint::black_box(&self.ticks).inc();
                    }
                });
            }
        });
        (process_cpu_ns() - start) as f64 / (times * threads) as f64
    }

    fn call(&self, pattern: &str, path: &str, rest: &str, query: &str) -> u64 {
        let routes = self.catalog.routes();
        let (endpoint, _) = routes
            .find(Listener::METRICS, path)
            .expect("the plugin is loaded");
        let endpoint: &Endpoint = endpoint;
        assert_eq!(endpoint.pattern, pattern);
        let request = FakeRequest {
            rest: rest.to_owned(),
            query: query.to_owned(),
            ..FakeRequest::get(path)
        };
        let client = Recorder::counting(u64::MAX);
        let route = endpoint.route("GET").expect("it answers GET");
        let request = Request::of(Arc::new(request));
        let ticket = endpoint
            .running
            .call(Lane::Scrape, route, request, client.sink(), None);
        let ended = ticket.map(|ticket| ticket.wait(PATIENCE));
        assert!(
            matches!(ended, Ok(Ended::Returned(Ok(())))),
            "{path}: {:?}",
            ended.err()
        );
        let reply = client.wait();
        assert_eq!(
            reply.end, "end",
            "{path}: {} {}",
            reply.status, reply.message
        );
        reply.bytes
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if Arc::strong_count(&self.catalog) == 1 {
            self.catalog.stop();
        }
    }
}

fn catalog_options(folder: PathBuf) -> Options {
    let mut settings = Settings::defaults();
    // The page has what the filler and this program registered, and nothing else.
    settings.metrics.name_sets = Vec::new();
    let plugins = &mut settings.plugins;
    plugins.folders = vec![folder];
    plugins.insecure_permissions = true;
    plugins.default_grants.isolation = Isolation::Thread;
    // A million registrations take longer than a start may.
    plugins.start_deadline = PATIENCE;
    plugins.default_grants.max_series = u64::MAX;
    Options::new(Arc::new(settings), Program::default()).expect("no lock file is named")
}

/// A folder with release builds of both libraries.
pub(crate) fn plugin_folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(&root)
        .args(["build", "--quiet", "--release", "-p", FILLER, "-p", PAGE]);
    assert!(
        build.status().is_ok_and(|status| status.success()),
        "the plugins build"
    );
    let program = std::env::current_exe().expect("a running program has a file");
    let built = program.parent().expect("it is in a folder");
    let folder = built.join("bench-plugins");
    std::fs::create_dir_all(&folder).expect("the target folder is ours");
    for package in [FILLER, PAGE] {
        let name = package.replace('-', "_");
        let file = folder.join(format!("{name}.so"));
        std::fs::copy(built.join(format!("lib{name}.so")), file).expect("it was just built");
    }
    folder
}

struct Linked<'a>(&'a Catalog);

impl GatherSource for Linked<'_> {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        self.0.gather(filter, visitor);
        Ok(())
    }
}

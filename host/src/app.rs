//! The one place where components meet: configuration in, a running server out, then its end.
//!
//! Read from top to bottom it is the program: what is built, in which order, and from what. Nothing
//! is decided here that a component could decide itself.

use crate::adapters::{Announced, Everything, ListOf, Logged};
use crate::api;
use crate::banner;
use crate::cli::{Failure, Start};
use crate::counters::counters;
use crate::reload::Reloader;
use crate::reload_requests::{self, ReloadRequests};
use crate::services::Services;
use crate::signal::{Signal, Signals};
use crate::stage::Stage;
use arc_swap::ArcSwap;
use meterbox_config::{Environment, Settings};
use meterbox_export::{ExportParts, Exports};
use meterbox_http::client::Trust;
use meterbox_http::{Listener, Listeners, Server, Tokens, bind};
use meterbox_logs::metric_log::LogTarget;
use meterbox_logs::{AccessLog, Log, MetricLog};
use meterbox_metrics::{Limits, Registry, SourceOptions};
use meterbox_models::{self as models, LineOptions, Models};
use meterbox_plugin_loader::probe::ProbeCommand;
use meterbox_plugins::{
    Catalog, CatalogParts, FolderWatch, HostFacts, HostPaths, Options as PluginOptions, Program,
    Subscribers,
};
use meterbox_telemetry::declarations::Declarations;
use meterbox_telemetry::names::Set;
use meterbox_telemetry::server::Build;
use meterbox_telemetry::{Drops, Options as TelemetryOptions, Telemetry, modes, unix_seconds};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Names that only the server and what is shipped with it may register.
const RESERVED_PREFIXES: [&str; 3] = ["meterbox_", "ts_", "process_"];
/// Name sets that only they may enter.
const RESERVED_SETS: [&str; 4] = ["meterbox", "torchserve", "torchserve-plugin", "node"];
/// Exporters have this long for their last pushes even when answers took all of the grace period.
const LAST_EXPORT: Duration = Duration::from_secs(1);
/// How often series that nobody touches any more are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// Builds a server from its configuration and runs it to its end.
///
/// # Errors
/// What could not be built, or that answers were cut off at the end.
pub fn serve(mut start: Start) -> Result<(), Failure> {
    let settings = start.loaded.settings.clone();
    let log = Log::install(&settings.log).map_err(Failure::failed)?;
    for warning in &settings.warnings {
        tracing::warn!(target: "config", "{warning}");
    }
    guard_memory();
    let runtime = runtime(&settings).map_err(Failure::failed)?;
    let _context = runtime.enter();
    // Asked for first, so that a signal during the start is not lost.
    let mut signals = Signals::listen().map_err(Failure::failed)?;
    let app = App::build(settings, &start.request.environment, log)?;
    let ended = runtime.block_on(async {
        app.open().await;
        start.ready();
        app.run(&mut signals, &start).await
    });
    // What still runs are clients that were given up.
    runtime.shutdown_background();
    ended
}

/// Keeps the processes of plugins out of this one's memory where the kernel cannot confine them.
fn guard_memory() {
    match meterbox_sandbox::landlock() {
        Some(version) => {
            tracing::debug!(target: "plugin", "processes of plugins are confined by Landlock {version} and seccomp");
        }
        None => {
            tracing::warn!(target: "plugin", "this kernel has no Landlock: processes of plugins can read files of this user, and this server hides from debuggers");
            if let Err(refused) = meterbox_sandbox::hide() {
                tracing::warn!(target: "plugin", "{refused}");
            }
        }
    }
}

fn runtime(settings: &Settings) -> std::io::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = settings.http.threads {
        builder.worker_threads(threads.get());
    }
    builder.thread_name("http").enable_all().build()
}

/// A built server.
struct App {
    services: Arc<Services>,
    server: Arc<Server<Services>>,
    registry: Registry,
    log: Log,
    access_log: Arc<AccessLog>,
    asked: mpsc::Receiver<reload_requests::Answer>,
    exports: Exports,
    /// Held so that folders are watched.
    _watch: Option<FolderWatch>,
}

impl App {
    fn build(settings: Settings, environment: &Environment, log: Log) -> Result<Self, Failure> {
        let wanted = listeners(&settings);
        let backlog = settings.http.backlog;
        // Before anything else that takes time: an address that is taken ends the start at once.
        let bound = bind(&settings.listeners, wanted, backlog).map_err(Failure::refused)?;
        let facts = HostFacts {
            hostname: hostname(),
            uuid: uuid::Uuid::new_v4().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let trust = match &settings.exports.ca_file {
            Some(file) => Trust::with_file(file)
                .map_err(|error| Failure::refused(format!("export_ca_file: {error}")))?,
            None => Trust::default(),
        };
        let drops = Drops::default();
        let registry = registry(&settings);
        let lines = lines(&settings, &registry, &drops)?;
        let telemetry = telemetry(&settings, &registry, &facts, &lines)?;
        let telemetry = Arc::new(telemetry);
        let subscribers = Subscribers::counted_in(telemetry.plugins().clone());
        let models = models(
            &settings,
            environment,
            &telemetry,
            lines,
            subscribers.clone(),
        )?;
        let settings = Arc::new(settings);
        let catalog = Catalog::new(CatalogParts {
            options: plugin_options(&settings)?,
            source: registry
                .source("host", &SourceOptions::own())
                .expect("the first sources always have room"),
            registry: registry.clone(),
            telemetry: Arc::clone(&telemetry),
            facts,
            models: Arc::new(ListOf(models.clone())),
            subscribers,
        })
        .map_err(Failure::failed)?;
        let scan = catalog.scan();
        if settings.plugins.strict
            && let Some(refusal) = scan.refused.first()
        {
            // The others are in the log.
            let text = format!("{refusal} (plugins_strict=true refuses the start)");
            return Err(Failure::refused(text));
        }
        let watch = settings
            .plugins
            .watch
            .then(|| FolderWatch::start(&catalog))
            .transpose();
        let tokens = Tokens::new(&settings.tokens).map_err(|error| {
            let path = settings.tokens.key_file.display();
            Failure::failed(format!("{path}: the key file cannot be written: {error}"))
        })?;
        let stage = Arc::new(Stage::default());
        stage.set_metrics_open(settings.metrics.endpoints_enabled);
        telemetry
            .server()
            .insecure_listener(settings.tokens.insecure_management);
        telemetry.server().configured(unix_seconds());
        let (reloads, asked) = ReloadRequests::channel();
        let services = Arc::new(Services {
            settings: ArcSwap::new(settings),
            plugins: catalog,
            models,
            telemetry,
            tokens: Arc::new(tokens),
            stage,
            reloads,
            places: ArcSwap::default(),
        });
        let stderr = Box::new(std::io::stderr());
        let access_log = AccessLog::start(log.clone(), stderr, Arc::new(drops));
        let access_log = Arc::new(access_log.map_err(Failure::failed)?);
        let server = Server::new(
            api::routes(),
            Arc::clone(&services),
            counters(services.telemetry.http()),
            Arc::new(Logged(Arc::clone(&access_log))),
        );
        server.serve(bound);
        let exports = exports(&services, trust);
        Ok(Self {
            services,
            exports,
            server: Arc::new(server),
            registry,
            log,
            access_log,
            asked,
            _watch: watch.map_err(Failure::failed)?,
        })
    }

    /// Says what there is, loads the models of the configuration, and wants requests.
    async fn open(&self) {
        let services = &self.services;
        services.places.store(Arc::new(self.server.places()));
        banner::listeners(&services.places.load());
        banner::plugins(&services.plugins.plugins());
        self.warn_without_page();
        banner::models(&services.models.start_configured().await);
        services.stage.set_ready(true);
        services.telemetry.server().ready(true);
    }

    fn warn_without_page(&self) {
        let page = meterbox_plugin_abi::Listener::METRICS;
        let routes = self.services.plugins.routes();
        if self.services.stage.metrics_open() && routes.find(page, "/metrics").is_none() {
            tracing::warn!(
                target: "plugin",
                "no plugin serves /metrics: put prometheus.so into the plugins folder beside the \
                 binary, or into a folder of plugins_path"
            );
        }
    }

    /// Serves until a signal ends it.
    async fn run(mut self, signals: &mut Signals, start: &Start) -> Result<(), Failure> {
        let reloader = Reloader {
            services: Arc::clone(&self.services),
            server: Arc::clone(&self.server),
            log: self.log.clone(),
            request: start.request.clone(),
        };
        let mut expire = tokio::time::interval(EXPIRE_EVERY);
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Reload => drop(reloader.reload().await),
                    Signal::End => break,
                },
                Some(answer) = self.asked.recv() => {
                    // Whoever asked may have gone.
                    let _ = answer.send(reloader.reload().await);
                }
                _ = expire.tick() => drop(self.registry.expire()),
            }
        }
        let ended = self.end();
        tokio::select! {
            whole = ended => if whole { Ok(()) } else {
                Err(Failure::failed("answers were cut off: grace_period_ms was over"))
            },
            () = signals.end() => Err(Failure::failed("a second signal ended the server at once")),
        }
    }

    /// Drains: no answer that was begun is lost, unless it takes longer than the grace period.
    async fn end(self) -> bool {
        let http = self.services.settings.load().http.clone();
        let until = Instant::now() + http.drain_delay + http.grace_period;
        tracing::info!(target: "app", "the server ends: answers under way are finished");
        self.services.stage.set_ready(false);
        self.services.telemetry.server().ready(false);
        self.server.begin_drain();
        tokio::time::sleep(http.drain_delay).await;
        let whole = self.server.drain(http.grace_period).await;
        self.services.models.shut_down(Duration::from_secs(5)).await;
        // After the last prediction was counted, and before plugins end.
        let exported = until.max(Instant::now() + LAST_EXPORT);
        self.exports.flush(exported).await;
        let plugins = Arc::clone(&self.services.plugins);
        // A plugin whose stop hook panics has stopped.
        let left = move || until.saturating_duration_since(Instant::now());
        let _ = tokio::task::spawn_blocking(move || plugins.stop_within(left())).await;
        self.access_log.flush();
        tracing::info!(target: "app", "ended");
        whole
    }
}

fn listeners(settings: &Settings) -> Listeners {
    let both = Listeners::INFERENCE | Listeners::MANAGEMENT;
    if settings.metrics_are_bound() {
        both | Listener::Metrics.into()
    } else {
        both
    }
}

fn registry(settings: &Settings) -> Registry {
    let metrics = &settings.metrics;
    let limit = |max: u64| u32::try_from(max).unwrap_or(u32::MAX);
    let mut options = meterbox_metrics::Options::new(unix_seconds);
    options.limits = Limits {
        families: limit(metrics.metrics_max),
        series_per_metric: limit(metrics.series_per_metric_max),
        series_in_all: limit(metrics.series_max),
        ..Limits::default()
    };
    options.reserved_prefixes = RESERVED_PREFIXES.map(str::to_owned).into();
    options.reserved_sets = RESERVED_SETS.map(str::to_owned).into();
    options.name_sets.clone_from(&metrics.name_sets);
    Registry::new(options)
}

/// What TorchServe's metrics are held against, and where their lines go.
fn lines(settings: &Settings, registry: &Registry, drops: &Drops) -> Result<LineOptions, Failure> {
    let metrics = &settings.metrics;
    let declarations = match &metrics.declarations {
        None => Declarations::default(),
        Some(path) => Declarations::read(path).unwrap_or_else(|error| {
            tracing::error!(target: "config", "metrics_config: {error}; the built-in declarations are used");
            Declarations::default()
        }),
    };
    let log = modes::logs(metrics.mode).then(|| {
        let target = LogTarget {
            folder: settings.process.metric_log_folder.clone(),
            console: Some(Box::new(std::io::stdout())),
        };
        MetricLog::start(target, Arc::new(unix_seconds), Arc::new(drops.clone()))
    });
    let torchserve = Set::TorchServe.word();
    Ok(LineOptions {
        registry: registry.clone(),
        declarations,
        auto_detect: metrics.auto_detect,
        series_max: u32::try_from(metrics.series_per_model_max).unwrap_or(u32::MAX),
        ttl: metrics.series_ttl,
        torchserve: metrics.name_sets.iter().any(|set| set == torchserve),
        mode: metrics.mode,
        log: log.transpose().map_err(Failure::failed)?,
        drops: drops.clone(),
    })
}

fn telemetry(
    settings: &Settings,
    registry: &Registry,
    facts: &HostFacts,
    lines: &LineOptions,
) -> Result<Telemetry, Failure> {
    let metrics = &settings.metrics;
    let options = TelemetryOptions {
        hostname: facts.hostname.clone(),
        uuid: facts.uuid.clone(),
        build: Build {
            version: env!("CARGO_PKG_VERSION"),
            revision: env!("METERBOX_REVISION"),
            rustc: env!("METERBOX_RUSTC"),
        },
        name_sets: metrics.name_sets.clone(),
        detail: metrics.detail,
        mode: metrics.mode,
        log: lines.log.clone(),
        declarations: lines.declarations.clone(),
        drops: lines.drops.clone(),
    };
    Telemetry::new(registry, options).map_err(Failure::failed)
}

fn models(
    settings: &Settings,
    environment: &Environment,
    telemetry: &Telemetry,
    lines: LineOptions,
    subscribers: Subscribers,
) -> Result<Models, Failure> {
    let options = models::Options {
        settings: settings.models.clone(),
        temp_folder: settings.process.temp_folder.clone(),
        reply_bytes_max: settings.http.response_bytes_max,
        environment: environment.clone(),
        serving: telemetry.serving().clone(),
        lines,
        events: Arc::new(Announced(subscribers)),
    };
    Models::new(options).map_err(Failure::failed)
}

fn plugin_options(settings: &Arc<Settings>) -> Result<PluginOptions, Failure> {
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let command = |program: &Path, word: &str| ProbeCommand {
        program: program.to_path_buf(),
        arguments: vec![OsString::from(word)],
    };
    let program = Program {
        bundled_folder: bundled_folder(&program),
        probe: Some(command(&program, "__probe")),
        // This very program, also when another version of it was installed meanwhile: both ends must
        // agree.
        child: Some(command(Path::new("/proc/self/exe"), "__plugin")),
        host_paths: HostPaths::of(api::routes().map(|row| row.pattern)),
        ..Program::default()
    };
    PluginOptions::new(Arc::clone(settings), program).map_err(Failure::refused)
}

/// Starts to ask exporters and to deliver their pushes.
fn exports(services: &Arc<Services>, trust: Trust) -> Exports {
    let asked = Arc::downgrade(services);
    let own = move || {
        let places = asked.upgrade().map(|services| services.places.load_full());
        let places = places.iter().flat_map(|places| places.iter());
        places.filter_map(|(_, place)| place.tcp()).collect()
    };
    Exports::start(ExportParts {
        exporters: services.plugins.exporters(),
        gathered: Arc::new(Everything(Arc::clone(&services.plugins))),
        metrics: services.telemetry.exports().clone(),
        own: Arc::new(own),
        trust,
    })
}

/// `plugins/` beside the binary, if it is there.
fn bundled_folder(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?.join("plugins");
    folder.is_dir().then_some(folder)
}

fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

//! One actor in a process, and what a host does with it.

use crate::host::{Watcher, host};
use meterbox_plugin_abi::testing::{FakeHost, FakeReply, FakeRequest, PATIENCE, Recorder};
use meterbox_plugin_abi::{Failure, PluginObject, Reply, Request};
use meterbox_plugin_files::Metadata;
use meterbox_plugin_loader::load::Origin;
use meterbox_plugin_process::parent::{
    Backoff, ChildCommand, Isolated, Phase, Plugin, ProcessSettings, RestartSettings, Sizes,
    Spawner,
};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub(crate) struct Bench {
    pub(crate) isolated: Arc<Isolated>,
    pub(crate) host: Arc<FakeHost>,
    pub(crate) object: Option<PluginObject>,
    pub(crate) route: u32,
}

/// One for all tests, as a host has it.
pub(crate) fn spawner() -> Arc<Spawner> {
    static SPAWNER: OnceLock<Arc<Spawner>> = OnceLock::new();
    let make = || Spawner::start().unwrap();
    SPAWNER.get_or_init(make).clone()
}

pub(crate) fn quick() -> ProcessSettings {
    ProcessSettings {
        call_lanes: 8,
        entry_limit: PATIENCE,
        collect_limit: PATIENCE,
        start_limit: PATIENCE,
        restarts: RestartSettings {
            crashes_max: 1000,
            window: Duration::from_secs(60),
            backoff: Backoff {
                first: Duration::from_millis(1),
                longest: Duration::from_millis(4),
            },
            trial_interval: Duration::from_secs(60),
        },
        sizes: Sizes {
            cell_bytes: 1 << 20,
            stop_limit: PATIENCE,
            ..Sizes::default()
        },
    }
}

pub(crate) fn metadata() -> Metadata {
    let json = br#"{"name":"actor","version":"1","api":"0.3.0","panic":"unwind"}"#;
    let api = meterbox_plugin_files::ApiVersion { major: 0, minor: 3 };
    Metadata::parse(json, api).unwrap()
}

pub(crate) fn isolated(
    mode: &str,
    host: &Arc<FakeHost>,
    settings: ProcessSettings,
) -> Arc<Isolated> {
    plugin(mode, "__child", host, settings)
}

/// A plugin whose child is this program with this argument.
pub(crate) fn plugin(
    mode: &str,
    argument: &str,
    host: &Arc<FakeHost>,
    settings: ProcessSettings,
) -> Arc<Isolated> {
    let origin = Origin {
        path: PathBuf::from("/plugins/actor.so"),
        metadata: metadata(),
        sha256: "00".to_owned(),
        mapped_bytes: 0,
    };
    let plugin = Plugin {
        origin: Arc::new(origin),
        file: std::fs::File::open("/dev/null").unwrap(),
        name: "actor".to_owned(),
        services: host.clone(),
        config: format!("{{\"{mode}\"}}"),
        command: ChildCommand {
            program: std::env::current_exe().unwrap(),
            arguments: vec![argument.into()],
        },
        settings,
        observer: Arc::new(Watcher(host.clone())),
        host_version: "1".to_owned(),
    };
    Isolated::new(plugin, &spawner())
}

impl Bench {
    pub(crate) fn new(mode: &str) -> Self {
        Self::with(mode, quick())
    }

    pub(crate) fn with(mode: &str, settings: ProcessSettings) -> Self {
        let host = host();
        let isolated = isolated(mode, &host, settings);
        let object = isolated.create().unwrap();
        object.start().unwrap();
        Self {
            isolated,
            host,
            object: Some(object),
            route: 3,
        }
    }

    pub(crate) fn object(&self) -> &PluginObject {
        self.object.as_ref().unwrap()
    }

    /// Begins a request and returns when its entry does.
    pub(crate) fn begin(&self, request: FakeRequest) -> (Recorder, Result<(), Failure>) {
        let client = Recorder::default();
        let result = self.begin_at(&client, request);
        (client, result)
    }

    /// As [`Bench::begin`], for this client.
    pub(crate) fn begin_at(&self, client: &Recorder, request: FakeRequest) -> Result<(), Failure> {
        let (responder, watch) = Reply::over(client.sink());
        let result = self
            .object()
            .call(self.route, Request::of(Arc::new(request)), responder);
        watch.returned(&result);
        result
    }

    #[track_caller]
    pub(crate) fn get(&self, rest: &str) -> FakeReply {
        self.begin(get(rest)).0.wait()
    }

    /// Waits until its process is up for the `starts`th time.
    #[track_caller]
    pub(crate) fn wait_up(&self, starts: u64) {
        self.wait_for(|bench| {
            let status = bench.isolated.status();
            status.phase == Phase::Up && status.starts >= starts
        });
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, done: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(
                Instant::now() < until,
                "it did not happen: {:?} {:#?}",
                self.isolated.status(),
                self.host.told()
            );
            std::thread::yield_now();
        }
    }

    pub(crate) fn stop(mut self) -> Arc<FakeHost> {
        let object = self.object.take().unwrap();
        object.stop(PATIENCE).unwrap();
        self.host
    }
}

pub(crate) fn get(rest: &str) -> FakeRequest {
    FakeRequest {
        rest: rest.to_owned(),
        ..FakeRequest::get("/actor?a=b").time_left(PATIENCE)
    }
}

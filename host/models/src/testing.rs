//! What several test modules here need: a folder, and workers that a test plays itself.

use super::events::{EventSink, Events, NoListeners, VersionEvents};
use super::input::Input;
use super::job::{Job, JobAnswer};
use super::lines::{LineOptions, Lines};
use super::pool::{Pool, PoolPlan, WorkerNumbers};
use super::queue::{JobQueue, QueueRules, Ticket};
use super::service::{Models, Options};
use super::work_folder::WorkFolder;
use super::worker::{Assignment, Exit, LaunchError, Launched, Launcher, Process};
use meterbox_config::{Environment, MetricsMode, ModelSettings, Settings};
use meterbox_telemetry::declarations::Declarations;
use meterbox_telemetry::serving::{Refusal, UrlVersion, VersionMetrics};
use meterbox_telemetry::testing::Bench;
use parking_lot::Mutex;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Nothing in a test takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits no longer than a test may take.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it happens within the patience of a test")
}

/// Waits until something is so.
pub(crate) async fn until(mut so: impl FnMut() -> bool) {
    soon(async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// TorchServe's declarations, no log, in the registry of `bench`.
pub(crate) fn line_options(bench: &Bench) -> LineOptions {
    LineOptions {
        registry: bench.registry().clone(),
        declarations: Declarations::default(),
        auto_detect: false,
        series_max: 50_000,
        ttl: None,
        torchserve: true,
        mode: MetricsMode::Prometheus,
        log: None,
        drops: bench.drops.clone(),
    }
}

/// Rules of a queue that forms no batches.
pub(crate) fn rules() -> QueueRules {
    QueueRules {
        jobs_max: 100,
        batch_size: 1,
        batch_delay: Duration::from_millis(100),
        expiry: Duration::ZERO,
        needs_idle_worker: false,
    }
}

/// A model version whose workers the test plays.
pub(crate) struct Stage {
    pub(crate) bench: Bench,
    pub(crate) metrics: Arc<VersionMetrics>,
    pub(crate) queue: Arc<JobQueue>,
    pub(crate) pool: Arc<Pool>,
    workers: mpsc::Receiver<Actor>,
    asked: u32,
}

impl Stage {
    pub(crate) fn new(rules: QueueRules) -> Self {
        Self::with_response_timeout(rules, PATIENCE)
    }

    pub(crate) fn with_response_timeout(rules: QueueRules, response_timeout: Duration) -> Self {
        let bench = Bench::new();
        let metrics = bench.telemetry.serving().version("noop", "1.11");
        let queue = JobQueue::new(rules, Arc::clone(&metrics));
        let (sender, workers) = mpsc::channel(64);
        let plan = PoolPlan {
            label: "noop_1.11".to_owned(),
            model_name: "noop".to_owned(),
            handler: "service.py".to_owned(),
            envelope: String::new(),
            folder: PathBuf::from("/nowhere"),
            batch_size: 1,
            limit_max_image_pixels: true,
            gpus: Vec::new(),
            startup_timeout: PATIENCE,
            response_timeout,
            retry_timeout: Duration::from_secs(300),
            reply_bytes_max: 1 << 16,
        };
        let lines = Arc::new(Lines::new(line_options(&bench)).model("noop", &metrics));
        let events = Events::to(Arc::new(NoListeners));
        let numbers = Arc::new(WorkerNumbers::from(9000));
        let launcher = Arc::new(Theatre(sender));
        let (queue_of_pool, metrics_of_pool) = (Arc::clone(&queue), Arc::clone(&metrics));
        let pool = Pool::new(
            plan,
            numbers,
            launcher,
            queue_of_pool,
            metrics_of_pool,
            lines,
            Arc::new(VersionEvents::new(&events, "noop", "1.11")),
        );
        Self {
            bench,
            metrics,
            queue,
            pool,
            workers,
            asked: 0,
        }
    }

    /// The next process that is started; it has not loaded yet.
    pub(crate) async fn process(&mut self) -> Actor {
        soon(self.workers.recv())
            .await
            .expect("the pool keeps its launcher")
    }

    /// The next process, its model loaded.
    pub(crate) async fn worker(&mut self) -> Actor {
        let mut actor = self.process().await;
        actor.load(200).await;
        actor
    }

    /// Asks for a prediction; ids are `r1`, `r2`, ...
    pub(crate) fn ask(&mut self) -> Result<Ticket, Refusal> {
        self.asked += 1;
        let token = self.metrics.accepted(UrlVersion::Unnamed);
        let id = format!("r{}", self.asked);
        let (job, answer) = Job::new(id, Input::default(), Instant::now(), Some(token));
        self.queue.push(job, answer).map_err(|(job, refusal)| {
            job.refuse().unwrap().refused(refusal, 503, Duration::ZERO);
            refusal
        })
    }

    /// The value of one of the version's own metrics.
    pub(crate) fn value(&self, name: &str, more_labels: &str) -> Option<f64> {
        let labels = format!("model_name=\"noop\",model_version=\"1.11\"{more_labels}");
        self.bench.value(name, &labels)
    }
}

/// Puts a model into the store, as a plain folder.
pub(crate) fn pack(store: &Path, file: &str, manifest: &str, config: &str) {
    let folder = store.join(file);
    std::fs::create_dir_all(folder.join("MAR-INF")).unwrap();
    std::fs::write(folder.join("MAR-INF/MANIFEST.json"), manifest).unwrap();
    std::fs::write(folder.join("c.yaml"), config).unwrap();
}

/// A manifest with this model and version.
pub(crate) fn manifest(name: &str, version: &str) -> String {
    format!(
        r#"{{"model":{{"modelName":"{name}","modelVersion":"{version}","handler":"service.py","configFile":"c.yaml"}}}}"#
    )
}

/// All models of a server, whose workers the test plays.
pub(crate) struct House {
    pub(crate) models: Models,
    workers: mpsc::Receiver<Actor>,
    temp: TempDir,
    _store: TempDir,
    _bench: Bench,
}

impl House {
    /// With this store, and settings changed so.
    pub(crate) fn new(store: TempDir, change: impl FnOnce(&mut ModelSettings)) -> Self {
        Self::heard_by(Arc::new(NoListeners), store, change)
    }

    /// The same, with somebody who listens.
    pub(crate) fn heard_by(
        events: Arc<dyn EventSink>,
        store: TempDir,
        change: impl FnOnce(&mut ModelSettings),
    ) -> Self {
        let bench = Bench::new();
        let temp = tempdir().unwrap();
        let mut settings = Settings::defaults().models;
        settings.store = Some(store.path().to_owned());
        change(&mut settings);
        let options = Options {
            settings,
            temp_folder: temp.path().to_owned(),
            reply_bytes_max: 1 << 16,
            environment: Environment::default(),
            serving: bench.telemetry.serving().clone(),
            lines: line_options(&bench),
            events,
        };
        let (sender, workers) = mpsc::channel(64);
        let work_folder = WorkFolder::create(temp.path()).unwrap();
        let models = Models::with_launcher(options, work_folder, Arc::new(Theatre(sender)));
        Self {
            models,
            workers,
            temp,
            _store: store,
            _bench: bench,
        }
    }

    /// The next process that is started; it has not loaded yet.
    pub(crate) async fn process(&mut self) -> Actor {
        soon(self.workers.recv())
            .await
            .expect("the models keep their launcher")
    }

    /// How many archives lie unpacked.
    pub(crate) fn unpacked(&self) -> usize {
        let folder = std::fs::read_dir(self.temp.path()).unwrap().next();
        let models = folder.unwrap().unwrap().path().join("models");
        std::fs::read_dir(models).unwrap().count()
    }
}

/// The failure that an answer is.
pub(crate) fn failure(answer: JobAnswer) -> (u16, String) {
    match answer {
        JobAnswer::Failed(failure) => (failure.code, failure.message),
        other => panic!("{other:?}"),
    }
}

/// The body that an answer has.
pub(crate) fn body(answer: JobAnswer) -> String {
    match answer {
        JobAnswer::Whole(prediction) => String::from_utf8(prediction.body.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Starts no processes: it hands the other end of each connection to the test.
struct Theatre(mpsc::Sender<Actor>);

impl Launcher for Theatre {
    fn launch<'a>(
        &'a self,
        _: &'a Assignment,
    ) -> Pin<Box<dyn Future<Output = Result<Launched, LaunchError>> + Send + 'a>> {
        Box::pin(async {
            let (link, stream) = UnixStream::pair().map_err(LaunchError::Connect)?;
            let exit = Arc::new(Mutex::new(Exit::Code(1)));
            let killed = Arc::new(Mutex::new(false));
            let process = Box::new(Mask {
                exit: Arc::clone(&exit),
                killed: Arc::clone(&killed),
            });
            let actor = Actor {
                stream,
                exit,
                killed,
            };
            self.0
                .send(actor)
                .await
                .map_err(|_| LaunchError::Ended(Exit::Killed))?;
            Ok(Launched { link, process })
        })
    }
}

/// The process that a test plays.
struct Mask {
    exit: Arc<Mutex<Exit>>,
    killed: Arc<Mutex<bool>>,
}

impl Process for Mask {
    fn kill(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        *self.killed.lock() = true;
        Box::pin(std::future::ready(()))
    }

    fn reap(&mut self) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        let exit = *self.exit.lock();
        Box::pin(std::future::ready(exit))
    }
}

/// The worker's side of a connection.
pub(crate) struct Actor {
    pub(crate) stream: UnixStream,
    exit: Arc<Mutex<Exit>>,
    killed: Arc<Mutex<bool>>,
}

impl Actor {
    /// Reads LOAD and answers it with `code`.
    pub(crate) async fn load(&mut self, code: i32) {
        assert_eq!(soon(self.stream.read_u8()).await.unwrap(), b'L');
        self.text().await;
        self.text().await;
        self.stream.read_i32().await.unwrap();
        self.text().await;
        self.stream.read_i32().await.unwrap();
        self.text().await;
        self.stream.read_u8().await.unwrap();
        let reply = [&code.to_be_bytes()[..], &[0, 0, 0, 2], b"hm", &[0xff; 4]].concat();
        self.stream.write_all(&reply).await.unwrap();
    }

    async fn text(&mut self) -> String {
        let len = self.stream.read_i32().await.unwrap();
        let mut bytes = vec![0; usize::try_from(len).unwrap()];
        self.stream.read_exact(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Reads a batch of requests that have neither headers nor parameters: their ids.
    pub(crate) async fn batch(&mut self) -> Vec<String> {
        assert_eq!(soon(self.stream.read_u8()).await.unwrap(), b'I');
        let mut ids = Vec::new();
        loop {
            let len = self.stream.read_i32().await.unwrap();
            let Ok(len) = usize::try_from(len) else {
                return ids;
            };
            let mut id = vec![0; len];
            self.stream.read_exact(&mut id).await.unwrap();
            ids.push(String::from_utf8(id).unwrap());
            assert_eq!(self.stream.read_i32().await.unwrap(), -1);
            assert_eq!(self.stream.read_i32().await.unwrap(), -1);
        }
    }

    /// Answers a batch: each id with its own text; `stream` is the value of `ts_stream_next`.
    pub(crate) async fn answer(&mut self, ids: &[String], stream: Option<&str>) {
        let bytes = reply(ids, stream);
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Ends the process this way.
    pub(crate) fn die(self, exit: Exit) {
        *self.exit.lock() = exit;
    }

    /// Whether the server has killed it.
    pub(crate) fn is_killed(&self) -> bool {
        *self.killed.lock()
    }
}

/// The bytes of a reply that answers each id with `OK <id>`.
pub(crate) fn reply(ids: &[String], stream: Option<&str>) -> Vec<u8> {
    let mut bytes = 200_i32.to_be_bytes().to_vec();
    let blob = |bytes: &mut Vec<u8>, blob: &str| {
        bytes.extend_from_slice(&i32::try_from(blob.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(blob.as_bytes());
    };
    blob(&mut bytes, "Prediction success");
    for id in ids {
        blob(&mut bytes, id);
        blob(&mut bytes, "");
        bytes.extend_from_slice(&200_i32.to_be_bytes());
        blob(&mut bytes, "");
        let headers = i32::from(stream.is_some());
        bytes.extend_from_slice(&headers.to_be_bytes());
        if let Some(value) = stream {
            blob(&mut bytes, "ts_stream_next");
            blob(&mut bytes, value);
        }
        blob(&mut bytes, &format!("OK {id}"));
    }
    bytes.extend_from_slice(&[0xff; 4]);
    bytes
}

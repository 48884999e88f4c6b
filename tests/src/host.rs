//! A running host: the real program with its own folder, configuration and ports.

use crate::{Folder, Page, built, eventually, http};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// What a host is started with; [`Host::start`] covers most tests.
#[derive(Debug, Default)]
pub struct HostBuilder {
    lines: Vec<String>,
    plugins: Vec<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

impl HostBuilder {
    /// Adds a line to config.properties; a later line of a key wins over the defaults of the harness.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Puts a library into the host's plugin folder before it starts.
    #[must_use]
    pub fn plugin(mut self, name: &str) -> Self {
        self.plugins.push(built().plugin(name));
        self
    }

    /// Writes a file into the host's plugin folder before it starts.
    #[must_use]
    pub fn file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), bytes.into()));
        self
    }

    /// Says where a plugin runs: `process`, `thread` or `auto`.
    ///
    /// Unless told, `prometheus` and `system` run on threads of the host, as they do where they are
    /// shipped and pinned with it, and every other plugin in a process of its own.
    #[must_use]
    pub fn isolation(self, name: &str, place: &str) -> Self {
        self.line(format!("plugin.{name}.isolation={place}"))
    }

    /// Adds an argument to `meterbox serve`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the host and waits until it is ready.
    ///
    /// # Panics
    /// If it ends or is not ready in time; its output is in the message.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Host {
        let mut host = self.spawn();
        host.wait_until_ready();
        host
    }

    /// Starts the host without waiting, for tests of failures at start.
    ///
    /// # Panics
    /// If the program does not start at all.
    #[must_use]
    pub fn spawn(self) -> Host {
        let built = built();
        let folder = Folder::new("host");
        let plugins = folder.path().join("plugins");
        std::fs::create_dir_all(&plugins).expect("the folder is ours");
        for library in &self.plugins {
            install(library, &plugins);
        }
        for (name, bytes) in &self.files {
            std::fs::write(plugins.join(name), bytes).expect("the folder is ours");
        }
        let mut text = format!(
            "inference_address=http://127.0.0.1:0\n\
             management_address=http://127.0.0.1:0\n\
             metrics_address=http://127.0.0.1:0\n\
             model_store={}\n\
             plugins_path=plugins\n\
             enable_model_api=true\n\
             disable_token_authorization=true\n\
             model_server_home={}\n\
             plugin.prometheus.isolation=thread\n\
             plugin.system.isolation=thread\n\
             plugin.system.permissions=metrics.read,metrics.reserved\n",
            built.models.display(),
            built.root.display(),
        );
        for line in &self.lines {
            let key = line.split('=').next().unwrap_or_default();
            let kept: Vec<&str> = text
                .lines()
                .filter(|known| known.split('=').next() != Some(key))
                .collect();
            text = kept.join("\n") + "\n" + line + "\n";
        }
        let config = folder.write("config.properties", text);
        let mut command = Command::new(&built.meterbox);
        command
            .current_dir(folder.path())
            .args(["serve", "--config"])
            .arg(config)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the host starts");
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().expect("stdout is piped"), &output);
        collect(child.stderr.take().expect("stderr is piped"), &output);
        Host {
            child,
            folder,
            output,
        }
    }
}

/// Copies a library into a plugin folder under the name of its plugin, by rename, as `mv` would.
///
/// # Panics
/// If the folder is not writable.
pub(crate) fn install(library: &Path, folder: &Path) -> PathBuf {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let stem = name
        .trim_start_matches("libmeterbox_plugin_")
        .trim_start_matches("libmeterbox_fixture_")
        .to_owned();
    let to = folder.join(stem);
    let beside = to.with_extension("new");
    std::fs::copy(library, &beside).expect("the plugin folder is writable");
    std::fs::rename(&beside, &to).expect("the plugin folder is writable");
    to
}

fn collect(stream: impl std::io::Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().expect("no reader panics").push(line);
        }
    });
}

/// A host that ends with the test.
#[derive(Debug)]
pub struct Host {
    child: Child,
    folder: Folder,
    output: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// Starts a host with these extra lines of configuration and the default Prometheus plugin.
    #[must_use]
    #[track_caller]
    pub fn start(lines: &[&str]) -> Self {
        let builder = lines
            .iter()
            .fold(Self::builder(), |builder, line| builder.line(*line));
        builder.plugin("prometheus").plugin("system").start()
    }

    /// A host to be described further; it has no plugin unless told.
    #[must_use]
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    #[track_caller]
    fn wait_until_ready(&mut self) {
        eventually("the host is ready", || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the host ended with {status}:\n{}", self.output());
            }
            let address = self.listener("management").ok_or_else(|| self.output())?;
            let answer = http::request(address, "GET", "/-/ready", &[], &[])?;
            (answer.status == 200)
                .then_some(())
                .ok_or_else(|| answer.text())
        });
    }

    /// The address of the listener that has `role`, as the host printed it.
    #[must_use]
    pub fn listener(&self, role: &str) -> Option<SocketAddr> {
        let output = self.output.lock().expect("no reader panics");
        output.iter().find_map(|line| {
            let (roles, address) = line
                .strip_prefix("listening on ")?
                .split_once(" at http://")?;
            let matches = roles.split(',').any(|known| known.trim() == role);
            matches.then(|| address.trim().parse().ok()).flatten()
        })
    }

    /// The inference listener.
    #[must_use]
    #[track_caller]
    pub fn inference(&self) -> SocketAddr {
        self.listener("inference").expect("an inference listener")
    }

    /// The management listener.
    #[must_use]
    #[track_caller]
    pub fn management(&self) -> SocketAddr {
        self.listener("management").expect("a management listener")
    }

    /// The metrics listener.
    #[must_use]
    #[track_caller]
    pub fn metrics(&self) -> SocketAddr {
        self.listener("metrics").expect("a metrics listener")
    }

    /// Everything the host printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lock().expect("no reader panics").join("\n")
    }

    /// The host's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The host's own folder; `plugins/` in it is its plugin folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Drops a library into the plugin folder of the running host and gives where it lies.
    pub fn drop_plugin(&self, name: &str) -> PathBuf {
        install(&built().plugin(name), &self.folder.path().join("plugins"))
    }

    /// Scrapes `path` of the metrics listener and reads the page strictly.
    ///
    /// # Panics
    /// If the status is not 200 or the page is not valid.
    #[must_use]
    #[track_caller]
    pub fn scrape(&self, path: &str) -> Page {
        let answer = http::get(self.metrics(), path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        Page::read(&answer.text())
    }

    /// Registers `archive` and starts `workers` workers.
    ///
    /// # Panics
    /// If the host refuses.
    #[track_caller]
    pub fn serve_model(&self, archive: &str, workers: u32) {
        let path = format!("/models?url={archive}&initial_workers={workers}&synchronous=true");
        let answer = http::post(self.management(), &path, b"");
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), self.output());
    }

    /// Sends a signal to the host.
    ///
    /// # Panics
    /// If the host is gone.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the host is alive");
    }

    /// Waits until the host has ended.
    ///
    /// # Panics
    /// If it does not end within 30 s.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        eventually("the host ends", || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it still runs".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

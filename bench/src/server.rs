//! A server under measurement: started in a folder of its own, found by what it prints, ended by its pid.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub(crate) struct Server {
    child: Child,
    addresses: Vec<(String, SocketAddr)>,
    started: Instant,
}

impl Server {
    /// Starts `command` and reads its listeners from standard output until one has `role`.
    pub(crate) fn start(command: &mut Command, role: &str) -> Result<Self, String> {
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{command:?} does not start: {error}"))?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut addresses = Vec::new();
        let mut lines = BufReader::new(stdout).lines();
        for line in lines.by_ref().map_while(Result::ok) {
            let Some((roles, address)) = line
                .strip_prefix("listening on ")
                .and_then(|rest| rest.split_once(" at http://"))
            else {
                continue;
            };
            if let Ok(address) = address.trim().parse() {
                addresses.push((roles.to_owned(), address));
            }
            if roles.split(',').any(|known| known.trim() == role) {
                // Whoever prints on must not block on a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(Self {
                    child,
                    addresses,
                    started,
                });
            }
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        Err(format!(
            "{command:?} ended with {status} before it was listening"
        ))
    }

    /// The address of the listener with this role.
    pub(crate) fn address(&self, role: &str) -> SocketAddr {
        self.addresses
            .iter()
            .find(|(roles, _)| roles.split(',').any(|known| known.trim() == role))
            .map(|(_, address)| *address)
            .expect("the server has this listener")
    }

    /// Asks `request` until it is answered with 200; gives the time since the start of the process.
    pub(crate) fn first_answer(&self, role: &str, request: &[u8]) -> Duration {
        let mut buffer = Vec::new();
        loop {
            let answered = TcpStream::connect(self.address(role))
                .and_then(|mut stream| crate::load::exchange(&mut stream, request, &mut buffer));
            if matches!(answered, Ok(200)) {
                return self.started.elapsed();
            }
            assert!(
                self.started.elapsed() < Duration::from_secs(20),
                "no answer within 20 s"
            );
        }
    }

    /// CPU time that all threads of the server have used, in nanoseconds.
    pub(crate) fn cpu_ns(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let threads = tasks.into_iter().flatten().filter_map(Result::ok);
        let spent = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        spent.sum()
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        status
            .unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
            .unwrap_or(f64::NAN)
            / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The folder `cargo xtask dist` makes.
pub(crate) fn dist() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let dist = target.join("dist");
    if dist.join("meterbox").is_file() {
        return Ok(dist);
    }
    Err(format!(
        "{} is not there: run `cargo xtask dist` first",
        dist.display()
    ))
}

/// Starts bare hyper with a ready body of this size.
pub(crate) fn floor(body_bytes: usize) -> Result<Server, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(this);
    command.args(["floor-server", &body_bytes.to_string()]);
    Server::start(&mut command, "floor")
}

/// Starts the host of the dist folder on free ports with these further lines of configuration.
pub(crate) fn host(lines: &[&str]) -> Result<Server, String> {
    host_of(&dist()?, lines)
}

/// The same of another dist folder.
pub(crate) fn host_of(dist: &Path, lines: &[&str]) -> Result<Server, String> {
    let folder = std::env::temp_dir().join(format!("meterbox-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let config = folder.join("config.properties");
    let text = format!(
        "inference_address=http://127.0.0.1:0\nmanagement_address=http://127.0.0.1:0\n\
         metrics_address=http://127.0.0.1:0\nenable_model_api=true\n\
         disable_token_authorization=true\nmodel_store={}\naccess_log=false\n{}\n",
        dist.join("models").display(),
        lines.join("\n"),
    );
    std::fs::write(&config, text).map_err(|error| error.to_string())?;
    let mut command = Command::new(dist.join("meterbox"));
    command
        .current_dir(&folder)
        .args(["serve", "--config"])
        .arg(config);
    Server::start(&mut command, "metrics")
}

//! The real program with its own folder and free ports, spoken to byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A running server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: PathBuf,
    places: Vec<(String, String)>,
}

impl Server {
    /// Starts a server with these further lines of configuration and waits until it is ready.
    pub(crate) fn start(lines: &[&str]) -> Self {
        let mut server = Self::spawn(lines);
        let out = server.child.stdout.take().unwrap();
        let mut out = BufReader::new(out).lines().map_while(Result::ok);
        for line in out.by_ref() {
            if let Some(rest) = line.strip_prefix("listening on ") {
                let (listeners, place) = rest.split_once(" at ").unwrap();
                server.places.push((listeners.to_owned(), place.to_owned()));
            }
            if ["inference", "management", "metrics"]
                .iter()
                .all(|one| server.place(one).is_some())
            {
                break;
            }
        }
        std::thread::spawn(move || out.for_each(drop));
        let begin = Instant::now();
        while server.get("management", "/-/ready").status != 200 {
            assert!(begin.elapsed() < PATIENCE, "the server is not ready");
        }
        server
    }

    /// Starts a server and waits for nothing.
    pub(crate) fn spawn(lines: &[&str]) -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("meterbox-http-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        configure(&folder, lines);
        let child = Command::new(env!("CARGO_BIN_EXE_meterbox"))
            .current_dir(&folder)
            .args(["serve", "--config", "config.properties"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            child,
            folder,
            places: Vec::new(),
        }
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, lines: &[&str]) {
        configure(&self.folder, lines);
    }

    /// Where the socket that carries `listener` is.
    pub(crate) fn place(&self, listener: &str) -> Option<&str> {
        let carries = |listeners: &str| listeners.split(',').any(|known| known == listener);
        let found = self.places.iter().find(|(listeners, _)| carries(listeners));
        found.map(|(_, place)| place.as_str())
    }

    fn address(&self, listener: &str) -> SocketAddr {
        self.place(listener)
            .unwrap()
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap()
    }

    /// A connection to a listener.
    pub(crate) fn connect(&self, listener: &str) -> Connection {
        let stream = TcpStream::connect(self.address(listener)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection {
            stream,
            came: Vec::new(),
        }
    }

    /// Sends a whole head or message over a connection of its own.
    pub(crate) fn send(&self, listener: &str, bytes: &[u8]) -> Answer {
        let mut connection = self.connect(listener);
        connection.write(bytes);
        connection.answer()
    }

    pub(crate) fn request(
        &self,
        listener: &str,
        method: &str,
        target: &str,
        fields: &str,
    ) -> Answer {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        self.send(listener, head.as_bytes())
    }

    pub(crate) fn get(&self, listener: &str, target: &str) -> Answer {
        self.request(listener, "GET", target, "")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "the server does not end");
            std::thread::yield_now();
        }
    }

    /// Waits for its end and gives what it wrote to standard error.
    pub(crate) fn complaint(&mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        (self.wait().code(), text)
    }
}

/// Writes the configuration: these lines over the defaults of the tests.
fn configure(folder: &Path, lines: &[&str]) {
    let defaults = [
        "inference_address=http://127.0.0.1:0",
        "management_address=http://127.0.0.1:0",
        "metrics_address=http://127.0.0.1:0",
        "disable_token_authorization=true",
        "access_log=false",
    ];
    let key = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    let kept = defaults
        .iter()
        .filter(|line| !lines.iter().any(|own| key(own) == key(line)));
    let text: Vec<&str> = kept.chain(lines).copied().collect();
    std::fs::write(folder.join("config.properties"), text.join("\n")).unwrap();
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    came: Vec<u8>,
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Connection {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next answer to a request that is not HEAD.
    pub(crate) fn answer(&mut self) -> Answer {
        loop {
            if let Some(answer) = self.take_answer() {
                return answer;
            }
            assert!(self.read(), "the connection was closed before its answer");
        }
    }

    /// Waits until the server closes the connection; gives what came before.
    pub(crate) fn rest(mut self) -> String {
        while self.read() {}
        String::from_utf8(self.came).unwrap()
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.came.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }

    fn take_answer(&mut self) -> Option<Answer> {
        let end = self
            .came
            .windows(4)
            .position(|window| window == b"\r\n\r\n")?
            + 4;
        let head = String::from_utf8(self.came[..end].to_vec()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let fields: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = fields.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
        let body = self.came.get(end..end + length)?.to_vec();
        self.came.drain(..end + length);
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer {
            status,
            line,
            fields,
            body: String::from_utf8(body).unwrap(),
        })
    }
}

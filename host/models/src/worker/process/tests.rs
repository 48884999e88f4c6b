//! Real processes: small Python programs that stand in for a worker.

use super::*;
use crate::lines::Lines;
use crate::testing::{line_options, soon, until};
use crate::worker::WorkerStatus;
use meterbox_telemetry::testing::Bench;
use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Listens where it is told to and says so, then does what the test puts behind it.
const LISTEN: &str = "
import os, socket, subprocess, sys, time
path = sys.argv[sys.argv.index('--sock-name') + 1]
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen(1)
print('[PID]%d' % os.getpid())
print('Torch worker started.', flush=True)
c, _ = s.accept()
";

struct Play {
    launcher: ProcessLauncher,
    assignment: Assignment,
    bench: Bench,
    folder: TempDir,
}

impl Play {
    /// A worker with this program.
    fn new(program: &str) -> Self {
        Self::with(program, Duration::from_secs(20))
    }

    fn with(program: &str, startup_timeout: Duration) -> Self {
        let folder = tempdir().unwrap();
        let script = folder.path().join("worker.py");
        std::fs::write(&script, program).unwrap();
        let environment = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("PYTHONPATH", "/lib/x".into()),
        ];
        let launcher = ProcessLauncher::new(ProcessOptions {
            python: "python3".to_owned(),
            script,
            socket_folder: folder.path().to_owned(),
            metrics_config: folder.path().join("metrics.yaml"),
            environment: environment
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        });
        let bench = Bench::new();
        let version = bench.telemetry.serving().version("noop", "1.11");
        let assignment = Assignment {
            name: "W-9000-noop_1.11".to_owned(),
            id: 9000,
            folder: folder.path().to_owned(),
            startup_timeout,
            lines: Arc::new(Lines::new(line_options(&bench)).model("noop", &version)),
            status: Arc::new(WorkerStatus::new(9000, None)),
        };
        Self {
            launcher,
            assignment,
            bench,
            folder,
        }
    }

    async fn launch(&self) -> Result<Launched, LaunchError> {
        soon(self.launcher.launch(&self.assignment)).await
    }
}

fn is_alive(pid: u32) -> bool {
    // A process that nobody has waited for yet is a zombie, which is dead.
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next())
        .is_some_and(|state| state != "Z")
}

#[tokio::test]
async fn a_worker_is_started_with_torchserves_command_line_in_its_models_folder() {
    let program = format!(
        "{LISTEN}
said = '\\n'.join([os.getcwd(), ' '.join(sys.argv[1:]), os.environ['PYTHONPATH'], str('HOME' in os.environ)])
c.sendall(said.encode())
"
    );
    let play = Play::new(&program);
    let mut launched = play.launch().await.unwrap();
    let mut said = String::new();
    soon(launched.link.read_to_string(&mut said)).await.unwrap();
    let folder = play.folder.path().display();
    let expect = format!(
        "{folder}\n--sock-type unix --sock-name {folder}/.ts.sock.9000 --metrics-config \
         {folder}/metrics.yaml\n{folder}:/lib/x\nFalse"
    );
    assert_eq!(said, expect);
    assert_eq!(soon(launched.process.reap()).await, Exit::Code(0));
}

#[tokio::test]
async fn metric_lines_on_both_streams_move_metrics_and_ends_are_told_apart() {
    let line = "[METRICS]HandlerTime.ms:2.5|#ModelName:noop,Level:Model|#type:GAUGE|#hostname:vm,1795224757";
    let program = format!(
        "{LISTEN}
print('{line}', flush=True)
print('{line}', file=sys.stderr, flush=True)
print('a line for the log', flush=True)
c.sendall(b'x')
os.kill(os.getpid(), 11)
"
    );
    let play = Play::new(&program);
    let mut launched = play.launch().await.unwrap();
    assert_eq!(soon(launched.link.read_u8()).await.unwrap(), b'x');
    assert_eq!(soon(launched.process.reap()).await, Exit::Signal(11));
    let labels = "ModelName=\"noop\",Level=\"Model\",Hostname=\"vm\"";
    until(|| play.bench.value("HandlerTime", labels) == Some(2.5)).await;
    let labels = "uuid=\"u-1\",model_name=\"noop\",model_version=\"default\"";
    assert_eq!(
        play.bench.count("ts_handler_latency_milliseconds", labels),
        Some(2)
    );
}

#[tokio::test]
async fn killing_a_worker_kills_what_it_started() {
    let program = format!(
        "{LISTEN}
child = subprocess.Popen(['sleep', '1000'])
c.sendall(child.pid.to_bytes(4, 'big'))
time.sleep(1000)
"
    );
    let play = Play::new(&program);
    let mut launched = play.launch().await.unwrap();
    let grandchild = soon(launched.link.read_u32()).await.unwrap();
    let child = play.assignment.status.report().pid.unwrap();
    assert!(is_alive(child) && is_alive(grandchild));
    soon(launched.process.kill()).await;
    until(|| !is_alive(child) && !is_alive(grandchild)).await;
    drop(launched);
    assert!(!play.folder.path().join(".ts.sock.9000").exists());
}

#[tokio::test]
async fn a_worker_that_closes_its_connection_but_does_not_end_is_killed() {
    let play = Play::new(&format!(
        "{LISTEN}\nc.recv(1)\nc.close()\ntime.sleep(1000)\n"
    ));
    let mut launched = play.launch().await.unwrap();
    let pid = play.assignment.status.report().pid.unwrap();
    launched.link.write_all(b"x").await.unwrap();
    assert_eq!(soon(launched.link.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(soon(launched.process.reap()).await, Exit::Killed);
    until(|| !is_alive(pid)).await;
}

#[tokio::test]
async fn a_program_that_ends_or_hangs_before_it_listens_is_no_worker() {
    let ended = Play::new("import nosuchmodule")
        .launch()
        .await
        .err()
        .unwrap();
    assert!(
        matches!(ended, LaunchError::Ended(Exit::Code(1))),
        "{ended}"
    );
    let hung = Play::with("import time; time.sleep(1000)", Duration::from_millis(300));
    let hung = hung.launch().await.err().unwrap();
    assert!(matches!(hung, LaunchError::TimedOut(_)), "{hung}");
}

#[tokio::test]
async fn what_cannot_be_started_says_which_key_to_look_at() {
    let mut play = Play::new("");
    play.launcher.options.python = "/nosuch/python".to_owned();
    let error = play.launch().await.err().unwrap().to_string();
    assert!(
        error.contains("/nosuch/python") && error.contains("`python`"),
        "{error}"
    );
    play.launcher.options.script = PathBuf::from("/nosuch/worker.py");
    let error = play.launch().await.err().unwrap().to_string();
    assert!(error.contains("model_server_home"), "{error}");
}

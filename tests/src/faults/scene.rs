//! The stage of a fault: a host with a model, the page and a healthy plugin under good traffic.
//!
//! [`Scene::open`] starts it and lets it run quietly; the fault is done between
//! [`Scene::fault_begins`] and [`Scene::close`], which asserts what holds for every fault: the host's
//! pid is the same, no good request failed, the fault was counted and logged, everything is normal
//! again in time, no descriptor, thread or process is left, and SIGTERM ends the host as always.

use super::census::{Census, is_alive};
use super::run::{Effort, Run};
use super::traffic::{Question, Traffic, right_page};
use crate::http::{self, Answer};
use crate::{Host, HostBuilder, built, eventually};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How soon everything must be normal again.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// A host under good traffic.
#[derive(Debug)]
pub(super) struct Scene<'run> {
    pub(super) run: &'run mut Run,
    pub(super) host: Host,
    traffic: Traffic,
    before: Census,
    /// The count of faults and the length of the log when the fault began.
    faults: f64,
    log: usize,
}

/// The host of every scene before a fault adds to it.
pub(super) fn builder() -> HostBuilder {
    let builder = Host::builder().plugin("prometheus").plugin("drift");
    builder.environment("RUST_BACKTRACE", "0")
}

/// As [`builder`], with the faulty plugin in a process of its own.
pub(super) fn with_faulty() -> HostBuilder {
    builder()
        .plugin("faulty")
        .line("plugin.faulty.isolation=process")
}

impl<'run> Scene<'run> {
    /// Starts the host, its model and good traffic.
    #[track_caller]
    pub(super) fn open(run: &'run mut Run, builder: HostBuilder) -> Self {
        let host = builder.start();
        host.serve_model("noop.mar", 1);
        let traffic = Traffic::start(
            questions(&host),
            run.effort
                .pick(Duration::from_millis(30), Duration::from_millis(1)),
        );
        let mut scene = Self {
            before: Census::default(),
            faults: 0.0,
            log: 0,
            run,
            host,
            traffic,
        };
        scene.let_traffic_pass(scene.run.effort.pick(20, 1000));
        scene.before = Census::take(scene.host.pid());
        scene
    }

    /// As [`Scene::open`] with a faulty plugin that serves; `config` is its configuration.
    #[track_caller]
    pub(super) fn open_faulty(run: &'run mut Run, builder: HostBuilder) -> Self {
        let mut scene = Self::open(run, builder);
        scene.serves("faulty");
        let status = scene.plugin("faulty");
        assert_eq!(status["isolation"], "process", "{status}");
        scene.before = Census::take(scene.host.pid());
        scene
    }

    /// Waits until this many more good requests were answered.
    #[track_caller]
    pub(super) fn let_traffic_pass(&self, requests: usize) {
        let goal = self.traffic.answered() + requests;
        eventually("good traffic is answered", || {
            let answered = self.traffic.answered();
            if answered >= goal {
                Ok(())
            } else {
                Err(format!("{answered} of {goal}"))
            }
        });
    }

    /// From here on the fault is at work.
    #[track_caller]
    pub(super) fn fault_begins(&mut self) {
        self.faults = self.counted("meterbox_faults_total", &[]);
        self.log = self.host.output().len();
        self.traffic.fault_begins();
    }

    /// The host's plugin folder.
    pub(super) fn plugins(&self) -> PathBuf {
        self.host.folder().join("plugins")
    }

    /// Puts a file into the plugin folder in one step.
    pub(super) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let beside = self.plugins().join(format!(".{name}.part"));
        std::fs::write(&beside, bytes).expect("the folder is writable");
        let file = self.plugins().join(name);
        std::fs::rename(beside, &file).expect("the folder is writable");
        file
    }

    /// Asks the faulty plugin for a fault.
    #[track_caller]
    pub(super) fn ask(&self, fault: &str) -> Answer {
        http::get(self.host.metrics(), &format!("/faulty/{fault}"))
    }

    /// As [`Scene::ask`], once the plugin does not rest after too many failures.
    #[track_caller]
    pub(super) fn ask_rested(&self, fault: &str) -> Answer {
        eventually(fault, || {
            let answer = self.ask(fault);
            if answer.status == 503 {
                Err(answer.text())
            } else {
                Ok(answer)
            }
        })
    }

    /// As [`Scene::ask`], an answer that breaks off included.
    pub(super) fn try_ask(&self, fault: &str) -> Result<Answer, String> {
        let path = format!("/faulty/{fault}");
        http::request(self.host.metrics(), "GET", &path, &[], &[])
    }

    /// All plugins as the host lists them.
    #[track_caller]
    pub(super) fn list(&self) -> Vec<Value> {
        let list = http::get(self.host.management(), "/plugins").json();
        list.as_array().cloned().unwrap_or_default()
    }

    /// One plugin as the host shows it.
    #[track_caller]
    pub(super) fn plugin(&self, name: &str) -> Value {
        http::get(self.host.management(), &format!("/plugins/{name}")).json()
    }

    /// Waits until the plugin whose file is `file` was refused, and gives the sentence why.
    #[track_caller]
    pub(super) fn refusal(&self, file: &str) -> String {
        let end = format!("/{file}");
        eventually(file, || {
            let list = self.list();
            let found = list
                .iter()
                .find(|plugin| text(plugin, "path").ends_with(&end));
            let refused = found.filter(|plugin| plugin["last_error"].is_string());
            let refused = refused.filter(|plugin| plugin["state"] == "rejected");
            let reason = refused.map(|plugin| text(plugin, "last_error"));
            reason.ok_or_else(|| format!("{found:?} of {}", list.len()))
        })
    }

    /// Waits until the plugin answers 200 at its own name.
    #[track_caller]
    pub(super) fn serves(&self, name: &str) {
        eventually(&format!("{name} serves"), || serves(&self.host, name));
    }

    /// The sum of a metric over all series with these labels; 0 when it has none.
    #[track_caller]
    pub(super) fn counted(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let page = self.host.scrape("/metrics");
        let samples = page.samples(name).into_iter().filter(|sample| {
            let has = |(label, value): &(&str, &str)| sample.label(label) == Some(*value);
            labels.iter().all(has)
        });
        samples.map(|sample| sample.value).sum()
    }

    /// The log since the fault began.
    pub(super) fn log(&self) -> Vec<String> {
        let output = self.host.output();
        let since = output.get(self.log..).unwrap_or_default();
        since.lines().map(str::to_owned).collect()
    }

    /// Asserts that exactly one line of the log since the fault began has all of `words`.
    #[track_caller]
    pub(super) fn logged_once(&self, words: &[&str]) {
        let lines = eventually(&format!("a line with {words:?}"), || {
            let log = self.log();
            let has = |line: &&String| words.iter().all(|word| line.contains(word));
            let lines: Vec<String> = log.iter().filter(has).cloned().collect();
            if lines.is_empty() {
                Err(log.join("\n"))
            } else {
                Ok(lines)
            }
        });
        assert_eq!(lines.len(), 1, "{lines:#?}");
    }

    /// The processes below the host.
    pub(super) fn kin(&self) -> Census {
        Census::take(self.host.pid())
    }

    /// Takes what is there now as what must be left at the end.
    pub(super) fn settle_here(&mut self) {
        self.before = Census::take(self.host.pid());
    }

    /// Waits until `normal` holds and nothing is left over, and adds the time to the report.
    #[track_caller]
    pub(super) fn recovers(&mut self, normal: impl Fn(&Self) -> Result<(), String>) {
        let begin = Instant::now();
        eventually("everything is normal again", || {
            assert!(is_alive(self.host.pid()), "the host ended");
            normal(self)?;
            Census::take(self.host.pid()).left_over(&self.before)
        });
        let took = begin.elapsed();
        self.run.row.recovery = self.run.row.recovery.max(took);
        if self.run.effort == Effort::Full {
            assert!(took <= RECOVERY_MAX, "normal only after {took:?}");
        }
    }

    /// The end of a fault that had to be counted.
    #[track_caller]
    pub(super) fn close(mut self, normal: impl Fn(&Self) -> Result<(), String>) {
        self.recovers(normal);
        let faults = self.counted("meterbox_faults_total", &[]);
        assert!(
            faults > self.faults,
            "not counted in meterbox_faults_total: {faults}"
        );
        self.end();
    }

    /// The end of something that the host takes as no fault.
    #[track_caller]
    pub(super) fn close_uncounted(mut self, normal: impl Fn(&Self) -> Result<(), String>) {
        self.recovers(normal);
        self.end();
    }

    #[track_caller]
    fn end(mut self) {
        self.let_traffic_pass(self.run.effort.pick(6, 300));
        let seen = self.traffic.end();
        let row = &mut self.run.row;
        row.good += seen.quiet.requests + seen.under.requests;
        row.failures += seen.failures.len();
        (row.quiet, row.under) = (seen.quiet, seen.under);
        let failures = seen.failures;
        let shown = &failures[..failures.len().min(5)];
        assert!(
            failures.is_empty(),
            "{} good requests failed: {shown:#?}\n{}",
            failures.len(),
            self.host.output()
        );
        let kin = Census::take(self.host.pid());
        self.host.signal(rustix::process::Signal::TERM);
        let status = self.host.wait();
        assert_eq!(
            status.code(),
            Some(0),
            "SIGTERM: {status}\n{}",
            self.host.output()
        );
        eventually("no process outlives the host", || {
            let left: Vec<&u32> = kin.kin().iter().filter(|pid| is_alive(**pid)).collect();
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("{left:?}"))
            }
        });
    }
}

/// The plugin whose file is `file`, if it serves or was refused.
pub(super) fn is_decided<'list>(list: &'list [Value], file: &str) -> Option<&'list Value> {
    let end = format!("/{file}");
    let plugin = list
        .iter()
        .find(|plugin| text(plugin, "path").ends_with(&end))?;
    let over = plugin["state"] == "started" || plugin["last_error"].is_string();
    over.then_some(plugin)
}

/// A field of a plugin's status as text.
pub(super) fn text(plugin: &Value, field: &str) -> String {
    plugin[field].as_str().unwrap_or_default().to_owned()
}

/// Whether the plugin answers 200 at its own name on the metrics listener.
pub(super) fn serves(host: &Host, name: &str) -> Result<(), String> {
    let answer = http::request(host.metrics(), "GET", &format!("/{name}"), &[], &[])?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(format!("{} {}", answer.status, answer.text()))
    }
}

/// The condition of most faults: the faulty plugin answers again.
pub(super) fn faulty_serves(scene: &Scene<'_>) -> Result<(), String> {
    serves(&scene.host, "faulty")
}

/// The condition of files that are refused: nothing beside what good traffic shows.
pub(super) fn nothing_more(_scene: &Scene<'_>) -> Result<(), String> {
    Ok(())
}

fn questions(host: &Host) -> Vec<Question> {
    let predict = Question {
        address: host.inference(),
        method: "POST",
        path: "/predictions/noop".to_owned(),
        body: "ping",
        right: |answer| {
            if answer.is_empty() {
                Err("an empty prediction".to_owned())
            } else {
                Ok(())
            }
        },
    };
    let healthy = |answer: &str| {
        if answer == r#"{"drift":0.02}"# {
            Ok(())
        } else {
            Err(answer.to_owned())
        }
    };
    vec![
        predict,
        Question::get(host.metrics(), "/metrics", right_page),
        Question::get(host.metrics(), "/drift", healthy),
    ]
}

/// The bytes of a built library.
pub(super) fn library(name: &str) -> Vec<u8> {
    std::fs::read(built().plugin(name)).expect("the library is built")
}

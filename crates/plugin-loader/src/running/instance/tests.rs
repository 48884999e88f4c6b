//! A plugin made of closures, called through the real border, on the real threads.

use super::*;
use crate::running::PoolSettings;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::testing::{FakeRequest, Recorder};
use meterbox_plugin_abi::{Listener, Methods, PluginEntries, PushSink, Responder, Table, Verdict};
use meterbox_plugin_files::Metadata;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Long enough for any machine; only a hang ever waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

fn usual() -> Settings {
    Settings::new(4, 64, PATIENCE, PATIENCE)
}

type Answer = Box<dyn Fn(Responder) -> Result<(), Failure> + Send + Sync>;

struct Fake {
    answer: Answer,
    stopped: SyncSender<&'static str>,
}

impl PluginEntries for Fake {
    fn start(&self) -> Result<(), Failure> {
        Ok(())
    }
    fn stop(&self, _deadline: Duration) -> Result<(), Failure> {
        self.stopped.send("stop").unwrap();
        Ok(())
    }
    fn roles(&self) -> Roles {
        Roles::ENDPOINT
    }
    fn routes(&self) -> Vec<Route> {
        let pattern = "fake".to_owned();
        vec![Route {
            id: 7,
            listener: Listener::METRICS,
            pattern,
            methods: Methods::GET,
        }]
    }
    fn call(&self, _route: u32, _: Request, responder: Responder) -> Result<(), Failure> {
        (self.answer)(responder)
    }
    fn collect(&self, _: &Filter<'_>, _: &mut dyn Visitor) -> Result<(), Failure> {
        Ok(())
    }
    fn on_events(&self, _: Table) -> Result<(), Failure> {
        Ok(())
    }
    fn export(&self, _: &dyn GatherSource, _: &mut dyn PushSink) -> Result<(), Failure> {
        Ok(())
    }
    fn classify(&self, _: u16, _: &[u8]) -> Result<(Verdict, String), Failure> {
        Ok((Verdict::BY_STATUS, String::new()))
    }
    fn on_timer(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stopped.send("drop").unwrap();
        panic!("a destructor that panics is caught");
    }
}

#[derive(Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct Bench {
    running: Arc<Running>,
    clock: Arc<HandClock>,
    stopped: Receiver<&'static str>,
}

fn bench(
    settings: Settings,
    answer: impl Fn(Responder) -> Result<(), Failure> + Send + Sync + 'static,
) -> Bench {
    let (sender, stopped) = sync_channel(8);
    let clock: Arc<HandClock> = Arc::default();
    let create = move || {
        Ok(PluginObject::of(Box::new(Fake {
            answer: Box::new(answer),
            stopped: sender,
        })))
    };
    let running = Running::start_with(
        origin(),
        create,
        None,
        settings,
        clock.clone(),
        Arc::default(),
    );
    Bench {
        running: running.unwrap(),
        clock,
        stopped,
    }
}

fn origin() -> Arc<Origin> {
    let metadata = Metadata {
        name: "fake".to_owned(),
        version: "1".to_owned(),
        api: "0.1.0".to_owned(),
        panic: "unwind".to_owned(),
        description: String::new(),
        permissions: Vec::new(),
        roles: Vec::new(),
        families: Vec::new(),
        schema: None,
    };
    let path = PathBuf::from("/plugins/fake.so");
    Arc::new(Origin {
        path,
        metadata,
        sha256: "00".to_owned(),
        mapped_bytes: 1,
    })
}

impl Bench {
    fn call(&self, lane: Lane) -> Result<(Ticket, Recorder), Reject> {
        let client = Recorder::default();
        let request = Request::of(Arc::new(FakeRequest::get("/fake")));
        let ticket = self.running.call(lane, 7, request, client.sink(), None)?;
        Ok((ticket, client))
    }

    /// Everything that reached the client until its sink was let go.
    fn answer(&self) -> Vec<String> {
        let (ticket, client) = self.call(Lane::Ordinary).unwrap();
        ticket.wait(PATIENCE);
        client.all()
    }
}

fn ok(responder: Responder) -> Result<(), Failure> {
    responder.finish(b"hello")
}

#[test]
fn an_answer_reaches_the_client_and_stop_comes_before_drop() {
    let bench = bench(usual(), ok);
    assert_eq!(bench.running.routes()[0].id, 7);
    assert_eq!(bench.answer(), ["head 200", "hello", "end"]);
    assert_eq!(bench.running.drain(), Ok(()));
    assert_eq!(
        bench.stopped.iter().take(2).collect::<Vec<_>>(),
        ["stop", "drop"]
    );
    assert_eq!(bench.running.state(), State::Stopped);
    let reject = bench.call(Lane::Ordinary).err().unwrap();
    assert_eq!(reject.reason, RejectReason::Stopped);
    let counts = bench.running.counters().counts();
    assert_eq!(
        (counts.calls, counts.errors, counts.rejects),
        (1, 0, [0, 0, 0, 1, 0, 0])
    );
}

#[test]
fn a_panic_is_an_answer_and_the_fifth_one_opens_the_breaker_until_a_trial_succeeds() {
    let good = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = good.clone();
    let bench = bench(usual(), move |responder| {
        assert!(switch.load(Ordering::Relaxed), "the disk is on fire");
        responder.finish(b"")
    });
    for _ in 0..5 {
        assert_eq!(bench.answer(), ["fail 500 the disk is on fire"]);
    }
    assert_eq!(bench.running.state(), State::Degraded);
    let reject = bench.call(Lane::Ordinary).err().unwrap();
    assert_eq!(reject.retry_after, Some(Duration::from_secs(1)));
    good.store(true, Ordering::Relaxed);
    bench.clock.0.store(1, Ordering::Relaxed);
    assert_eq!(bench.answer(), ["head 200", "end"]);
    assert_eq!(bench.running.state(), State::Started);
    let counts = bench.running.counters().counts();
    assert_eq!((counts.calls, counts.errors, counts.panics), (6, 5, 5));
}

#[test]
fn a_bad_request_says_nothing_about_the_plugin() {
    let bench = bench(usual(), |_| {
        Err(Failure::new(Status::INVALID, "no such model"))
    });
    for _ in 0..20 {
        assert_eq!(bench.answer(), ["fail 400 no such model"]);
    }
    assert_eq!(bench.running.state(), State::Started);
    assert_eq!(bench.running.counters().counts().errors, 0);
}

#[test]
fn stuck_threads_are_replaced_until_four_are_lost_and_the_plugin_is_quarantined() {
    let (release, blocked) = sync_channel::<()>(8);
    let (entered_sender, entered) = sync_channel(8);
    let blocked = std::sync::Mutex::new(blocked);
    let bench = bench(usual(), move |responder| {
        entered_sender.send(()).unwrap();
        let _ = blocked.lock().unwrap().recv();
        responder.finish(b"late")
    });
    for stuck in 1..=4 {
        assert_eq!(bench.running.state(), State::Started);
        let (ticket, _received) = bench.call(Lane::Ordinary).unwrap();
        entered.recv_timeout(PATIENCE).unwrap();
        ticket.expire();
        assert_eq!(bench.running.stuck_threads(), stuck);
    }
    assert_eq!(bench.running.state(), State::Quarantined);
    assert_eq!(
        bench.call(Lane::Scrape).err().unwrap().reason,
        RejectReason::Quarantined
    );
    assert_eq!(bench.running.counters().counts().timeouts, 4);
    drop(release);
}

#[test]
fn a_full_queue_refuses_at_once_and_scrapes_have_a_thread_of_their_own() {
    let (release, blocked) = sync_channel::<()>(0);
    let blocked = std::sync::Mutex::new(blocked);
    let pool = PoolSettings {
        threads_max: 2,
        queue_len_max: 3,
        stuck_max: 4,
    };
    let (entered_sender, entered) = sync_channel(8);
    let first = AtomicU64::new(0);
    let bench = bench(Settings { pool, ..usual() }, move |responder| {
        if first.fetch_add(1, Ordering::Relaxed) == 0 {
            entered_sender.send(()).unwrap();
            let _ = blocked.lock().unwrap().recv();
        }
        responder.finish(b"")
    });
    let (busy, _kept) = bench.call(Lane::Ordinary).unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| bench.call(Lane::Ordinary).unwrap())
        .collect();
    assert_eq!(
        bench.call(Lane::Ordinary).err().unwrap().reason,
        RejectReason::QueueFull
    );
    let (scrape, client) = bench.call(Lane::Scrape).unwrap();
    assert_eq!(scrape.wait(PATIENCE), Ended::Returned(Ok(())));
    assert_eq!(client.wait().status, 200);
    release.send(()).unwrap();
    assert_eq!(busy.wait(PATIENCE), Ended::Returned(Ok(())));
    for (ticket, _) in &waiting {
        assert_eq!(ticket.wait(PATIENCE), Ended::Returned(Ok(())));
    }
}

#[test]
fn a_drain_in_a_hurry_gives_up_answers_before_their_own_limit() {
    let (sender, kept) = sync_channel(1);
    let bench = bench(usual(), move |responder| {
        sender
            .send(responder)
            .map_err(|_| Failure::internal("nobody takes it"))
    });
    let (ticket, _received) = bench.call(Lane::Ordinary).unwrap();
    assert_eq!(ticket.wait(PATIENCE), Ended::Returned(Ok(())));
    let failure = bench.running.drain_within(Duration::from_millis(20));
    let text = "calls were still under way after 0.02 s";
    assert_eq!(failure, Err(Failure::new(Status::TIMEOUT, text)));
    drop(kept);
}

#[test]
fn draining_waits_for_an_answer_that_is_given_after_its_call() {
    let (sender, kept) = sync_channel(1);
    let bench = bench(usual(), move |responder| {
        sender
            .send(responder)
            .map_err(|_| Failure::internal("nobody takes it"))
    });
    let (ticket, client) = bench.call(Lane::Ordinary).unwrap();
    assert_eq!(ticket.wait(PATIENCE), Ended::Returned(Ok(())));
    assert_eq!(bench.running.answers_under_way(), 1);
    let draining = bench.running.clone();
    let drain = std::thread::spawn(move || draining.drain());
    let responder = kept.recv_timeout(PATIENCE).unwrap();
    responder.finish(b"at last").unwrap();
    assert_eq!(client.all(), ["head 200", "at last", "end"]);
    assert_eq!(drain.join().unwrap(), Ok(()));
    assert_eq!(
        bench.stopped.iter().take(2).collect::<Vec<_>>(),
        ["stop", "drop"]
    );
}

#[test]
fn a_constructor_that_fails_panics_or_hangs_is_one_sentence() {
    let start = |start_limit, create: Box<dyn FnOnce() -> Result<PluginObject, Failure> + Send>| {
        let clock = Arc::new(HandClock::default());
        let settings = Settings {
            start_limit,
            ..usual()
        };
        Running::start_with(origin(), create, None, settings, clock, Arc::default())
            .err()
            .unwrap()
    };
    let refusal = start(
        PATIENCE,
        Box::new(|| Err(Failure::internal("no key in the config"))),
    );
    assert_eq!(
        refusal.text,
        "/plugins/fake.so: its constructor failed: no key in the config"
    );
    let refusal = start(PATIENCE, Box::new(|| panic!("host side")));
    assert_eq!(refusal.reason, Reason::Create);
    let (release, hanging) = sync_channel::<()>(0);
    let refusal = start(
        Duration::from_millis(50),
        Box::new(move || {
            let _ = hanging.recv();
            Err(Failure::internal("late"))
        }),
    );
    assert_eq!(refusal.reason, Reason::Start);
    assert!(
        refusal.text.ends_with("its start took more than 0.05 s"),
        "{refusal}"
    );
    drop(release);
}

/// A supervisor that says what it is told to say.
#[derive(Default)]
struct Told(Mutex<Option<Outage>>);

impl Supervisor for Told {
    fn outage(&self) -> Option<Outage> {
        self.0.lock().clone()
    }
}

#[test]
fn a_plugin_whose_process_is_down_is_not_called() {
    let told = Arc::new(Told::default());
    let (sender, _stopped) = sync_channel(8);
    let create = move || {
        Ok(PluginObject::of(Box::new(Fake {
            answer: Box::new(|responder: Responder| responder.finish(b"up")),
            stopped: sender,
        })))
    };
    let running = Running::start_with(
        origin(),
        create,
        Some(told.clone()),
        usual(),
        Arc::new(HandClock::default()),
        Arc::default(),
    )
    .unwrap();
    assert_eq!(running.isolation(), Isolation::Process);
    assert_eq!(running.state(), State::Started);
    let refused = |running: &Running| {
        let refused = running.run(Lane::Ordinary, |_| Ok(()), Box::new(|_| {}));
        refused
            .err()
            .map(|reject| (reject.reason, reject.retry_after))
    };
    assert_eq!(refused(&running), None);
    for (quarantined, reason, state) in [
        (false, RejectReason::Down, State::Degraded),
        (true, RejectReason::Quarantined, State::Quarantined),
    ] {
        let retry_after = Duration::from_secs(3);
        *told.0.lock() = Some(Outage {
            quarantined,
            sentence: "has crashed".to_owned(),
            retry_after,
        });
        assert_eq!(refused(&running), Some((reason, Some(retry_after))));
        assert_eq!(running.state(), state);
    }
    *told.0.lock() = None;
    assert_eq!(refused(&running), None, "its process is back");
    assert_eq!(
        running.counters().counts().rejects[RejectReason::Down as usize],
        1
    );
}

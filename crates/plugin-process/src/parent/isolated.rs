//! A plugin whose code runs in a process of its own, over all processes that it has had.
//!
//! The first process is started by [`Isolated::create`], every later one by the thread that watched the
//! one before. The plugin's series, routes and place in the host stay.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use meterbox_plugin_abi::{Failure, Status};
use meterbox_plugin_loader::running::{Outage, Supervisor};
use meterbox_restarts::{Next, Restarts, jitter};
use parking_lot::{Condvar, Mutex};

use super::cause::Cause;
use super::child::{Child, ChildEnd, EntryCall};
use super::host_calls::Scope;
use super::launch::{PluginFacts, StartDeadline, launch};
use super::plugin::Plugin;
use super::spawner::Spawner;
use super::status::{LastCrash, Phase, ProcessStatus};
use super::watch::Watcher;
use crate::wire::Kind;

/// Who asks again sooner than this finds nothing new.
const RETRY_MIN: Duration = Duration::from_secs(1);

/// One plugin in processes of its own.
pub struct Isolated {
    plugin: Plugin,
    spawner: Arc<Spawner>,
    /// The short answer to whether it can be called.
    up: AtomicBool,
    epoch: Instant,
    state: Mutex<IsolatedState>,
    changed: Condvar,
}

struct IsolatedState {
    phase: Phase,
    /// The process in service.
    child: Option<Arc<Child>>,
    /// A process that is being started.
    starting: Option<Arc<Child>>,
    facts: Option<PluginFacts>,
    restarts: Restarts,
    /// When the next start is due.
    due: Instant,
    starts: u64,
    crashes: u64,
    last_crash: Option<LastCrash>,
    /// Of the children that are gone.
    misfits: u64,
}

impl Isolated {
    /// A plugin that has no process yet. The children are those of `spawner`'s thread.
    #[must_use]
    pub fn new(plugin: Plugin, spawner: &Arc<Spawner>) -> Arc<Self> {
        let state = IsolatedState {
            phase: Phase::New,
            child: None,
            starting: None,
            facts: None,
            restarts: Restarts::new(plugin.settings.restarts),
            due: Instant::now(),
            starts: 0,
            crashes: 0,
            last_crash: None,
            misfits: 0,
        };
        Arc::new(Self {
            plugin,
            spawner: spawner.clone(),
            up: AtomicBool::new(false),
            epoch: Instant::now(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    /// Starts its first process and creates the plugin in it; what it says of itself.
    pub(super) fn start_first(self: &Arc<Self>) -> Result<PluginFacts, Failure> {
        let until = StartDeadline::after(self.plugin.settings.start_limit);
        let (child, facts) = self.launch(until).map_err(|failure| {
            let started = self.state.lock().starting.take();
            self.first_start_failed(started.as_deref(), failure)
        })?;
        let mut state = self.state.lock();
        state.starting = None;
        if state.phase == Phase::Stopped {
            drop(state);
            child.finish_off(Cause::Stop);
            return Err(Failure::new(
                Status::CLOSED,
                "the plugin was stopped meanwhile",
            ));
        }
        state.child = Some(child);
        state.facts = Some(facts.clone());
        drop(state);
        Ok(facts)
    }

    fn launch(
        self: &Arc<Self>,
        until: StartDeadline,
    ) -> Result<(Arc<Child>, PluginFacts), Failure> {
        let watch = |watcher, child: &Arc<Child>| self.watch(watcher, child);
        launch(&self.plugin, &self.spawner, watch, until)
    }

    /// What is known about its process now.
    #[must_use]
    pub fn status(&self) -> ProcessStatus {
        self.look_at_trial();
        let state = self.state.lock();
        let child = state.child.clone();
        let status = ProcessStatus {
            phase: state.phase,
            pid: child.as_ref().map(|child| child.pid()),
            starts: state.starts,
            crashes: state.crashes,
            last_crash: state.last_crash.clone(),
            resident_bytes: None,
            cells_used: 0,
            open_calls: 0,
            misfits: state.misfits,
        };
        drop(state);
        let Some(child) = child else {
            return status;
        };
        ProcessStatus {
            resident_bytes: child.resident_bytes(),
            cells_used: child.host_calls.registered.cells_used(),
            open_calls: child.host_calls.calls.count(),
            misfits: status.misfits + child.host_calls.registered.cells().misfits(),
            ..status
        }
    }

    /// Moves what its process counted since the last time to the host's series. To be called before
    /// metrics are gathered; after the end of a process it is done without.
    pub fn harvest(&self) {
        self.look_at_trial();
        let child = self.state.lock().child.clone();
        if let Some(child) = child {
            child.host_calls.registered.harvest();
        }
    }

    pub(super) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The process that takes entries now.
    pub(super) fn child(&self) -> Result<Arc<Child>, Failure> {
        let state = self.state.lock();
        state.child.clone().ok_or_else(|| {
            let text = "its process has ended and is not started again yet";
            Failure::new(Status::UNAVAILABLE, text)
        })
    }

    /// Starts the thread that looks after `child` to its end and beyond.
    fn watch(self: &Arc<Self>, watcher: Watcher, child: &Arc<Child>) -> io::Result<()> {
        let (isolated, watched) = (self.clone(), child.clone());
        let thread = std::thread::Builder::new().name(format!("iso-{}", self.plugin.name));
        thread.spawn(move || isolated.look_after(watcher, &watched))?;
        let mut state = self.state.lock();
        state.starting = Some(child.clone());
        let stopped = state.phase == Phase::Stopped;
        drop(state);
        if stopped {
            child.kill(Cause::Stop);
        }
        Ok(())
    }

    fn look_after(self: &Arc<Self>, watcher: Watcher, child: &Arc<Child>) {
        let observer = &*self.plugin.observer;
        let cause = watcher.run(child, observer);
        // What it counted before it ended is on the page, and the end is in the log, before a client hears of it.
        child.host_calls.registered.harvest();
        let next = self.ended(child, &cause);
        let sentence = self.sentence(&cause, next);
        if let Some(next) = next {
            self.tell(&cause, &sentence, next);
        }
        child.close_lanes();
        self.lose_calls(child, &format!("its process {sentence}"));
        child.end(ChildEnd { cause, sentence });
        child.host_calls.close();
        child.finish();
        if let Some(next) = next {
            self.restart(next);
        }
    }

    /// Fails the answers that a child left behind, on a thread of its own: a client that is slow to take
    /// the begin of its answer must not delay the next process.
    fn lose_calls(&self, child: &Arc<Child>, sentence: &str) {
        if child.host_calls.calls.count() == 0 {
            return;
        }
        let (lost, said) = (child.clone(), sentence.to_owned());
        let thread = std::thread::Builder::new().name(format!("lost-{}", self.plugin.name));
        if thread
            .spawn(move || lost.host_calls.calls.lose(&said))
            .is_err()
        {
            child.host_calls.calls.lose(sentence);
        }
    }

    /// A process has ended; what follows, if it was the one in service and is missed.
    fn ended(&self, child: &Arc<Child>, cause: &Cause) -> Option<Next> {
        let mut state = self.state.lock();
        state.misfits += child.host_calls.registered.cells().misfits();
        let in_service = state.child.as_ref();
        if !in_service.is_some_and(|serving| Arc::ptr_eq(serving, child)) {
            return None;
        }
        state.child = None;
        self.up.store(false, Ordering::Release);
        if state.phase != Phase::Up {
            return None;
        }
        let ran = child.begin.elapsed();
        Some(self.note_crash(&mut state, cause, Some(ran)))
    }

    fn note_crash(&self, state: &mut IsolatedState, cause: &Cause, ran: Option<Duration>) -> Next {
        let next = state.restarts.crashed(self.epoch.elapsed(), ran, jitter());
        state.crashes += 1;
        state.phase = match next {
            Next::After(_) => Phase::Down,
            Next::Trial(_) => Phase::Quarantined,
        };
        state.due = Instant::now() + next.pause();
        state.last_crash = Some(LastCrash {
            at: SystemTime::now(),
            cause: cause.clone(),
            sentence: cause.sentence(),
        });
        next
    }

    fn sentence(&self, cause: &Cause, next: Option<Next>) -> String {
        let what = cause.sentence();
        match next {
            None => what,
            Some(Next::After(_)) => format!("{what}; it is being restarted"),
            Some(Next::Trial(pause)) => {
                let seconds = pause.as_secs_f64();
                let crashes = self.plugin.settings.restarts.crashes_max;
                format!(
                    "{what}; after {crashes} crashes in a short time it is tried again in {seconds} s"
                )
            }
        }
    }

    fn tell(&self, cause: &Cause, sentence: &str, next: Next) {
        let observer = &self.plugin.observer;
        observer.crashed(cause, sentence);
        if let Next::Trial(pause) = next {
            observer.quarantined(pause);
        }
    }

    /// The first process did not come up; nobody starts another.
    fn first_start_failed(&self, child: Option<&Child>, failure: Failure) -> Failure {
        let cause = child.and_then(Child::ended).map(|end| end.cause);
        let Some(cause) = cause.filter(|_| failure.status == Status::CRASHED) else {
            return failure;
        };
        let (cause, failure) = match cause {
            Cause::Deadline => {
                let text = self.too_slow();
                let failure = Failure::new(Status::TIMEOUT, format!("its process {text}"));
                (Cause::Start(format!("it {text}")), failure)
            }
            cause => (cause, failure),
        };
        self.state.lock().crashes += 1;
        self.plugin.observer.crashed(&cause, &cause.sentence());
        failure
    }

    fn too_slow(&self) -> String {
        let seconds = self.plugin.settings.start_limit.as_secs_f64();
        format!("took more than {seconds} s to start and was killed")
    }

    /// The start hook, in the first process.
    pub(super) fn start(&self) -> Result<(), Failure> {
        let child = self.child()?;
        let limit = self.plugin.settings.start_limit;
        self.start_hook(&child, limit)
            .map_err(|failure| self.first_start_failed(Some(&child), failure))?;
        let mut state = self.state.lock();
        if state.phase != Phase::New || state.child.is_none() {
            let text = "its process ended just after its start hook";
            return Err(Failure::new(Status::CRASHED, text));
        }
        state.phase = Phase::Up;
        state.starts += 1;
        self.up.store(true, Ordering::Release);
        drop(state);
        let took = child.begin.elapsed();
        self.plugin.observer.started(child.pid(), took, false);
        Ok(())
    }

    fn start_hook(&self, child: &Child, limit: Duration) -> Result<(), Failure> {
        let ask = EntryCall {
            kind: Kind::START,
            payload: &[],
            limit,
        };
        child.entry(&ask, Scope::Plain, |_, _| Ok(()))
    }

    /// Starts processes until one is up, or none is wanted any more.
    fn restart(self: &Arc<Self>, mut next: Next) {
        loop {
            if !self.pause(next.pause()) {
                return;
            }
            let cause = match self.start_again() {
                Ok(child) => match self.put_in_service(&child) {
                    Ok(()) => return,
                    Err(cause) => cause,
                },
                Err(cause) => cause,
            };
            let mut state = self.state.lock();
            state.starting = None;
            if state.phase == Phase::Stopped {
                return;
            }
            next = self.note_crash(&mut state, &cause, None);
            drop(state);
            self.tell(&cause, &self.sentence(&cause, Some(next)), next);
        }
    }

    /// Waits before a start; false when none is wanted any more.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.state.lock();
        while state.phase != Phase::Stopped {
            if self.changed.wait_until(&mut state, until).timed_out() {
                return state.phase != Phase::Stopped;
            }
        }
        false
    }

    fn start_again(self: &Arc<Self>) -> Result<Arc<Child>, Cause> {
        let until = StartDeadline::after(self.plugin.settings.start_limit);
        let why = |failure: Failure, ended: Option<ChildEnd>| match ended.map(|end| end.cause) {
            // It came to its end by itself.
            Some(cause) if !cause.is_kill() && !matches!(cause, Cause::Start(_)) => cause,
            Some(Cause::Deadline) => Cause::Start(format!("it {}", self.too_slow())),
            _ => Cause::Start(failure.message),
        };
        let (child, facts) = self.launch(until).map_err(|failure| {
            let starting = self.state.lock().starting.take();
            why(failure, starting.and_then(|child| child.ended()))
        })?;
        let before = self.state.lock().facts.clone();
        if before.is_some_and(|before| before != facts) {
            let text = "it states other roles or routes than before; reload the plugin";
            let cause = Cause::Start(text.to_owned());
            child.finish_off(cause.clone());
            return Err(cause);
        }
        if let Err(failure) = self.start_hook(&child, until.left()) {
            child.finish_off(Cause::Start(failure.message.clone()));
            return Err(why(failure, child.ended()));
        }
        Ok(child)
    }

    fn put_in_service(&self, child: &Arc<Child>) -> Result<(), Cause> {
        let mut state = self.state.lock();
        state.starting = None;
        if state.phase == Phase::Stopped {
            drop(state);
            child.finish_off(Cause::Stop);
            return Ok(());
        }
        // Under the lock: its watcher asks for the state after it has set the end.
        if child.is_over() {
            drop(state);
            child.finish_off(Cause::Stop);
            let end = child.ended();
            return Err(end.map_or(Cause::Exit(0), |end| end.cause));
        }
        state.child = Some(child.clone());
        state.phase = Phase::Up;
        state.starts += 1;
        self.up.store(true, Ordering::Release);
        drop(state);
        let took = child.begin.elapsed();
        self.plugin.observer.started(child.pid(), took, true);
        Ok(())
    }

    /// A process that was started on trial is an ordinary one after a while.
    fn look_at_trial(&self) {
        let mut state = self.state.lock();
        let good = state.phase == Phase::Up && state.restarts.on_trial();
        let ran = state.child.as_ref().map(|child| child.begin.elapsed());
        if good && ran.is_some_and(|ran| state.restarts.is_good(ran)) {
            state.restarts.good_run();
            drop(state);
            self.plugin.observer.recovered();
        }
    }

    /// Takes it out of service for good: no process is started any more. Gives the one that runs.
    fn retire(&self) -> Option<Arc<Child>> {
        let mut state = self.state.lock();
        state.phase = Phase::Stopped;
        self.up.store(false, Ordering::Release);
        let child = state.child.clone();
        let starting = state.starting.clone();
        drop(state);
        self.changed.notify_all();
        if let Some(starting) = starting {
            starting.kill(Cause::Stop);
        }
        child
    }

    /// The stop hook, and the end of the process.
    pub(super) fn stop(&self, deadline: Duration) -> Result<(), Failure> {
        let Some(child) = self.retire() else {
            return Ok(());
        };
        let mut payload = crate::wire::PayloadWriter::new();
        payload.u64(u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX));
        let ask = EntryCall {
            kind: Kind::STOP,
            payload: payload.as_bytes(),
            limit: deadline,
        };
        let mut result = child.entry(&ask, Scope::Plain, |_, _| Ok(()));
        child.expect_end();
        child.close_lanes();
        if !child.wait_finished(self.plugin.settings.sizes.stop_limit) {
            child.finish_off(Cause::Stop);
            let text = "its process did not end after its stop hook and was killed";
            result = result.and(Err(Failure::new(Status::TIMEOUT, text)));
        }
        match (&result, child.ended()) {
            (Err(failure), Some(end)) if failure.status == Status::CRASHED => {
                self.plugin.observer.crashed(&end.cause, &end.sentence);
                if end.cause == Cause::Deadline {
                    let seconds = deadline.as_secs_f64();
                    let text =
                        format!("the stop hook took more than {seconds} s; its process was killed");
                    return Err(Failure::new(Status::TIMEOUT, text));
                }
            }
            (Err(failure), Some(end)) if failure.status == Status::TIMEOUT => {
                self.plugin.observer.crashed(&end.cause, &end.sentence);
            }
            _ => {}
        }
        result
    }

    /// Ends whatever still runs, without a stop hook.
    pub(super) fn shut_down(&self) {
        if let Some(child) = self.retire() {
            child.finish_off(Cause::Stop);
        }
    }
}

impl Supervisor for Isolated {
    fn outage(&self) -> Option<Outage> {
        if self.up.load(Ordering::Acquire) {
            return None;
        }
        let state = self.state.lock();
        let quarantined = match state.phase {
            Phase::New | Phase::Up => return None,
            Phase::Down | Phase::Stopped => false,
            Phase::Quarantined => true,
        };
        let last = state.last_crash.as_ref();
        let last = last.map_or("has ended", |crash| crash.sentence.as_str());
        let left = state.due.saturating_duration_since(Instant::now());
        let retry_after = left.max(RETRY_MIN);
        let sentence = match state.phase {
            Phase::Quarantined => format!(
                "crashed too often and is tried again in {} s; its process {last}",
                retry_after.as_secs()
            ),
            Phase::Stopped => "is stopped".to_owned(),
            _ => format!("is being restarted: its process {last}"),
        };
        Some(Outage {
            quarantined,
            sentence,
            retry_after,
        })
    }
}

//! Brings one child up: sockets and shared memory, the process, the first exchanges.

use std::io::{self, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use meterbox_plugin_abi::{Failure, ROUTES_MAX, Roles, Route, Status};
use meterbox_plugin_files::Metadata;
use rustix::process::Pid;

use super::calls::Calls;
use super::cause::Cause;
use super::child::{Child, EntryCall, Watched};
use super::host_calls::{HostCalls, Scope};
use super::plugin::Plugin;
use super::registered::RegisteredFamilies;
use super::spawner::Spawner;
use super::watch::Watcher;
use crate::arena::Arena;
use crate::cells::ParentCells;
use crate::lane::Lane;
use crate::side::Side;
use crate::wire::{Hello, Kind, Malformed, PayloadReader, PayloadWriter, take_route};

/// Most call lanes; descriptors for all of them go in one message.
const LANES_MAX: usize = 64;

/// What a plugin says about itself once it is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PluginFacts {
    pub(super) roles: Roles,
    pub(super) routes: Vec<Route>,
}

/// The end of the time that a start may take, all of it.
#[derive(Clone, Copy)]
pub(super) struct StartDeadline(Instant);

impl StartDeadline {
    pub(super) fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// The lanes of a child that does not run yet.
struct Lanes {
    /// The two service lanes.
    first: Lane,
    second: Lane,
    calls: Vec<Lane>,
    /// Second handles of the host's ends.
    sockets: Vec<UnixStream>,
    /// The child's ends, in the order of `HELLO`; that of the first lane is its standard input.
    theirs: Vec<OwnedFd>,
    stdin: UnixStream,
}

impl Lanes {
    fn make(call_lanes: usize, arena_bytes: usize) -> io::Result<Self> {
        let (ours, stdin) = UnixStream::pair()?;
        let mut sockets = vec![ours.try_clone()?];
        let mut theirs: Vec<OwnedFd> = Vec::new();
        let first = Lane::new(ours, None, Side::Parent);
        let mut lane = || -> io::Result<Lane> {
            let (ours, child) = UnixStream::pair()?;
            sockets.push(ours.try_clone()?);
            let arena = Arena::make(arena_bytes)?;
            theirs.push(child.into());
            theirs.push(arena.as_fd().try_clone_to_owned()?);
            Ok(Lane::new(ours, Some(arena), Side::Parent))
        };
        let second = lane()?;
        let calls = (0..call_lanes).map(|_| lane());
        let calls = calls.collect::<io::Result<_>>()?;
        Ok(Self {
            first,
            second,
            calls,
            sockets,
            theirs,
            stdin,
        })
    }
}

fn not_started(why: &str, error: &io::Error) -> Failure {
    let text = format!("its process could not be started: {why} ({error})");
    Failure::new(Status::UNAVAILABLE, text)
}

/// Starts a process, loads the plugin in it and creates it there.
///
/// # Errors
/// Why that failed; nothing of the process is left then.
pub(super) fn launch(
    plugin: &Plugin,
    spawner: &Spawner,
    watch: impl FnOnce(Watcher, &Arc<Child>) -> io::Result<()>,
    until: StartDeadline,
) -> Result<(Arc<Child>, PluginFacts), Failure> {
    let settings = &plugin.settings;
    let lanes = Lanes::make(
        settings.call_lanes.clamp(1, LANES_MAX),
        settings.sizes.arena_bytes,
    )
    .map_err(|error| not_started("no sockets or shared memory", &error))?;
    let cells = ParentCells::make(settings.sizes.cell_bytes, settings.sizes.stripes)
        .map_err(|error| not_started("no shared memory for metrics", &error))?;
    let Lanes {
        first,
        second,
        calls,
        sockets,
        theirs,
        stdin,
    } = lanes;
    let watched = Watched::new().map_err(|error| not_started("no event", &error))?;
    let host_calls = HostCalls::new(
        plugin.services.clone(),
        RegisteredFamilies::new(cells),
        Calls::new(settings.sizes.open_calls_max),
    );
    let process = spawner.spawn(command(plugin, stdin));
    let process = process.map_err(|error| {
        let program = plugin.command.program.display();
        not_started(&format!("running {program} failed"), &error)
    })?;
    let pid = Pid::from_child(&process);
    let watcher = Watcher::new(process).map_err(|error| not_started("no pidfd", &error))?;
    let child = Arc::new(Child::new(pid, host_calls, calls, sockets, watched));
    watch(watcher, &child).map_err(|error| not_started("no thread", &error))?;
    let greeted = greet(plugin, &child, [first, second], &theirs, until);
    drop(theirs);
    match greeted {
        Ok(facts) => Ok((child, facts)),
        Err(failure) => {
            child.finish_off(Cause::Start(failure.message.clone()));
            Err(failure)
        }
    }
}

fn command(plugin: &Plugin, stdin: UnixStream) -> Command {
    let mut command = Command::new(&plugin.command.program);
    command
        .args(&plugin.command.arguments)
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(stdin)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn greet(
    plugin: &Plugin,
    child: &Arc<Child>,
    [mut first, mut second]: [Lane; 2],
    theirs: &[OwnedFd],
    until: StartDeadline,
) -> Result<PluginFacts, Failure> {
    let arenas = hello(plugin, child, &mut first, theirs, until)?;
    if !arenas {
        second.without_arena();
        child.without_arenas();
    }
    for lane in [first, second] {
        let served = child.clone();
        let thread = std::thread::Builder::new().name(format!("srv-{}", plugin.name));
        thread
            .spawn(move || served.serve(lane))
            .map_err(|error| not_started("no thread", &error))?;
    }
    let mut config = PayloadWriter::new();
    config.text(&plugin.config);
    let ask = |kind, payload| EntryCall {
        kind,
        payload,
        limit: until.left(),
    };
    child.entry(
        &ask(Kind::CREATE, config.as_bytes()),
        Scope::Plain,
        |_, _| Ok(()),
    )?;
    child.entry(&ask(Kind::ROUTES, &[]), Scope::Plain, |_, take| {
        take_facts(take)
    })
}

/// The first exchange; whether the child writes to arenas.
fn hello(
    plugin: &Plugin,
    child: &Child,
    lane: &mut Lane,
    theirs: &[OwnedFd],
    until: StartDeadline,
) -> Result<bool, Failure> {
    let settings = &plugin.settings;
    let call_lanes = theirs.len() / 2 - 1;
    let hello = Hello {
        protocol: Hello::PROTOCOL,
        api: &plugin.origin.metadata.api,
        name: &plugin.name,
        host_version: &plugin.host_version,
        arena_bytes: settings.sizes.arena_bytes as u64,
        cell_bytes: settings.sizes.cell_bytes,
        stripes: settings.sizes.stripes,
        call_lanes: u32::try_from(call_lanes).unwrap_or_default(),
        log_level: child.host_calls.log_level().0,
    };
    let mut files: Vec<BorrowedFd<'_>> = vec![
        plugin.file.as_fd(),
        child.host_calls.registered.cells().as_fd(),
    ];
    files.extend(theirs.iter().map(AsFd::as_fd));
    // A child before it may have read to its end through the same description.
    let _ = (&plugin.file).rewind();
    let sent = lane.send_with(Kind::HELLO, hello.put().as_bytes(), &files);
    if let Err(error) = sent {
        return Err(child.broken(&error));
    }
    let (arenas, stated) = child.answer_on(lane, until.left(), |_, take| {
        let arenas = match take.u8()? {
            0 => false,
            1 => true,
            other => {
                return Err(Malformed::new(format!(
                    "an answer to HELLO with arenas {other}"
                )));
            }
        };
        Ok((arenas, take.text()?.to_owned()))
    })?;
    check_metadata(plugin, &stated)?;
    Ok(arenas)
}

fn check_metadata(plugin: &Plugin, stated: &str) -> Result<(), Failure> {
    let metadata = &plugin.origin.metadata;
    let (false, Some(api)) = (stated.is_empty(), metadata.api_version()) else {
        return Ok(());
    };
    let stated = Metadata::parse(stated.as_bytes(), api);
    if stated.is_ok_and(|stated| stated == *metadata) {
        return Ok(());
    }
    let text = "the running library states other metadata than its file; rebuild it";
    Err(Failure::new(Status::INVALID, text))
}

fn take_facts(take: &mut PayloadReader<'_>) -> Result<PluginFacts, Malformed> {
    let roles = Roles(take.u32()?);
    let count = take.count(16)?;
    if count > ROUTES_MAX + 1 {
        return Err(Malformed::new(format!("a list of {count} routes")));
    }
    let routes = (0..count).map(|_| take_route(take));
    let routes = routes.collect::<Result<_, _>>()?;
    Ok(PluginFacts { roles, routes })
}

//! Why a child ended.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Why a child ended without having been asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A signal that the host did not send.
    Signal(i32),
    /// It left by itself, with this exit code.
    Exit(i32),
    /// It ran out of the memory that it may have.
    Memory,
    /// The host killed it: an entry took twice its deadline.
    Deadline,
    /// The host killed it: it did not keep to the runner protocol.
    Protocol(String),
    /// The host ended it: it did not stop in time, or is not wanted any more.
    Stop,
    /// It could not be started.
    Start(String),
}

const SIGNALS: &[(i32, &str)] = &[
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGSYS, "SIGSYS"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGXCPU, "SIGXCPU"),
];

impl Cause {
    /// Every word that [`Cause::name`] gives.
    pub const NAMES: &'static [&'static str] = &[
        "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGKILL", "SIGPIPE", "SIGSEGV", "SIGSYS",
        "SIGTERM", "SIGTRAP", "SIGXCPU", "signal", "exit", "memory", "deadline", "protocol",
        "stop", "start",
    ];

    /// One word for it, from a closed list.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Signal(signal) => known(*signal).unwrap_or("signal"),
            Self::Exit(_) => "exit",
            Self::Memory => "memory",
            Self::Deadline => "deadline",
            Self::Protocol(_) => "protocol",
            Self::Stop => "stop",
            Self::Start(_) => "start",
        }
    }

    /// Whether the host killed it.
    #[must_use]
    pub fn is_kill(&self) -> bool {
        matches!(self, Self::Deadline | Self::Protocol(_) | Self::Stop)
    }

    /// What happened, as the rest of a sentence that begins with the process.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Signal(signal) => match known(*signal) {
                Some(name) => format!("was killed by {name}"),
                None => format!("was killed by signal {signal}"),
            },
            Self::Exit(code) => format!("ended by itself with exit code {code}"),
            Self::Memory => "ran out of memory".to_owned(),
            Self::Deadline => "took more than twice its deadline and was killed".to_owned(),
            Self::Protocol(what) => {
                format!("broke the protocol between host and plugin and was killed: {what}")
            }
            Self::Stop => "was stopped".to_owned(),
            Self::Start(why) => format!("could not be started: {why}"),
        }
    }

    /// The cause of an end that the host did not bring about. `complained` says whether the child's last
    /// lines speak of memory.
    pub(super) fn of(status: Option<ExitStatus>, complained: bool) -> Self {
        let Some(status) = status else {
            return Self::Exit(0);
        };
        match (status.signal(), status.code()) {
            (Some(libc::SIGABRT | libc::SIGKILL), _) if complained => Self::Memory,
            (Some(signal), _) => Self::Signal(signal),
            (None, code) if complained && code != Some(0) => Self::Memory,
            (None, code) => Self::Exit(code.unwrap_or_default()),
        }
    }
}

fn known(signal: i32) -> Option<&'static str> {
    let found = SIGNALS.iter().find(|(number, _)| *number == signal);
    found.map(|(_, name)| *name)
}

/// Whether a line of a child's error output says that memory ran out.
pub(super) fn is_about_memory(line: &str) -> bool {
    ["memory allocation of", "MemoryError", "std::bad_alloc"]
        .iter()
        .any(|words| line.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_named_by_its_signal_its_code_or_the_memory_it_lacked() {
        let ended = |raw: i32, complained| Cause::of(Some(ExitStatus::from_raw(raw)), complained);
        assert_eq!(ended(libc::SIGSEGV, true), Cause::Signal(libc::SIGSEGV));
        assert_eq!(ended(libc::SIGABRT, false).name(), "SIGABRT");
        assert_eq!(ended(libc::SIGABRT, true), Cause::Memory);
        assert_eq!(ended(libc::SIGKILL, true), Cause::Memory);
        assert_eq!(ended(0, true), Cause::Exit(0));
        assert_eq!(ended(1 << 8, true), Cause::Memory);
        assert_eq!(
            ended(7 << 8, false).sentence(),
            "ended by itself with exit code 7"
        );
        assert_eq!(ended(40, false).name(), "signal");
    }

    #[test]
    fn every_name_is_listed() {
        let signals = SIGNALS.iter().map(|(signal, _)| Cause::Signal(*signal));
        let others = [
            Cause::Signal(40),
            Cause::Exit(1),
            Cause::Memory,
            Cause::Deadline,
            Cause::Protocol(String::new()),
            Cause::Stop,
            Cause::Start(String::new()),
        ];
        let names: Vec<&str> = signals.chain(others).map(|cause| cause.name()).collect();
        assert_eq!(names, Cause::NAMES);
    }
}

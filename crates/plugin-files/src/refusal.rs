//! Why a file or a plugin was not taken: a closed code for counters and one sentence for people.
//!
//! Every station of the loader answers with [`Refusal`]; none of them logs or counts by itself.

use std::fmt;
use std::path::Path;

/// Declares the closed set of reasons together with their codes.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// The closed set of reasons; its codes are label values of the load error counter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason, in the order of the stations that give it.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The code used in metrics, logs and JSON: lower case with underscores.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            /// The reason of a code, as a probe child reports it.
            pub fn from_code(code: &str) -> Option<Reason> {
                Reason::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    /// The file or folder is not there (any more).
    NotFound = "not_found",
    /// The file or folder could not be read.
    Unreadable = "unreadable",
    /// The name is a symbolic link.
    Symlink = "symlink",
    /// The name is a folder, FIFO, socket or device.
    NotRegular = "not_regular",
    /// The file is larger than the cap.
    TooLarge = "too_large",
    /// Somebody else could change the file or a folder above it.
    Permissions = "permissions",
    /// No private copy could be made.
    Copy = "copy",
    /// The lock file pins another digest.
    Digest = "digest",
    /// No lock file lists the file, and only listed ones are allowed.
    Unpinned = "unpinned",
    /// The file is no ELF library at all.
    NotElf = "not_elf",
    /// The library is for another processor or word size.
    Architecture = "architecture",
    /// A table or segment lies outside the file: it was cut short.
    Truncated = "truncated",
    /// A table of the library contradicts itself.
    Damaged = "damaged",
    /// The file is a program, not a library.
    Program = "program",
    /// A segment is writable and executable at once.
    WritableCode = "writable_code",
    /// The library asks for an executable stack.
    ExecutableStack = "executable_stack",
    /// The library carries its own search path for other libraries.
    SearchPath = "search_path",
    /// The library needs another library that is not on the list.
    ForeignLibrary = "foreign_library",
    /// The library needs a newer C library than the running one.
    Glibc = "glibc",
    /// The library has no metadata section.
    NoMetadata = "no_metadata",
    /// The metadata is not what it must be.
    BadMetadata = "bad_metadata",
    /// The library was built against another plugin API.
    Api = "api",
    /// The library was built to abort on a panic.
    PanicAbort = "panic_abort",
    /// It cannot run in the host's own process.
    Isolation = "isolation",
    /// The probe process could not be started or understood.
    ProbeFailed = "probe_failed",
    /// The probe process did not answer in time.
    ProbeTimeout = "probe_timeout",
    /// The probe process, or the plugin's own first one, died.
    ProbeCrashed = "probe_crashed",
    /// The probe process ended before it answered.
    ProbeExited = "probe_exited",
    /// The dynamic linker refused the library.
    Link = "link",
    /// The library does not export the plugin header.
    NoHeader = "no_header",
    /// The header belongs to another version of the border library.
    Header = "header",
    /// The library was exported without a description of its types.
    NoLayout = "no_layout",
    /// The types of the library do not fit those of the host.
    Layout = "layout",
    /// The plugin's constructor failed.
    Create = "create",
    /// The plugin's start hook failed or took too long.
    Start = "start",
    /// The configuration or an operator keeps it out of service.
    Disabled = "disabled",
    /// Another plugin has this name.
    DuplicateName = "duplicate_name",
    /// Another plugin, or the host, owns this route.
    Claim = "claim",
    /// The plugin's own configuration is unusable.
    Config = "config",
    /// The file has been reloaded too often in one process.
    Generations = "generations",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One refusal: the reason, and one sentence that says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// The closed code.
    pub reason: Reason,
    /// The sentence; lower case, without a full stop.
    pub text: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self {
            reason,
            text: text.into(),
        }
    }

    /// The same refusal with the path it is about in front.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        Self {
            reason: self.reason,
            text: format!("{}: {}", path.display(), self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_label_values_and_found_again() {
        let mut seen = std::collections::HashSet::new();
        for &reason in Reason::ALL {
            let code = reason.code();
            assert!(
                code.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{code}"
            );
            assert!(seen.insert(code), "{code} is there twice");
            assert_eq!(Reason::from_code(code), Some(reason));
        }
        assert_eq!(Reason::from_code("none of these"), None);
    }
}

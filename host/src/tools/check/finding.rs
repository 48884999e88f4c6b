//! What is wrong with a plugin: cause, place and fix, apart.

use meterbox_plugin_files::{Reason, Refusal};
use serde_json::{Value, json};
use std::path::Path;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A closed code: that of the loader's refusal, or `metric_name`, `route`, `collect`, …
    pub code: &'static str,
    /// Where: a file, a metric, a route, an entry.
    pub place: String,
    /// What is wrong.
    pub cause: String,
    /// What to do; empty when there is nothing more to say.
    pub fix: String,
}

impl Finding {
    pub(super) fn new(
        code: &'static str,
        place: impl Into<String>,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            place: place.into(),
            cause: cause.into(),
            fix: fix.into(),
        }
    }

    /// A refusal of the loader taken apart. Its sentence is `path: cause; fix`.
    pub(super) fn of(refusal: &Refusal, file: &Path) -> Self {
        let mut place = file.display().to_string();
        let mut rest = refusal.text.as_str();
        // The file first, then perhaps a folder above it that is at fault.
        while let Some((path, cause)) = rest.split_once(": ") {
            if !Path::new(path).exists() || path.contains(' ') && !rest.starts_with('/') {
                break;
            }
            path.clone_into(&mut place);
            rest = cause;
        }
        let (cause, fix) = match rest.rsplit_once("; ") {
            Some((cause, fix)) if !fix.starts_with("it said") => (cause, fix),
            _ => (rest, advice(refusal.reason)),
        };
        Self::new(refusal.reason.code(), place, cause, fix)
    }

    pub(super) fn json(&self) -> Value {
        json!({ "code": self.code, "place": self.place, "cause": self.cause, "fix": self.fix })
    }

    /// Three lines at most.
    pub(super) fn lines(&self) -> String {
        let mut lines = format!("- {} ({})\n  in  {}\n", self.cause, self.code, self.place);
        if !self.fix.is_empty() {
            lines += &format!("  fix {}\n", self.fix);
        }
        lines
    }
}

/// What to do where the loader only says what is wrong.
fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::ProbeCrashed | Reason::ProbeExited | Reason::ProbeTimeout => {
            "look at what the library does while it is opened: constructors, static objects"
        }
        Reason::ProbeFailed => "look at the limits of this account (ulimit -a)",
        Reason::Config => "correct the configuration of the plugin",
        Reason::NotFound | Reason::Unreadable => "name a file that this account may read",
        _ => "build the plugin again with the SDK of this release",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_taken_apart_into_cause_place_and_fix() {
        let file = Path::new("/tmp/no-such-file.so");
        let refusal = Refusal::new(Reason::NotElf, "it is no ELF file; copy it again");
        let expect =
            "- it is no ELF file (not_elf)\n  in  /tmp/no-such-file.so\n  fix copy it again\n";
        assert_eq!(Finding::of(&refusal, file).lines(), expect);
        let text = "everybody may write this folder (mode 0777); chmod o-w it";
        let refusal = Refusal::new(Reason::Permissions, text).at(Path::new("/tmp"));
        let finding = Finding::of(&refusal.at(Path::new("/")), file);
        assert_eq!(
            (finding.place.as_str(), finding.fix.as_str()),
            ("/tmp", "chmod o-w it")
        );
        assert_eq!(finding.cause, "everybody may write this folder (mode 0777)");
    }
}

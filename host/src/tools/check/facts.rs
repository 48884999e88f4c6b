//! What can be said about a file without running any of it.

use super::finding::Finding;
use meterbox_plugin_abi::API_VERSION;
use meterbox_plugin_files::{ApiVersion, Candidate, Policy, Reason, Refusal, Verified, verify};
use std::ffi::OsString;
use std::path::Path;

/// What was found out, and what is wrong so far.
#[derive(Debug)]
pub(super) struct Facts {
    /// The file as the loader would take it; absent when it would not.
    pub(super) verified: Option<Verified>,
    /// Whether only its owner and root can change it.
    pub(super) owned: bool,
    pub(super) findings: Vec<Finding>,
}

/// Looks at `file` as a server would that finds it in a plugin folder.
///
/// What concerns only the place of the file does not end the look: it would be another one elsewhere.
pub(super) fn facts(file: &Path) -> Facts {
    let api = ApiVersion::parse(API_VERSION).expect("a package version is a version");
    let mut policy = Policy::new(api);
    let mut candidate = candidate(file);
    let mut facts = Facts {
        verified: None,
        owned: true,
        findings: Vec::new(),
    };
    loop {
        let refusal: Refusal = match verify(&candidate, &policy) {
            Ok(verified) => {
                facts.verified = Some(verified);
                return facts;
            }
            Err(refusal) => refusal,
        };
        facts.findings.push(Finding::of(&refusal, file));
        match refusal.reason {
            Reason::Permissions if !policy.insecure_permissions => {
                policy.insecure_permissions = true;
                facts.owned = false;
            }
            Reason::Symlink => match file.canonicalize() {
                Ok(target) if candidate.path() != target => candidate = self::candidate(&target),
                _ => return facts,
            },
            _ => return facts,
        }
    }
}

fn candidate(file: &Path) -> Candidate {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => ".".into(),
    };
    Candidate {
        folder,
        file_name: file.file_name().map_or_else(OsString::new, OsString::from),
    }
}

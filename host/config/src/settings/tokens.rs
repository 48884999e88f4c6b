//! Who needs a token, and the rule for a management listener off loopback.

use super::ListenerSettings;
use crate::error::Notice;
use crate::origin::Origin;
use crate::values::Values;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The token guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// Whether requests to inference and management need a token.
    pub required: bool,
    /// How long a token is valid.
    pub lifetime: Duration,
    /// The key file, in the working directory.
    pub key_file: PathBuf,
    /// The management listener can be reached from other machines without a token; shown on the
    /// landing page and as `meterbox_insecure_listener`.
    pub insecure_management: bool,
}

impl TokenSettings {
    pub(super) fn of(
        values: &mut Values,
        listeners: &ListenerSettings,
        working_folder: &Path,
    ) -> Self {
        const KEY: &str = "disable_token_authorization";
        let asked_off = values.bool(KEY);
        let origin = values.origin(KEY);
        let open = !listeners.management.is_local();
        let in_file = matches!(origin, Origin::File { .. });
        let address = listeners.management.to_string();
        if open && asked_off {
            let notice = if in_file {
                Notice::InsecureManagement { address }
            } else {
                Notice::TokensKept { address }
            };
            values.warn(&origin, KEY, notice);
        }
        Self {
            required: !asked_off || (open && !in_file),
            lifetime: Duration::from_secs(60 * values.number("token_expiration_min")),
            key_file: working_folder.join("key_file.json"),
            insecure_management: open && asked_off && in_file,
        }
    }
}

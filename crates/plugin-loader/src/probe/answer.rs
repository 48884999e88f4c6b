//! The one line by which a probe child tells what it found.

use meterbox_plugin_files::{Reason, Refusal};
use serde::{Deserialize, Serialize};

/// Output of constructors may surround the line; this field marks ours.
const MARK: &str = "{\"meterbox_probe\":1,";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    meterbox_probe: u32,
    /// Code of the refusal; absent when the library is fine.
    reason: Option<String>,
    text: Option<String>,
}

impl Answer {
    /// The line for a verdict, with its line feed.
    pub(super) fn line(verdict: &Result<(), Refusal>) -> String {
        let refusal = verdict.as_ref().err();
        let answer = Self {
            meterbox_probe: 1,
            reason: refusal.map(|refusal| refusal.reason.code().to_owned()),
            text: refusal.map(|refusal| refusal.text.clone()),
        };
        let mut line = serde_json::to_string(&answer).expect("strings and numbers always encode");
        line.push('\n');
        line
    }

    /// The last answer in what a child printed.
    pub(super) fn find(output: &[u8]) -> Option<Self> {
        let lines = output.split(|&byte| byte == b'\n').rev();
        let mut ours = lines.filter(|line| line.starts_with(MARK.as_bytes()));
        ours.find_map(|line| serde_json::from_slice(line).ok())
    }

    pub(super) fn into_result(self) -> Result<(), Refusal> {
        let Some(code) = self.reason else {
            return Ok(());
        };
        let reason = Reason::from_code(&code).unwrap_or(Reason::ProbeFailed);
        Err(Refusal::new(reason, self.text.unwrap_or(code)))
    }
}

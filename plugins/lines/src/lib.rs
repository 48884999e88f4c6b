//! Pushes every metric of the server as InfluxDB line protocol.
//!
//! It says what to send and what an answer means. Sending, deadlines, retries and counting are the
//! server's; so is the interval.
#![forbid(unsafe_code)]

use meterbox_plugin::prelude::*;
use std::time::UNIX_EPOCH;

mod line;

struct Lines {
    host: Host,
    url: String,
    authorization: Option<String>,
    lines_max: usize,
    skipped: Counter,
}

impl Plugin for Lines {
    fn new(host: &Host, config: Config) -> Result<Self> {
        config.allow_only(&["url", "token", "lines_max"])?;
        let token = config
            .has("token")
            .then(|| config.str("token"))
            .transpose()?;
        let lines_max = config.int_within("lines_max", 5000, 1, 1_000_000)?;
        let skipped = "Values that line protocol has no form for.";
        Ok(Self {
            host: host.clone(),
            url: config.str("url")?.to_owned(),
            authorization: token.map(|token| format!("Token {token}")),
            lines_max: usize::try_from(lines_max).unwrap_or(usize::MAX),
            skipped: host
                .metrics()
                .counter("lines_skipped_total", skipped)?
                .with(&[])?,
        })
    }

    fn roles(&self) -> Roles {
        Roles::EXPORTER
    }

    fn export(&self, gathered: &Gathered<'_>, pushes: &mut Pushes<'_>) -> Result<()> {
        let now = self
            .host
            .now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut bodies = vec![String::new()];
        let mut lines = 0;
        gathered.each(|family, series| {
            if lines == self.lines_max {
                bodies.push(String::new());
                lines = 0;
            }
            let body = bodies.last_mut().expect("there is always one");
            match line::write(body, &family.name, &series, now.as_nanos()) {
                true => lines += 1,
                false => self.skipped.inc(),
            }
        })?;
        let mut outcome = Ok(());
        for body in bodies.iter().filter(|body| !body.is_empty()) {
            let mut push = pushes.post(&self.url);
            if let Some(authorization) = &self.authorization {
                push = push.header("authorization", authorization);
            }
            // Every body is handed over, so that each one for which there is no room is counted.
            outcome = outcome.and(push.text(body));
        }
        outcome
    }

    fn classify(&self, status: u16, _body: &[u8]) -> Result<(Verdict, String)> {
        Ok(match status {
            400 => (Verdict::DROP, "bad_line".to_owned()),
            413 => (Verdict::SPLIT, String::new()),
            _ => (Verdict::BY_STATUS, String::new()),
        })
    }
}

export_plugin!(
    Lines,
    name = "lines",
    description = "Pushes every metric as InfluxDB line protocol",
    license = "Apache-2.0",
    permissions = ["export"],
    schema = r#"{"type":"object","additionalProperties":false,"required":["url"],
        "properties":{"url":{"type":"string"},"token":{"type":"string"},
            "lines_max":{"type":"integer","minimum":1}}}"#
);

#[cfg(test)]
mod tests;

//! Where an exporter's pushes end in a test.

use crate::export::{Push, PushSink};
use crate::status::Failure;

/// Remembers pushes, a line for each: `POST http://… name=value body`.
#[derive(Debug, Default)]
pub struct Pushes(pub Vec<String>);

impl PushSink for Pushes {
    fn push(&mut self, push: &Push<'_>) -> Result<(), Failure> {
        let headers = push
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={value} "));
        self.0.push(format!(
            "{} {} {}{}",
            push.method,
            push.url,
            headers.collect::<String>(),
            String::from_utf8_lossy(push.body)
        ));
        Ok(())
    }
}

//! The use-case of one prediction: find the version, queue the job, wait, and tell whoever listens.
//!
//! Free of any protocol: what answers HTTP today and gRPC later brings a [`Question`] and makes its own
//! reply of the [`JobAnswer`].

use super::input::Input;
use super::job::JobAnswer;
use super::repository::RepositoryError;
use super::service::Models;
use meterbox_plugin_abi::events::{self as fields, EventKinds};
use meterbox_telemetry::serving::{Refusal, UrlVersion};
use std::time::Instant;

/// What a client asks a model.
#[derive(Debug)]
pub struct Question<'a> {
    /// The model.
    pub model: &'a str,
    /// The version; the default one if the client named none.
    pub version: Option<&'a str>,
    /// The id that the answer carries.
    pub id: String,
    /// What the handler gets to see.
    pub input: Input,
    /// When the client had asked.
    pub received: Instant,
    /// How it was asked, in the words of its protocol, for listeners: `POST`.
    pub method: &'a str,
    /// Where it was asked: `/predictions/noop`.
    pub path: &'a str,
    /// Size of the request's body, in bytes.
    pub bytes: usize,
}

/// Why a question was not queued.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no such model or version.
    #[error(transparent)]
    NotFound(#[from] RepositoryError),
    /// There is no room or no worker for it.
    #[error("the model takes no question now ({0:?}): scale up its workers or ask again later")]
    Refused(Refusal),
}

impl Models {
    /// Asks a model and waits for its answer. Whoever stops waiting takes the question back.
    ///
    /// # Errors
    /// The question was not queued. What goes wrong after that is a [`JobAnswer::Failed`].
    pub async fn ask(&self, question: Question<'_>) -> Result<JobAnswer, AskError> {
        let found = self.find(question.model, question.version)?;
        let named = match question.version {
            Some(_) => UrlVersion::Named,
            None => UrlVersion::Unnamed,
        };
        let ticket = found
            .predict(question.id, question.input, question.received, named)
            .map_err(AskError::Refused)?;
        // Not held while the answer is awaited: a version that is removed meanwhile is gone at once.
        let version = found.version().to_owned();
        drop(found);
        let answer = ticket.answer().await;
        self.events().publish(EventKinds::REQUEST_DONE, |row| {
            row.text(fields::MODEL, question.model)
                .text(fields::MODEL_VERSION, version)
                .text(fields::METHOD, question.method)
                .text(fields::PATH, question.path)
                .number(fields::STATUS, answer.status().into())
                .number(fields::SECONDS, question.received.elapsed().as_secs_f64())
                .number(fields::BYTES_IN, question.bytes as f64)
                .number(fields::BYTES_OUT, answer.bytes() as f64)
        });
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;

//! The seam between the command line and the server: what a server is started with.

use super::exit::Failure;
use meterbox_config::{LoadRequest, Loaded};
use std::fmt;

/// Runs a server until it ends: builds it, calls [`Start::ready`] once it serves, drains at SIGTERM.
pub type Serve = fn(Start) -> Result<(), Failure>;

/// What a server is started with.
pub struct Start {
    /// The configuration.
    pub loaded: Loaded,
    /// How to load it again.
    pub request: LoadRequest,
    /// The name the program was called by.
    pub personality: Personality,
    on_ready: Option<Box<dyn FnOnce() + Send>>,
}

/// The name the program was called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// `meterbox serve`.
    Meterbox,
    /// `torchserve --start`.
    TorchServe,
}

impl Start {
    /// Loads the configuration that `request` asks for.
    pub(super) fn load(request: LoadRequest, personality: Personality) -> Result<Self, Failure> {
        Ok(Self {
            loaded: request.load()?,
            request,
            personality,
            on_ready: None,
        })
    }

    /// Calls `announce` once the server serves.
    pub(super) fn announcing(self, announce: impl FnOnce() + Send + 'static) -> Self {
        Self {
            on_ready: Some(Box::new(announce)),
            ..self
        }
    }

    /// To be called when all listeners are bound and the models of the configuration are loaded;
    /// as `torchserve`, prints the line that launchers wait for.
    pub fn ready(&mut self) {
        if let Some(announce) = self.on_ready.take() {
            announce();
        }
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("file", &self.loaded.file)
            .field("personality", &self.personality)
            .finish_non_exhaustive()
    }
}

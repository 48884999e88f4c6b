//! A reply as the sink of a page.
//!
//! A page that fits into one chunk goes out whole, so that its length is announced; a longer one
//! starts to flow with its second chunk.

use meterbox_exposition::Sink;
use meterbox_plugin::gather::Flow;
use meterbox_plugin::prelude::*;

pub(crate) struct Answer {
    reply: Responder,
    /// The first chunk, until it is known whether it is the only one.
    first: Vec<u8>,
    state: State,
}

enum State {
    /// Nothing was handed over, or only the first chunk.
    Held,
    /// The head and at least two chunks are on their way.
    Flowing,
    /// The client left, or the host refused more.
    Failed(Error),
}

impl Answer {
    pub(crate) fn new(reply: Responder) -> Self {
        Self {
            reply,
            first: Vec::new(),
            state: State::Held,
        }
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// Why the page did not go out whole.
    pub(crate) fn finish(self) -> Result<()> {
        match self.state {
            State::Held => self.reply.finish_with(self.first),
            State::Flowing => self.reply.finish(),
            State::Failed(error) => Err(error),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.first.is_empty() {
            self.reply.write(&std::mem::take(&mut self.first))?;
        }
        self.reply.write(bytes)
    }
}

impl Sink for &mut Answer {
    fn chunk(&mut self, bytes: &[u8]) -> Flow {
        if self.first.is_empty() && matches!(self.state, State::Held) {
            self.first.extend_from_slice(bytes);
            return Flow::Continue;
        }
        match self.write(bytes) {
            Ok(()) => {
                self.state = State::Flowing;
                Flow::Continue
            }
            Err(error) => {
                self.state = State::Failed(error);
                Flow::Stop
            }
        }
    }
}

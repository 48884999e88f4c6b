//! An answer on its way to the host, which keeps the rules about what becomes of it.

use std::sync::Arc;

use meterbox_plugin_abi::{Failure, ReplyHead, ResponderService, Status};

use super::link::Link;
use crate::wire::{Kind, PayloadWriter, Reply};

/// Longer writes are cut up.
const PART_BYTES_MAX: usize = 1 << 20;
/// A longer whole answer is sent in parts; its length is then not announced.
const WHOLE_BYTES_MAX: usize = 32 << 20;

/// The answer to one call. A short one goes out in one write together with the end of the entry.
pub(super) struct RemoteAnswer {
    call: u64,
    /// Gone once sent.
    head: Option<ReplyHead>,
    stage: AnswerStage,
    link: Arc<Link>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerStage {
    Open,
    /// The host wants no more of it; it has to be told that nothing comes.
    Refused,
    /// Finished or failed; the host has forgotten the call.
    Ended,
}

impl RemoteAnswer {
    pub(super) fn new(call: u64, link: Arc<Link>) -> Self {
        Self {
            call,
            head: Some(ReplyHead::new()),
            stage: AnswerStage::Open,
            link,
        }
    }

    fn unsent_head(&mut self) -> Result<&mut ReplyHead, Failure> {
        self.head.as_mut().ok_or_else(|| {
            let text = "status and headers come before the first write";
            Failure::new(Status::INVALID, text)
        })
    }

    fn still_open(&self) -> Result<(), Failure> {
        if self.stage != AnswerStage::Open {
            let text = "the answer is over: the client left or the host answered";
            return Err(Failure::new(Status::CLOSED, text));
        }
        Ok(())
    }

    /// A part with the head, if that was not sent.
    fn part(&mut self, bytes: &[u8], end: bool) -> PayloadWriter {
        let head = self.head.take();
        let head = head.as_ref().map(|head| {
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_slice()));
            (head.status, headers.collect())
        });
        Reply::Part { head, bytes, end }.put(self.call)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let part = self.part(bytes, false);
        let sent = self.link.ask(Kind::REPLY, &part, |_| Ok(()));
        if sent.is_err() {
            self.stage = AnswerStage::Refused;
        }
        sent
    }
}

impl ResponderService for RemoteAnswer {
    fn status(&mut self, status: u16) -> Result<(), Failure> {
        self.unsent_head()?.set_status(status)
    }

    fn header(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        self.unsent_head()?.add_header(name, value)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.still_open()?;
        if bytes.is_empty() {
            return self.send(bytes);
        }
        bytes
            .chunks(PART_BYTES_MAX)
            .try_for_each(|chunk| self.send(chunk))
    }

    fn finish(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.still_open()?;
        let mut last = bytes;
        if bytes.len() > WHOLE_BYTES_MAX {
            self.write(bytes)?;
            last = &[];
        }
        self.stage = AnswerStage::Ended;
        let part = self.part(last, true);
        self.link.tell_with_next(Kind::REPLY, &part)
    }

    fn fail(&mut self, status: u16, message: &str) -> Result<(), Failure> {
        self.still_open()?;
        self.stage = AnswerStage::Ended;
        let failure = Reply::Fail { status, message }.put(self.call);
        self.link.tell_with_next(Kind::REPLY, &failure)
    }

    fn is_closed(&self) -> bool {
        if self.stage != AnswerStage::Open {
            return true;
        }
        let mut request = PayloadWriter::new();
        request.u64(self.call);
        let closed = self
            .link
            .ask(Kind::CLOSED, &request, |result| Ok(result.u8()? != 0));
        closed.unwrap_or(true)
    }
}

impl Drop for RemoteAnswer {
    fn drop(&mut self) {
        if self.stage == AnswerStage::Ended {
            return;
        }
        let mut message = PayloadWriter::new();
        message.u64(self.call);
        // Without a host there is nobody to tell.
        let _ = self.link.tell_with_next(Kind::DROP, &message);
    }
}

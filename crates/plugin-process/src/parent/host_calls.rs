//! Answers what a child asks for, inside an entry or beside one.
//!
//! Everything that comes in here is hostile until it was looked at: a frame that cannot be ends the
//! child, a wish that may not be is refused with a status.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource, Visitor};
use meterbox_plugin_abi::{Fact, Failure, HostServices, Level, Push, PushSink};
use parking_lot::Mutex;

use super::calls::Calls;
use super::lane_guard::LaneGuard;
use super::registered::RegisteredFamilies;
use crate::batch::{BatchReader, BatchWriter};
use crate::lane::LaneError;
use crate::payload::Payload;
use crate::wire::{
    DecodedRows, Kind, Malformed, PayloadReader, PayloadWriter, Registration, Reply, put_outcome,
};

/// A longer log line is cut, in bytes.
const LOG_BYTES_MAX: usize = 16 << 10;
/// Batches of a gather where the lane has no shared memory.
const BATCH_BYTES: usize = 256 << 10;
/// Fields of a model's row that are sent.
const MODEL_FIELDS_END: u32 = 32;
/// Batches that a collector may still send after it was told to stop.
const DEAF_MAX: u32 = 64;
/// Timers that are remembered so that they end with the child; the host allows fewer.
const TIMERS_MAX: usize = 1024;

/// What the entry that a request belongs to lends.
pub(super) enum Scope<'a> {
    /// Nothing.
    Plain,
    /// Who sees the families that a collector shows, and how often it went on after it was told to stop.
    Collect(&'a mut dyn Visitor, BatchReader, u32),
    /// What an exporter encodes, and who takes its pushes.
    Export(&'a dyn GatherSource, &'a mut dyn PushSink),
}

/// One child's view of the host.
pub(super) struct HostCalls {
    services: Arc<dyn HostServices>,
    pub(super) registered: RegisteredFamilies,
    pub(super) calls: Calls,
    timers: Mutex<HashSet<u64>>,
}

/// What is sent back: nothing, or an outcome with its result.
enum CallAnswer {
    OneWay,
    Outcome(Result<PayloadWriter, Failure>),
}

fn done() -> CallAnswer {
    CallAnswer::Outcome(Ok(PayloadWriter::new()))
}

fn outcome(result: Result<(), Failure>) -> CallAnswer {
    CallAnswer::Outcome(result.map(|()| PayloadWriter::new()))
}

fn number(number: u32) -> PayloadWriter {
    let mut put = PayloadWriter::new();
    put.u32(number);
    put
}

impl HostCalls {
    pub(super) fn new(
        services: Arc<dyn HostServices>,
        registered: RegisteredFamilies,
        calls: Calls,
    ) -> Self {
        Self {
            services,
            registered,
            calls,
            timers: Mutex::default(),
        }
    }

    /// The least important level that the host keeps.
    pub(super) fn log_level(&self) -> Level {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN];
        let mut kept = levels.into_iter();
        let kept = kept.find(|level| self.services.log_enabled(*level, ""));
        kept.unwrap_or(Level::ERROR)
    }

    /// Serves one request that came over `lane`.
    ///
    /// # Errors
    /// The lane's end, or a request that cannot be; the child must be ended.
    pub(super) fn serve(
        &self,
        kind: Kind,
        payload: &Payload,
        lane: &mut LaneGuard<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<(), LaneError> {
        let mut take = PayloadReader::of(payload);
        let answer = match kind {
            Kind::GATHER => self.gather(take, lane, scope)?,
            Kind::SHOW => show(payload, scope)?,
            Kind::PUSH => push(take, scope)?,
            Kind::REPLY => {
                let (call, reply) = Reply::take(payload)?;
                let one_way = reply.is_one_way();
                let replied = lane.paused(|| self.calls.reply(call, &reply));
                if one_way {
                    CallAnswer::OneWay
                } else {
                    outcome(replied)
                }
            }
            Kind::BODY => {
                let (call, bytes_max) = (take.u64()?, take.u32()? as usize);
                take.end()?;
                let body = lane.paused(|| self.calls.body(call, bytes_max));
                CallAnswer::Outcome(body.map(|bytes| {
                    let mut put = PayloadWriter::with_room(bytes.len() + 4);
                    put.bytes(&bytes);
                    put
                }))
            }
            _ => {
                let answer = self.small(kind, &mut take)?;
                take.end()?;
                answer
            }
        };
        let CallAnswer::Outcome(result) = answer else {
            return Ok(());
        };
        let mut put = PayloadWriter::new();
        match &result {
            Ok(result) => {
                put_outcome(Ok(""), &mut put);
                put.raw(result.as_bytes());
            }
            Err(failure) => put_outcome(Err(failure), &mut put),
        }
        lane.send(Kind::ANSWER, put.as_bytes())
    }

    /// Requests of a few fields.
    fn small(&self, kind: Kind, take: &mut PayloadReader<'_>) -> Result<CallAnswer, Malformed> {
        let services = &*self.services;
        Ok(match kind {
            Kind::LOG => {
                let (level, target, message) = (Level(take.u32()?), take.text()?, take.text()?);
                services.log(level, cut(target), cut(message));
                CallAnswer::OneWay
            }
            Kind::REGISTER => {
                let registration = Registration::take(take.rest())?;
                let registered = self.registered.register(services, &registration.spec());
                CallAnswer::Outcome(registered.map(number))
            }
            Kind::SERIES => {
                let (family, values) = (take.u32()?, take.texts()?);
                CallAnswer::Outcome(self.registered.series(family, &values).map(number))
            }
            Kind::REMOVE => {
                let (family, values) = (take.u32()?, take.texts()?);
                outcome(self.registered.remove(family, &values))
            }
            Kind::MODELS => CallAnswer::Outcome(services.models().map(|table| {
                let mut put = PayloadWriter::new();
                DecodedRows::put(&table, MODEL_FIELDS_END, &mut put);
                put
            })),
            Kind::SUBSCRIBE => outcome(services.subscribe(EventKinds(take.u64()?))),
            Kind::TIMER_START => {
                let (id, period) = (take.u64()?, Duration::from_nanos(take.u64()?));
                outcome(self.start_timer(id, period))
            }
            Kind::TIMER_STOP => {
                let id = take.u64()?;
                self.timers.lock().remove(&id);
                outcome(services.stop_timer(id))
            }
            Kind::INFO => {
                let fact = services.info(Fact(take.u32()?));
                let mut put = PayloadWriter::new();
                put.u8(u8::from(fact.is_some()))
                    .text(fact.as_deref().unwrap_or_default());
                CallAnswer::Outcome(Ok(put))
            }
            Kind::DROP => {
                self.calls.drop_answer(take.u64()?);
                CallAnswer::OneWay
            }
            Kind::CLOSED => {
                let mut put = PayloadWriter::new();
                put.u8(u8::from(self.calls.is_closed(take.u64()?)));
                CallAnswer::Outcome(Ok(put))
            }
            other => return Err(Malformed::new(format!("a frame of {other:?} as a request"))),
        })
    }

    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        self.services.start_timer(id, period)?;
        let mut timers = self.timers.lock();
        if timers.len() < TIMERS_MAX {
            timers.insert(id);
        }
        Ok(())
    }

    /// Shows everything to the child, batch by batch.
    fn gather(
        &self,
        mut take: PayloadReader<'_>,
        lane: &mut LaneGuard<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<CallAnswer, LaneError> {
        let names = take.texts()?;
        take.end()?;
        let filter = Filter { names: &names };
        let limit = match lane.half() {
            0 => BATCH_BYTES,
            half => half,
        };
        let lent = match scope {
            Scope::Export(gathered, _) => Some(*gathered),
            Scope::Plain | Scope::Collect(..) => None,
        };
        let mut broken = None;
        let mut writer = BatchWriter::new(limit, |batch| match self.visit(batch, lane, scope) {
            Ok(flow) => flow,
            Err(error) => {
                broken = Some(error);
                Flow::Stop
            }
        });
        let gathered = match lent {
            Some(gathered) => gathered.gather(&filter, &mut writer),
            None => self.services.gather(&filter, &mut writer),
        };
        writer.finish();
        match broken {
            Some(error) => Err(error),
            None => Ok(outcome(gathered.map_err(Failure::internal))),
        }
    }

    /// Shows one batch, and serves what the child asks for while it looks at it: an encoder writes its
    /// page, an exporter pushes.
    fn visit(
        &self,
        batch: &[u8],
        lane: &mut LaneGuard<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Flow, LaneError> {
        lane.send(Kind::VISIT, batch)?;
        loop {
            let (kind, payload) = lane.receive()?;
            match kind {
                Kind::FLOW => {
                    let mut take = PayloadReader::of(&payload);
                    let flow = take.u32()?;
                    take.end()?;
                    return Ok(match flow {
                        0 => Flow::Continue,
                        _ => Flow::Stop,
                    });
                }
                // Their answers would take the batch's place in the shared memory.
                Kind::GATHER | Kind::MODELS | Kind::BODY => {
                    return Err(Malformed::new(format!("a frame of {kind:?} before FLOW")).into());
                }
                _ => self.serve(kind, &payload, lane, scope)?,
            }
        }
    }

    /// The child is gone: what it set up with the host goes, too.
    pub(super) fn close(&self) {
        for id in self.timers.lock().drain() {
            // A timer that is not there any more is fine.
            let _ = self.services.stop_timer(id);
        }
        // Without the permission it has not subscribed either.
        let _ = self.services.subscribe(EventKinds(0));
    }
}

fn show(payload: &Payload, scope: &mut Scope<'_>) -> Result<CallAnswer, Malformed> {
    let Scope::Collect(visitor, reader, deaf) = scope else {
        return Err(Malformed::new("families outside of COLLECT"));
    };
    let flow = if *deaf == 0 {
        reader.visit(payload, &mut **visitor)?
    } else {
        Flow::Stop
    };
    if flow == Flow::Stop {
        *deaf += 1;
    }
    if *deaf > DEAF_MAX {
        return Err(Malformed::new("families after it was told to stop"));
    }
    Ok(CallAnswer::Outcome(Ok(number(u32::from(
        flow == Flow::Stop,
    )))))
}

fn push(mut take: PayloadReader<'_>, scope: &mut Scope<'_>) -> Result<CallAnswer, Malformed> {
    let Scope::Export(_, pushes) = scope else {
        return Err(Malformed::new("a push outside of EXPORT"));
    };
    let (method, url) = (take.text()?, take.text()?);
    let mut headers = Vec::new();
    for _ in 0..take.count(8)? {
        headers.push((take.text()?, take.text()?));
    }
    let body = take.bytes()?;
    take.end()?;
    let pushed = pushes.push(&Push {
        method,
        url,
        headers: &headers,
        body,
    });
    Ok(pushed.map_or_else(|failure| CallAnswer::Outcome(Err(failure)), |()| done()))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOG_BYTES_MAX)]
}

#[cfg(test)]
mod tests;

//! A request that came over a lane.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use meterbox_plugin_abi::{Failure, RequestService};
use parking_lot::Mutex;

use super::link::Link;
use crate::payload::Payload;
use crate::wire::{Body, Call, Kind, Malformed, NO_DEADLINE, PayloadWriter};

/// Most bytes of a body that are asked for at once.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A request; texts are kept in one piece, header values and the body stay where they arrived.
pub(super) struct RemoteRequest {
    call: u64,
    texts: String,
    /// End in `texts` of method, path, rest, query and peer.
    ends: [usize; 5],
    /// Names in `texts`, values in `payload`.
    headers: Vec<(Range<usize>, Range<usize>)>,
    payload: Payload,
    body: Mutex<UnreadBody>,
    deadline: Option<Instant>,
    link: Arc<Link>,
}

/// What was not read yet of a body.
enum UnreadBody {
    Here(Range<usize>),
    Asked,
}

impl RemoteRequest {
    /// Reads a `CALL`: the number of its route, the number of the call, and the request.
    pub(super) fn new(payload: Payload, link: Arc<Link>) -> Result<(u32, u64, Self), Malformed> {
        let came = Instant::now();
        let call = Call::take(&payload)?;
        let mut texts = String::with_capacity(256);
        let fields = [call.method, call.path, call.rest, call.query, call.peer];
        let ends = fields.map(|field| {
            texts.push_str(field);
            texts.len()
        });
        let headers = call.headers.iter().map(|(name, value)| {
            let start = texts.len();
            texts.push_str(name);
            (start..texts.len(), range_in(&payload, value))
        });
        let headers = headers.collect();
        let body = match call.body {
            Body::None => UnreadBody::Here(0..0),
            Body::Whole(bytes) => UnreadBody::Here(range_in(&payload, bytes)),
            Body::Asked => UnreadBody::Asked,
        };
        let limit = Some(call.left_ns).filter(|left| *left != NO_DEADLINE);
        let (route, number) = (call.route, call.call);
        let request = Self {
            call: number,
            texts,
            ends,
            headers,
            body: Mutex::new(body),
            deadline: limit.and_then(|left| came.checked_add(Duration::from_nanos(left))),
            payload,
            link,
        };
        Ok((route, number, request))
    }

    fn text(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[start..self.ends[index]]
    }
}

/// Where `part`, which was taken from `whole`, lies in it.
fn range_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    start..start + part.len()
}

impl RequestService for RemoteRequest {
    fn method(&self) -> &str {
        self.text(0)
    }

    fn path(&self) -> &str {
        self.text(1)
    }

    fn rest(&self) -> &str {
        self.text(2)
    }

    fn query(&self) -> &str {
        self.text(3)
    }

    fn peer(&self) -> &str {
        self.text(4)
    }

    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let (name, value) = self.headers.get(index)?;
        Some((&self.texts[name.clone()], &self.payload[value.clone()]))
    }

    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut rest = self.body.lock();
        match &mut *rest {
            UnreadBody::Here(left) => {
                let len = buffer.len().min(left.len());
                let read = left.start..left.start + len;
                left.start += len;
                buffer[..len].copy_from_slice(&self.payload[read]);
                Ok(len)
            }
            UnreadBody::Asked if buffer.is_empty() => Ok(0),
            UnreadBody::Asked => {
                let room = buffer.len().min(BODY_BYTES_MAX);
                let mut request = PayloadWriter::new();
                request.u64(self.call).u32(room as u32);
                let read = self.link.ask(Kind::BODY, &request, |result| {
                    let bytes = result.bytes()?;
                    let Some(target) = buffer[..room].get_mut(..bytes.len()) else {
                        return Err(Malformed::new("more of a body than was asked for"));
                    };
                    target.copy_from_slice(bytes);
                    Ok(bytes.len())
                })?;
                if read == 0 {
                    *rest = UnreadBody::Here(0..0);
                }
                Ok(read)
            }
        }
    }

    fn time_left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

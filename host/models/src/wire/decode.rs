//! Replies of a worker.

use super::END;
use bytes::Bytes;

/// Most predictions in one reply.
const PREDICTIONS_MAX: usize = 100_000;
/// Most headers of one prediction.
const HEADERS_MAX: usize = 1_000;
/// Smaller replies are copied out of the buffer, which is kept; a larger one takes it along.
const COPIED_BYTES_MAX: usize = 16 << 10;

/// A reply: of a batch, or of LOAD if it has no predictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 200 if the batch or the loading succeeded; else it fails every request of the batch.
    pub code: i32,
    /// What went wrong.
    pub message: String,
    /// One per request.
    pub predictions: Vec<Prediction>,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The request.
    pub id: String,
    /// Its content type; empty if the handler set none.
    pub content_type: String,
    /// Its status.
    pub status: i32,
    /// The words behind the status; empty if the handler set none.
    pub phrase: String,
    /// Headers that the handler set.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

impl Prediction {
    /// Whether a part of the answer is still to come.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, value)| name == "ts_stream_next" && value.eq_ignore_ascii_case("true"))
    }
}

/// What the bytes so far hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole reply, which is taken out of the buffer.
    Reply(Reply),
    /// A part of one: come again with at least so many bytes.
    NeedsBytes(usize),
}

/// Bytes that are no reply; the connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A length is negative.
    #[error("the worker sent a negative length at byte {at}")]
    NegativeLength {
        /// Where it stands.
        at: usize,
    },
    /// A text is not UTF-8.
    #[error("the worker sent a text that is not UTF-8 at byte {at}")]
    NotUtf8 {
        /// Where it begins.
        at: usize,
    },
    /// There are too many predictions or headers.
    #[error("the worker sent a list that is too long at byte {at}")]
    ListTooLong {
        /// Where it went on.
        at: usize,
    },
    /// The reply is larger than allowed.
    #[error("the worker sent a reply of more than max_response_size={most} bytes")]
    TooLarge {
        /// How much is allowed.
        most: usize,
    },
}

/// Takes the next reply out of `buffer`. A reply has at most `most` bytes.
///
/// # Errors
/// What no worker sends.
pub fn decode(buffer: &mut Vec<u8>, most: usize) -> Result<Decoded, WireError> {
    let mut scan = Scan {
        bytes: buffer,
        at: 0,
        most,
    };
    match scan.skip_reply() {
        Ok(()) => {}
        Err(Stop::NeedsBytes(total)) => return Ok(Decoded::NeedsBytes(total)),
        Err(Stop::Wrong(error)) => return Err(error),
    }
    let len = scan.at;
    let bytes = if len == buffer.len() && len > COPIED_BYTES_MAX {
        std::mem::take(buffer).into()
    } else {
        let copy = Bytes::copy_from_slice(&buffer[..len]);
        buffer.drain(..len);
        copy
    };
    let mut take = Take { bytes, at: 0 };
    Ok(Decoded::Reply(take.reply()?))
}

enum Stop {
    NeedsBytes(usize),
    Wrong(WireError),
}

/// Walks over a reply without keeping anything of it.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    most: usize,
}

impl Scan<'_> {
    fn skip_reply(&mut self) -> Result<(), Stop> {
        self.number()?;
        self.blob()?;
        let mut predictions = 0;
        while self.another()? {
            predictions += 1;
            self.limit(predictions, PREDICTIONS_MAX)?;
            self.blob()?;
            self.number()?;
            self.blob()?;
            let headers = self.length()?;
            self.limit(headers, HEADERS_MAX)?;
            for _ in 0..headers {
                self.blob()?;
                self.blob()?;
            }
            self.blob()?;
        }
        Ok(())
    }

    /// Skips the text that begins an item of a list, or its end.
    fn another(&mut self) -> Result<bool, Stop> {
        let at = self.at;
        if self.number()? == END {
            return Ok(false);
        }
        self.at = at;
        self.blob()?;
        Ok(true)
    }

    fn limit(&self, count: usize, most: usize) -> Result<(), Stop> {
        if count > most {
            return Err(Stop::Wrong(WireError::ListTooLong { at: self.at }));
        }
        Ok(())
    }

    fn need(&self, len: usize) -> Result<(), Stop> {
        let total = self.at.saturating_add(len);
        if total > self.most {
            return Err(Stop::Wrong(WireError::TooLarge { most: self.most }));
        }
        if total > self.bytes.len() {
            return Err(Stop::NeedsBytes(total));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<i32, Stop> {
        self.need(4)?;
        let number = number_at(self.bytes, self.at);
        self.at += 4;
        Ok(number)
    }

    fn length(&mut self) -> Result<usize, Stop> {
        let at = self.at;
        let number = self.number()?;
        usize::try_from(number).map_err(|_| Stop::Wrong(WireError::NegativeLength { at }))
    }

    fn blob(&mut self) -> Result<(), Stop> {
        let len = self.length()?;
        self.need(len)?;
        self.at += len;
        Ok(())
    }
}

/// Takes apart a reply that is known to be whole.
struct Take {
    bytes: Bytes,
    at: usize,
}

impl Take {
    fn reply(&mut self) -> Result<Reply, WireError> {
        let (code, message) = (self.number(), self.text()?);
        let mut predictions = Vec::new();
        while number_at(&self.bytes, self.at) != END {
            predictions.push(self.prediction()?);
        }
        Ok(Reply {
            code,
            message,
            predictions,
        })
    }

    fn prediction(&mut self) -> Result<Prediction, WireError> {
        let (id, content_type) = (self.text()?, self.text()?);
        let (status, phrase) = (self.number(), self.text()?);
        let headers = (0..self.number())
            .map(|_| Ok((self.text()?, self.text()?)))
            .collect::<Result<_, _>>()?;
        Ok(Prediction {
            id,
            content_type,
            status,
            phrase,
            headers,
            body: self.blob(),
        })
    }

    fn number(&mut self) -> i32 {
        let number = number_at(&self.bytes, self.at);
        self.at += 4;
        number
    }

    fn blob(&mut self) -> Bytes {
        let len = usize::try_from(self.number()).expect("the scan refused negative lengths");
        let blob = self.bytes.slice(self.at..self.at + len);
        self.at += len;
        blob
    }

    fn text(&mut self) -> Result<String, WireError> {
        let at = self.at;
        let blob = self.blob();
        let text = std::str::from_utf8(&blob).map_err(|_| WireError::NotUtf8 { at })?;
        Ok(text.to_owned())
    }
}

fn number_at(bytes: &[u8], at: usize) -> i32 {
    let four: [u8; 4] = bytes[at..at + 4].try_into().expect("a slice of four bytes");
    i32::from_be_bytes(four)
}

#[cfg(test)]
mod tests;

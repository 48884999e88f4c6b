//! Exact bytes out, exact bytes in: for what no client would send, and for what it would not show.

use super::{Answer, PATIENCE};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection, and what came over it that nobody took yet.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    came: Vec<u8>,
}

impl Connection {
    /// Connects; a read that takes over 60 s is an error.
    ///
    /// # Errors
    /// What the socket said.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            came: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// If the server closed before it has read everything.
    #[track_caller]
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Reads the next answer to a request that is not HEAD, an interim one included.
    ///
    /// # Panics
    /// If the connection ends before its answer does, or what comes is no HTTP.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        loop {
            if let Some((answer, end)) = first(&self.came, false).expect("an HTTP answer") {
                self.came.drain(..end);
                return answer;
            }
            let more = self.read().expect("the socket can be read");
            assert!(more, "closed before its answer: {:?}", self.text());
        }
    }

    /// Reads until the connection ends, however it does; gives what came and was not taken.
    ///
    /// # Errors
    /// What the socket said, if nothing came before.
    pub fn rest(mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.read() {
                Ok(true) => {}
                Err(error) if self.came.is_empty() => return Err(error),
                Ok(false) | Err(_) => return Ok(self.came),
            }
        }
    }

    /// Whether anything came before the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 64 << 10];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.came.extend_from_slice(&buffer[..count]);
                Ok(count > 0)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.came).into_owned()
    }
}

/// Sends `bytes` on a connection of their own and reads until the server closes it.
///
/// # Errors
/// What the socket said.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut connection = Connection::open(address)?;
    let sent = connection.stream.write_all(bytes);
    let came = connection.rest()?;
    // A refusal may come, and the connection end, before all was sent.
    if came.is_empty() {
        sent?;
    }
    Ok(came)
}

/// The answer at the begin of `bytes`, which are all that came.
///
/// # Errors
/// Why it is no HTTP, or not whole.
pub fn answer(bytes: &[u8]) -> Result<Answer, String> {
    let cut = || format!("a cut answer: {:?}", String::from_utf8_lossy(bytes));
    first(bytes, true)?
        .map(|(answer, _)| answer)
        .ok_or_else(cut)
}

/// Every answer in `bytes`, interim ones included.
///
/// # Panics
/// If one is no HTTP, or not whole.
#[must_use]
#[track_caller]
pub fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let next = first(bytes, true).expect("an HTTP answer");
        let (answer, end) = next.unwrap_or_else(|| {
            panic!("a cut answer: {:?}", String::from_utf8_lossy(bytes));
        });
        answers.push(answer);
        bytes = &bytes[end..];
    }
    answers
}

/// The first answer in `bytes` and where it ends; none if it is not whole yet. An answer that has
/// neither a length nor chunks ends with the connection, if this is its `end`.
fn first(bytes: &[u8], end: bool) -> Result<Option<(Answer, usize)>, String> {
    let Some(head_end) = position(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut status_line = lines.next().unwrap_or_default().splitn(3, ' ');
    let http = status_line
        .next()
        .filter(|word| word.starts_with("HTTP/1."));
    let status = http
        .and(status_line.next())
        .and_then(|code| code.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(|| format!("no status: {head}"))?,
        reason: status_line.next().unwrap_or_default().to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
    };
    let begin = head_end + 4;
    let rest = &bytes[begin..];
    let length = if answer.header("transfer-encoding") == Some("chunked") {
        match dechunk(rest)? {
            Some((body, length)) => {
                answer.body = body;
                return Ok(Some((answer, begin + length)));
            }
            None => return Ok(None),
        }
    } else if let Some(length) = answer.header("content-length") {
        length.parse().map_err(|_| format!("length {length:?}"))?
    } else if end && answer.status >= 200 && answer.status != 204 {
        rest.len()
    } else {
        0
    };
    let Some(body) = rest.get(..length) else {
        return Ok(None);
    };
    answer.body = body.to_vec();
    Ok(Some((answer, begin + length)))
}

/// The body in chunks and the length of all of them; none if the last one is not there yet.
fn dechunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let (mut body, mut at) = (Vec::new(), 0);
    while let Some(line) = position(&bytes[at..], b"\r\n") {
        let size = std::str::from_utf8(&bytes[at..at + line]).ok();
        let size = size.and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.ok_or("a chunk size is no number")?;
        at += line + 2;
        let Some(chunk) = bytes.get(at..at + size + 2) else {
            break;
        };
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend_from_slice(&chunk[..size]);
    }
    Ok(None)
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

//! The rules of a request head, byte by byte.
//!
//! They decide whether the head may pass and how the body behind it is framed. Nothing of what was
//! read is kept: a parser reads the same bytes again.

use crate::refusal::Refusal;

/// Caps of a head.
#[derive(Debug, Clone, Copy)]
pub struct HeadLimits {
    /// Bytes of the whole head.
    pub bytes: usize,
    /// Header fields.
    pub fields: usize,
    /// Bytes of the request target.
    pub target_bytes: usize,
}

/// How the body behind a head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes, maybe none.
    Length(u64),
    /// With a chunk of no bytes.
    Chunked,
}

/// Longest method and version with their spaces, in bytes.
const AROUND_TARGET: usize = 32 + " HTTP/1.1".len() + 1;

/// Where the head at the start of `bytes` ends; none while it is not all there. `scanned` keeps how
/// far whole lines were seen and starts at 0.
pub(crate) fn end_of(
    bytes: &[u8],
    scanned: &mut usize,
    limits: &HeadLimits,
) -> Result<Option<usize>, Refusal> {
    while let Some(length) = bytes[*scanned..].iter().position(|byte| *byte == b'\n') {
        let line = *scanned..*scanned + length;
        if bytes[line.clone()].last() != Some(&b'\r') {
            return Err(Refusal::LINE_FEED);
        }
        if line.start == 0 && line.len() > limits.target_bytes + AROUND_TARGET {
            return Err(Refusal::URI_TOO_LONG);
        }
        *scanned = line.end + 1;
        if *scanned > limits.bytes {
            return Err(Refusal::HEAD_TOO_LARGE);
        }
        if line.len() == 1 {
            return Ok(Some(*scanned));
        }
    }
    if *scanned == 0 && bytes.len() > limits.target_bytes + AROUND_TARGET {
        return Err(Refusal::URI_TOO_LONG);
    }
    if bytes.len() > limits.bytes {
        return Err(Refusal::HEAD_TOO_LARGE);
    }
    Ok(None)
}

/// Judges a whole head, its empty line included.
pub(crate) fn judge(head: &[u8], limits: &HeadLimits) -> Result<Framing, Refusal> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r"));
    let mut line = || lines.next().flatten().unwrap_or(b"");
    let request = request_line(line(), limits)?;
    let mut fields = Fields::default();
    let mut count = 0;
    loop {
        let line = line();
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > limits.fields {
            return Err(Refusal::TOO_MANY_FIELDS);
        }
        fields.take(line)?;
    }
    fields.framing(&request)
}

struct RequestLine<'h> {
    http_1_1: bool,
    /// The host and port of an absolute target.
    authority: Option<&'h [u8]>,
}

fn request_line<'h>(line: &'h [u8], limits: &HeadLimits) -> Result<RequestLine<'h>, Refusal> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::MALFORMED);
    };
    if target.is_empty() {
        return Err(Refusal::MALFORMED);
    }
    let http_1_1 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Refusal::VERSION);
        }
        _ => return Err(Refusal::MALFORMED),
    };
    let word = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_');
    if method.is_empty() || method.len() > 32 || !method.iter().all(word) {
        return Err(Refusal::METHOD);
    }
    if method == b"CONNECT" {
        return Err(Refusal::CONNECT);
    }
    if target.len() > limits.target_bytes {
        return Err(Refusal::URI_TOO_LONG);
    }
    if target == b"*" {
        return Err(Refusal::ASTERISK);
    }
    if !target.iter().all(|byte| is_target(*byte)) {
        return Err(Refusal::TARGET);
    }
    let (authority, path) = split_authority(target)?;
    judge_path(path)?;
    Ok(RequestLine {
        http_1_1,
        authority,
    })
}

/// The characters that hyper takes in a path and in a query, less those above ASCII.
fn is_target(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%|{}\"".contains(&byte)
}

fn split_authority(target: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Refusal> {
    if target[0] == b'/' {
        return Ok((None, target));
    }
    let scheme = b"http://".len();
    let begins = target
        .get(..scheme)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"http://"));
    if !begins {
        return Err(Refusal::TARGET);
    }
    let rest = &target[scheme..];
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if !is_host(authority) {
        return Err(Refusal::TARGET);
    }
    Ok((Some(authority), path))
}

fn judge_path(target: &[u8]) -> Result<(), Refusal> {
    let end = target
        .iter()
        .position(|byte| *byte == b'?')
        .unwrap_or(target.len());
    let path = &target[..end];
    if path.windows(3).any(|window| window == b"%00") {
        return Err(Refusal::NUL_IN_PATH);
    }
    if path.split(|byte| *byte == b'/').any(is_dot_dot) {
        return Err(Refusal::DOT_SEGMENT);
    }
    Ok(())
}

/// Whether a segment is `..`, its dots encoded or not.
fn is_dot_dot(segment: &[u8]) -> bool {
    let dot = |segment: &[u8]| match segment {
        [b'.', ..] => Some(1),
        [b'%', b'2', b'e' | b'E', ..] => Some(3),
        _ => None,
    };
    let Some(first) = dot(segment) else {
        return false;
    };
    dot(&segment[first..]).is_some_and(|second| first + second == segment.len())
}

/// What the header fields say about framing.
#[derive(Default)]
struct Fields<'h> {
    host: Option<&'h [u8]>,
    length: Option<u64>,
    codings: Option<Coding>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    /// Others, or chunked more than once.
    Wrong(Refusal),
}

impl<'h> Fields<'h> {
    fn take(&mut self, line: &'h [u8]) -> Result<(), Refusal> {
        if matches!(line[0], b' ' | b'\t') {
            return Err(Refusal::FOLDED);
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(Refusal::MALFORMED);
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Refusal::FIELD_NAME);
        }
        if !value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
            return Err(Refusal::FIELD_VALUE);
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            14 if looks_like(name, b"content-length") => self.length(name, value),
            17 if looks_like(name, b"transfer-encoding") => self.coding(name, value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &'h [u8]) -> Result<(), Refusal> {
        if self.host.replace(value).is_some() {
            return Err(Refusal::TWO_HOSTS);
        }
        if is_host(value) {
            Ok(())
        } else {
            Err(Refusal::HOST)
        }
    }

    fn length(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        if name.contains(&b'_') {
            return Err(Refusal::LOOK_ALIKE);
        }
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        let number = number.filter(|_| digits).ok_or(Refusal::CONTENT_LENGTH)?;
        match self.length.replace(number) {
            None => Ok(()),
            Some(_) => Err(Refusal::TWO_LENGTHS),
        }
    }

    fn coding(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        if name.contains(&b'_') {
            return Err(Refusal::LOOK_ALIKE);
        }
        for coding in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let chunked = coding.eq_ignore_ascii_case(b"chunked");
            let known = [
                &b"gzip"[..],
                b"x-gzip",
                b"deflate",
                b"compress",
                b"identity",
            ];
            let other = known.iter().any(|known| coding.eq_ignore_ascii_case(known));
            self.codings = Some(match self.codings {
                None if chunked => Coding::Chunked,
                Some(wrong @ Coding::Wrong(_)) => wrong,
                _ if other => Coding::Wrong(Refusal::CODING_UNKNOWN),
                _ => Coding::Wrong(Refusal::CODING),
            });
        }
        Ok(())
    }

    fn framing(&self, request: &RequestLine<'_>) -> Result<Framing, Refusal> {
        let host = match self.host {
            Some(host) => host,
            None if request.http_1_1 => return Err(Refusal::NO_HOST),
            None => b"",
        };
        let differs = |authority: &[u8]| {
            !without_port_80(authority).eq_ignore_ascii_case(without_port_80(host))
        };
        if request.authority.is_some_and(differs) {
            return Err(Refusal::OTHER_AUTHORITY);
        }
        match (self.length, self.codings) {
            (Some(_), Some(_)) => Err(Refusal::LENGTH_AND_CODING),
            (length, None) => Ok(Framing::Length(length.unwrap_or(0))),
            (None, Some(Coding::Wrong(refusal))) => Err(refusal),
            // A client that speaks 1.0 cannot know it.
            (None, Some(Coding::Chunked)) if !request.http_1_1 => Err(Refusal::CODING),
            (None, Some(Coding::Chunked)) => Ok(Framing::Chunked),
        }
    }
}

fn without_port_80(host: &[u8]) -> &[u8] {
    host.strip_suffix(b":80").unwrap_or(host)
}

/// Whether `name` is `framing`, or would be if its underscores were dashes.
fn looks_like(name: &[u8], framing: &[u8]) -> bool {
    let same = |(a, b): (&u8, &u8)| a.eq_ignore_ascii_case(b) || (*a == b'_' && *b == b'-');
    name.len() == framing.len() && name.iter().zip(framing).all(same)
}

/// A host name, an IPv4 address or an IPv6 address in brackets; maybe a port.
fn is_host(value: &[u8]) -> bool {
    let (host, port) = match value.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !value.ends_with(b"]") => (&value[..colon], &value[colon + 1..]),
        _ => (value, &b""[..]),
    };
    let inside = host
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    let good = match inside {
        Some(inside) => inside
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)),
        None => host
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)),
    };
    !host.is_empty() && good && port.len() <= 5 && port.iter().all(u8::is_ascii_digit)
}

/// **Source:** RFC 9110 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;

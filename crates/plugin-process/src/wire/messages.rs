//! The payloads that have more than a few fields.

use meterbox_plugin_abi::gather::Kind as MetricKind;
use meterbox_plugin_abi::{Failure, FamilySpec, Listener, Methods, Route, Status};

use super::{Malformed, PayloadReader, PayloadWriter};

/// `left_ns` of a call without a deadline.
pub const NO_DEADLINE: u64 = u64::MAX;

/// Headers of a request or an answer, names in lower case.
pub type Headers<'a> = Vec<(&'a str, &'a [u8])>;

/// The first frame of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Version of the protocol.
    pub protocol: u16,
    /// Version of the border that the file states.
    pub api: &'a str,
    /// Name under which the plugin runs.
    pub name: &'a str,
    /// The host's version.
    pub host_version: &'a str,
    /// Bytes of one half of each arena.
    pub arena_bytes: u64,
    /// Bytes of the file of cells.
    pub cell_bytes: u64,
    /// Stripes in it.
    pub stripes: u32,
    /// Number of call lanes.
    pub call_lanes: u32,
    /// The least important level of log lines that the host keeps; the child sends no others.
    pub log_level: u32,
}

impl<'a> Hello<'a> {
    /// The version that this crate speaks.
    pub const PROTOCOL: u16 = 1;

    /// Descriptors that come with it.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        4 + 2 * self.call_lanes as usize
    }

    /// Writes it.
    #[must_use]
    pub fn put(&self) -> PayloadWriter {
        let mut put = PayloadWriter::new();
        put.u16(self.protocol)
            .text(self.api)
            .text(self.name)
            .text(self.host_version)
            .u64(self.arena_bytes)
            .u64(self.cell_bytes)
            .u32(self.stripes)
            .u32(self.call_lanes)
            .u32(self.log_level);
        put
    }

    /// Reads it.
    ///
    /// # Errors
    /// Not a `HELLO`.
    pub fn take(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut take = PayloadReader::of(payload);
        let hello = Self {
            protocol: take.u16()?,
            api: take.text()?,
            name: take.text()?,
            host_version: take.text()?,
            arena_bytes: take.u64()?,
            cell_bytes: take.u64()?,
            stripes: take.u32()?,
            call_lanes: take.u32()?,
            log_level: take.u32()?,
        };
        take.end()?;
        Ok(hello)
    }
}

/// The body of a request as it comes with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// There is none.
    None,
    /// All of it.
    Whole(&'a [u8]),
    /// It is read piece by piece.
    Asked,
}

/// A request on its way to the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Number of the route.
    pub route: u32,
    /// Number of the call, unique in the child's life.
    pub call: u64,
    /// HTTP method.
    pub method: &'a str,
    /// Whole path.
    pub path: &'a str,
    /// What follows the route's pattern.
    pub rest: &'a str,
    /// Query without `?`.
    pub query: &'a str,
    /// The client.
    pub peer: &'a str,
    /// Headers, names in lower case.
    pub headers: Headers<'a>,
    /// Time left, or [`NO_DEADLINE`].
    pub left_ns: u64,
    /// The body.
    pub body: Body<'a>,
}

impl<'a> Call<'a> {
    /// Writes it.
    #[must_use]
    pub fn put(&self) -> PayloadWriter {
        let body = match self.body {
            Body::Whole(bytes) => bytes.len(),
            Body::None | Body::Asked => 0,
        };
        let mut put = PayloadWriter::with_room(256 + 64 * self.headers.len() + body);
        put.u32(self.route)
            .u64(self.call)
            .text(self.method)
            .text(self.path)
            .text(self.rest)
            .text(self.query)
            .text(self.peer)
            .count(self.headers.len());
        for (name, value) in &self.headers {
            put.text(name).bytes(value);
        }
        put.u64(self.left_ns);
        match self.body {
            Body::None => put.u8(0),
            Body::Whole(bytes) => put.u8(1).bytes(bytes),
            Body::Asked => put.u8(2),
        };
        put
    }

    /// Reads it.
    ///
    /// # Errors
    /// Not a `CALL`.
    pub fn take(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut take = PayloadReader::of(payload);
        let call = Self {
            route: take.u32()?,
            call: take.u64()?,
            method: take.text()?,
            path: take.text()?,
            rest: take.text()?,
            query: take.text()?,
            peer: take.text()?,
            headers: take_headers(&mut take)?,
            left_ns: take.u64()?,
            body: match take.u8()? {
                0 => Body::None,
                1 => Body::Whole(take.bytes()?),
                2 => Body::Asked,
                other => {
                    return Err(Malformed::new(format!(
                        "a call with a body of type {other}"
                    )));
                }
            },
        };
        take.end()?;
        Ok(call)
    }
}

fn take_headers<'a>(take: &mut PayloadReader<'a>) -> Result<Headers<'a>, Malformed> {
    let count = take.count(8)?;
    (0..count)
        .map(|_| Ok((take.text()?, take.bytes()?)))
        .collect()
}

/// Bits of [`Reply`]'s `parts`.
pub mod parts {
    /// A head follows.
    pub const HEAD: u8 = 1;
    /// The answer ends with these bytes.
    pub const END: u8 = 2;
    /// The answer is a failure.
    pub const FAIL: u8 = 4;
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The answer is a failure, or breaks off with one.
    Fail {
        /// HTTP status.
        status: u16,
        /// One sentence.
        message: &'a str,
    },
    /// Bytes, the first of them with a head.
    Part {
        /// Status and headers.
        head: Option<(u16, Headers<'a>)>,
        /// Bytes of the body.
        bytes: &'a [u8],
        /// Whether the answer ends here.
        end: bool,
    },
}

impl<'a> Reply<'a> {
    /// Whether no answer to it is sent.
    #[must_use]
    pub fn is_one_way(&self) -> bool {
        matches!(self, Self::Fail { .. } | Self::Part { end: true, .. })
    }

    /// Writes it for call number `call`.
    #[must_use]
    pub fn put(&self, call: u64) -> PayloadWriter {
        let mut put = PayloadWriter::new();
        match self {
            Self::Fail { status, message } => {
                put.u64(call).u8(parts::FAIL).u16(*status).text(message);
            }
            Self::Part { head, bytes, end } => {
                put = PayloadWriter::with_room(bytes.len() + 256);
                let mut bits = 0;
                if head.is_some() {
                    bits |= parts::HEAD;
                }
                if *end {
                    bits |= parts::END;
                }
                put.u64(call).u8(bits);
                if let Some((status, headers)) = head {
                    put.u16(*status).count(headers.len());
                    for (name, value) in headers {
                        put.text(name).bytes(value);
                    }
                }
                put.bytes(bytes);
            }
        }
        put
    }

    /// Reads it: the number of the call, and the part.
    ///
    /// # Errors
    /// Not a `REPLY`.
    pub fn take(payload: &'a [u8]) -> Result<(u64, Self), Malformed> {
        let mut take = PayloadReader::of(payload);
        let call = take.u64()?;
        let reply = match take.u8()? {
            parts::FAIL => Self::Fail {
                status: take.u16()?,
                message: take.text()?,
            },
            bits if bits & !(parts::HEAD | parts::END) == 0 => Self::Part {
                head: (bits & parts::HEAD != 0)
                    .then(|| Ok((take.u16()?, take_headers(&mut take)?)))
                    .transpose()?,
                bytes: take.bytes()?,
                end: bits & parts::END != 0,
            },
            bits => return Err(Malformed::new(format!("an answer of parts {bits}"))),
        };
        take.end()?;
        Ok((call, reply))
    }
}

/// A family that the plugin registers.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration<'a> {
    /// Its kind.
    pub kind: MetricKind,
    /// Its name.
    pub name: &'a str,
    /// What it measures.
    pub help: &'a str,
    /// Its unit.
    pub unit: &'a str,
    /// Label names.
    pub labels: Vec<&'a str>,
    /// Bounds of a histogram.
    pub bounds: Vec<f64>,
    /// Flags.
    pub flags: u32,
    /// Name set.
    pub set: &'a str,
}

impl<'a> Registration<'a> {
    /// Writes `family`.
    #[must_use]
    pub fn put(family: &FamilySpec<'_>) -> PayloadWriter {
        let mut put = PayloadWriter::new();
        put.u32(family.kind.0)
            .text(family.name)
            .text(family.help)
            .text(family.unit)
            .texts(family.labels)
            .count(family.bounds.len());
        for bound in family.bounds {
            put.f64(*bound);
        }
        put.u32(family.flags).text(family.set);
        put
    }

    /// Reads it.
    ///
    /// # Errors
    /// Not a `REGISTER`.
    pub fn take(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut take = PayloadReader::of(payload);
        let registration = Self {
            kind: MetricKind(take.u32()?),
            name: take.text()?,
            help: take.text()?,
            unit: take.text()?,
            labels: take.texts()?,
            bounds: take.f64s()?,
            flags: take.u32()?,
            set: take.text()?,
        };
        take.end()?;
        Ok(registration)
    }

    /// The same for the border.
    #[must_use]
    pub fn spec(&self) -> FamilySpec<'_> {
        FamilySpec {
            kind: self.kind,
            name: self.name,
            help: self.help,
            unit: self.unit,
            labels: &self.labels,
            bounds: &self.bounds,
            flags: self.flags,
            set: self.set,
        }
    }
}

/// Writes one route.
pub fn put_route(route: &Route, into: &mut PayloadWriter) {
    into.u32(route.id)
        .u32(route.listener.0)
        .text(&route.pattern)
        .u32(route.methods.0);
}

/// Reads one route.
///
/// # Errors
/// Not a route.
pub fn take_route(take: &mut PayloadReader<'_>) -> Result<Route, Malformed> {
    Ok(Route {
        id: take.u32()?,
        listener: Listener(take.u32()?),
        pattern: take.text()?.to_owned(),
        methods: Methods(take.u32()?),
    })
}

/// Writes status and message at the start of `DONE` and `ANSWER`; a success has a message where the kind
/// of entry says so.
pub fn put_outcome(outcome: Result<&str, &Failure>, into: &mut PayloadWriter) {
    match outcome {
        Ok(message) => into.u32(0).text(message),
        // Zero would be success without its result.
        Err(failure) if failure.status == Status::OK => {
            into.u32(Status::INTERNAL.0).text(&failure.message)
        }
        Err(failure) => into.u32(failure.status.0).text(&failure.message),
    };
}

/// Reads status and message at the start of `DONE` and `ANSWER`: the message of success, or the failure.
///
/// # Errors
/// The payload ends too early.
pub fn take_outcome<'a>(
    take: &mut PayloadReader<'a>,
) -> Result<Result<&'a str, Failure>, Malformed> {
    let status = Status(take.u32()?);
    let message = take.text()?;
    Ok(match status {
        Status::OK => Ok(message),
        status => Err(Failure::new(status, message)),
    })
}

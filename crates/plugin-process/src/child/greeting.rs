//! The first exchange: what the host says about itself, and the descriptors for everything else.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use meterbox_plugin_abi::{Failure, Level};

use crate::arena::Arena;
use crate::cells::ChildCells;
use crate::lane::{Lane, LaneError};
use crate::side::Side;
use crate::wire::{Hello, Kind, PayloadWriter, put_outcome};

/// A `HELLO` with its descriptors, opened.
#[derive(Debug)]
pub struct Greeting {
    /// Version of the border that the file states.
    pub api: String,
    /// Name under which the plugin runs.
    pub name: String,
    pub(super) log_level: Level,
    pub(super) cells: Arc<ChildCells>,
    pub(super) short: Lane,
    pub(super) long: Lane,
    pub(super) calls: Vec<Lane>,
}

impl Greeting {
    /// Waits for `HELLO` on lane 0; gives the plugin's file beside it.
    ///
    /// # Errors
    /// The lane's end; a host of another protocol; descriptors that are not what they should be.
    pub fn receive(lane_0: UnixStream) -> Result<(Self, OwnedFd), LaneError> {
        let mut short = Lane::new(lane_0, None, Side::Child);
        let (kind, payload, files) = short.receive_with()?;
        if kind != Kind::HELLO {
            return Err(LaneError::Malformed(format!("{kind:?} instead of HELLO")));
        }
        let hello = Hello::take(&payload)?;
        if hello.protocol != Hello::PROTOCOL || files.len() != hello.descriptors() {
            let text = format!(
                "a HELLO of protocol {} with {} descriptors for {} call lanes",
                hello.protocol,
                files.len(),
                hello.call_lanes
            );
            return Err(LaneError::Malformed(text));
        }
        let half = usize::try_from(hello.arena_bytes).unwrap_or(usize::MAX);
        let mut files = files.into_iter();
        let mut next = || files.next().ok_or(LaneError::Closed);
        let plugin = next()?;
        let cells = ChildCells::open(next()?, hello.cell_bytes, hello.stripes)?;
        let mut lane = || -> Result<Lane, LaneError> {
            let (socket, arena) = (UnixStream::from(next()?), next()?);
            let arena = Arena::open(arena, half)?;
            Ok(Lane::new(socket, Some(arena), Side::Child))
        };
        let long = lane()?;
        let calls = (0..hello.call_lanes)
            .map(|_| lane())
            .collect::<Result<_, _>>()?;
        let greeting = Self {
            api: hello.api.to_owned(),
            name: hello.name.to_owned(),
            log_level: Level(hello.log_level),
            cells,
            short,
            long,
            calls,
        };
        Ok((greeting, plugin))
    }

    /// Ends the exchange: the metadata that the loaded plugin states, or why it was not loaded.
    ///
    /// # Errors
    /// The lane's end.
    pub fn answer(&mut self, loaded: Result<&str, &Failure>) -> Result<(), LaneError> {
        let mut done = PayloadWriter::new();
        put_outcome(loaded.map(|_| ""), &mut done);
        if let Ok(metadata) = loaded {
            done.u8(1).text(metadata);
        }
        self.short.send(Kind::DONE, done.as_bytes())
    }
}

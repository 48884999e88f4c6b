//! The host's end: starts children and makes them look like plugins in this process.
//!
//! [`Isolated`] is one plugin over all its processes; its object's entries run in the child over call
//! lanes, and what the child asks for is answered by the host's own services. The [`Observer`] is told
//! what happens to the process. Confining the process is the child's own work.

mod calls;
mod cause;
mod child;
mod clock;
mod host_calls;
mod isolated;
mod lane_guard;
mod launch;
mod lines;
mod observer;
mod plugin;
mod proxy;
mod registered;
mod settings;
mod spawner;
mod status;
mod watch;

pub use cause::Cause;
pub use isolated::Isolated;
pub use meterbox_restarts::{Backoff, RestartSettings};
pub use observer::{Observer, Stream};
pub use plugin::Plugin;
pub use settings::{ChildCommand, ProcessSettings, Sizes};
pub use spawner::Spawner;
pub use status::{LastCrash, Phase, ProcessStatus};

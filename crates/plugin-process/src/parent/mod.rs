//! The host's end: starts children and makes them look like plugins in this process.
//!
//! [`Isolated`] is one plugin over all its processes; its object's entries run in the child over call
//! lanes, and what the child asks for is answered by the host's own services. The [`Observer`] is told
//! what happens to the process. Confining the process is the child's own work.

mod book;
mod calls;
mod cause;
mod child;
mod clock;
mod desk;
mod isolated;
mod launch;
mod lines;
mod observer;
mod plugin;
mod proxy;
mod settings;
mod spawner;
mod status;
mod turn;
mod watch;

pub use cause::Cause;
pub use isolated::Isolated;
pub use meterbox_restarts::{Backoff, RestartSettings};
pub use observer::{Observer, Stream};
pub use plugin::Plugin;
pub use settings::{ChildCommand, ProcessSettings, Sizes};
pub use spawner::Spawner;
pub use status::{LastCrash, Phase, ProcessStatus};

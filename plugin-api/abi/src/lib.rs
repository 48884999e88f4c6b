//! The border between Meterbox and its plugins: opaque pointers with prefix vtables and a short
//! list of frozen value types.
//!
//! Both sides of the border use this crate: the host implements plain traits and wraps them in
//! handles, a plugin sees handles whose methods are plain and safe. Everything that may grow
//! crosses as a pointer: to a prefix vtable, or to a struct that states its size; strings and slices are
//! borrowed for the call.
//! Every `extern "C"` function catches panics, so that nothing unwinds over the border.
//!
//! It knows no HTTP, no metric store and no text format, and its version is the version of the
//! border.
#![allow(
    unsafe_code,
    reason = "the border is made of raw pointers and extern functions; each block says why it is sound"
)]
#![allow(
    non_local_definitions,
    non_camel_case_types,
    reason = "abi_stable's derives expand to impls and names of this shape"
)]

mod border;
mod codes;
mod column;
pub mod events;
mod export;
pub mod gather;
pub mod growing;
mod guard;
mod host;
mod lent;
mod metrics;
pub mod models;
mod module;
mod plugin;
pub mod raw;
mod reply;
mod request;
mod responder;
mod route;
mod status;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use border::caught;
pub use codes::{Clock, Fact, Level, Listener, Methods, Roles, Verdict};
pub use export::{Push, PushSink};
pub use gather::spec::FamilySpec;
pub use host::{Host, HostServices};
pub use metrics::{Cells, FamilyService, Instrument, MetricFamily};
pub use module::{
    API_VERSION, Header, METADATA_BYTES_MAX, METADATA_SECTION, PluginFactory, PluginModuleRef,
    header_of, module_of,
};
pub use plugin::{PluginEntries, PluginObject};
pub use reply::{
    CHUNK_BYTES_MAX, HEADERS_MAX, LIVE_HEADER, Reply, ReplyHead, ReplySink, ReplyWatch,
};
pub use request::{Request, RequestService};
pub use responder::{Responder, ResponderService};
pub use route::{PATTERN_BYTES_MAX, PATTERN_SEGMENTS_MAX, Pattern, ROUTES_MAX, Route};
pub use status::{Failure, Status};
pub use table::{Field, Row, Rows, Table};

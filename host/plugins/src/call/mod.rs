//! One call of an endpoint plugin, from its route to the last byte of its answer.

pub(crate) mod claims;
pub(crate) mod host_paths;
mod inline;
mod inline_fit;
pub(crate) mod invoke;
pub(crate) mod reply;
mod reply_channel;
pub(crate) mod routes;

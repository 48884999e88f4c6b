//! One call of an endpoint plugin, from its route to the last byte of its answer.

pub(crate) mod claims;
pub(crate) mod here;
pub(crate) mod host_paths;
pub(crate) mod invoke;
pub(crate) mod reply_channel;
pub(crate) mod request;
pub(crate) mod routes;

//! One call of an endpoint plugin, from its route to the last byte of its answer.

pub(in crate::plugins) mod here;
pub(in crate::plugins) mod invoke;
pub(in crate::plugins) mod reply_channel;
pub(in crate::plugins) mod request;
pub(in crate::plugins) mod routes;

//! What a plugin may spend of the host, and how often it asked for more.

pub(crate) mod budget;
pub(crate) mod counts;

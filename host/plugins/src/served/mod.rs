//! What a plugin is served with while it runs: log, metrics, timers, events.

mod instruments;
pub(crate) mod services;
pub(crate) mod shared;
pub(crate) mod subscribers;
pub(crate) mod subscription;
pub(crate) mod timers;

#[cfg(test)]
mod same_rules;

//! What a plugin is served with while it runs: log, metrics, timers, events.

pub(in crate::plugins) mod house;
pub(in crate::plugins) mod instruments;
pub(in crate::plugins) mod log_budget;
pub(in crate::plugins) mod services;
pub(in crate::plugins) mod subscribers;
pub(in crate::plugins) mod subscription;
pub(in crate::plugins) mod timers;

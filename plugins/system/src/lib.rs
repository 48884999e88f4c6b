//! System, process and GPU metrics, read when somebody scrapes.

#![forbid(unsafe_code)]

mod collectors;
mod config;
mod error;
#[cfg(test)]
mod fixture;
mod kernel_stat;
mod machine;
mod mount_probe;
#[cfg(test)]
mod oracle;
mod pattern;
mod sample;
mod scrape;

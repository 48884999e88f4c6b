//! The key table: every key that `config.properties` may hold, one row each.
//!
//! The rows live in one file per group, in the order of the shipped file. Which keys exist, what
//! they accept, how they are documented and what the shipped file says is decided here and
//! nowhere else.

mod exports;
mod http;
mod inherited;
mod listeners;
mod logs;
mod metrics;
mod models;
mod plugins;
mod tokens;

use super::key::Key;

/// A group of keys, with the heading it has in the file and in the documentation.
#[derive(Debug)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// What the keys are about, one or two sentences.
    pub about: &'static str,
    /// The rows.
    pub keys: &'static [Key],
}

/// All groups, in the order of the shipped file.
pub static GROUPS: &[&Group] = &[
    &listeners::GROUP,
    &tokens::GROUP,
    &plugins::GROUP,
    &exports::GROUP,
    &metrics::GROUP,
    &models::GROUP,
    &http::GROUP,
    &logs::GROUP,
    &inherited::GROUP,
];

/// All rows.
pub fn all() -> impl Iterator<Item = &'static Key> {
    GROUPS.iter().flat_map(|group| group.keys)
}

/// The row of the key written as `name`, which may be an older name or a pattern filled in.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name || key.aliases.contains(&name) || key.chosen(name).is_some())
}

#[cfg(test)]
mod tests;

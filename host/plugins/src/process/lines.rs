//! What a plugin's process prints, as lines of the log.

use meterbox_plugin_abi::Level;

const PREFIXES: &[(&str, Level)] = &[
    ("error", Level::ERROR),
    ("critical", Level::ERROR),
    ("fatal", Level::ERROR),
    ("warn", Level::WARN),
    ("warning", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

/// The level that the first word of a line states, as most loggers write it.
pub(super) fn level_of(line: &str) -> Option<Level> {
    let begin = line.trim_start_matches(['[', '<', ' ']);
    let end = begin
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(begin.len());
    let (word, rest) = begin.split_at(end);
    let known = PREFIXES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    // `info` may just be how a sentence begins.
    let marked = line.starts_with(['[', '<']) || rest.starts_with([':', ']', '>']);
    let shouted = word.bytes().all(|byte| byte.is_ascii_uppercase());
    known.filter(|_| marked || shouted).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_state_its_level() {
        for (line, level) in [
            ("ERROR no such table", Some(Level::ERROR)),
            ("[warn] slow", Some(Level::WARN)),
            ("warning: old", Some(Level::WARN)),
            ("  DEBUG: x", Some(Level::DEBUG)),
            ("<info> ready", Some(Level::INFO)),
            ("Info about models", None),
            ("thread 'main' panicked", None),
            ("", None),
        ] {
            assert_eq!(level_of(line), level, "{line}");
        }
    }
}

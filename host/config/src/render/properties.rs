//! The shipped `config.properties`: every key with one line on it, shipped values active.

use crate::key::{Key, Kind};
use crate::keys::GROUPS;

const HEAD: &str = "\
# The configuration of Meterbox, in the syntax and with the keys of TorchServe's config.properties.
#
# Written by `cargo xtask gen` from the key table; docs/CONFIG.md says more about each key.
# A line that starts with # is off. An off line shows the default, or nothing if there is none.
# Everything listens on loopback here, so the model API is on and no token is asked for; the
# stricter value stands one line below each such line.
";

/// The text of the shipped file.
#[must_use]
pub fn properties() -> String {
    let mut out = HEAD.to_owned();
    for group in GROUPS {
        out.push_str(&format!("\n\n##### {}\n", group.title));
        for line in wrap(group.about, 98) {
            out.push_str(&format!("# {line}\n"));
        }
        for key in group.keys {
            row(key, &mut out);
        }
    }
    out
}

fn row(key: &Key, out: &mut String) {
    out.push_str(&format!("\n# {}{}\n", key.summary, limits(key)));
    let name = key.name;
    match (key.shipped, key.default) {
        (Some(shipped), Some(default)) if shipped != default => {
            out.push_str(&format!("{name}={shipped}\n#{name}={default}\n"));
        }
        (Some(shipped), _) => out.push_str(&format!("{name}={shipped}\n")),
        (None, default) => out.push_str(&format!("#{name}={}\n", default.unwrap_or(""))),
    }
}

/// What fits on the summary's line: the range and the unit, or why there is no effect.
fn limits(key: &Key) -> String {
    if let Some(why) = key.without_effect {
        return format!(" No effect: {why}.");
    }
    match key.kind {
        Kind::Integer { min, max } => {
            let unit = if key.unit.is_empty() { "" } else { " " };
            format!(" {min} to {max}{unit}{}.", key.unit)
        }
        Kind::Choice(words) => format!(" One of {}.", words.join(", ")),
        Kind::Choices(words) => format!(" Of {}.", words.join(", ")),
        _ => String::new(),
    }
}

/// `text` in lines of at most `width` bytes, broken at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

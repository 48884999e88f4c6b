//! `docs/CONFIG.md`: every key with all that the table knows about it.

use crate::key::{Key, Kind};
use crate::keys::{GROUPS, Group};

const HEAD: &str = "\
# Configuration

Written by `cargo xtask gen` from the key table in `host/src/config/keys/`; edit the table, not this
page.

The configuration is one file, `config.properties`, in the syntax of Java properties: `key=value`, a
backslash at the end of a line continues it, `#` and `!` start comments. It is looked for as
`$TS_CONFIG_FILE`, then as named by `--config` (`--ts-config` under the name `torchserve`), then as
`config.properties` in the working directory. `meterbox config check` reads it and reports all errors
at once, each with its line; `meterbox config show --origin` prints every value and where it comes from.

- **Precedence**: environment over command line over file over default. The environment counts only
  if the file says `enable_envvars_config=true`; the variable of a key is `TS_` and the key in capitals
  unless its entry says otherwise.
- **`$$NAME$$`** in a value of the file is replaced by the environment variable `NAME`; one that is
  not set is an error.
- **Relative paths** of the file and of defaults are against the file's folder, under the name
  `torchserve` against the working directory; those of the command line and the environment are
  always against the working directory.
- **Unknown keys** are kept and warned about, with the nearest known key.
- **Reload**: SIGHUP reads the file again. A bad file keeps the old values. Keys marked *reloadable*
  take effect at once, others at the next start, with a warning.
- **Exit code** 2 and no listener if the configuration is refused.

Beside these keys the plain environment has `METERBOX_LOG` (log levels, as in
`info,plugin.drift=debug`), `TEMP` (folder of unpacked models, else `TMPDIR`, else `/tmp`),
`LOG_LOCATION` (logs of a server in the background, else `logs`) and `METRICS_LOCATION` (logs of
metrics, else `logs`).
";

/// The text of `docs/CONFIG.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = HEAD.to_owned();
    for group in GROUPS {
        out.push_str(&format!("\n## {}\n\n{}\n", group.title, group.about));
        if group.keys.iter().all(|key| key.without_effect.is_some()) {
            without_effect(group, &mut out);
        } else {
            group.keys.iter().for_each(|key| entry(key, &mut out));
        }
    }
    out
}

fn entry(key: &Key, out: &mut String) {
    out.push_str(&format!("\n### `{}`\n\n{}\n", key.name, key.summary));
    if !key.details.is_empty() {
        out.push_str(&format!("\n{}\n", key.details));
    }
    let mut facts = vec![kind(key)];
    facts.push(match key.default {
        Some(default) => format!("default `{default}`"),
        None => "no default".to_owned(),
    });
    if let Some(shipped) = key.shipped.filter(|shipped| Some(*shipped) != key.default) {
        facts.push(format!("shipped as `{shipped}`"));
    }
    for alias in key.aliases {
        facts.push(format!("older name `{alias}`"));
    }
    let standard = format!("TS_{}", key.name.to_ascii_uppercase());
    match key.variables().as_slice() {
        [] => facts.push("no environment variable".to_owned()),
        [variable, ..] if *variable == standard => {}
        [variable, ..] => facts.push(format!("environment variable `{variable}`")),
    }
    if key.reloadable {
        facts.push("reloadable".to_owned());
    }
    facts.push(format!("since {}", key.since));
    out.push_str(&format!("\n*{}.*\n", facts.join("; ")));
}

fn kind(key: &Key) -> String {
    let unit = if key.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", key.unit)
    };
    match key.kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer { min, max } => format!("{min} to {max}{unit}"),
        Kind::Choice(words) => format!("one of {}", code(words)),
        Kind::Choices(words) => format!("several of {}", code(words)),
        Kind::Text => "text".to_owned(),
        Kind::List => "list with commas".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Paths => "paths with commas or colons".to_owned(),
        Kind::Address { .. } => "`http://host[:port]` or `unix:/path`".to_owned(),
        Kind::Json => "JSON object".to_owned(),
        Kind::NamePatterns => "name patterns".to_owned(),
    }
}

fn code(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn without_effect(group: &Group, out: &mut String) {
    out.push_str("\n| key | meaning | why without effect |\n| --- | --- | --- |\n");
    for key in group.keys {
        let why = key.without_effect.unwrap_or_default();
        out.push_str(&format!("| `{}` | {} | {why} |\n", key.name, key.summary));
    }
}

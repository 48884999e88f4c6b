//! The metadata block of a Python plugin, read from its text without running a line of it.
//!
//! It is a run of comments in the manner of inline script metadata:
//!
//! ```text
//! # /// meterbox
//! # name = "hello"
//! # version = "0.1.0"
//! # api = 1
//! # ///
//! ```
//!
//! Between the two marks stands TOML, behind `# ` on each line. `api` is the version of the runner
//! protocol. Every fault is named with its line in the file and with what to write there.
//!
//! **Source:** PyPA specification of inline script metadata, for the form of the block.

use super::metadata::{METADATA_BYTES_MAX, Metadata, valid_name};
use crate::{Reason, Refusal};
use meterbox_plugin_abi::Roles;
use serde::Deserialize;
use toml::Spanned;

/// The version of the runner protocol that this host speaks.
pub const RUNNER_PROTOCOL: u32 = 1;
/// A larger text is refused, in bytes.
pub(crate) const PYTHON_BYTES_MAX: u64 = 16 << 20;

const BEGIN: &str = "# /// meterbox";
const END: &str = "# ///";
/// The mark of a block of any type, ours or another's.
const ANY: &str = "# /// ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    name: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    #[serde(default)]
    description: String,
    api: Option<Spanned<i64>>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    #[serde(default)]
    families: Vec<String>,
    schema: Option<toml::Table>,
}

/// The only field that every version of the block has.
#[derive(Deserialize)]
struct Version {
    api: Option<Spanned<i64>>,
}

/// Reads and judges the block in the text of a plugin.
pub(crate) fn metadata(bytes: &[u8]) -> Result<Metadata, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()]
            .iter()
            .filter(|&&b| b == b'\n')
            .count();
        bad(line, "the text is not UTF-8; save it as UTF-8")
    })?;
    let (first, toml) = block(text)?;
    read(&toml).map_err(|fault| {
        let before = toml.get(..fault.offset).unwrap_or(&toml);
        let line = first + before.matches('\n').count();
        Refusal {
            text: format!("line {line}: {}", fault.text),
            reason: fault.reason,
        }
    })
}

/// The TOML of the block and the line on which it begins.
fn block(text: &str) -> Result<(usize, String), Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines());
    let Some((begin, _)) = lines.find(|(_, line)| line.trim_end() == BEGIN) else {
        let text = format!(
            "it has no metadata block, so it is no Meterbox plugin; begin it with the lines \
             {BEGIN:?}, {:?}, {:?}, {:?}, {END:?}, or begin its name with _",
            "# name = \"…\"", "# version = \"…\"", "# api = 1",
        );
        return Err(Refusal::new(Reason::NoMetadata, text));
    };
    let mut toml = String::new();
    for (number, line) in lines.by_ref() {
        let line = line.trim_end();
        if line == END {
            if let Some((again, _)) = lines.find(|(_, line)| line.trim_end() == BEGIN) {
                let why = format!("a second metadata block; keep the one on line {begin} only");
                return Err(bad(again, &why));
            }
            return Ok((begin + 1, toml));
        }
        if line.starts_with(ANY) {
            return Err(bad(number, &unended(begin)));
        }
        // A blank comment may have lost its blank to an editor.
        let Some(content) = line.strip_prefix("# ").or((line == "#").then_some("")) else {
            return Err(bad(number, &unended(begin)));
        };
        toml.push_str(content);
        toml.push('\n');
        if toml.len() > METADATA_BYTES_MAX {
            let why = format!("the metadata block is longer than {METADATA_BYTES_MAX} bytes");
            return Err(bad(begin, &why));
        }
    }
    Err(bad(
        begin,
        "the metadata block has no end; write \"# ///\" below its last line",
    ))
}

fn unended(begin: usize) -> String {
    format!(
        "the metadata block of line {begin} goes on here; begin each of its lines with \"# \" and \
         write \"# ///\" below the last one"
    )
}

/// What is wrong, and where in the block's TOML.
struct Fault {
    offset: usize,
    reason: Reason,
    text: String,
}

fn fault(offset: usize, text: impl Into<String>) -> Fault {
    Fault {
        offset,
        reason: Reason::BadMetadata,
        text: text.into(),
    }
}

impl From<toml::de::Error> for Fault {
    fn from(error: toml::de::Error) -> Self {
        fault(
            error.span().map_or(0, |span| span.start),
            error.message().trim_end(),
        )
    }
}

fn read(toml: &str) -> Result<Metadata, Fault> {
    // A later version may have other fields, so it is looked at before them.
    if let Some(api) = toml::from_str::<Version>(toml)?.api
        && *api.get_ref() != i64::from(RUNNER_PROTOCOL)
    {
        let text = format!(
            "api is {}, and this host speaks version {RUNNER_PROTOCOL} of the runner protocol; \
             write api = {RUNNER_PROTOCOL}, or use a host that speaks the other",
            api.get_ref()
        );
        return Err(Fault {
            reason: Reason::Api,
            ..fault(api.span().start, text)
        });
    }
    let block: Block = toml::from_str(toml)?;
    let missing = |field: &str, example: &str| {
        fault(
            0,
            format!("{field} is missing from the metadata block; add # {field} = {example}"),
        )
    };
    let name = block.name.ok_or_else(|| missing("name", "\"drift\""))?;
    let version = block
        .version
        .ok_or_else(|| missing("version", "\"0.1.0\""))?;
    block.api.ok_or_else(|| missing("api", "1"))?;
    if !valid_name(name.get_ref()) {
        let text = format!(
            "name {:?} is not [a-z][a-z0-9_]{{0,62}}; use small letters, digits and _",
            name.get_ref()
        );
        return Err(fault(name.span().start, text));
    }
    let known = || Roles::NAMED.iter().map(|(_, word)| *word);
    if let Some(role) = block
        .roles
        .iter()
        .find(|role| known().all(|word| word != role.get_ref()))
    {
        let known: Vec<&str> = known().collect();
        let text = format!(
            "{:?} is no role; those are {}",
            role.get_ref(),
            known.join(", ")
        );
        return Err(fault(role.span().start, text));
    }
    let schema = block.schema.map(serde_json::to_value).transpose();
    let schema = schema.map_err(|error| fault(0, format!("schema is no JSON Schema: {error}")))?;
    let version_at = version.span().start;
    let metadata = Metadata {
        name: name.into_inner(),
        version: version.into_inner(),
        api: format!("runner {RUNNER_PROTOCOL}"),
        // An exception unwinds, and the runner catches it.
        panic: "unwind".to_owned(),
        description: block.description,
        permissions: block.permissions,
        roles: block.roles.into_iter().map(Spanned::into_inner).collect(),
        families: block.families,
        schema,
    };
    metadata.check_form(|why| fault(version_at, format!("{why}; shorten it")))?;
    Ok(metadata)
}

fn bad(line: usize, why: &str) -> Refusal {
    Refusal::new(Reason::BadMetadata, format!("line {line}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GOOD: &str = "#!/usr/bin/env python3\n\"\"\"Greets.\"\"\"\n# /// meterbox\n\
        # name = \"hello\"\n# version = \"0.1.0\"\n#\n# description = \"Greets.\"\n# api = 1\n\
        # permissions = [\"metrics.read\"]\n# roles = [\"collector\"]\n\
        # [schema.properties.greeting]\n# type = \"string\"\n# ///\nimport meterbox_plugin\n";

    #[test]
    fn a_collector_may_say_which_families_it_has() {
        let more = "# families = [\"room_*\", \"x_total\"]\n# [schema.";
        let metadata = metadata(GOOD.replace("# [schema.", more).as_bytes()).unwrap();
        assert_eq!(metadata.families, ["room_*", "x_total"]);
    }

    #[test]
    fn a_whole_block_is_read_wherever_it_stands() {
        for text in [
            GOOD.to_owned(),
            GOOD.replace('\n', "\r\n"),
            format!("\u{feff}{GOOD}"),
        ] {
            let metadata = metadata(text.as_bytes()).unwrap();
            assert_eq!(
                (metadata.name.as_str(), metadata.version.as_str()),
                ("hello", "0.1.0")
            );
            assert_eq!(metadata.description, "Greets.");
            assert_eq!(metadata.permissions, ["metrics.read"]);
            assert_eq!(metadata.roles, ["collector"]);
            assert!(metadata.families.is_empty());
            let schema = json!({"properties": {"greeting": {"type": "string"}}});
            assert_eq!(metadata.schema, Some(schema));
        }
    }

    #[test]
    fn every_fault_names_its_line_and_what_to_write() {
        let bad = Reason::BadMetadata;
        let table = [
            (
                "# /// meterbox\n",
                "",
                Reason::NoMetadata,
                "begin it with the lines \"# /// meterbox\"",
            ),
            (
                "# name = \"hello\"\n",
                "",
                bad,
                "line 4: name is missing from the metadata block; add # name",
            ),
            (
                "# version = \"0.1.0\"\n",
                "",
                bad,
                "line 4: version is missing",
            ),
            (
                "# api = 1\n",
                "",
                bad,
                "line 4: api is missing from the metadata block; add # api = 1",
            ),
            (
                "api = 1",
                "api = 2",
                Reason::Api,
                "line 8: api is 2, and this host speaks version 1",
            ),
            ("api = 1", "api = \"1\"", bad, "line 8: invalid type"),
            (
                "\"hello\"",
                "\"Hello\"",
                bad,
                "line 4: name \"Hello\" is not [a-z]",
            ),
            ("\"hello\"", "hello", bad, "line 4: "),
            (
                "\"collector\"",
                "\"collect\"",
                bad,
                "line 10: \"collect\" is no role; those are endpoint, collector",
            ),
            (
                "description",
                "descripton",
                bad,
                "line 7: unknown field `descripton`",
            ),
            (
                "\"0.1.0\"",
                "\"0\\n1\"",
                bad,
                "line 5: version is longer than 64 bytes or not one line",
            ),
            (
                "# ///\n",
                "",
                bad,
                "line 13: the metadata block of line 3 goes on here",
            ),
            (
                "# api = 1\n",
                "api = 1\n",
                bad,
                "line 8: the metadata block of line 3",
            ),
            (
                "import meterbox_plugin\n",
                "# /// meterbox\n",
                bad,
                "line 14: a second metadata block; keep the one on line 3",
            ),
        ];
        for (from, to, reason, text) in table {
            assert!(GOOD.contains(from), "{from}");
            let refusal = metadata(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert_eq!(refusal.reason, reason, "{refusal}");
            assert!(refusal.text.contains(text), "{from:?} -> {to:?}: {refusal}");
        }
        let cut = &GOOD[..GOOD.find("# ///\nimport").unwrap()];
        let refusal = metadata(cut.as_bytes()).unwrap_err();
        assert!(
            refusal
                .text
                .starts_with("line 3: the metadata block has no end"),
            "{refusal}"
        );
        let refusal = metadata(b"# fine\n\xff\n").unwrap_err();
        assert_eq!(
            refusal.text,
            "line 2: the text is not UTF-8; save it as UTF-8"
        );
    }

    #[test]
    fn a_block_is_never_read_past_its_cap() {
        let text = format!("{BEGIN}\n{}", "# a\n".repeat(METADATA_BYTES_MAX));
        let refusal = metadata(text.as_bytes()).unwrap_err();
        assert!(
            refusal.text.contains("longer than 65536 bytes"),
            "{refusal}"
        );
    }
}

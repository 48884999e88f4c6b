//! The metadata a plugin carries in its ELF section `.meterbox`, read without running any code.
//!
//! The section holds what is known when the plugin is compiled: who it is, which plugin API it was
//! built against, what it asks for. Routes are not in it; they come from the running object.

use crate::{Reason, Refusal};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// The section may not be larger, in bytes.
pub const METADATA_BYTES_MAX: usize = 64 << 10;
pub(crate) const SECTION: &str = ".meterbox";
const NAME_BYTES_MAX: usize = 63;
const VERSION_BYTES_MAX: usize = 64;
const DESCRIPTION_BYTES_MAX: usize = 1024;
const PERMISSIONS_MAX: usize = 32;
const FAMILIES_MAX: usize = 1024;

/// The version of the C tables (`meterbox_plugin.h`) of this host.
pub const C_API: ApiVersion = ApiVersion { major: 1, minor: 0 };
/// What `api` of a plugin in C begins with: `c-1.0`.
const C_PREFIX: &str = "c-";

/// Which border a library was built against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// `meterbox-plugin-abi`.
    Rust,
    /// `meterbox_plugin.h`.
    C,
}

/// A version of the plugin API. While the major is 0 every minor is a different API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl ApiVersion {
    /// Reads `major.minor` with an optional rest (`0.1.3`, `1.2`).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Self { major, minor })
    }

    /// Whether a host with API `self` can load a plugin built against `plugin`.
    pub fn loads(self, plugin: ApiVersion) -> bool {
        match self.major {
            0 => self == plugin,
            major => plugin.major == major && plugin.minor <= self.minor,
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a plugin says about itself. Unknown fields are kept out, not refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metadata {
    /// `[a-z][a-z0-9_]{0,62}`; unique in a host.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The plugin API it was built against, `major.minor.patch`; of one in C `c-1.0`, of a Python plugin
    /// `runner 1`.
    pub api: String,
    /// What happens on a panic; must be `unwind` where there are panics, and empty in C.
    #[serde(default)]
    pub panic: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// What it asks the host for.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// What it does, if it says so before it runs: names of `meterbox_plugin_abi::Roles`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The families that its collector may show, a name that ends in `*` for all that begin so; none
    /// stated: any. A scrape that asks for other names does not ask the collector.
    #[serde(default)]
    pub families: Vec<String>,
    /// JSON Schema of its configuration table, if it has one.
    #[serde(default)]
    pub schema: Option<Value>,
}

impl Metadata {
    /// Reads and judges the bytes of the section.
    ///
    /// # Errors
    /// [`Reason::BadMetadata`], [`Reason::Api`] or [`Reason::PanicAbort`].
    pub fn parse(section: &[u8], host: ApiVersion) -> Result<Self, Refusal> {
        if section.len() > METADATA_BYTES_MAX {
            let size = section.len();
            return Err(bad(&format!(
                "{size} bytes, at most {METADATA_BYTES_MAX} are allowed"
            )));
        }
        // The linker may pad the section with NUL bytes.
        let end = section
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last + 1);
        let metadata: Self =
            serde_json::from_slice(&section[..end]).map_err(|error| bad(&error.to_string()))?;
        metadata.check_form(|why| bad(&why))?;
        metadata.check_fit(host)?;
        Ok(metadata)
    }

    /// The plugin API it was built against; `None` for what is no library.
    pub fn api_version(&self) -> Option<ApiVersion> {
        self.stated_api().1
    }

    /// Which border it was built against.
    #[must_use]
    pub fn border(&self) -> Border {
        self.stated_api().0
    }

    fn stated_api(&self) -> (Border, Option<ApiVersion>) {
        match self.api.strip_prefix(C_PREFIX) {
            Some(version) => (Border::C, ApiVersion::parse(version)),
            None => (Border::Rust, ApiVersion::parse(&self.api)),
        }
    }

    /// Judges lengths and forms; `bad` makes an error of a sentence.
    pub(super) fn check_form<E>(&self, bad: impl Fn(String) -> E) -> Result<(), E> {
        if !valid_name(&self.name) {
            let name = &self.name;
            return Err(bad(format!("name {name:?} is not [a-z][a-z0-9_]{{0,62}}")));
        }
        for (field, text, bytes_max) in [
            ("version", &self.version, VERSION_BYTES_MAX),
            ("api", &self.api, VERSION_BYTES_MAX),
            ("description", &self.description, DESCRIPTION_BYTES_MAX),
        ] {
            if text.len() > bytes_max || text.chars().any(char::is_control) {
                let why = format!("{field} is longer than {bytes_max} bytes or not one line");
                return Err(bad(why));
            }
        }
        if self.permissions.len() > PERMISSIONS_MAX {
            return Err(bad(format!("more than {PERMISSIONS_MAX} permissions")));
        }
        if self.families.len() > FAMILIES_MAX {
            return Err(bad(format!("more than {FAMILIES_MAX} families")));
        }
        if let Some(family) = self.families.iter().find(|family| !names_families(family)) {
            let why =
                format!("families: {family:?} is not a metric name, or the beginning of one and *");
            return Err(bad(why));
        }
        if self
            .schema
            .as_ref()
            .is_some_and(|schema| !schema.is_object())
        {
            return Err(bad("schema is not an object".to_owned()));
        }
        Ok(())
    }

    fn check_fit(&self, host: ApiVersion) -> Result<(), Refusal> {
        let (border, Some(api)) = self.stated_api() else {
            return Err(bad(&format!("api {:?} is not a version", self.api)));
        };
        let (prefix, host, against) = match border {
            Border::Rust => ("", host, format!("meterbox-plugin {host}")),
            Border::C => (C_PREFIX, C_API, "this host's meterbox_plugin.h".to_owned()),
        };
        if !host.loads(api) {
            let text = format!(
                "plugin {} {} needs plugin api {prefix}{api}, this host has {prefix}{host}; rebuild \
                 it against {against}",
                self.name, self.version
            );
            return Err(Refusal::new(Reason::Api, text));
        }
        match (border, self.panic.as_str()) {
            (Border::C, _) | (Border::Rust, "unwind") => Ok(()),
            (Border::Rust, "") => Err(bad("missing field `panic`")),
            (Border::Rust, panic) => {
                let text = format!(
                    "plugin {} was built with panic = {panic:?}, so its first panic would end the \
                     host; build it with panic = \"unwind\"",
                    self.name
                );
                Err(Refusal::new(Reason::PanicAbort, text))
            }
        }
    }
}

/// Whether `name` can be the name of a plugin: `[a-z][a-z0-9_]{0,62}`.
pub fn valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= NAME_BYTES_MAX
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether `name` can be the name of a family, or of many with a `*` at its end.
fn names_families(name: &str) -> bool {
    let begin = name.strip_suffix('*').unwrap_or(name);
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    begin.bytes().next().is_some_and(first)
        && begin
            .bytes()
            .all(|byte| first(byte) || byte.is_ascii_digit())
}

fn bad(why: &str) -> Refusal {
    let text = format!("section {SECTION} is not usable ({why}); export it with export_plugin!");
    Refusal::new(Reason::BadMetadata, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: ApiVersion = ApiVersion { major: 0, minor: 1 };

    fn parse(json: &str) -> Result<Metadata, Refusal> {
        Metadata::parse(json.as_bytes(), HOST)
    }

    fn with(from: &str, to: &str) -> Refusal {
        const GOOD: &str = r#"{"name":"drift","version":"0.1.0","api":"0.1.0","panic":"unwind"}"#;
        assert!(parse(GOOD).is_ok());
        assert!(GOOD.contains(from));
        parse(&GOOD.replace(from, to)).expect_err("must be refused")
    }

    #[test]
    fn optional_fields_unknown_fields_and_padding_are_fine() {
        let json = "{\"name\":\"a_1\",\"version\":\"2\",\"api\":\"0.1.9\",\"panic\":\"unwind\",\
                    \"permissions\":[\"metrics.read\"],\"families\":[\"a:b_total\",\"node_*\"],\
                    \"schema\":{},\"rustc\":\"1.95\"}\0\0\0";
        let metadata = parse(json).unwrap();
        assert_eq!(metadata.permissions, ["metrics.read"]);
        assert_eq!(metadata.families, ["a:b_total", "node_*"]);
        assert_eq!(metadata.description, "");
    }

    #[test]
    fn each_unusable_field_is_named() {
        let table = [
            ("drift", "Drift", Reason::BadMetadata, "name \"Drift\""),
            ("drift", "../etc", Reason::BadMetadata, "name \"../etc\""),
            ("drift", "", Reason::BadMetadata, "name \"\""),
            (
                "}",
                ",\"families\":[\"node_*x\"]}",
                Reason::BadMetadata,
                "families: \"node_*x\"",
            ),
            (
                "\"version\":\"0.1.0\",",
                "",
                Reason::BadMetadata,
                "missing field `version`",
            ),
            (
                "0.1.0\",\"api",
                "1\\n2\",\"api",
                Reason::BadMetadata,
                "version is longer",
            ),
            (
                "\"api\":\"0.1.0\"",
                "\"api\":\"new\"",
                Reason::BadMetadata,
                "api \"new\"",
            ),
            (
                "\"api\":\"0.1.0\"",
                "\"api\":\"0.3.0\"",
                Reason::Api,
                "needs plugin api 0.3, this host has 0.1",
            ),
            ("unwind", "abort", Reason::PanicAbort, "panic = \"abort\""),
            (
                "}",
                ",\"schema\":[]}",
                Reason::BadMetadata,
                "schema is not an object",
            ),
            ("}", "", Reason::BadMetadata, "EOF"),
        ];
        for (from, to, reason, text) in table {
            let refusal = with(from, to);
            assert_eq!(refusal.reason, reason, "{refusal}");
            assert!(refusal.text.contains(text), "{refusal}");
        }
    }

    #[test]
    fn a_plugin_in_c_states_the_version_of_the_c_tables() {
        let c = |api: &str| parse(&format!(r#"{{"name":"a","version":"1","api":"{api}"}}"#));
        let metadata = c("c-1.0").unwrap();
        assert_eq!(metadata.border(), Border::C);
        assert_eq!(metadata.api_version(), Some(C_API));
        let refusal = c("c-2.0").unwrap_err();
        assert_eq!(refusal.reason, Reason::Api);
        assert_eq!(
            refusal.text,
            "plugin a 1 needs plugin api c-2.0, this host has c-1.0; rebuild it against this host's \
             meterbox_plugin.h"
        );
        assert_eq!(c("c-1.7").unwrap_err().reason, Reason::Api);
        assert!(c("c-").unwrap_err().text.contains("api \"c-\" is not"));
        let rust = c("0.1.0").unwrap_err();
        assert!(rust.text.contains("missing field `panic`"), "{rust}");
    }

    #[test]
    fn a_section_above_the_cap_is_refused_before_it_is_parsed() {
        let refusal = Metadata::parse(&vec![b' '; METADATA_BYTES_MAX + 1], HOST).unwrap_err();
        assert!(refusal.text.contains("65537 bytes"), "{refusal}");
    }

    #[test]
    fn from_one_point_nought_on_older_minors_load_and_newer_do_not() {
        let version = |major, minor| ApiVersion { major, minor };
        assert!(version(1, 5).loads(version(1, 0)));
        assert!(!version(1, 0).loads(version(1, 5)));
        assert!(!version(2, 0).loads(version(1, 0)));
        assert!(!version(0, 2).loads(version(0, 1)));
        assert!(version(0, 2).loads(version(0, 2)));
    }
}

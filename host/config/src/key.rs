//! What a row of the key table says about one configuration key.
//!
//! A row is data: file, documentation, checks and errors are made from it. It holds no code that
//! acts on a value; that is [`super::Value`].

/// Units that an error repeats; a count of something needs no unit to be understood.
const MEASURES: &[&str] = &["ms", "s", "min", "bytes", "bytes/s"];

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name in the file; `<name>` or `<target>` stands for a part the user chooses.
    pub name: &'static str,
    /// Older names of the same key.
    pub aliases: &'static [&'static str],
    /// What a value must look like.
    pub kind: Kind,
    /// The value when nobody sets the key, as it would be written in the file.
    pub default: Option<&'static str>,
    /// The value that the shipped `config.properties` sets, if it sets the key at all.
    pub shipped: Option<&'static str>,
    /// What a number counts: `ms`, `s`, `bytes`, `series`, ...; empty without a unit.
    pub unit: &'static str,
    /// One line for the file and the table.
    pub summary: &'static str,
    /// More, for the documentation; empty if the summary says it all.
    pub details: &'static str,
    /// The version that brought the key: `TorchServe 0.1` or `Meterbox 0.1`.
    pub since: &'static str,
    /// The environment variable that sets it.
    pub variable: Variable,
    /// Whether a reload (SIGHUP) applies a new value.
    pub reloadable: bool,
    /// Whether the value must never be printed.
    pub secret: bool,
    /// For keys that are accepted, so that an inherited file still works, but change nothing: why.
    pub without_effect: Option<&'static str>,
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from `min` to `max`.
    Integer {
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
    },
    /// One of the listed words, whatever their case.
    Choice(&'static [&'static str]),
    /// Several of the listed words, with commas between.
    Choices(&'static [&'static str]),
    /// Any text.
    Text,
    /// Words with commas between.
    List,
    /// A file or folder.
    Path,
    /// Folders, with commas or colons between.
    Paths,
    /// `http://host[:port]` or `unix:/path`.
    Address {
        /// The port when the address names none.
        port: u16,
    },
    /// A JSON object.
    Json,
    /// Names of environment variables with `|` between; `.*` stands for any text.
    NamePatterns,
}

/// The environment variable of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// `TS_` and the key in capitals.
    Standard,
    /// Another name.
    Named(&'static str),
    /// Another name, which counts even without `enable_envvars_config=true`.
    Always(&'static str),
    /// Set in the file or on the command line only.
    None,
}

impl Key {
    /// A key of TorchServe 0.12 with the standard environment variable and without a default.
    #[must_use]
    pub const fn inherited(name: &'static str, kind: Kind, summary: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            default: None,
            shipped: None,
            unit: "",
            summary,
            details: "",
            since: "TorchServe",
            variable: Variable::Standard,
            reloadable: false,
            secret: false,
            without_effect: None,
        }
    }

    /// A key that TorchServe does not have.
    #[must_use]
    pub const fn own(name: &'static str, kind: Kind, summary: &'static str) -> Self {
        Self {
            since: "Meterbox 0.1",
            ..Self::inherited(name, kind, summary)
        }
    }

    /// A key of TorchServe that is accepted and changes nothing, and why.
    #[must_use]
    pub const fn ignored(
        name: &'static str,
        kind: Kind,
        summary: &'static str,
        why: &'static str,
    ) -> Self {
        Self {
            without_effect: Some(why),
            ..Self::inherited(name, kind, summary)
        }
    }

    /// The value when nobody sets the key.
    #[must_use]
    pub const fn default(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    /// The value that the shipped file sets.
    #[must_use]
    pub const fn shipped(self, shipped: &'static str) -> Self {
        Self {
            shipped: Some(shipped),
            ..self
        }
    }

    /// What the number counts.
    #[must_use]
    pub const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// More words for the documentation.
    #[must_use]
    pub const fn details(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    /// Older names.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Another environment variable, or none.
    #[must_use]
    pub const fn variable(self, variable: Variable) -> Self {
        Self { variable, ..self }
    }

    /// A reload applies a new value.
    #[must_use]
    pub const fn reloadable(self) -> Self {
        Self {
            reloadable: true,
            ..self
        }
    }

    /// The value is never printed.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    /// The environment variables that set the key, that of its present name first.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let standard = |name: &str| format!("TS_{}", name.to_ascii_uppercase());
        match self.variable {
            Variable::None => Vec::new(),
            Variable::Named(name) | Variable::Always(name) => vec![name.to_owned()],
            Variable::Standard if self.is_pattern() => Vec::new(),
            Variable::Standard => std::iter::once(&self.name)
                .chain(self.aliases)
                .map(|name| standard(name))
                .collect(),
        }
    }

    /// Whether the name has a part that the user chooses, as `plugin.<name>.enabled` has.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.name.contains('<')
    }

    /// The part that the user chose, if `name` is this pattern filled in: for
    /// `plugin.drift.enabled` it is `drift`.
    #[must_use]
    pub fn chosen<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (head, rest) = self.name.split_once('<')?;
        let (_, tail) = rest.split_once('>')?;
        name.strip_prefix(head)?
            .strip_suffix(tail)
            .filter(|chosen| !chosen.is_empty())
    }

    /// What is expected, for an error: `1..=100000, default 100`.
    #[must_use]
    pub fn expectation(&self) -> String {
        let expected = match self.kind {
            Kind::Bool => "true or false".to_owned(),
            Kind::Integer { min, max } => format!("{min}..={max}"),
            Kind::Choice(words) => words.join(", "),
            Kind::Choices(words) => format!("some of {}", words.join(", ")),
            Kind::Text => "any text".to_owned(),
            Kind::List => "words with commas between".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Paths => "folders with commas between".to_owned(),
            Kind::Address { .. } => "http://host:port or unix:/path".to_owned(),
            Kind::Json => "a JSON object".to_owned(),
            Kind::NamePatterns => "names with | between, .* for any text".to_owned(),
        };
        let unit = if MEASURES.contains(&self.unit) {
            format!(" {}", self.unit)
        } else {
            String::new()
        };
        match self.default {
            Some(default) => format!("{expected}{unit}, default {default}"),
            None => format!("{expected}{unit}"),
        }
    }
}

//! The name of a new plugin: fit for a route, a metric, a file and an identifier at once.

use meterbox_plugin_files::valid_name;

/// Names that the server has use for itself, each with its use.
const TAKEN: [(&str, &str); 8] = [
    ("meterbox", "the prefix of the server's own metrics"),
    ("ts", "the prefix of TorchServe's metrics"),
    ("process", "the prefix of the server's process metrics"),
    ("metrics", "the route of the default page"),
    ("plugins", "a route of the server"),
    ("models", "a route of the server"),
    ("predictions", "a route of the server"),
    ("ping", "a route of the server"),
];

/// Words that no Rust crate or C function may be called.
const WORDS: [&str; 76] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "auto",
    "await",
    "become",
    "bool",
    "box",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "core",
    "crate",
    "default",
    "do",
    "double",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "float",
    "fn",
    "for",
    "gen",
    "goto",
    "if",
    "impl",
    "in",
    "inline",
    "int",
    "let",
    "long",
    "loop",
    "macro",
    "main",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "register",
    "restrict",
    "return",
    "self",
    "short",
    "signed",
    "sizeof",
    "static",
    "std",
    "struct",
    "super",
    "switch",
    "test",
    "trait",
    "true",
    "try",
    "typedef",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "void",
    "where",
    "while",
    "yield",
];

/// A name for a new plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It cannot be the name of any plugin.
    #[error("{0:?} cannot be the name of a plugin (expected [a-z][a-z0-9_]{{0,62}})")]
    Form(String),
    /// The server has it already.
    #[error("{name} is {usage}; choose another name")]
    Taken {
        /// The name.
        name: String,
        /// What it is used for.
        usage: &'static str,
    },
    /// A language has it already.
    #[error("{0} is a word of the language; choose another name")]
    Word(String),
}

impl Name {
    /// The name `text`, if a new plugin may have it.
    ///
    /// # Errors
    /// It is malformed, or somebody else's.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if !valid_name(text) {
            return Err(NameError::Form(text.to_owned()));
        }
        if let Some((_, usage)) = TAKEN.iter().find(|(taken, _)| *taken == text) {
            let name = text.to_owned();
            return Err(NameError::Taken { name, usage });
        }
        if WORDS.contains(&text) {
            return Err(NameError::Word(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as that of a type: `queue_len` becomes `QueueLen`.
    #[must_use]
    pub fn type_name(&self) -> String {
        let parts = self.0.split('_').filter(|part| !part.is_empty());
        let mut name = String::new();
        for part in parts {
            let (first, rest) = part.split_at(1);
            name += &first.to_ascii_uppercase();
            name += rest;
        }
        // These are in the prelude of every plugin.
        match name.as_str() {
            "Plugin" | "Host" | "Config" | "Counter" | "Gauge" | "Histogram" | "Summary"
            | "Info" | "Error" | "Events" | "Families" | "Level" | "Metrics" | "Request"
            | "Responder" | "Result" | "Roles" | "Routes" | "Self" | "String" | "Ok" | "Err"
            | "Some" | "None" => name + "Plugin",
            _ => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_type_and_never_one_of_the_prelude() {
        let type_of = |text| Name::parse(text).unwrap().type_name();
        assert_eq!(type_of("queue_len"), "QueueLen");
        assert_eq!(type_of("a__b_2"), "AB2");
        assert_eq!(type_of("counter"), "CounterPlugin");
    }

    #[test]
    fn names_of_others_and_malformed_ones_are_refused_with_a_sentence() {
        let table = [
            ("", "cannot be the name"),
            ("Drift", "cannot be the name"),
            ("../x", "cannot be the name"),
            ("metrics", "the route of the default page"),
            ("process", "prefix of the server's process metrics"),
            ("match", "word of the language"),
        ];
        for (name, words) in table {
            let error = Name::parse(name).unwrap_err().to_string();
            assert!(error.contains(words), "{name}: {error}");
        }
    }
}

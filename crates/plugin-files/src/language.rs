//! What a plugin file is written in, as its name says.

use std::ffi::OsStr;
use std::fmt;

/// What a plugin file is written in. It decides how the file is checked and what runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// A shared library (`*.so`): Rust, C, or whatever else exports the border.
    Library,
    /// A Python program (`*.py`), which always runs in a process of its own.
    Python,
}

/// The ending of a file's name for each language.
const ENDINGS: [(&[u8], Language); 2] = [(b".so", Language::Library), (b".py", Language::Python)];

impl Language {
    /// The language of a file of this name; `None` for what is no candidate.
    ///
    /// Names that begin with a dot are never candidates. Python files that begin with `_` are left
    /// alone, too: a module that a plugin brought along is no plugin.
    pub fn of(name: &OsStr) -> Option<Self> {
        let name = name.as_encoded_bytes();
        let fits = |ending: &[u8]| name.len() > ending.len() && name.ends_with(ending);
        let (_, language) = ENDINGS.into_iter().find(|(ending, _)| fits(ending))?;
        let left_alone =
            name.starts_with(b".") || (language == Self::Python && name.starts_with(b"_"));
        (!left_alone).then_some(language)
    }

    /// The word for it in answers and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Python => "python",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_and_hidden_and_underscored_ones_are_left_alone() {
        let table = [
            ("a.so", Some(Language::Library)),
            ("_a.so", Some(Language::Library)),
            (".a.so", None),
            (".so", None),
            ("a.so.1", None),
            ("hello.py", Some(Language::Python)),
            ("_helper.py", None),
            ("__init__.py", None),
            (".hello.py", None),
            (".py", None),
            ("hello.pyc", None),
            ("hello.py~", None),
        ];
        for (name, expected) in table {
            assert_eq!(Language::of(OsStr::new(name)), expected, "{name}");
        }
    }
}

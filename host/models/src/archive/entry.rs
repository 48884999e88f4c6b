//! Names of entries: refused if they are not plain, never made plain.
//!
//! What passes is a relative path below the target that no other entry of the archive has, in any
//! case of its letters.

use super::error::ArchiveError;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Folders above a file.
const DEPTH_MAX: usize = 16;
/// Longest part of a path, in bytes.
const PART_BYTES_MAX: usize = 255;

/// The names seen so far in one archive.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By lower-case path: the path as first written, and whether it is a folder.
    seen: HashMap<String, (String, bool)>,
}

impl Names {
    /// The path of an entry below `target`; `raw` is its name as it stands in the archive.
    pub(super) fn place(
        &mut self,
        raw: &[u8],
        is_folder: bool,
        target: &Path,
    ) -> Result<PathBuf, ArchiveError> {
        let Ok(name) = std::str::from_utf8(raw) else {
            let name = String::from_utf8_lossy(raw);
            return Err(ArchiveError::bad_entry(&name, "is not UTF-8"));
        };
        let refuse = |why| Err(ArchiveError::bad_entry(name, why));
        // A leading `./` is how tar writes the folder it was started in.
        let plain = name.strip_prefix("./").unwrap_or(name);
        let plain = if is_folder {
            plain.strip_suffix('/').unwrap_or(plain)
        } else {
            plain
        };
        if is_folder && (plain.is_empty() || plain == ".") {
            return Ok(target.to_owned());
        }
        if plain
            .bytes()
            .any(|byte| byte == 0 || byte == b'\\' || byte < b' ' || byte == 0x7f)
        {
            return refuse("has a backslash or a control character");
        }
        if plain.starts_with('/') {
            return refuse("is absolute");
        }
        if plain.as_bytes().get(1) == Some(&b':') {
            return refuse("names a drive");
        }
        let parts: Vec<&str> = plain.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return refuse("has an empty part, `.` or `..`");
        }
        if parts.len() > DEPTH_MAX || parts.iter().any(|part| part.len() > PART_BYTES_MAX) {
            return refuse("is too deep or too long");
        }
        for end in 1..parts.len() {
            self.folder_above(&parts[..end], name)?;
        }
        let key = plain.to_lowercase();
        match self.seen.get(&key) {
            None => {}
            Some((first, true)) if is_folder && first == plain => {}
            Some(_) => return refuse("is there twice, or differs from another only in case"),
        }
        self.seen.insert(key, (plain.to_owned(), is_folder));
        Ok(target.join(plain))
    }

    /// Notes a folder that an entry lies in, whether or not it has an entry of its own.
    fn folder_above(&mut self, parts: &[&str], name: &str) -> Result<(), ArchiveError> {
        let path = parts.join("/");
        let (first, is_folder) = self
            .seen
            .entry(path.to_lowercase())
            .or_insert_with(|| (path.clone(), true));
        if *is_folder && *first == path {
            return Ok(());
        }
        Err(ArchiveError::bad_entry(
            name,
            "lies in a file, or in a folder that differs in case",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(names: &mut Names, raw: &[u8]) -> Result<PathBuf, ArchiveError> {
        let is_folder = raw.ends_with(b"/");
        names.place(raw, is_folder, Path::new("/t"))
    }

    #[test]
    fn plain_names_land_below_the_target() {
        let names = &mut Names::default();
        for (raw, path) in [
            ("service.py", "/t/service.py"),
            ("MAR-INF/MANIFEST.json", "/t/MAR-INF/MANIFEST.json"),
            ("MAR-INF/", "/t/MAR-INF"),
            ("a/b/c.d", "/t/a/b/c.d"),
            ("..a", "/t/..a"),
            ("ä.txt", "/t/ä.txt"),
            ("./x", "/t/x"),
            ("./", "/t"),
        ] {
            assert_eq!(
                place(names, raw.as_bytes()).unwrap(),
                Path::new(path),
                "{raw}"
            );
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let deep = "a/".repeat(17) + "b";
        let long = "x".repeat(256);
        for raw in [
            "",
            "../x",
            "a/../x",
            "a/..",
            "/etc/passwd",
            "//x",
            "a//b",
            "a/./b",
            "a\\b",
            "..\\x",
            "C:/x",
            "c:x",
            "a\0b",
            "a\nb",
            "a\x7f",
            ".",
            "..",
            "./../x",
            "././x",
            &deep,
            &long,
        ] {
            assert!(
                place(&mut Names::default(), raw.as_bytes()).is_err(),
                "{raw:?}"
            );
        }
        for raw in [&b"\xff"[..], b"a\xc0\xaf\xc0\xae", b"\xed\xa0\x80"] {
            assert!(place(&mut Names::default(), raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn one_path_is_written_once() {
        for (first, second) in [
            ("a", "a"),
            ("a", "A"),
            ("a/b", "A/c"),
            ("a", "a/b"),
            ("a/b", "a"),
            ("a/", "A/"),
            ("./a", "a"),
            ("stra\u{df}e", "STRA\u{df}E"),
        ] {
            let names = &mut Names::default();
            place(names, first.as_bytes()).unwrap();
            assert!(place(names, second.as_bytes()).is_err(), "{first} {second}");
        }
        let names = &mut Names::default();
        for raw in ["a/", "a/", "a/b", "a/c"] {
            place(names, raw.as_bytes()).unwrap();
        }
    }
}

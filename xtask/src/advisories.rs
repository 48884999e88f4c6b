//! `advisories`: compares `Cargo.lock` with a checkout of the RustSec advisory database.
//!
//! The database is a Git repository, which this does not fetch: `ADVISORY_DB` or the argument names the checkout.
//! Without one nothing is compared, and that is said.

use crate::run::{Outcome, root};
use std::path::{Path, PathBuf};

const DATABASE: &str = "https://github.com/rustsec/advisory-db";

/// A version's three numbers; what follows `-` or `+` does not count.
type Version = [u64; 3];

/// What an advisory says.
#[derive(Debug, Default)]
struct Advisory {
    id: String,
    package: String,
    /// `unmaintained`, `unsound`, `notice`; empty for a vulnerability.
    informational: String,
    withdrawn: bool,
    /// Versions that are fine, as requirements.
    fine: Vec<String>,
}

/// Fails if a locked version has a vulnerability or is unsound; names what is unmaintained.
pub(crate) fn advisories(arguments: &[String]) -> Outcome {
    let named = arguments.first().map(PathBuf::from);
    let Some(database) = named.or_else(|| std::env::var_os("ADVISORY_DB").map(PathBuf::from))
    else {
        eprintln!("advisories: not compared: clone {DATABASE} and set ADVISORY_DB to the folder");
        return Ok(());
    };
    let text = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut found = Vec::new();
    let mut read = 0;
    for (name, version) in locked(&text(&root().join("Cargo.lock"))?) {
        // Most packages have none, and so no folder.
        let files = std::fs::read_dir(database.join("crates").join(&name));
        for file in files.into_iter().flatten().filter_map(Result::ok) {
            let advisory = parse(&text(&file.path())?);
            read += 1;
            if !advisory.concerns(&name, version) {
                continue;
            }
            let line = format!(
                "{}: {name} {}",
                advisory.id,
                version.map(|n| n.to_string()).join(".")
            );
            match advisory.informational.as_str() {
                "" | "unsound" => found.push(line),
                why => eprintln!("advisories: {line} ({why})"),
            }
        }
    }
    if read == 0 {
        return Err(format!(
            "{}: has no advisory: is it a checkout of {DATABASE}?",
            database.display()
        ));
    }
    eprintln!("advisories: {read} read");
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join(", "))
    }
}

/// Name and version of each package in a lock file.
fn locked(text: &str) -> Vec<(String, Version)> {
    text.split("[[package]]")
        .filter_map(|package| {
            Some((
                value(package, "name")?,
                version(&value(package, "version")?)?,
            ))
        })
        .collect()
}

impl Advisory {
    fn concerns(&self, name: &str, version: Version) -> bool {
        self.package == name && !self.withdrawn && !self.fine.iter().any(|one| fits(one, version))
    }
}

/// Reads the table at the head of an advisory.
fn parse(text: &str) -> Advisory {
    let table = text.split("```").nth(1).unwrap_or_default();
    let (advisory, versions) = table.split_once("[versions]").unwrap_or((table, ""));
    Advisory {
        id: value(advisory, "id").unwrap_or_default(),
        package: value(advisory, "package").unwrap_or_default(),
        informational: value(advisory, "informational").unwrap_or_default(),
        withdrawn: value(advisory, "withdrawn").is_some(),
        fine: ["patched", "unaffected"]
            .iter()
            .flat_map(|key| texts(versions, key))
            .collect(),
    }
}

/// The text behind `key = "`.
fn value(table: &str, key: &str) -> Option<String> {
    let line = table
        .lines()
        .find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// The texts of `key = ["…", "…"]`, on one line or several.
fn texts(table: &str, key: &str) -> Vec<String> {
    let Some(list) = table.split('\n').position(|line| line.starts_with(key)) else {
        return Vec::new();
    };
    let list: String = table.split('\n').skip(list).collect();
    let list = list.split(']').next().unwrap_or_default();
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn version(text: &str) -> Option<Version> {
    let text = text.split(['-', '+']).next()?;
    let mut numbers = text.split('.').map(|number| number.trim().parse().ok());
    Some([
        numbers.next()??,
        numbers.next().unwrap_or(Some(0))?,
        numbers.next().unwrap_or(Some(0))?,
    ])
}

/// Whether `version` fits a requirement such as `>= 1.2, < 2` or `^0.3.1`. One that is not understood fits nothing, so that the
/// advisory is looked at.
fn fits(requirement: &str, version: Version) -> bool {
    requirement
        .split(',')
        .all(|part| fits_one(part.trim(), version).unwrap_or(false))
}

fn fits_one(part: &str, have: Version) -> Option<bool> {
    let digits = part.find(|c: char| c.is_ascii_digit())?;
    let (sign, wanted) = (part[..digits].trim(), version(&part[digits..])?);
    let given = part[digits..].split('.').count();
    Some(match sign {
        ">=" => have >= wanted,
        ">" => have > wanted,
        "<=" => have <= wanted,
        "<" => have < wanted,
        "=" => have == wanted,
        // Up to the next version that may break: behind the first number that is not 0.
        "^" | "" => {
            let first = wanted
                .iter()
                .position(|number| *number != 0)
                .unwrap_or(given - 1);
            have >= wanted && have[..=first] == wanted[..=first]
        }
        "~" => have >= wanted && have[..given.min(2)] == wanted[..given.min(2)],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2020-0105\"\npackage = \"abi\"\ndate = \"2020-12-21\"\n\
        \n[versions]\npatched = [\n  \">= 0.9.1, < 0.10\",\n  \"^1.2\",\n]\nunaffected = [\"< 0.5\"]\n```\n# Title\n";

    #[test]
    fn versions_are_fine_if_a_patch_or_their_age_says_so() {
        let advisory = parse(FILE);
        assert_eq!(advisory.id, "RUSTSEC-2020-0105");
        for (text, concerns) in [
            ("0.4.9", false),
            ("0.9.0", true),
            ("0.9.3", false),
            ("0.10.0", true),
            ("1.1.9", true),
            ("1.4.0", false),
            ("2.0.0", true),
        ] {
            assert_eq!(
                advisory.concerns("abi", version(text).unwrap()),
                concerns,
                "{text}"
            );
        }
        assert!(!advisory.concerns("other", [0, 9, 0]));
        assert!(!parse(&FILE.replace("date", "withdrawn")).concerns("abi", [0, 9, 0]));
    }

    #[test]
    fn requirements_are_those_of_cargo() {
        for (requirement, fitting, other) in [
            ("^0.3.1", "0.3.9", "0.4.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("1.2", "1.9.0", "2.0.0"),
            ("~1.2.3", "1.2.9", "1.3.0"),
            ("~1", "1.9.0", "2.0.0"),
            ("= 1.2.3", "1.2.3", "1.2.4"),
            ("> 1.0, <= 2.0", "2.0.0", "1.0.0"),
        ] {
            assert!(
                fits(requirement, version(fitting).unwrap()),
                "{requirement}"
            );
            assert!(!fits(requirement, version(other).unwrap()), "{requirement}");
        }
        assert!(!fits("1.*.x?", [9, 9, 9]));
    }

    #[test]
    fn a_lock_file_names_its_packages() {
        let text = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3-rc.1\"\nsource = \"x\"\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n";
        assert_eq!(
            locked(text),
            [("a".to_owned(), [1, 2, 3]), ("b".to_owned(), [0, 1, 0])]
        );
    }
}

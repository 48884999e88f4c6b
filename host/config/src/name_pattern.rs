//! Patterns of environment variable names: the part of regular expressions that
//! `blacklist_env_vars` needs.
//!
//! Letters, digits, `_`, `|` between patterns and `.*` for any text; everything else is refused,
//! since a pattern that is understood differently would leak a secret.

/// Patterns of names, of which one must match the whole name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamePatterns {
    /// Each pattern as the texts between its `.*`.
    patterns: Vec<Vec<String>>,
}

impl NamePatterns {
    /// Reads `AWS_.*|.*_TOKEN`.
    ///
    /// # Errors
    /// The pattern that has other characters.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for pattern in text
            .split('|')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
        {
            let pieces: Vec<String> = pattern.split(".*").map(str::to_owned).collect();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !pieces.iter().all(|piece| piece.chars().all(plain)) {
                return Err(pattern.to_owned());
            }
            patterns.push(pieces);
        }
        Ok(Self { patterns })
    }

    /// Whether one of the patterns matches all of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.patterns.iter().any(|pieces| matches(pieces, name))
    }
}

fn matches(pieces: &[String], name: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return name == first;
    };
    let Some(mut name) = name.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in middle {
        let Some(at) = name.find(piece.as_str()) else {
            return false;
        };
        name = &name[at + piece.len()..];
    }
    name.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::NamePatterns;

    #[track_caller]
    fn check(patterns: &str, name: &str, expect: bool) {
        let patterns = NamePatterns::parse(patterns).unwrap();
        assert_eq!(patterns.matches(name), expect, "{patterns:?} on {name}");
    }

    #[test]
    fn a_pattern_matches_the_whole_name() {
        check("HOME", "HOME", true);
        check("HOME", "HOMES", false);
        check("AWS_.*|.*_TOKEN", "AWS_KEY", true);
        check("AWS_.*|.*_TOKEN", "HF_TOKEN", true);
        check("AWS_.*|.*_TOKEN", "MY_AWS_KEY", false);
        check("A.*B.*C", "AxBxC", true);
        check("A.*B.*C", "AxC", false);
        check("A.*A", "A", false);
        check(".*", "ANY", true);
        check("", "ANY", false);
    }

    #[test]
    fn other_regular_expressions_are_refused() {
        assert_eq!(NamePatterns::parse("A|B[0-9]+"), Err("B[0-9]+".to_owned()));
        assert_eq!(NamePatterns::parse("(?i)aws"), Err("(?i)aws".to_owned()));
    }
}

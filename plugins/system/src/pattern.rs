//! Patterns for device names: just enough to say "every partition" without a regex engine.
//!
//! A collector asks [`Patterns::matches`] for each device it meets. `#` stands for one or more
//! digits, `?` for one lower-case letter, `*` for anything; all else is literal. Paths are not
//! matched here: mount points have their own rule, [`covers`], because what matters there is
//! "this folder and all below".

/// A list of patterns; a name matches if any of them does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<String>);

impl Patterns {
    /// Takes the patterns as the configuration wrote them.
    pub(crate) fn new<S: Into<String>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// Whether any pattern covers the whole of `name`.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
    }
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        return name.is_empty();
    };
    match first {
        b'#' => {
            let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=digits).any(|taken| matches(rest, &name[taken..]))
        }
        b'?' => name.first().is_some_and(u8::is_ascii_lowercase) && matches(rest, &name[1..]),
        b'*' => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        literal => name.first() == Some(&literal) && matches(rest, &name[1..]),
    }
}

/// Whether the mount point rule `rule` covers `path`: a folder covers itself and everything below
/// it; with `/*` at its end only what is below, as in node_exporter's default exclusion of
/// `/var/lib/docker/.+`.
pub(crate) fn covers(rule: &str, path: &str) -> bool {
    let (folder, itself) = match rule.strip_suffix("/*") {
        Some(folder) => (folder, false),
        None => (rule, true),
    };
    match path.strip_prefix(folder) {
        Some("") => itself,
        Some(below) => below.starts_with('/') && (itself || below.len() > 1),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expect: bool) {
        assert_eq!(
            Patterns::new([pattern]).matches(name),
            expect,
            "{pattern} on {name}"
        );
    }

    #[test]
    fn partitions_are_told_from_disks() {
        check("sd?#", "sda1", true);
        check("sd?#", "sda", false);
        check("nvme#n#p#", "nvme0n1p12", true);
        check("nvme#n#p#", "nvme0n1", false);
        check("loop#", "loop7", true);
        check("loop#", "loop", false);
        check("ram#", "zram0", false);
    }

    #[test]
    fn a_star_takes_as_much_as_the_rest_leaves() {
        check("veth*", "veth12ab", true);
        check("*eth0", "macveth0", true);
        check("veth*", "eth0", false);
        check("#0", "100", true);
    }

    #[test]
    fn a_folder_covers_itself_and_what_is_below_but_no_namesake() {
        assert!(covers("/dev", "/dev"));
        assert!(covers("/dev", "/dev/shm"));
        assert!(!covers("/dev", "/device"));
        assert!(!covers("/var/lib/docker/*", "/var/lib/docker"));
        assert!(covers("/var/lib/docker/*", "/var/lib/docker/overlay2/x"));
        assert!(!covers("/var/lib/docker/*", "/var/lib/docker/"));
    }
}

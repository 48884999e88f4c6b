//! The text of a border, and what of one would break a plugin that was built against another.

use std::collections::BTreeMap;

/// A block: what kind of thing it is, and its lines in order.
pub(crate) struct Block<'a> {
    head: &'a str,
    lines: Vec<&'a str>,
}

impl Block<'_> {
    /// The size of a type that crosses by value.
    pub(crate) fn by_value_bytes(&self) -> Option<usize> {
        let size = self.head.strip_prefix("by value, ")?;
        size.strip_suffix(" bytes")?.parse().ok()
    }
}

/// A border as a text.
pub(crate) struct Text<'a> {
    version: &'a str,
    blocks: BTreeMap<&'a str, Block<'a>>,
}

impl<'a> Text<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut parts = text.split("\n\n");
        let version = parts.next().and_then(|first| first.strip_prefix("border "));
        let blocks = parts.filter_map(|part| {
            let mut lines = part.lines();
            let (name, head) = lines.next()?.split_once(": ")?;
            let lines = lines
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            Some((name, Block { head, lines }))
        });
        Self {
            version: version.unwrap_or("").trim(),
            blocks: blocks.collect(),
        }
    }

    pub(crate) fn version(&self) -> &'a str {
        self.version
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&'a str, &Block<'a>)> {
        self.blocks.iter().map(|(name, block)| (*name, block))
    }

    /// What would break a plugin built against `old`: a line for each.
    pub(crate) fn breaks(&self, old: &Self) -> Vec<String> {
        let broken = |(name, then): (&&str, &Block<'_>)| {
            let Some(now) = self.blocks.get(*name) else {
                return Some(format!("{name} is gone"));
            };
            if now.head != then.head {
                return Some(format!("{name} was {}, is {}", then.head, now.head));
            }
            let fine = if then.head.starts_with("growing") {
                now.lines.starts_with(&then.lines)
            } else if then.head == "numbers" {
                then.lines.iter().all(|line| now.lines.contains(line))
            } else if *name == "abi_stable" {
                then.lines.iter().all(|line| now.lines.contains(line))
            } else {
                now.lines == then.lines
            };
            let odd = then.lines.iter().enumerate();
            let first = odd
                .filter(|(at, line)| now.lines.get(*at) != Some(line))
                .map(|(_, line)| *line)
                .next();
            (!fine).then(|| format!("{name} had {:?}", first.unwrap_or("fewer lines")))
        };
        old.blocks.iter().filter_map(broken).collect()
    }
}

/// Whether a host with border `host` promises to load plugins built against `plugin`: the same major and
/// no newer minor; while the major is 0, the same minor.
pub(crate) fn loads(host: &str, plugin: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        let parts = version.split('.').map(str::parse);
        parts.collect::<Result<_, _>>().unwrap_or_default()
    };
    match (&numbers(host)[..], &numbers(plugin)[..]) {
        ([0, minor, _], [0, theirs, _]) => minor == theirs,
        ([major, minor, _], [their_major, their_minor, _]) => {
            major == their_major && their_minor <= minor
        }
        _ => false,
    }
}

const OLD: &str = "border 1.0.0\n\nVt: growing, the first 1 always there\n  a: u32\n\nPair: by value, 8 \
                   bytes\n  x: u32\n  y: u32\n\nLevel: numbers\n  1 error\n  2 warn\n";

fn broken(from: &str, to: &str) -> Vec<String> {
    assert!(OLD.contains(from), "{from}");
    let new = OLD.replace(from, to);
    Text::parse(&new).breaks(&Text::parse(OLD))
}

#[test]
fn a_longer_vtable_a_new_type_and_a_new_number_break_nothing() {
    assert!(broken("a: u32\n", "a: u32\n  b: u64\n").is_empty());
    assert!(broken("\n\nPair", "\n\nNew: by value, 4 bytes\n  z: u32\n\nPair").is_empty());
    assert!(broken("  2 warn\n", "  2 warn\n  3 info\n").is_empty());
}

#[test]
fn everything_else_breaks_and_is_named() {
    for (from, to, line) in [
        ("a: u32", "a: u64", "Vt had \"a: u32\""),
        ("  a: u32", "  b: u64\n  a: u32", "Vt had \"a: u32\""),
        (
            "the first 1",
            "the first 2",
            "Vt was growing, the first 1 always there, is growing, the first 2 always there",
        ),
        (
            "  y: u32\n",
            "  y: u32\n  z: u32\n",
            "Pair had \"fewer lines\"",
        ),
        ("x: u32", "x: i32", "Pair had \"x: u32\""),
        (
            "8 bytes",
            "16 bytes",
            "Pair was by value, 8 bytes, is by value, 16 bytes",
        ),
        ("2 warn", "3 warn", "Level had \"2 warn\""),
        ("Level:", "Loudness:", "Level is gone"),
    ] {
        assert_eq!(broken(from, to), [line], "{from} -> {to}");
    }
}

#[test]
fn a_version_promises_what_the_loader_keeps() {
    for (host, plugin, promised) in [
        ("1.4.0", "1.0.2", true),
        ("1.4.0", "1.5.0", false),
        ("2.0.0", "1.0.0", false),
        ("0.2.1", "0.2.0", true),
        ("0.3.0", "0.2.0", false),
        ("1.0.0", "0.9.0", false),
        ("1.0.0", "", false),
    ] {
        assert_eq!(loads(host, plugin), promised, "{host} {plugin}");
    }
}

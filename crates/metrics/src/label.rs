//! Label blocks: the text of a series' labels, escaped once when the series is made.
//!
//! A block is `a="b",c="d"`: no braces, so that an encoder may add them, `le`, or a comma. Escaping is
//! that of the text format 0.0.4 (backslash, quote, line feed), which OpenMetrics 1.0 shares; other
//! control characters stay as they are, both formats allow them.

use crate::name::LabelName;

/// Longest label value, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024;
/// Most labels of a family.
pub const LABELS_MAX: usize = 32;

/// Writes the block of these labels over `out`. Both slices have the same length.
pub(crate) fn render(names: &[LabelName], values: &[&str], out: &mut String) {
    out.clear();
    for (name, value) in names.iter().zip(values) {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(name.as_str());
        out.push_str("=\"");
        escape(value, out);
        out.push('"');
    }
}

fn escape(value: &str, out: &mut String) {
    let mut rest = value;
    while let Some(at) = rest
        .bytes()
        .position(|byte| matches!(byte, b'\\' | b'"' | b'\n'))
    {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(labels: &[(&str, &str)], expect: &str) {
        let names: Vec<_> = labels
            .iter()
            .map(|(name, _)| LabelName::new(name).unwrap())
            .collect();
        let values: Vec<_> = labels.iter().map(|(_, value)| *value).collect();
        let mut out = "left over".to_owned();
        render(&names, &values, &mut out);
        assert_eq!(out, expect);
    }

    #[test]
    fn blocks_are_escaped_once_and_carry_no_braces() {
        check(&[], "");
        check(&[("a", "b"), ("c", "")], r#"a="b",c="""#);
        check(&[("path", r"C:\x")], r#"path="C:\\x""#);
        check(&[("q", "say \"hi\"\n")], r#"q="say \"hi\"\n""#);
        check(&[("u", "ä\u{2028}\r\t")], "u=\"ä\u{2028}\r\t\"");
    }

    #[test]
    fn different_values_never_render_alike() {
        let name = [LabelName::new("a").unwrap(), LabelName::new("b").unwrap()];
        let values = [
            ["\n", ""],
            ["\\n", ""],
            ["x\",b=\"", ""],
            ["x", "\",b=\""],
            ["", "\n"],
            ["\\", "n"],
        ];
        let mut seen = std::collections::HashSet::new();
        for pair in values {
            let mut out = String::new();
            render(&name, &pair, &mut out);
            assert!(seen.insert(out.clone()), "{out}");
        }
    }
}

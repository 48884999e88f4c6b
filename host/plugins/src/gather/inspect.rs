//! What a collector shows, looked at before it goes on a page that others share.
//!
//! Registered metrics are checked by the store; shown ones come ready-made, from a library that may have
//! been written in anything. A family or series that no format can carry, or a name that is not the
//! plugin's to use, is refused with the same reasons as the store's and counted under the plugin's name.

use meterbox_metrics::{
    HELP_BYTES_MAX, LABELS_MAX, LabelName, MetricName, Reason, Source, VALUE_BYTES_MAX,
};
use meterbox_plugin_abi::gather::{Family, Kind};

/// What is wrong with a family, if anything.
pub(crate) fn family(family: &Family<'_>, source: &Source) -> Result<(), Reason> {
    MetricName::new(family.name()).map_err(|_| Reason::BadName)?;
    if !source.may_use(family.name()) {
        return Err(Reason::ReservedName);
    }
    let bounds = family.bounds();
    let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
    let finite = bounds.iter().all(|bound| bound.is_finite());
    if family.help().len() > HELP_BYTES_MAX || !ascending || !finite {
        return Err(Reason::BadDescriptor);
    }
    Ok(())
}

/// What is wrong with a series' label block, `a="b",c="d"` with escaped values, if anything.
pub(crate) fn labels(kind: Kind, block: &str) -> Result<(), Reason> {
    let mut rest = block;
    let mut names: Vec<&str> = Vec::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").ok_or(Reason::BadName)?;
        LabelName::new(name).map_err(|_| Reason::BadName)?;
        if names.contains(&name) || (kind == Kind::HISTOGRAM && name == "le") {
            return Err(Reason::BadName);
        }
        names.push(name);
        let end = closing_quote(value).ok_or(Reason::BadName)?;
        if end > VALUE_BYTES_MAX {
            return Err(Reason::ValueTooLong);
        }
        rest = &value[end + 1..];
        rest = match rest.strip_prefix(',') {
            Some(more) if !more.is_empty() => more,
            None if rest.is_empty() => rest,
            _ => return Err(Reason::BadName),
        };
    }
    if names.len() > LABELS_MAX {
        return Err(Reason::LabelCount);
    }
    Ok(())
}

/// Where an escaped value ends; none when it does not, or is not escaped as it must be.
fn closing_quote(value: &str) -> Option<usize> {
    let bytes = value.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\n' => return None,
            b'\\' if !matches!(bytes.get(at + 1)?, b'\\' | b'"' | b'n') => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_as_the_store_writes_them_pass() {
        for block in [
            "",
            r#"a="""#,
            r#"a="b",c="d""#,
            r#"a="\"\\\n",b="x,y={}""#,
            "a=\"ü\"",
        ] {
            assert_eq!(labels(Kind::GAUGE, block), Ok(()), "{block}");
        }
        assert_eq!(labels(Kind::GAUGE, r#"le="1""#), Ok(()));
    }

    #[test]
    fn blocks_that_would_break_a_page_are_refused() {
        let broken = [
            "a",
            "a=b",
            r#"a="b"#,
            r#"a="b","#,
            r#"a="b"c="d""#,
            r#"a="b",a="c""#,
            r#"1a="b""#,
            r#"a="\x""#,
            "a=\"b\nc\"",
            "a=\"b\"} 1\nevil{a=\"c\"",
        ];
        for block in broken {
            assert_eq!(labels(Kind::GAUGE, block), Err(Reason::BadName), "{block}");
        }
        assert_eq!(labels(Kind::HISTOGRAM, r#"le="1""#), Err(Reason::BadName));
        let long = format!("a=\"{}\"", "x".repeat(VALUE_BYTES_MAX + 1));
        assert_eq!(labels(Kind::GAUGE, &long), Err(Reason::ValueTooLong));
    }
}

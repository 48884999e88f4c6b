//! One sample line: name, labels, value, timestamp.

/// A sample line taken apart.
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    pub(super) number: String,
}

/// Reads `name{a="b",} 1.0 [timestamp]`.
pub(super) fn sample(text: &str) -> Result<Sample, String> {
    let name_end = text
        .find(|c: char| !is_name_byte(c, true))
        .ok_or_else(|| "a sample without a value".to_owned())?;
    let (name, mut rest) = text.split_at(name_end);
    check_name(name)?;
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = read_labels(inside, &mut labels)?;
    }
    let mut fields = rest.split([' ', '\t']).filter(|field| !field.is_empty());
    let number = fields
        .next()
        .filter(|_| rest.starts_with([' ', '\t']) || !labels.is_empty())
        .ok_or_else(|| "a sample without a value".to_owned())?;
    let value = read_number(number)?;
    if let Some(moment) = fields.next() {
        moment
            .parse::<i64>()
            .map_err(|_| format!("{moment:?} is no timestamp in milliseconds"))?;
    }
    if let Some(more) = fields.next() {
        return Err(format!("{more:?} behind the sample"));
    }
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value,
        number: number.to_owned(),
    })
}

fn is_name_byte(c: char, colon: bool) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':')
}

/// Checks the name of a metric.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let right = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| is_name_byte(c, true));
    if right {
        Ok(())
    } else {
        Err(format!("{name:?} is no metric name"))
    }
}

/// Reads labels up to and with the closing brace, returns what follows.
fn read_labels<'t>(
    mut rest: &'t str,
    labels: &mut Vec<(String, String)>,
) -> Result<&'t str, String> {
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let (name, after) = rest
            .split_once("=\"")
            .ok_or_else(|| format!("no label and no brace at {rest:?}"))?;
        let named = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| is_name_byte(c, false));
        if !named {
            return Err(format!("{name:?} is no label name"));
        }
        if labels.iter().any(|(label, _)| label == name) {
            return Err(format!("the label {name} twice in one line"));
        }
        let end = closing_quote(after).ok_or_else(|| format!("no end of the value of {name}"))?;
        labels.push((name.to_owned(), unescape(&after[..end], true)?));
        rest = &after[end + 1..];
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => {
                return Err(format!(
                    "neither comma nor brace behind the value of {name}"
                ));
            }
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Undoes `\\`, `\n` and, in a label value, `\"`; other escapes are refused.
pub(super) fn unescape(text: &str, quote: bool) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if quote => plain.push('"'),
            other => return Err(format!("the escape of {other:?} does not exist here")),
        }
    }
    Ok(plain)
}

/// Reads a value as Go's `ParseFloat` does, less its hexadecimal forms and underscores.
fn read_number(text: &str) -> Result<f64, String> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let known = matches!(text, "NaN" | "+Inf" | "-Inf" | "Inf");
    if plain || known {
        text.parse().map_err(|_| format!("{text:?} is no number"))
    } else {
        Err(format!("{text:?} is no number"))
    }
}

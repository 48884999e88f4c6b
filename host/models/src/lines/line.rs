//! One `[METRICS]` line of a worker, from text to its parts.
//!
//! The grammar is TorchServe's, and so is what it does not take: numbers such as `inf`, `1E5`, `+1` or
//! `1e+21`, names with a dash, a `|` in a dimension. Nothing is looked up here and nothing is counted.
//!
//! **Source:** TorchServe 0.12, `ts/metrics/caching_metric.py` and `metrics/Metric.java`.

/// How metric lines begin. A C++ worker's logger puts the second form in front.
const PREFIXES: [&str; 2] = ["[METRICS]", "INFO > [METRICS]"];

/// A metric line in its parts, as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MetricLine<'a> {
    /// Its name: letters, digits, underscores and white space.
    pub(super) name: &'a str,
    /// Its unit: likewise.
    pub(super) unit: &'a str,
    /// Its value, a finite number.
    pub(super) value: f64,
    /// What stands between `|#` and the next bar, for [`MetricLine::dimensions`].
    dimensions: &'a str,
    /// `COUNTER`, `GAUGE`, `HISTOGRAM`, any other word, or nothing.
    pub(super) kind: Option<&'a str>,
    /// The machine that the worker believes to run on.
    pub(super) hostname: &'a str,
    /// Seconds since 1970, as written; TorchServe takes any text.
    pub(super) timestamp: &'a str,
    /// The ids of the requests in the batch, separated by commas, or nothing.
    pub(super) request_ids: Option<&'a str>,
}

/// Why a metric line is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    /// The name is missing or has other characters.
    #[error("no name before a dot: letters, digits, underscore and space are allowed in it")]
    Name,
    /// The unit is missing or has other characters.
    #[error("no unit before a colon: letters, digits, underscore and space are allowed in it")]
    Unit,
    /// The value is no number, or not in the way TorchServe writes one.
    #[error("the value is not a number of digits, `-`, `.` and `e`")]
    Value,
    /// `|#` does not follow the value.
    #[error("no dimensions: `|#` has to follow the value")]
    Dimensions,
    /// `|#type:` is followed by nothing.
    #[error("the type is empty")]
    Type,
    /// `|#hostname:` is missing where it has to stand.
    #[error("no host name: `|#hostname:` has to follow the dimensions or the type")]
    Hostname,
    /// No time stamp follows the host name.
    #[error("no time stamp after the host name")]
    Timestamp,
}

impl LineError {
    /// The word that counts it.
    #[must_use]
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Name => "line_name",
            Self::Unit => "line_unit",
            Self::Value => "line_value",
            Self::Dimensions => "line_dimensions",
            Self::Type => "line_type",
            Self::Hostname => "line_hostname",
            Self::Timestamp => "line_timestamp",
        }
    }
}

/// What follows the prefix of a metric line; `None` for every other line, which belongs to the model's log.
#[must_use]
pub(super) fn body(line: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| line.strip_prefix(prefix))
}

impl<'a> MetricLine<'a> {
    /// Reads what `body` gave.
    ///
    /// # Errors
    /// The first part that is not as the grammar wants it.
    pub(super) fn parse(body: &'a str) -> Result<Self, LineError> {
        let body = body
            .trim_start_matches(white)
            .trim_end_matches(['\r', '\n']);
        let (name, rest) = body.split_once('.').ok_or(LineError::Name)?;
        if !words(name) {
            return Err(LineError::Name);
        }
        let (unit, rest) = rest.split_once(':').ok_or(LineError::Unit)?;
        if !words(unit) {
            return Err(LineError::Unit);
        }
        let end = rest.find('|').ok_or(LineError::Dimensions)?;
        let value = number(&rest[..end]).ok_or(LineError::Value)?;
        let rest = rest[end..]
            .strip_prefix("|#")
            .ok_or(LineError::Dimensions)?;
        let bar = rest.find('|').ok_or(LineError::Hostname)?;
        let (dimensions, rest) = rest.split_at(bar);
        let (kind, rest) = kind(rest)?;
        let rest = rest
            .strip_prefix("|#hostname:")
            .ok_or(LineError::Hostname)?;
        let (hostname, rest) = rest.split_once(',').ok_or(LineError::Timestamp)?;
        if hostname.is_empty() {
            return Err(LineError::Hostname);
        }
        let (timestamp, request_ids) = match rest.split_once(',') {
            Some((timestamp, ids)) => (timestamp, Some(ids)),
            None => (rest, None),
        };
        if timestamp.is_empty() {
            return Err(LineError::Timestamp);
        }
        Ok(Self {
            name,
            unit,
            value,
            dimensions,
            kind,
            hostname,
            timestamp,
            request_ids,
        })
    }

    /// Its dimensions, name and value, in order. A part that has other than exactly one colon, or
    /// nothing behind it, is left out as TorchServe does; the number of values is then wrong.
    pub(super) fn dimensions(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.dimensions.split(',').filter_map(|part| {
            part.split_once(':')
                .filter(|(_, value)| !value.is_empty() && !value.contains(':'))
        })
    }
}

/// The type and what follows it.
fn kind(rest: &str) -> Result<(Option<&str>, &str), LineError> {
    let Some(rest) = rest.strip_prefix("|#type:") else {
        return Ok((None, rest));
    };
    let end = rest.find(['|', ',']).ok_or(LineError::Hostname)?;
    if end == 0 {
        return Err(LineError::Type);
    }
    Ok((Some(&rest[..end]), &rest[end..]))
}

/// A number of the characters that TorchServe lets through. Java reads the same texts as Rust here,
/// but for one beyond the range of a double, which is refused because no sum can take it.
fn number(text: &str) -> Option<f64> {
    let lets = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b',' | b'.' | b'e');
    let value: f64 = text.bytes().all(lets).then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

fn words(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || white(c);
    !text.is_empty() && text.chars().all(word)
}

/// Java's `\s`.
fn white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: &str = "[METRICS]PreprocessTime.Milliseconds:0.0|#ModelName:noop,Level:Model|#type:GAUGE|#hostname:vm,1795224757,3a6b6023-04e2";

    fn parse(line: &str) -> Result<MetricLine<'_>, LineError> {
        MetricLine::parse(body(line).unwrap())
    }

    #[track_caller]
    fn refuses(line: &str, error: LineError) {
        assert_eq!(parse(line), Err(error), "{line}");
    }

    #[test]
    fn a_line_of_torchserves_worker_has_all_its_parts() {
        let line = parse(SEEN).unwrap();
        assert_eq!(
            (line.name, line.unit, line.value),
            ("PreprocessTime", "Milliseconds", 0.0)
        );
        assert_eq!((line.kind, line.hostname), (Some("GAUGE"), "vm"));
        assert_eq!(line.timestamp, "1795224757");
        assert_eq!(line.request_ids, Some("3a6b6023-04e2"));
        let dimensions: Vec<_> = line.dimensions().collect();
        assert_eq!(dimensions, [("ModelName", "noop"), ("Level", "Model")]);
    }

    #[test]
    fn both_prefixes_mark_a_metric_line_and_nothing_else_does() {
        assert!(body("INFO > [METRICS]a.b:1|#|#hostname:h,1").is_some());
        assert!(
            body("[METRICS]").is_some(),
            "a broken one does not go to the model's log either"
        );
        for other in [" [METRICS]a", "INFO [METRICS]a", "[metrics]a", "hello", ""] {
            assert_eq!(body(other), None, "{other}");
        }
    }

    #[test]
    fn type_request_ids_and_dimensions_may_be_missing() {
        let line = parse("[METRICS]  a b.c_d:-1.5e3|#|#hostname:h|x,now").unwrap();
        assert_eq!((line.name, line.unit, line.value), ("a b", "c_d", -1500.0));
        assert_eq!((line.kind, line.request_ids), (None, None));
        assert_eq!((line.hostname, line.timestamp), ("h|x", "now"));
        assert_eq!(line.dimensions().count(), 0);
        let line = parse("[METRICS]a.b:1|#|#hostname:h,1,x,y\r").unwrap();
        assert_eq!(line.request_ids, Some("x,y"));
    }

    #[test]
    fn what_torchserve_does_not_read_is_refused() {
        for name in ["a-b", "a:b", "", "ä"] {
            refuses(
                &format!("[METRICS]{name}.c:1|#|#hostname:h,1"),
                LineError::Name,
            );
        }
        refuses(
            "[METRICS]Failed to update metric with name",
            LineError::Name,
        );
        refuses("[METRICS]a", LineError::Name);
        for unit in ["", "a-b", "m/s", "a.b"] {
            refuses(
                &format!("[METRICS]a.{unit}:1|#|#hostname:h,1"),
                LineError::Unit,
            );
        }
        for value in [
            "", "inf", "nan", "1E5", "+1", "1e+21", "1,5", "--1", "e", ".", "1e999",
        ] {
            refuses(
                &format!("[METRICS]a.b:{value}|#|#hostname:h,1"),
                LineError::Value,
            );
        }
        refuses("[METRICS]a.b:1", LineError::Dimensions);
        refuses("[METRICS]a.b:1|hostname:h,1", LineError::Dimensions);
        refuses(
            "[METRICS]a.b:1|#m:x|y,n:z|#hostname:h,1",
            LineError::Hostname,
        );
        refuses("[METRICS]a.b:1|#m:x", LineError::Hostname);
        refuses("[METRICS]a.b:1|#|#type:|#hostname:h,1", LineError::Type);
        refuses("[METRICS]a.b:1|#|#type:GAUGE", LineError::Hostname);
        refuses(
            "[METRICS]a.b:1|#|#type:GAUGE,x|#hostname:h,1",
            LineError::Hostname,
        );
        refuses("[METRICS]a.b:1|#|#hostname:,1", LineError::Hostname);
        refuses("[METRICS]a.b:1|#|#hostname:h", LineError::Timestamp);
        refuses("[METRICS]a.b:1|#|#hostname:h,", LineError::Timestamp);
        refuses("[METRICS]a.b:1|#|#hostname:h,,x", LineError::Timestamp);
    }

    #[test]
    fn numbers_without_a_digit_on_one_side_are_read_as_java_does() {
        for (text, value) in [("5.", 5.0), (".5", 0.5), ("-0", -0.0), ("1e-7", 1e-7)] {
            let line = format!("[METRICS]a.b:{text}|#|#hostname:h,1");
            assert_eq!(parse(&line).unwrap().value, value, "{text}");
        }
    }

    #[test]
    fn a_dimension_with_other_than_one_colon_or_without_a_value_is_left_out() {
        let line = parse("[METRICS]a.b:1|#a:x,b:y:z,c,d:,:v,e:w|#hostname:h,1").unwrap();
        let dimensions: Vec<_> = line.dimensions().collect();
        assert_eq!(dimensions, [("a", "x"), ("", "v"), ("e", "w")]);
    }

    #[test]
    fn no_cut_of_a_good_line_and_no_changed_byte_panics() {
        for end in 0..SEEN.len() {
            if let Some(body) = body(&SEEN[..end]) {
                let _ = MetricLine::parse(body);
            }
        }
        for at in 9..SEEN.len() {
            for byte in [b'|', b'#', b':', b',', b'.', b' ', b'-'] {
                let mut bytes = SEEN.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = parse(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }
}

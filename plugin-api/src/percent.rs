//! Percent-decoding of a query string. **Source:** WHATWG URL, `application/x-www-form-urlencoded`.

/// The pairs of a query, decoded.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expect: &[(&str, &str)]) {
        let found: Vec<_> = pairs(query).collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(found, expect, "{query}");
    }

    #[test]
    fn pairs_are_decoded_and_odd_ones_are_kept() {
        check(
            "name[]=a&name%5B%5D=b+c",
            &[("name[]", "a"), ("name[]", "b c")],
        );
        check("", &[]);
        check("&&x&y=1=2", &[("x", ""), ("y", "1=2")]);
        check("a=%zz&b=%4&c=%", &[("a", "%zz"), ("b", "%4"), ("c", "%")]);
        check("e=%C3%A9&bad=%ff", &[("e", "é"), ("bad", "\u{fffd}")]);
    }
}

//! Cuts a push that was too large into two.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use meterbox_http::client::Outgoing;

/// Bodies in which a line stands for itself.
const OF_LINES: [&str; 4] = [
    "text/",
    "application/x-ndjson",
    "application/jsonl",
    "application/vnd.influx.line-protocol",
];

/// Two halves, cut after the line that is nearest to the middle; none if it is one line, compressed,
/// or not made of lines.
pub(super) fn halves(push: &Outgoing) -> Option<[Outgoing; 2]> {
    let kind = push.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.to_ascii_lowercase();
    let of_lines = OF_LINES.iter().any(|begin| kind.starts_with(begin));
    if !of_lines || push.headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    let body = &push.body;
    let middle = body.len() / 2;
    let before = memchr::memrchr(b'\n', &body[..middle]);
    let after = memchr::memchr(b'\n', &body[middle..]).map(|at| middle + at);
    let cuts = [before, after].into_iter().flatten().map(|at| at + 1);
    let cut = cuts
        .filter(|cut| (1..body.len()).contains(cut))
        .min_by_key(|cut| cut.abs_diff(middle))?;
    let part = |body| Outgoing {
        body,
        ..push.clone()
    };
    Some([part(body.slice(..cut)), part(body.slice(cut..))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    fn cut(kind: &'static str, body: &'static str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        let push = Outgoing {
            method: Method::POST,
            uri: "http://a.example/".parse().unwrap(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        };
        let text = |push: &Outgoing| String::from_utf8(push.body.to_vec()).unwrap();
        halves(&push).map(|[left, right]| (text(&left), text(&right)))
    }

    #[test]
    fn a_body_of_lines_is_cut_between_two_of_them() {
        let pair = |left: &str, right: &str| Some((left.to_owned(), right.to_owned()));
        assert_eq!(cut("text/plain", "a 1\nb 2\n"), pair("a 1\n", "b 2\n"));
        assert_eq!(
            cut("text/plain", "a\nbbbbbbbbbb\n"),
            pair("a\n", "bbbbbbbbbb\n")
        );
        assert_eq!(
            cut("Text/Plain; charset=utf-8", "aaaaaaaa\nb"),
            pair("aaaaaaaa\n", "b")
        );
        assert_eq!(cut("application/x-ndjson", "{}\n{}"), pair("{}\n", "{}"));
        assert_eq!(cut("text/plain", "one line\n"), None);
        assert_eq!(cut("text/plain", ""), None);
        assert_eq!(cut("application/json", "[\n1\n]"), None);
    }
}

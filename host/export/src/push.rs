//! What a plugin pushed, checked: only what can be sent as it is gets into a queue.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use meterbox_http::client::Outgoing;
use meterbox_plugin_abi::{Failure, Push, Status};

const URL_BYTES_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 << 10;

/// Headers that frame the connection and are the host's alone.
const FRAMING: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
];

/// A push as it will be sent.
///
/// # Errors
/// [`Status::INVALID`] with a sentence for the author.
pub(super) fn check(push: &Push<'_>) -> Result<Outgoing, Failure> {
    let invalid = |text: String| Failure::new(Status::INVALID, text);
    let method = Method::from_bytes(push.method.as_bytes())
        .ok()
        .filter(|method| ![Method::CONNECT, Method::TRACE].contains(method))
        .ok_or_else(|| invalid(format!("{:?} is no method of a push", push.method)))?;
    let uri = address(push.url).map_err(|why| invalid(format!("push address: {why}")))?;
    let headers = headers(push.headers).map_err(invalid)?;
    Ok(Outgoing {
        method,
        uri,
        headers,
        body: Bytes::copy_from_slice(push.body),
    })
}

fn address(url: &str) -> Result<Uri, String> {
    if url.len() > URL_BYTES_MAX {
        return Err(format!("it is longer than {URL_BYTES_MAX} bytes"));
    }
    let uri: Uri = url.parse().map_err(|error| format!("{url:?}: {error}"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(format!("{url:?} does not begin with http:// or https://")),
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("a name and password belong into an authorization header".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(format!("{url:?} names no host"));
    }
    Ok(uri)
}

fn headers(pairs: &[(&str, &str)]) -> Result<HeaderMap, String> {
    let bytes: usize = pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if pairs.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(format!(
            "a push has at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes together"
        ));
    }
    let mut headers = HeaderMap::with_capacity(pairs.len() + 1);
    for (name, value) in pairs {
        let known = HeaderName::from_bytes(name.as_bytes());
        let name = known.map_err(|_| format!("{name:?} is no header name"))?;
        if FRAMING.contains(&name) {
            return Err(format!("the header {name} is the host's own"));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header {name} is none"))?;
        headers.append(name, value);
    }
    if !headers.contains_key(header::USER_AGENT) {
        let agent = concat!("meterbox/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &str, url: &str, headers: &[(&str, &str)]) -> String {
        let push = Push {
            method,
            url,
            headers,
            body: b"x",
        };
        match check(&push) {
            Ok(sent) => format!("sent to {}", sent.uri),
            Err(failure) => failure.message,
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_a_sentence() {
        let url = "http://127.0.0.1:9/write";
        for (method, url, headers, part) in [
            ("POST", url, [("a", "b")], "sent to"),
            ("CONNECT", url, [("a", "b")], "no method"),
            ("PO ST", url, [("a", "b")], "no method"),
            ("POST", "https://a.example/w", [("a", "b")], "sent to https"),
            ("POST", "ftp://a.example/", [("a", "b")], "http://"),
            ("POST", "/write", [("a", "b")], "http://"),
            (
                "POST",
                "http://me:secret@a.example/",
                [("a", "b")],
                "authorization header",
            ),
            ("POST", url, [("Host", "b")], "host's own"),
            ("POST", url, [("Content-Length", "1")], "host's own"),
            ("POST", url, [("a b", "b")], "no header name"),
            ("POST", url, [("a", "b\r\nc: d")], "value of the header a"),
        ] {
            let said = refused(method, url, &headers);
            assert!(said.contains(part), "{method} {url} {headers:?}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_push_names_its_sender_unless_it_does_itself() {
        let mut push = Push {
            method: "POST",
            url: "http://a.example/",
            headers: &[],
            body: b"",
        };
        let agent = |push: &Push<'_>| check(push).unwrap().headers[header::USER_AGENT].clone();
        assert!(agent(&push).to_str().unwrap().starts_with("meterbox/"));
        push.headers = &[("User-Agent", "mine")];
        assert_eq!(agent(&push), "mine");
    }
}

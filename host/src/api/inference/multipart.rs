//! Multipart bodies: fields and files of a form.
//!
//! The body is in memory already; parts are slices of it. A plain field loses its content type, a file
//! keeps it, as in TorchServe 0.12.

use bytes::Bytes;
use meterbox_http::ApiError;
use meterbox_models::Parameter;

/// Most parts of one body.
const PARTS_MAX: usize = 1_000;
/// Longest head of one part, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Longest boundary, in bytes. **Source:** RFC 2046 section 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;

/// The boundary that a content type names.
pub(super) fn boundary(content_type: &str) -> Result<&str, ApiError> {
    let value = parameter(content_type, "boundary").unwrap_or("");
    if value.is_empty() || value.len() > BOUNDARY_BYTES_MAX {
        return Err(bad(
            "its content type has no boundary of 1 to 70 characters",
        ));
    }
    Ok(value)
}

/// The parts of a multipart body.
pub(super) fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Parameter>, ApiError> {
    let delimiter = format!("\r\n--{boundary}");
    let opening = &delimiter.as_bytes()[2..];
    // The first delimiter needs no line end before it; what stands before it means nothing.
    let mut at = match body.starts_with(opening) {
        true => opening.len(),
        false => match find(body, delimiter.as_bytes(), 0) {
            Some(found) => found + delimiter.len(),
            None if body.is_empty() => return Ok(Vec::new()),
            None => return Err(bad("its first boundary is missing")),
        },
    };
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let line_end = find(rest, b"\r\n", 0).ok_or_else(|| bad("its last boundary is missing"))?;
        if rest[..line_end]
            .iter()
            .any(|byte| !matches!(byte, b' ' | b'\t'))
        {
            return Err(bad("a boundary is followed by other text"));
        }
        // The empty line after the head; a part without a head begins with it.
        let head_start = at + line_end;
        let head_end = find(body, b"\r\n\r\n", head_start)
            .filter(|end| end - head_start <= HEAD_BYTES_MAX)
            .ok_or_else(|| bad("the head of a part has no end"))?;
        let content_start = head_end + 4;
        // The line end before the boundary may be the one that ends the head of an empty part.
        let content_end = find(body, delimiter.as_bytes(), head_end + 2)
            .ok_or_else(|| bad("its last boundary is missing"))?;
        let content = body.slice(content_start..content_end.max(content_start));
        if parts.len() == PARTS_MAX {
            return Err(bad("it has more than 1000 parts"));
        }
        let head = std::str::from_utf8(&body[head_start..head_end]);
        parts.push(part(
            head.map_err(|_| bad("the head of a part is not UTF-8"))?,
            content,
        )?);
        at = content_end + delimiter.len();
    }
}

fn part(head: &str, value: Bytes) -> Result<Parameter, ApiError> {
    let field = |name: &str| {
        head.split("\r\n").find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .trim()
                .eq_ignore_ascii_case(name)
                .then_some(value.trim())
        })
    };
    let disposition = field("content-disposition").unwrap_or("");
    let name = parameter(disposition, "name").ok_or_else(|| bad("a part has no name"))?;
    let is_file = parameter(disposition, "filename").is_some();
    let content_type = if is_file {
        field("content-type").unwrap_or("")
    } else {
        ""
    };
    Ok(Parameter {
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        value,
    })
}

/// The value of `; name=value` or `; name="value"`.
fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let mut rest = value;
    loop {
        rest = rest[rest.find(';')? + 1..].trim_start();
        let (found, after) = rest.split_once('=')?;
        let (text, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(text.trim());
        }
        rest = next;
    }
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, wanted).map(|at| from + at)
}

fn bad(why: &str) -> ApiError {
    ApiError::bad_request(format!("The multipart body cannot be read: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<Parameter>, ApiError> {
        parts(&Bytes::copy_from_slice(body.as_bytes()), "xyz")
    }

    #[test]
    fn fields_lose_their_type_and_files_keep_it() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"data\"\r\n\
                    Content-Type: text/plain\r\n\r\nhello\r\n--xyz\r\n\
                    content-disposition: form-data; name=\"f\"; filename=\"a;b.png\"\r\n\
                    content-type: image/png\r\n\r\n\r\n--xy\r\n\x01\r\n--xyz--\r\n";
        let parts = read(body).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|part| {
                (
                    part.name.as_str(),
                    part.content_type.as_str(),
                    &part.value[..],
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("data", "", &b"hello"[..]),
                ("f", "image/png", b"\r\n--xy\r\n\x01")
            ]
        );
    }

    #[test]
    fn a_part_may_be_empty_and_a_preamble_is_skipped() {
        let body = "hi\r\n--xyz \r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--xyz--";
        let parts = read(body).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].value.len()), ("a", 0));
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_is_cut_or_nameless_is_a_bad_request() {
        for body in [
            "hello",
            "--xyz",
            "--xyz\r\n",
            "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
            "--xyz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xyz--",
            "--xyzz\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--xyzz--",
        ] {
            assert_eq!(read(body).unwrap_err().status(), 400, "{body:?}");
        }
    }

    #[test]
    fn no_cut_and_no_changed_byte_panics() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--xyz--\r\n";
        for at in 0..body.len() {
            let _ = read(&body[..at]);
            for byte in *b"\r\n-;\"=:" {
                let mut bytes = body.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = parts(&Bytes::from(bytes), "xyz");
            }
        }
    }

    #[test]
    fn the_boundary_is_read_with_or_without_quotes() {
        assert_eq!(
            boundary("multipart/form-data; boundary=abc").unwrap(),
            "abc"
        );
        assert_eq!(
            boundary("multipart/form-data; a=b; Boundary=\"x y\"").unwrap(),
            "x y"
        );
        assert!(boundary("multipart/form-data").is_err());
        assert!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))).is_err());
    }
}

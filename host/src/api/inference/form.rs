//! Form bodies: `a=1&b=two`.
//!
//! **Source:** a body without any `=` yields no parameter at all, as in TorchServe 0.12.

use bytes::Bytes;
use meterbox_http::{ApiError, Query};
use meterbox_models::Parameter;

/// The fields of a form body.
pub(super) fn fields(body: &Bytes) -> Result<Vec<Parameter>, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| {
        ApiError::bad_request("The form body is not UTF-8: send it percent-encoded.")
    })?;
    if !text.contains('=') {
        return Ok(Vec::new());
    }
    let query = Query::parse(text.trim_end_matches(['\r', '\n'])).map_err(|error| {
        ApiError::bad_request(format!("The form body cannot be read: {}", error.message()))
    })?;
    Ok(query
        .iter()
        .map(|(name, value)| plain(name, value))
        .collect())
}

/// A parameter without a content type.
pub(super) fn plain(name: &str, value: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        content_type: String::new(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static [u8]) -> Vec<(String, Vec<u8>)> {
        let fields = fields(&Bytes::from_static(body)).unwrap();
        fields
            .into_iter()
            .map(|field| (field.name, field.value.to_vec()))
            .collect()
    }

    #[test]
    fn fields_are_decoded_in_their_order() {
        let expect = [("a", "1"), ("b", "two words"), ("a", "é")];
        let expect = expect.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(read(b"a=1&b=two+words&a=%C3%A9"), expect);
    }

    #[test]
    fn a_body_without_an_equals_sign_yields_nothing() {
        assert!(read(b"hello").is_empty());
        assert!(read(b"").is_empty());
    }

    #[test]
    fn a_body_that_is_no_form_is_a_bad_request() {
        for body in [&b"a=%zz"[..], b"a=\xff"] {
            assert_eq!(
                fields(&Bytes::copy_from_slice(body)).unwrap_err().status(),
                400
            );
        }
    }
}

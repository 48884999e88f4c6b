//! Why bytes on a connection are not taken for a request: the table of rules.
//!
//! hyper lets most of these through; the rules are ours and judged before hyper sees the bytes.
//! **Source:** RFC 9112 (syntax, framing), RFC 9110; where the captured TorchServe 0.12 refuses, too,
//! the message is its own.

use super::error::{ApiError, Class};

/// One broken rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The word in `meterbox_http_requests_refused_total`.
    pub(super) reason: &'static str,
    class: Class,
    message: &'static str,
}

impl Refusal {
    /// The answer; the connection is closed after it.
    pub(super) fn error(self) -> ApiError {
        ApiError::new(self.class, self.message)
    }
}

macro_rules! rules {
    ($($item:ident = $reason:literal, $class:ident, $message:literal;)*) => {
        impl Refusal {
            $(pub(super) const $item: Self = Self {
                reason: $reason,
                class: Class::$class,
                message: $message,
            };)*

            /// Every rule.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$item),*];
        }
    };
}

rules! {
    MALFORMED = "malformed", BAD_REQUEST, "Invalid HTTP message.";
    LINE_FEED = "line_feed", BAD_REQUEST,
        "Invalid HTTP message: a line ends in LF without CR.";
    METHOD = "method", BAD_REQUEST,
        "Invalid HTTP message: the method is not a word in capital letters.";
    CONNECT = "connect", NOT_IMPLEMENTED,
        "This server is no proxy: CONNECT is not served.";
    ASTERISK = "asterisk", BAD_REQUEST,
        "Invalid HTTP message: the target * is not served, ask for /.";
    TARGET = "target", BAD_REQUEST,
        "Invalid HTTP message: the request target has a character that must be percent-encoded, \
         or does not begin with /.";
    NUL_IN_PATH = "nul_in_path", BAD_REQUEST,
        "Invalid HTTP message: the path has an encoded NUL.";
    DOT_SEGMENT = "dot_segment", BAD_REQUEST,
        "Invalid HTTP message: the path has a .. segment.";
    URI_TOO_LONG = "uri_too_long", URI_TOO_LONG,
        "The request target is longer than uri_bytes_max.";
    VERSION = "version", HTTP_VERSION,
        "This server speaks HTTP/1.1 and HTTP/1.0.";
    HEAD_TOO_LARGE = "head_too_large", HEADERS_TOO_LARGE,
        "The request head is larger than header_bytes_max.";
    TOO_MANY_FIELDS = "too_many_fields", HEADERS_TOO_LARGE,
        "The request has more header fields than header_count_max.";
    FOLDED = "folded", BAD_REQUEST,
        "Invalid HTTP message: a header field goes on in a second line.";
    FIELD_NAME = "field_name", BAD_REQUEST,
        "Invalid HTTP message: a header name is empty or has a character that is not allowed.";
    FIELD_VALUE = "field_value", BAD_REQUEST,
        "Invalid HTTP message: a header value has a character that is not visible ASCII.";
    LOOK_ALIKE = "look_alike", BAD_REQUEST,
        "Invalid HTTP message: a header name looks like one that frames the message.";
    NO_HOST = "no_host", BAD_REQUEST,
        "Invalid HTTP message: the Host header is missing.";
    TWO_HOSTS = "two_hosts", BAD_REQUEST,
        "Invalid HTTP message: there is more than one Host header.";
    HOST = "host", BAD_REQUEST,
        "Invalid HTTP message: the Host header is no host and port.";
    OTHER_AUTHORITY = "other_authority", BAD_REQUEST,
        "Invalid HTTP message: the request target names another host than the Host header.";
    CONTENT_LENGTH = "content_length", BAD_REQUEST, "Invalid HTTP message.";
    TWO_LENGTHS = "two_lengths", BAD_REQUEST,
        "Invalid HTTP message: there is more than one Content-Length.";
    LENGTH_AND_CODING = "length_and_coding", BAD_REQUEST,
        "Invalid HTTP message: Content-Length and Transfer-Encoding exclude each other.";
    CODING = "coding", BAD_REQUEST,
        "Invalid HTTP message: Transfer-Encoding is not just chunked.";
    CODING_UNKNOWN = "coding_unknown", NOT_IMPLEMENTED,
        "Transfer-Encoding is not chunked alone; other codings are not served.";
    CHUNK = "chunk", BAD_REQUEST,
        "Invalid HTTP message: a chunk is malformed.";
    CHUNK_EXTENSION = "chunk_extension", BAD_REQUEST,
        "Invalid HTTP message: the chunk extensions are longer than 4096 bytes.";
    TINY_CHUNKS = "tiny_chunks", BAD_REQUEST,
        "Invalid HTTP message: the chunks of the body are too small.";
    TRAILERS = "trailers", BAD_REQUEST,
        "Invalid HTTP message: the trailer fields are longer than 8192 bytes.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_distinct_label_values() {
        let mut reasons: Vec<_> = Refusal::ALL.iter().map(|rule| rule.reason).collect();
        assert!(
            reasons
                .iter()
                .all(|r| r.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), Refusal::ALL.len());
    }
}

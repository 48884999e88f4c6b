//! Why bytes on a connection are not taken for a request: the table of rules.
//!
//! Parsers let most of these through; the rules are ours and judged before a parser sees the bytes.
//! **Source:** RFC 9112 (syntax, framing), RFC 9110; where the captured TorchServe 0.12 refuses, too,
//! the message is its own.

/// One broken rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// One word for counters.
    pub reason: &'static str,
    /// The HTTP status of the answer, after which the connection is closed.
    pub status: u16,
    /// One sentence for the client.
    pub message: &'static str,
}

macro_rules! rules {
    ($($item:ident = $reason:literal, $status:literal, $message:literal;)*) => {
        impl Refusal {
            $(
                #[doc = $message]
                pub const $item: Self = Self {
                    reason: $reason,
                    status: $status,
                    message: $message,
                };
            )*

            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$item),*];
        }
    };
}

rules! {
    MALFORMED = "malformed", 400, "Invalid HTTP message.";
    LINE_FEED = "line_feed", 400,
        "Invalid HTTP message: a line ends in LF without CR.";
    METHOD = "method", 400,
        "Invalid HTTP message: the method is not a word in capital letters.";
    CONNECT = "connect", 501,
        "This server is no proxy: CONNECT is not served.";
    ASTERISK = "asterisk", 400,
        "Invalid HTTP message: the target * is not served, ask for /.";
    TARGET = "target", 400,
        "Invalid HTTP message: the request target has a character that must be percent-encoded, \
         or does not begin with /.";
    NUL_IN_PATH = "nul_in_path", 400,
        "Invalid HTTP message: the path has an encoded NUL.";
    DOT_SEGMENT = "dot_segment", 400,
        "Invalid HTTP message: the path has a .. segment.";
    URI_TOO_LONG = "uri_too_long", 414,
        "The request target is longer than uri_bytes_max.";
    VERSION = "version", 505,
        "This server speaks HTTP/1.1 and HTTP/1.0.";
    HEAD_TOO_LARGE = "head_too_large", 431,
        "The request head is larger than header_bytes_max.";
    TOO_MANY_FIELDS = "too_many_fields", 431,
        "The request has more header fields than header_count_max.";
    FOLDED = "folded", 400,
        "Invalid HTTP message: a header field goes on in a second line.";
    FIELD_NAME = "field_name", 400,
        "Invalid HTTP message: a header name is empty or has a character that is not allowed.";
    FIELD_VALUE = "field_value", 400,
        "Invalid HTTP message: a header value has a character that is not visible ASCII.";
    LOOK_ALIKE = "look_alike", 400,
        "Invalid HTTP message: a header name looks like one that frames the message.";
    NO_HOST = "no_host", 400,
        "Invalid HTTP message: the Host header is missing.";
    TWO_HOSTS = "two_hosts", 400,
        "Invalid HTTP message: there is more than one Host header.";
    HOST = "host", 400,
        "Invalid HTTP message: the Host header is no host and port.";
    OTHER_AUTHORITY = "other_authority", 400,
        "Invalid HTTP message: the request target names another host than the Host header.";
    CONTENT_LENGTH = "content_length", 400, "Invalid HTTP message.";
    TWO_LENGTHS = "two_lengths", 400,
        "Invalid HTTP message: there is more than one Content-Length.";
    LENGTH_AND_CODING = "length_and_coding", 400,
        "Invalid HTTP message: Content-Length and Transfer-Encoding exclude each other.";
    CODING = "coding", 400,
        "Invalid HTTP message: Transfer-Encoding is not just chunked.";
    CODING_UNKNOWN = "coding_unknown", 501,
        "Transfer-Encoding is not chunked alone; other codings are not served.";
    CHUNK = "chunk", 400,
        "Invalid HTTP message: a chunk is malformed.";
    CHUNK_EXTENSION = "chunk_extension", 400,
        "Invalid HTTP message: the chunk extensions are longer than 4096 bytes.";
    TINY_CHUNKS = "tiny_chunks", 400,
        "Invalid HTTP message: the chunks of the body are too small.";
    TRAILERS = "trailers", 400,
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

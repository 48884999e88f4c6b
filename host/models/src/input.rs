//! What a handler gets to see of a request.

use bytes::Bytes;

/// One request, as the handler sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// Header names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The inputs: fields of a form, or one named `body`.
    pub parameters: Vec<Parameter>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its content type; empty if unknown.
    pub content_type: String,
    /// Its bytes.
    pub value: Bytes,
}

//! Where encoded bytes go.

use meterbox_plugin_abi::gather::Flow;

/// Takes the chunks of a page in order.
///
/// Any `FnMut(&[u8]) -> Flow` is one. A sink that returns [`Flow::Stop`] is not called again.
pub trait Sink {
    /// The next bytes of the page: at most [`CHUNK_BYTES`](crate::CHUNK_BYTES), never none.
    fn chunk(&mut self, bytes: &[u8]) -> Flow;
}

impl<F: FnMut(&[u8]) -> Flow> Sink for F {
    fn chunk(&mut self, bytes: &[u8]) -> Flow {
        self(bytes)
    }
}

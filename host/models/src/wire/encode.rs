//! Requests to a worker.

use super::END;
use crate::input::Input;

/// What a worker is told to load.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// The model's name.
    pub model_name: &'a str,
    /// The folder of the unpacked archive.
    pub model_folder: &'a str,
    /// Requests in a batch.
    pub batch_size: u32,
    /// `file.py`, `file`, `module:function`.
    pub handler: &'a str,
    /// The GPU, if any.
    pub gpu: Option<u32>,
    /// The service envelope; empty for none.
    pub envelope: &'a str,
    /// Whether Pillow's limit on image size stays on.
    pub limit_max_image_pixels: bool,
}

/// The bytes of LOAD.
#[must_use]
pub fn load(load: &Load<'_>) -> Vec<u8> {
    let mut bytes = vec![b'L'];
    text(&mut bytes, load.model_name);
    text(&mut bytes, load.model_folder);
    number(
        &mut bytes,
        i32::try_from(load.batch_size).unwrap_or(i32::MAX),
    );
    text(&mut bytes, load.handler);
    number(
        &mut bytes,
        load.gpu
            .map_or(-1, |gpu| i32::try_from(gpu).unwrap_or(i32::MAX)),
    );
    text(&mut bytes, load.envelope);
    bytes.push(u8::from(load.limit_max_image_pixels));
    bytes
}

/// The bytes of INFER, built up request by request in a buffer that is used again and again.
#[derive(Debug, Default)]
pub struct RequestsFrame {
    bytes: Vec<u8>,
}

impl RequestsFrame {
    /// Begins a batch.
    pub fn begin(&mut self) {
        // A buffer that once held a large body is not kept for small ones.
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.bytes.push(b'I');
    }

    /// Adds one request.
    pub fn add(&mut self, id: &str, input: &Input) {
        let bytes = &mut self.bytes;
        text(bytes, id);
        for (name, value) in &input.headers {
            text(bytes, name);
            text(bytes, value);
        }
        number(bytes, END);
        for parameter in &input.parameters {
            text(bytes, &parameter.name);
            text(bytes, &parameter.content_type);
            blob(bytes, &parameter.value);
        }
        number(bytes, END);
    }

    /// Ends the batch: its bytes.
    pub fn end(&mut self) -> &[u8] {
        number(&mut self.bytes, END);
        &self.bytes
    }
}

/// Capacity that is kept between batches.
const KEPT_BYTES_MAX: usize = 1 << 20;

fn number(bytes: &mut Vec<u8>, number: i32) {
    bytes.extend_from_slice(&number.to_be_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    blob(bytes, text.as_bytes());
}

fn blob(bytes: &mut Vec<u8>, blob: &[u8]) {
    // Bodies are capped by max_request_size, far below 2 GiB.
    let len = i32::try_from(blob.len()).expect("max_request_size keeps it below 2 GiB");
    number(bytes, len);
    bytes.extend_from_slice(blob);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Parameter;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn load_has_the_bytes_that_torchserve_sends() {
        let folder = "/tmp/models/0123456789abcdef0123456789abcdef/0123456789abcdef";
        let bytes = load(&Load {
            model_name: "noop",
            model_folder: folder,
            batch_size: 2,
            handler: "service.py",
            gpu: None,
            envelope: "",
            limit_max_image_pixels: true,
        });
        let expect = format!(
            "4c000000046e6f6f700000003d{}000000020000000a736572766963652e7079ffffffff0000000001",
            hex(folder.as_bytes())
        );
        assert_eq!(folder.len(), 61);
        assert_eq!(hex(&bytes), expect);
    }

    #[test]
    fn a_batch_has_ids_headers_and_parameters_each_list_ended() {
        let input = Input {
            headers: vec![("explain".into(), "False".into())],
            parameters: vec![Parameter {
                name: "body".into(),
                content_type: "text/plain".into(),
                value: bytes::Bytes::from_static(b"hi"),
            }],
        };
        let mut frame = RequestsFrame::default();
        for _ in 0..2 {
            frame.begin();
            frame.add("a1", &input);
            frame.add("b2", &Input::default());
            let expect = "49\
                000000026131\
                000000076578706c61696e0000000546616c7365ffffffff\
                00000004626f64790000000a746578742f706c61696e000000026869ffffffff\
                000000026232ffffffffffffffff\
                ffffffff";
            assert_eq!(hex(frame.end()), expect);
        }
    }
}

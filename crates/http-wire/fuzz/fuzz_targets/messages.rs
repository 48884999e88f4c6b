//! Bytes in the pieces that the first byte chooses: no panic, an end, and no head that is half.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meterbox_http_wire::{HeadLimits, Messages};

const LIMITS: HeadLimits = HeadLimits {
    bytes: 1024,
    fields: 16,
    target_bytes: 256,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&size, bytes)) = bytes.split_first() else {
        return;
    };
    let mut messages = Messages::new(LIMITS);
    let mut held = Vec::new();
    for piece in bytes.chunks(usize::from(size).max(1)) {
        held.extend_from_slice(piece);
        while !held.is_empty() {
            let Ok(taken) = messages.take(&held) else {
                return;
            };
            let length = taken.skip + taken.passes();
            if length == 0 {
                break;
            }
            let head = &held[taken.skip..][..taken.head];
            assert!(head.is_empty() || head.ends_with(b"\r\n\r\n"));
            held.drain(..length);
        }
        assert!(held.len() <= LIMITS.bytes + usize::from(size).max(1));
    }
});

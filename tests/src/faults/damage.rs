//! Damaged libraries from a seed: cut, bits flipped, the first bytes overwritten.

/// How many bytes at the start hold the tables that the linker trusts.
const HEAD_BYTES: usize = 1500;

/// A sequence of numbers that only its seed decides (xorshift64*).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        // A few steps apart from small seeds, none of them 0.
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }
}

/// Damages `bytes` in one of three ways, as `seed` decides, and says how.
pub(super) fn damage(bytes: &mut Vec<u8>, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    match seed % 3 {
        0 => {
            let length = dice.below(bytes.len());
            bytes.truncate(length);
            format!("cut to {length} bytes")
        }
        1 => flip(bytes, &mut dice),
        _ => {
            let head = bytes.len().min(HEAD_BYTES);
            let count = 1 + dice.below(8);
            for _ in 0..count {
                let at = dice.below(head);
                bytes[at] = u8::try_from(dice.below(256)).unwrap_or_default();
            }
            format!("{count} of the first {head} bytes overwritten")
        }
    }
}

/// Flips one to three bits.
pub(super) fn flip(bytes: &mut [u8], dice: &mut Dice) -> String {
    let count = 1 + dice.below(3);
    for _ in 0..count {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
    format!("{count} bits flipped")
}

/// The library with every `from` in it turned into `to`, which is as long: another plugin.
pub(super) fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "no byte may move");
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while at + from.len() <= bytes.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            at += to.len();
        } else {
            at += 1;
        }
    }
    bytes
}

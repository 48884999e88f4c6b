//! Doubles and counts as text: shortest digits that read back as the same double, in one of two
//! layouts.
//!
//! [`java`] lays them out as `Double.toString` does (`3.0`, `1.2345678E7`, `1.0E-4`), which is what
//! clients of TorchServe's page match; [`canonical`] as OpenMetrics 1.0 asks for (`3.0`, `1e+06`,
//! `1e-05`). Integers below 2^53 need no search for the shortest digits: their own digits without
//! trailing zeros are the shortest. Everything else takes its digits from `zmij`.

use crate::copy::put;

/// Room that one number needs: the longest is 24 bytes (`-2.2250738585072014E-308`), and the
/// writers store whole words.
pub const NUMBER_BYTES: usize = 40;

/// A slot for one number; what lies behind the returned length is undefined.
pub type Slot = [u8; NUMBER_BYTES];

/// Writes `value` as Java's `Double.toString` does, but `+Inf` and `-Inf`; returns the length.
#[inline(always)]
pub fn java(value: f64, out: &mut Slot) -> usize {
    let integer = value as i64;
    if (integer as f64).to_bits() == value.to_bits() {
        let magnitude = integer.unsigned_abs();
        if magnitude < 10_000_000 {
            return small_integer(integer < 0, magnitude, out);
        }
        if magnitude < 1 << 53 {
            return java_integer(integer < 0, magnitude, out);
        }
    }
    java_general(value, out)
}

/// Writes a count as the double that Java would print.
#[inline(always)]
pub fn java_count(count: u64, out: &mut Slot) -> usize {
    if count < 10_000_000 {
        small_integer(false, count, out)
    } else if count < 1 << 53 {
        java_integer(false, count, out)
    } else {
        java_general(count as f64, out)
    }
}

/// Writes `value` as a canonical number of OpenMetrics 1.0 (as Go's shortest `%g`, with `.0` on an
/// integer); returns the length.
#[inline(always)]
pub fn canonical(value: f64, out: &mut Slot) -> usize {
    let integer = value as i64;
    if (integer as f64).to_bits() == value.to_bits() {
        let magnitude = integer.unsigned_abs();
        if magnitude < 1_000_000 {
            return small_integer(integer < 0, magnitude, out);
        }
        if magnitude < 1 << 53 {
            return canonical_integer(integer < 0, magnitude, out);
        }
    }
    canonical_general(value, out)
}

/// Writes a count in full digits, as OpenMetrics 1.0 wants `_bucket` and `_count`.
#[inline(always)]
pub fn canonical_count(count: u64, out: &mut Slot) -> usize {
    if count < 100_000_000 {
        return integer_digits(count, out, 0);
    }
    let (high, low) = (count / 100_000_000, count % 100_000_000);
    let at = if high < 100_000_000 {
        integer_digits(high, out, 0)
    } else {
        let at = integer_digits(high / 100_000_000, out, 0);
        out[at..at + 8].copy_from_slice(&(decimals(high % 100_000_000) | ZEROS).to_le_bytes());
        at + 8
    };
    out[at..at + 8].copy_from_slice(&(decimals(low) | ZEROS).to_le_bytes());
    at + 8
}

/// Writes a moment in Unix seconds without an exponent.
pub fn seconds(value: f64, out: &mut Slot) -> usize {
    if !value.is_finite() {
        return put(out, 0, word(value));
    }
    put(out, 0, zmij::Buffer::new().format_finite(value).as_bytes())
}

/// Eight ASCII zeros.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of a number below 10^8 as bytes 0-9, the first in the lowest byte.
#[inline(always)]
fn decimals(value: u64) -> u64 {
    // Split into two halves of four digits, those into pairs, those into digits, all halves and
    // pairs at once; the multiplications stand for divisions by 100 and by 10.
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - 10 * tens) << 8)
}

/// Writes a number below 10^8 at `at`, returns the end. Stores eight bytes whatever its length.
#[inline(always)]
fn integer_digits(value: u64, out: &mut Slot, at: usize) -> usize {
    let digits = decimals(value);
    // The lowest byte stays when all are zero: "0".
    let leading = ((digits | 1 << 56).trailing_zeros() / 8) as usize;
    let text = (digits | ZEROS) >> (8 * leading);
    out[at..at + 8].copy_from_slice(&text.to_le_bytes());
    at + 8 - leading
}

/// An integer below 10^8 with `.0` behind it.
#[inline(always)]
fn small_integer(negative: bool, magnitude: u64, out: &mut Slot) -> usize {
    out[0] = b'-';
    let at = integer_digits(magnitude, out, usize::from(negative));
    out[at..at + 2].copy_from_slice(b".0");
    at + 2
}

/// An integer from 10^7 to 2^53 as `d.dddE<exponent>`.
#[inline(always)]
fn java_integer(negative: bool, magnitude: u64, out: &mut Slot) -> usize {
    let Scientific { at, digits, power } = scientific(negative, magnitude, out);
    exponent(b"E", power, out, at + 1 + digits.max(2))
}

/// An integer from 10^6 to 2^53 as `d.ddde+<exponent>`.
#[inline(always)]
fn canonical_integer(negative: bool, magnitude: u64, out: &mut Slot) -> usize {
    let Scientific { at, digits, power } = scientific(negative, magnitude, out);
    // A single digit has no point.
    let at = at + digits + usize::from(digits > 1);
    let mark: &[u8] = if power < 10 { b"e+0" } else { b"e+" };
    exponent(mark, power, out, at)
}

/// What [`scientific`] wrote.
struct Scientific {
    /// Where the first digit stands.
    at: usize,
    /// Digits that count.
    digits: usize,
    /// The exponent of ten.
    power: i32,
}

/// Writes sign and `d.ddd` of an integer from 10 to 2^53; at least one zero follows the point.
#[inline(always)]
fn scientific(negative: bool, magnitude: u64, out: &mut Slot) -> Scientific {
    let high = decimals(magnitude / 100_000_000);
    let low = decimals(magnitude % 100_000_000);
    let all = u128::from(high) | (u128::from(low) << 64);
    // The first and the last digit that are not zero, of sixteen.
    let first = (all.trailing_zeros() / 8) as usize;
    let last = 15 - (all.leading_zeros() / 8) as usize;
    // Shifted in a register: a store that is read back at another offset would stall.
    let text = (all | (u128::from(ZEROS) << 64 | u128::from(ZEROS))) >> (8 * first);
    let at = usize::from(negative);
    out[0] = b'-';
    out[at] = text as u8;
    out[at + 1] = b'.';
    out[at + 2..at + 18].copy_from_slice(&(text >> 8).to_le_bytes());
    Scientific {
        at,
        digits: last - first + 1,
        power: 15 - first as i32,
    }
}

/// Any double in Java's layout; the way for fractions and for what is not finite.
#[inline(never)]
fn java_general(value: f64, out: &mut Slot) -> usize {
    if !value.is_finite() {
        return put(out, 0, word(value));
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let magnitude = value.abs();
    if (1e-3..1e7).contains(&magnitude) || magnitude == 0.0 {
        return put(out, 0, text.as_bytes());
    }
    let digits = Digits::of(text);
    let at = digits.sign(out);
    let at = digits.mantissa(out, at, true);
    exponent(b"E", digits.exponent, out, at)
}

/// Any double in the layout of OpenMetrics.
#[inline(never)]
fn canonical_general(value: f64, out: &mut Slot) -> usize {
    if !value.is_finite() {
        return put(out, 0, word(value));
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let magnitude = value.abs();
    if (1e-4..1e6).contains(&magnitude) || magnitude == 0.0 {
        return put(out, 0, text.as_bytes());
    }
    let digits = Digits::of(text);
    let at = digits.sign(out);
    let at = digits.mantissa(out, at, false);
    let (mark, size): (&[u8], _) = match digits.exponent {
        -9..0 => (b"e-0", -digits.exponent),
        ..-9 => (b"e-", -digits.exponent),
        0..10 => (b"e+0", digits.exponent),
        10.. => (b"e+", digits.exponent),
    };
    exponent(mark, size, out, at)
}

fn word(value: f64) -> &'static [u8] {
    if value.is_nan() {
        b"NaN"
    } else if value > 0.0 {
        b"+Inf"
    } else {
        b"-Inf"
    }
}

/// Appends a mark and an exponent of at most three digits.
#[inline(always)]
fn exponent(mark: &[u8], value: i32, out: &mut Slot, at: usize) -> usize {
    let mut at = put(out, at, mark);
    if value < 0 {
        out[at] = b'-';
        at += 1;
    }
    let size = value.unsigned_abs();
    for (limit, unit) in [(100, 100), (10, 10), (0, 1)] {
        if size >= limit {
            out[at] = b'0' + (size / unit % 10) as u8;
            at += 1;
        }
    }
    at
}

/// The shortest digits of a finite double other than zero: `d.ddd` times ten to `exponent`.
struct Digits {
    negative: bool,
    digits: [u8; 20],
    count: usize,
    exponent: i32,
}

impl Digits {
    /// Reads them out of a text such as `-12.5`, `0.00012`, `1.5e-7` or `1e300`.
    fn of(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match text.split_once('e') {
            Some((mantissa, power)) => (mantissa, power.parse().unwrap_or(0)),
            None => (text, 0),
        };
        let mut digits = [b'0'; 20];
        let mut count = 0;
        // Place of the next digit relative to the point: ones are place 0.
        let mut place = mantissa.find('.').unwrap_or(mantissa.len()) as i32 - 1;
        let mut exponent = None;
        for byte in mantissa.bytes().filter(u8::is_ascii_digit) {
            if byte != b'0' && exponent.is_none() {
                exponent = Some(place);
            }
            if exponent.is_some() && count < digits.len() {
                digits[count] = byte;
                count += 1;
            }
            place -= 1;
        }
        while count > 1 && digits[count - 1] == b'0' {
            count -= 1;
        }
        Self {
            negative,
            digits,
            count,
            exponent: exponent.unwrap_or(0) + power,
        }
    }

    fn sign(&self, out: &mut Slot) -> usize {
        out[0] = b'-';
        usize::from(self.negative)
    }

    /// Writes `d.ddd`; a single digit as `d.0` or `d`.
    fn mantissa(&self, out: &mut Slot, at: usize, always_point: bool) -> usize {
        out[at] = self.digits[0];
        if self.count == 1 && !always_point {
            return at + 1;
        }
        out[at + 1] = b'.';
        put(out, at + 2, &self.digits[1..self.count.max(2)])
    }
}

#[cfg(test)]
mod tests;

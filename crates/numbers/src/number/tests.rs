//! Both layouts against a slow reference, and the integer paths against the general one.

use super::*;

fn print(write: impl Fn(f64, &mut Slot) -> usize, value: f64) -> String {
    let mut slot = [b'#'; NUMBER_BYTES];
    let length = write(value, &mut slot);
    std::str::from_utf8(&slot[..length]).unwrap().to_owned()
}

/// Digits and exponent: as many digits as the standard library's shortest form has, rounded from
/// the exact value half to even, as Java does where two are equally near.
fn reference_digits(value: f64) -> (String, String, i32) {
    let shortest = format!("{:e}", value.abs());
    let (mantissa, _) = shortest.split_once('e').unwrap();
    let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let text = format!("{:.*e}", count - 1, value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    (
        sign.to_owned(),
        mantissa.replace('.', ""),
        exponent.parse().unwrap(),
    )
}

/// Plain decimal text of `digits` with the first at `exponent`.
fn plain(digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        return format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    let padded = format!("{digits:0<whole$}");
    let (whole, fraction) = padded.split_at(whole);
    format!(
        "{whole}.{}",
        if fraction.is_empty() { "0" } else { fraction }
    )
}

fn reference_java(value: f64) -> String {
    if !value.is_finite() {
        return String::from_utf8(word(value).to_vec()).unwrap();
    }
    let (sign, digits, exponent) = reference_digits(value);
    if (-3..7).contains(&exponent) || value == 0.0 {
        return format!("{sign}{}", plain(&digits, exponent));
    }
    let rest = if digits.len() == 1 { "0" } else { &digits[1..] };
    format!("{sign}{}.{rest}E{exponent}", &digits[..1])
}

fn reference_canonical(value: f64) -> String {
    if !value.is_finite() {
        return String::from_utf8(word(value).to_vec()).unwrap();
    }
    let (sign, digits, exponent) = reference_digits(value);
    if (-4..6).contains(&exponent) || value == 0.0 {
        return format!("{sign}{}", plain(&digits, exponent));
    }
    let point = if digits.len() == 1 { "" } else { "." };
    let (mark, size) = (if exponent < 0 { '-' } else { '+' }, exponent.abs());
    format!(
        "{sign}{}{point}{}e{mark}{size:02}",
        &digits[..1],
        &digits[1..]
    )
}

/// A fixed sequence of 64-bit numbers (splitmix64), so that a failure repeats.
fn random(count: usize) -> impl Iterator<Item = u64> {
    let mut state = 42u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
    .take(count)
}

fn check_both(value: f64) {
    assert_eq!(print(java, value), reference_java(value), "{value:?}");
    assert_eq!(
        print(canonical, value),
        reference_canonical(value),
        "{value:?}"
    );
}

#[test]
fn java_prints_as_captured_pages_do() {
    for (value, text) in [
        (3.0, "3.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (-17.0, "-17.0"),
        (272.461, "272.461"),
        (1.1433797645E7, "1.1433797645E7"),
        (12345678.0, "1.2345678E7"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (-1e7, "-1.0E7"),
        (1e-4, "1.0E-4"),
        (0.001, "0.001"),
        (1e15, "1.0E15"),
        (9007199254740991.0, "9.007199254740991E15"),
        (9007199254740993.0, "9.007199254740992E15"),
        (1e22, "1.0E22"),
        (1.5e300, "1.5E300"),
        (5e-324, "5.0E-324"),
        (f64::MAX, "1.7976931348623157E308"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(print(java, value), text);
    }
}

#[test]
fn canonical_prints_the_numbers_of_openmetrics() {
    for (value, text) in [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (1e-4, "0.0001"),
        (1e-5, "1e-05"),
        (1e-10, "1e-10"),
        (100000.0, "100000.0"),
        (1e6, "1e+06"),
        (1e10, "1e+10"),
        (123456789.0, "1.23456789e+08"),
        (1e300, "1e+300"),
        (f64::INFINITY, "+Inf"),
    ] {
        assert_eq!(print(canonical, value), text);
    }
}

#[test]
fn counts_print_in_full_digits_or_as_doubles() {
    let count = |write: fn(u64, &mut Slot) -> usize, value| {
        let mut slot = [b'#'; NUMBER_BYTES];
        let length = write(value, &mut slot);
        std::str::from_utf8(&slot[..length]).unwrap().to_owned()
    };
    for bits in random(20_000) {
        let value = bits >> (bits % 64);
        assert_eq!(count(canonical_count, value), value.to_string());
        assert_eq!(count(java_count, value), reference_java(value as f64));
    }
    for value in [
        0,
        9,
        10,
        99_999_999,
        100_000_000,
        9_999_999_999_999_999,
        10u64.pow(16),
        u64::MAX,
    ] {
        assert_eq!(count(canonical_count, value), value.to_string());
        assert_eq!(count(java_count, value), reference_java(value as f64));
    }
}

#[test]
fn moments_have_no_exponent() {
    assert_eq!(print(seconds, 1_520_872_607.123), "1520872607.123");
    assert_eq!(print(seconds, 1_700_000_000.0), "1700000000.0");
}

#[test]
fn property_every_double_prints_as_the_reference_does() {
    for bits in random(200_000) {
        check_both(f64::from_bits(bits));
    }
}

#[test]
fn property_integers_and_short_fractions_print_as_the_reference_does() {
    for bits in random(200_000) {
        let integer = (bits >> 8) as i64 >> (bits % 56);
        check_both(integer as f64);
        check_both(-(integer as f64));
        check_both(integer as f64 / 1000.0);
        check_both((integer % 1000) as f64 * 10f64.powi((bits % 40) as i32 - 20));
    }
    for exponent in -30..30 {
        check_both(10f64.powi(exponent));
        check_both(10f64.powi(exponent) - 1.0);
        check_both(-(10f64.powi(exponent)));
    }
}

#[test]
fn property_what_is_printed_reads_back_as_the_same_double() {
    for bits in random(50_000) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            let bits = |text: String| text.parse::<f64>().unwrap().to_bits();
            assert_eq!(bits(print(java, value)), value.to_bits());
            assert_eq!(bits(print(canonical, value)), value.to_bits());
        }
    }
}

//! Escapes to characters.
//!
//! An unknown escape is its own character without the backslash, as in Java: `\z` is `z`, `\=` is
//! `=`. There are no octal escapes.

use crate::Fault;
use std::str::Chars;

/// `text` with its escapes resolved.
pub(crate) fn unescape(text: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(unicode(&mut chars)?),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Ok(out)
}

/// The character after `\u`; one outside of the first plane is written as two escapes.
fn unicode(chars: &mut Chars<'_>) -> Result<char, Fault> {
    let high = unit(chars)?;
    if let Some(c) = char::from_u32(u32::from(high)) {
        return Ok(c);
    }
    let rest = chars
        .as_str()
        .strip_prefix("\\u")
        .ok_or(Fault::Surrogate { unit: high })?;
    let mut ahead = rest.chars();
    let low = unit(&mut ahead)?;
    let pair = char::decode_utf16([high, low]).next();
    let c = pair
        .and_then(Result::ok)
        .ok_or(Fault::Surrogate { unit: high })?;
    *chars = ahead;
    Ok(c)
}

fn unit(chars: &mut Chars<'_>) -> Result<u16, Fault> {
    let found: String = chars.by_ref().take(4).collect();
    let is_hex = found.len() == 4 && found.bytes().all(|b| b.is_ascii_hexdigit());
    u16::from_str_radix(&found, 16)
        .ok()
        .filter(|_| is_hex)
        .ok_or(Fault::Unicode { found })
}

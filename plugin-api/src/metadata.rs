//! The JSON in a library's `.meterbox` section, written while the plugin is compiled.
//!
//! A loader reads it before it runs any code of the file, so it must be a constant: hence this small JSON
//! writer of `const fn`s. It writes what [`export_plugin!`](crate::export_plugin) gives it, no more.

/// One member of the metadata object.
#[derive(Clone, Copy)]
pub enum Member<'a> {
    /// A text.
    Text(&'a str, &'a str),
    /// A list of texts.
    List(&'a str, &'a [&'a str]),
    /// JSON as it stands.
    Json(&'a str, &'a str),
}

/// Writes into an array, or only counts when there is no room at all.
struct Writer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Writer<N> {
    const fn byte(&mut self, byte: u8) {
        if N > 0 {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }

    const fn raw(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.byte(bytes[at]);
            at += 1;
        }
    }

    const fn text(&mut self, text: &str) {
        let digits = b"0123456789abcdef";
        let bytes = text.as_bytes();
        self.byte(b'"');
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                special @ (b'"' | b'\\') => {
                    self.byte(b'\\');
                    self.byte(special);
                }
                control @ 0..=0x1f => {
                    self.raw("\\u00");
                    self.byte(digits[(control >> 4) as usize]);
                    self.byte(digits[(control & 15) as usize]);
                }
                other => self.byte(other),
            }
            at += 1;
        }
        self.byte(b'"');
    }

    const fn list(&mut self, items: &[&str]) {
        self.byte(b'[');
        let mut at = 0;
        while at < items.len() {
            if at > 0 {
                self.byte(b',');
            }
            self.text(items[at]);
            at += 1;
        }
        self.byte(b']');
    }

    const fn name(&mut self, name: &str) {
        if self.len > 1 {
            self.byte(b',');
        }
        self.text(name);
        self.byte(b':');
    }

    const fn object(mut self, members: &[Member<'_>]) -> Self {
        self.byte(b'{');
        let mut at = 0;
        while at < members.len() {
            match members[at] {
                Member::Text(name, value) => {
                    self.name(name);
                    self.text(value);
                }
                Member::List(name, items) => {
                    self.name(name);
                    self.list(items);
                }
                Member::Json(name, json) => {
                    self.name(name);
                    self.raw(json);
                }
            }
            at += 1;
        }
        self.byte(b'}');
        self
    }
}

/// Length of the JSON object with these members.
#[must_use]
pub const fn len(members: &[Member<'_>]) -> usize {
    Writer::<0> { bytes: [], len: 0 }.object(members).len
}

/// The JSON object with these members; `N` is its [`len`].
#[must_use]
pub const fn json<const N: usize>(members: &[Member<'_>]) -> [u8; N] {
    Writer::<N> {
        bytes: [0; N],
        len: 0,
    }
    .object(members)
    .bytes
}

/// The bytes of [`json`] as the text that they are.
#[must_use]
pub const fn text(json: &'static [u8]) -> &'static str {
    match std::str::from_utf8(json) {
        Ok(text) => text,
        Err(_) => panic!("JSON made of texts is text"),
    }
}

/// Stops the compilation unless it is `[a-z][a-z0-9_]{0,62}`.
pub const fn check_name(name: &str) {
    let bytes = name.as_bytes();
    assert!(
        !bytes.is_empty() && bytes.len() <= 63 && bytes[0].is_ascii_lowercase(),
        "a plugin's name starts with a lower case letter and has at most 63 characters"
    );
    let mut at = 0;
    while at < bytes.len() {
        assert!(
            bytes[at].is_ascii_lowercase() || bytes[at].is_ascii_digit() || bytes[at] == b'_',
            "a plugin's name has only lower case letters, digits and _"
        );
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &[Member<'_>] = &[
        Member::Text("name", "say \"hi\"\\\n"),
        Member::List("permissions", &["a", "b"]),
        Member::Json("schema", r#"{"x":1}"#),
    ];

    #[test]
    fn what_is_written_at_compile_time_is_json() {
        const JSON: [u8; len(MEMBERS)] = json(MEMBERS);
        let read: serde_json::Value = serde_json::from_slice(&JSON).expect("JSON");
        let expect = serde_json::json!({
            "name": "say \"hi\"\\\n", "permissions": ["a", "b"], "schema": {"x": 1},
        });
        assert_eq!(read, expect);
    }

    #[test]
    fn names_that_could_not_be_a_file_or_label_are_refused() {
        check_name("a");
        check_name("remote_write2");
        for name in ["", "A", "2x", "a-b", "é", &"x".repeat(64)] {
            assert!(
                std::panic::catch_unwind(|| check_name(name)).is_err(),
                "{name}"
            );
        }
    }
}

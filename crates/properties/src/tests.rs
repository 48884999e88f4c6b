//! The rules of `java.util.Properties.load`, one test per sentence of its documentation.

use super::{Parsed, parse};

#[track_caller]
fn check(text: &str, expect: &[(&str, &str, usize)]) {
    let Parsed { entries, errors } = parse(text.as_bytes());
    let found: Vec<_> = entries
        .iter()
        .map(|e| (e.key.as_str(), e.value.as_str(), e.line))
        .collect();
    assert_eq!(found, expect, "of {text:?}");
    assert_eq!(errors, [], "of {text:?}");
}

#[track_caller]
fn check_error(text: &str, expect: &str) {
    let parsed = parse(text.as_bytes());
    let found: Vec<String> = parsed.errors.iter().map(ToString::to_string).collect();
    assert_eq!(found, [expect], "of {text:?}");
}

#[test]
fn the_three_separators_mean_the_same() {
    for line in [
        "Truth = Beauty",
        "    Truth:Beauty",
        "Truth\t\t\t:Beauty",
        "Truth Beauty",
    ] {
        check(line, &[("Truth", "Beauty", 1)]);
    }
}

#[test]
fn only_the_first_separator_counts() {
    check("a==b", &[("a", "=b", 1)]);
    check("a = : b", &[("a", ": b", 1)]);
    check(
        "address=http://127.0.0.1:8080",
        &[("address", "http://127.0.0.1:8080", 1)],
    );
}

#[test]
fn a_key_alone_has_an_empty_value() {
    check("cheeses", &[("cheeses", "", 1)]);
    check("cheeses=", &[("cheeses", "", 1)]);
    check("cheeses   ", &[("cheeses", "", 1)]);
}

#[test]
fn a_line_that_starts_with_a_separator_has_an_empty_key() {
    check("=value", &[("", "value", 1)]);
}

#[test]
fn blanks_at_the_end_of_a_value_belong_to_it() {
    check("a = b \t", &[("a", "b \t", 1)]);
}

#[test]
fn blank_lines_and_comments_are_left_out_and_still_counted() {
    check("\n# one\n  ! two\n\t\x0c\na=1\n", &[("a", "1", 5)]);
}

#[test]
fn a_comment_sign_inside_a_line_is_no_comment() {
    check("a=1 # one", &[("a", "1 # one", 1)]);
    check("a#b=1", &[("a#b", "1", 1)]);
}

#[test]
fn a_backslash_joins_lines_and_drops_the_next_indent() {
    let text =
        "fruits   apple, banana, pear, \\\n           cantaloupe, watermelon, \\\n   kiwi\nnext=1";
    check(
        text,
        &[
            (
                "fruits",
                "apple, banana, pear, cantaloupe, watermelon, kiwi",
                1,
            ),
            ("next", "1", 4),
        ],
    );
}

#[test]
fn an_even_number_of_backslashes_does_not_join() {
    check("a=b\\\\\nc=d", &[("a", "b\\", 1), ("c", "d", 2)]);
    check("a=b\\\\\\\nc", &[("a", "b\\c", 1)]);
}

#[test]
fn a_comment_is_never_continued() {
    check("# a \\\nb=1", &[("b", "1", 2)]);
}

#[test]
fn a_line_that_continues_is_never_a_comment() {
    check("a=1\\\n#2", &[("a", "1#2", 1)]);
}

#[test]
fn a_blank_line_ends_a_continuation() {
    check("a=1\\\n   \nb=2", &[("a", "1", 1), ("b", "2", 3)]);
}

#[test]
fn a_backslash_at_the_end_of_the_file_is_dropped() {
    check("a=1\\", &[("a", "1", 1)]);
}

#[test]
fn all_line_ends_are_known() {
    check(
        "a=1\rb=2\r\nc=3\nd=4",
        &[("a", "1", 1), ("b", "2", 2), ("c", "3", 3), ("d", "4", 4)],
    );
    check("a=1\\\r\n 2\rb=3", &[("a", "12", 1), ("b", "3", 3)]);
}

#[test]
fn escaped_separators_belong_to_the_key() {
    check(r"a\:b\=c\ d=e", &[("a:b=c d", "e", 1)]);
    check(r"a\\=b", &[("a\\", "b", 1)]);
}

#[test]
fn known_escapes_are_resolved_and_unknown_ones_lose_the_backslash() {
    check(r"a=\t\n\r\f\z\b\\", &[("a", "\t\n\r\u{c}zb\\", 1)]);
}

#[test]
fn unicode_escapes_are_resolved_in_keys_and_values() {
    check(r"\u0061=\u00e4\u20AC", &[("a", "ä€", 1)]);
    check(r"a=\uD83D\uDE00", &[("a", "😀", 1)]);
}

#[test]
fn a_bad_unicode_escape_is_an_error_with_its_line_and_the_other_lines_stay() {
    let parsed = parse(b"a=1\nb=\\u12\nc=3\n");
    assert_eq!(parsed.entries.len(), 2);
    check_error(
        "a=1\nb=\\u12\n",
        r#"line 2: "\u12" is not \u and four hexadecimal digits (write \\u for a backslash and a u)"#,
    );
    check_error(
        r"path=C:\users",
        r#"line 1: "\users" is not \u and four hexadecimal digits (write \\u for a backslash and a u)"#,
    );
    check_error(
        r"a=\u+123",
        r#"line 1: "\u+123" is not \u and four hexadecimal digits (write \\u for a backslash and a u)"#,
    );
}

#[test]
fn half_a_surrogate_pair_is_an_error() {
    let expect = r#"line 1: "\ud83d" is half of a surrogate pair and no character by itself"#;
    check_error(r"a=\uD83D", expect);
    check_error(r"a=\uD83D\u0041", expect);
}

#[test]
fn equal_keys_are_all_returned() {
    check("a=1\na=2", &[("a", "1", 1), ("a", "2", 2)]);
}

#[test]
fn an_empty_text_holds_nothing() {
    check("", &[]);
    check("\n\n", &[]);
}

#[test]
fn property_no_text_makes_it_panic_and_lines_grow() {
    // A small generator with a fixed seed: every run reads the same texts.
    let alphabet = [
        'a', '=', ':', ' ', '\\', '\n', '\r', '#', '!', 'u', '0', 'ä', '\u{c}',
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..2_000 {
        let mut text = String::new();
        for _ in 0..24 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push(alphabet[(state % alphabet.len() as u64) as usize]);
        }
        let parsed = parse(text.as_bytes());
        assert!(
            parsed.entries.is_sorted_by(|a, b| a.line < b.line),
            "of {text:?}"
        );
    }
}

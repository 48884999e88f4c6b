//! What the reader takes and what it refuses.

use super::*;

#[track_caller]
fn refused(page: &str, line: usize, part: &str) {
    let error = parse_text(page).unwrap_err();
    assert_eq!(error.line, line, "{error}");
    assert!(error.reason.contains(part), "{error}");
}

#[test]
fn families_samples_and_escapes_are_read() {
    let families = parse_text(
        "# HELP a A \\\\ and\\nmore\n# TYPE a counter\n# a comment\na{x=\"1 \\\" \\\\ \\n\",} 3.0\n\
         a{x=\"2\"} 1.5E7 1700000000000\n\n# TYPE h histogram\nh_bucket{le=\"+Inf\",} 2.0\n\
         h_count 2.0\nh_sum NaN\nbare 1\n",
    )
    .unwrap();
    let names: Vec<_> = families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["a", "h", "bare"]);
    assert_eq!(families[0].help, "A \\ and\nmore");
    assert_eq!(families[0].samples[0].label("x"), Some("1 \" \\ \n"));
    assert_eq!(families[0].samples[1].value, 1.5e7);
    assert_eq!(families[0].samples[1].number, "1.5E7");
    assert_eq!(families[1].samples.len(), 3);
    assert!(families[1].samples[2].value.is_nan());
    assert_eq!(families[2].kind, "untyped");
    assert_eq!(parse_text("").unwrap(), []);
}

#[test]
fn normalized_samples_forget_order_and_digits() {
    let read = |page: &str| parse_text(page).unwrap()[0].sorted();
    assert_eq!(
        read("# TYPE h histogram\nh_bucket{a=\"x\",le=\"10.0\",} 3.0\n"),
        read("# TYPE h histogram\nh_bucket{le=\"10\",a=\"x\"} 3\n"),
    );
    assert_ne!(read("a{x=\"1.0\"} 1\n"), read("a{x=\"1\"} 1\n"));
}

#[test]
fn wrong_pages_are_refused_with_their_line() {
    refused("a 1", 1, "line feed");
    refused("a 1\na 2\n", 2, "twice");
    refused("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", 2, "twice");
    refused("a 1\nb 1\na{x=\"1\"} 1\n", 3, "two places");
    refused(
        "# TYPE a counter\na 1\n# HELP a x\n",
        3,
        "after its samples",
    );
    refused("# TYPE a counter\n# TYPE a counter\n", 2, "second TYPE");
    refused("# HELP a x\n# HELP a x\n", 2, "second HELP");
    refused("# TYPE a countr\n", 1, "no type");
    refused("# TYPE 1a counter\n", 1, "no metric name");
    refused("a\n", 1, "without a value");
    refused("a{x=\"1\"}\n", 1, "without a value");
    refused("a 1,5\n", 1, "no number");
    refused("a 0x10\n", 1, "no number");
    refused("a 1 soon\n", 1, "no timestamp");
    refused("a 1 2 3\n", 1, "behind the sample");
    refused("a{x=\"1} 1\n", 1, "no end");
    refused("a{x=\"1\"y=\"2\"} 1\n", 1, "neither comma nor brace");
    refused("a{x=\"1\",x=\"2\"} 1\n", 1, "twice in one line");
    refused("a{1x=\"1\"} 1\n", 1, "no label name");
    refused("a{x=\"\\t\"} 1\n", 1, "does not exist");
    refused("a{x} 1\n", 1, "no label and no brace");
}

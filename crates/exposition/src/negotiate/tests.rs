//! Headers as real scrapers send them, and what others may send.

use super::*;

#[track_caller]
fn accepts(accept: &str, format: Format) {
    assert_eq!(negotiate(Some(accept)), format, "{accept}");
}

#[test]
fn captured_headers_of_prometheus_get_openmetrics() {
    for accept in [
        // 2.42
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        // 2.42 with native histograms
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        // 2.53
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        // 2.53 with native histograms
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        // 3.5
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        // 3.5 with native histograms
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    ] {
        accepts(accept, Format::OpenMetrics);
    }
}

#[test]
fn weights_decide_and_the_first_named_wins_between_equals() {
    accepts(
        "text/plain;q=0.9, application/openmetrics-text;q=0.8",
        Format::Text,
    );
    accepts(
        "text/plain;q=0.8, application/openmetrics-text;q=0.9",
        Format::OpenMetrics,
    );
    accepts("text/plain, application/openmetrics-text", Format::Text);
    accepts(
        "application/openmetrics-text, text/plain",
        Format::OpenMetrics,
    );
    accepts(
        "application/openmetrics-text;q=0, text/plain;q=0.1",
        Format::Text,
    );
    accepts("application/openmetrics-text;q=0", Format::Text);
}

#[test]
fn what_is_not_offered_or_not_understood_gets_text() {
    for accept in [
        "",
        "*/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        "text/plain;version=1.0.0",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;q=two",
        "application/openmetrics-text;q=1.5",
        "application/openmetrics-text;q=0.12345",
        ";;;,,,=q",
        "\u{e4}/\u{1f600};q=\u{fc}",
    ] {
        accepts(accept, Format::Text);
    }
    assert_eq!(negotiate(None), Format::Text);
}

#[test]
fn names_are_compared_without_case_and_blanks_are_allowed() {
    accepts(
        "Text/Plain ; Q=0.3 , APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; q=0.5",
        Format::OpenMetrics,
    );
}

#[test]
fn gzip_is_used_when_it_is_welcome() {
    for (header, expected) in [
        (Some("gzip"), Encoding::Gzip),
        (Some("gzip, deflate, br, zstd"), Encoding::Gzip),
        (Some("x-gzip"), Encoding::Gzip),
        (Some("*"), Encoding::Gzip),
        (Some("gzip;q=0.5, identity;q=0.5"), Encoding::Gzip),
        (Some("gzip;q=0"), Encoding::Identity),
        (Some("*;q=1, gzip;q=0"), Encoding::Identity),
        (Some("identity, gzip;q=0.5"), Encoding::Identity),
        (Some("br"), Encoding::Identity),
        (Some(""), Encoding::Identity),
        (None, Encoding::Identity),
    ] {
        assert_eq!(encoding(header), expected, "{header:?}");
    }
}

#[test]
fn content_types_name_version_and_charset() {
    assert_eq!(
        Format::Text.content_type(),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(
        Format::OpenMetrics.content_type(),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(Encoding::Gzip.header(), Some("gzip"));
    assert_eq!(Encoding::Identity.header(), None);
}

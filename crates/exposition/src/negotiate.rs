//! Which format and which compression the headers of a scrape ask for.
//!
//! Weights (`q`) are honoured, and an answer always exists: what is not understood gets text 0.0.4
//! and no compression, never a refusal. The protobuf format and text 1.0.0 are not offered, so a
//! scraper that prefers them gets what it names next.
//!
//! **Source:** RFC 9110, sections 12.4.2, 12.5.1 and 12.5.3; the Accept headers of Prometheus 2.42
//! to 3.5.

/// A format of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0 text.
    OpenMetrics,
}

impl Format {
    /// The Content-Type of a page in it.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// A short name for metrics and logs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
        }
    }
}

/// A compression of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// None.
    Identity,
    /// gzip.
    Gzip,
}

impl Encoding {
    /// The Content-Encoding to send, if one is sent.
    #[must_use]
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
        }
    }
}

/// What media ranges stand for: type, the versions that we serve under it, format.
const OFFERS: [(&str, &str, Format); 2] = [
    ("application/openmetrics-text", "1.0.0", Format::OpenMetrics),
    ("text/plain", "0.0.4", Format::Text),
];

/// Media ranges that name no format: they stand for the default.
const WILDCARDS: [&str; 2] = ["*/*", "text/*"];

/// Chooses the format for an Accept header.
///
/// The format with the highest weight wins, between equals the one named first. OpenMetrics is
/// only sent to who names it; wildcards, unknown types, no header at all mean text 0.0.4.
#[must_use]
pub fn negotiate(accept: Option<&str>) -> Format {
    let mut best = (0, Format::Text);
    for item in items(accept) {
        let version = item.parameter("version");
        let named = OFFERS.iter().find(|(media, served, _)| {
            item.is(media) && version.is_none_or(|version| version == *served)
        });
        let wildcard = WILDCARDS.iter().any(|range| item.is(range));
        let format = match named {
            Some((_, _, format)) => *format,
            None if wildcard => Format::Text,
            None => continue,
        };
        if item.weight > best.0 {
            best = (item.weight, format);
        }
    }
    best.1
}

/// Chooses the compression for an Accept-Encoding header: gzip when it is named (or `*`) and not
/// weighed below no compression.
#[must_use]
pub fn encoding(accept_encoding: Option<&str>) -> Encoding {
    let (mut gzip, mut any, mut identity) = (None, None, 0);
    for item in items(accept_encoding) {
        if item.is("gzip") || item.is("x-gzip") {
            gzip = Some(item.weight);
        } else if item.is("*") {
            any = Some(item.weight);
        } else if item.is("identity") {
            identity = item.weight;
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    if gzip > 0 && gzip >= identity {
        Encoding::Gzip
    } else {
        Encoding::Identity
    }
}

/// One item of a header list.
struct Item<'h> {
    name: &'h str,
    parameters: &'h str,
    /// Its `q` in thousandths, 0 when it is refused or its weight makes no sense.
    weight: u16,
}

impl<'h> Item<'h> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn parameter(&self, name: &str) -> Option<&'h str> {
        self.parameters.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().trim_matches('"'))
        })
    }
}

fn items<'h>(header: Option<&'h str>) -> impl Iterator<Item = Item<'h>> {
    header.unwrap_or_default().split(',').map(|item| {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let mut item = Item {
            name: name.trim(),
            parameters,
            weight: 1000,
        };
        if let Some(weight) = item.parameter("q") {
            item.weight = thousandths(weight).unwrap_or(0);
        }
        item
    })
}

/// A weight of RFC 9110: `0` to `1` with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.len() == 1 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || fraction.len() > 3 {
        return None;
    }
    let weight = format!("{whole}{fraction:0<3}").parse().ok()?;
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests;

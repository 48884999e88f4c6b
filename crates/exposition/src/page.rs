//! A whole page from a source: gather, encode, compress.

use meterbox_plugin_abi::gather::{Filter, Flow, GatherSource};

use crate::{Encoder, Encoding, Format, Gzip, Outcome, Sink};

/// What a reader asked for.
#[derive(Debug, Clone, Copy)]
pub struct Page<'f> {
    /// Which samples; all of them by default.
    pub filter: Filter<'f>,
    /// The format, see [`negotiate`](crate::negotiate).
    pub format: Format,
    /// The compression, see [`encoding`](crate::encoding).
    pub encoding: Encoding,
    /// Whether OpenMetrics carries `_created` samples, see [`Encoder::created`].
    pub created: bool,
}

impl Default for Page<'_> {
    fn default() -> Self {
        Self {
            filter: Filter::ALL,
            format: Format::Text,
            encoding: Encoding::Identity,
            created: true,
        }
    }
}

impl Page<'_> {
    /// Gathers from `source` and writes the page to `sink`, chunk by chunk.
    ///
    /// # Errors
    /// The text of the source when it could not gather. What was written until then is in the sink
    /// and the page has no end: its reader must not take it for a whole one.
    pub fn write(&self, source: &dyn GatherSource, sink: impl Sink) -> Result<Outcome, String> {
        match self.encoding {
            Encoding::Identity => Ok(self.encode(source, sink)?.0),
            Encoding::Gzip => {
                let (mut outcome, gzip) = self.encode(source, Gzip::new(sink))?;
                outcome.complete &= gzip.finish() == Flow::Continue;
                Ok(outcome)
            }
        }
    }

    fn encode<S: Sink>(&self, source: &dyn GatherSource, sink: S) -> Result<(Outcome, S), String> {
        let mut encoder = Encoder::new(self.format, self.filter, sink).created(self.created);
        source.gather(&self.filter, &mut encoder)?;
        Ok(encoder.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use meterbox_plugin_abi::testing::TestSource;

    use crate::fixture::queue;

    fn collect(page: &Page<'_>) -> (Outcome, Vec<u8>) {
        let mut all = Vec::new();
        let outcome = page
            .write(&queue(), |bytes: &[u8]| {
                all.extend_from_slice(bytes);
                Flow::Continue
            })
            .unwrap();
        (outcome, all)
    }

    #[test]
    fn gzip_carries_the_same_page() {
        let (plain_outcome, plain) = collect(&Page::default());
        let gzip = Page {
            encoding: Encoding::Gzip,
            ..Page::default()
        };
        let (outcome, packed) = collect(&gzip);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, plain);
        assert_eq!(outcome, plain_outcome);
        assert!(outcome.complete && outcome.samples > 0);
        assert_eq!(outcome.bytes, plain.len() as u64);
    }

    #[test]
    fn created_samples_can_be_left_out() {
        let page = Page {
            format: Format::OpenMetrics,
            ..Page::default()
        };
        let with = String::from_utf8(collect(&page).1).unwrap();
        let without = String::from_utf8(
            collect(&Page {
                created: false,
                ..page
            })
            .1,
        )
        .unwrap();
        assert!(with.contains("_created"));
        let kept: String = with
            .lines()
            .filter(|l| !l.contains("_created"))
            .map(|l| format!("{l}\n"))
            .collect();
        assert_eq!(kept, without);
    }

    #[test]
    fn the_error_of_a_source_is_handed_on() {
        let error =
            Page::default().write(&TestSource::failing("no store"), |_: &[u8]| Flow::Continue);
        assert_eq!(error, Err("no store".to_owned()));
    }

    #[test]
    fn a_reader_that_leaves_is_an_incomplete_page() {
        for encoding in [Encoding::Identity, Encoding::Gzip] {
            let page = Page {
                encoding,
                ..Page::default()
            };
            let outcome = page.write(&queue(), |_: &[u8]| Flow::Stop).unwrap();
            assert!(!outcome.complete);
        }
    }
}

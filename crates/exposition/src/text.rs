//! Prometheus text 0.0.4, in the style of the Java client that TorchServe 0.12 ships.
//!
//! A label set ends with a comma, `{a="b",} 3.0`; numbers look as Java prints doubles; a histogram
//! is its buckets with `le` last, then `_count`, then `_sum`. Every parser of the format takes this,
//! and clients that match the inherited page byte by byte go on matching. Timestamps are never
//! written: a sample is as old as the scrape.
//!
//! **Source:** Prometheus text exposition format 0.0.4; `simpleclient` 0.9 `TextFormat.write004`.

use meterbox_plugin_abi::gather::{Filter, Head as FamilyHead, Kind};

use crate::plan::{FamilyPlan, LineStart, RowShape, push_escaped};
use crate::rows::Layout;
use meterbox_numbers::{Slot, java, java_count};

pub(crate) struct Text;

impl Layout for Text {
    const CLOSE: [u8; 4] = *b",} \0";
    const CLOSE_BYTES: usize = 3;

    #[inline(always)]
    fn float(value: f64, out: &mut Slot) -> usize {
        java(value, out)
    }

    #[inline(always)]
    fn count(value: u64, out: &mut Slot) -> usize {
        java_count(value, out)
    }
}

/// What HELP escapes; a quote stays.
const HELP_ESCAPES: [(u8, &str); 2] = [(b'\\', r"\\"), (b'\n', r"\n")];

/// The word that TYPE has for a kind.
fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::COUNTER => "counter",
        Kind::GAUGE | Kind::INFO => "gauge",
        Kind::HISTOGRAM => "histogram",
        Kind::SUMMARY => "summary",
        _ => "untyped",
    }
}

/// Plans the lines of `family`, as far as `filter` wants them.
pub(crate) fn plan(plan: &mut FamilyPlan, family: &FamilyHead<'_>, filter: &Filter<'_>) {
    let (name, kind) = (family.name(), family.kind());
    let wanted = |suffix| {
        filter
            .wants_sample(name, suffix)
            .then(|| LineStart::of(name, suffix))
    };
    plan.begin(kind);
    match plan.shape {
        RowShape::Value => plan.value = wanted(""),
        RowShape::Histogram => {
            plan.bucket = wanted("_bucket");
            let close = &Text::CLOSE[..Text::CLOSE_BYTES];
            plan.make_tails(family.bounds(), close, java);
        }
        RowShape::Summary => {}
    }
    if plan.shape != RowShape::Value {
        plan.count = wanted("_count");
        plan.sum = wanted("_sum");
    }
    plan.say(&["# HELP ", name, " "]);
    push_escaped(&mut plan.header, family.help(), &HELP_ESCAPES);
    plan.say(&["\n# TYPE ", name, " ", type_word(kind), "\n"]);
}

#[cfg(test)]
mod tests;

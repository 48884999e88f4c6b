//! OpenMetrics 1.0 text, in its canonical form.
//!
//! A counter named `x_total` is the family `x` with the samples `x_total` and `x_created`. A
//! counter without `_total` keeps the name that dashboards query, so that its type can only be
//! `unknown`: the format demands the suffix. Timestamps are not written (but those of exemplars), and
//! neither is anything of OpenMetrics 2.0.
//!
//! **Source:** OpenMetrics 1.0, sections "Text format" and "Metric types".

use meterbox_plugin_abi::gather::{Filter, Head as FamilyHead, Kind};

use crate::plan::{FamilyPlan, LineStart, RowShape, push_escaped};
use crate::rows::Layout;
use meterbox_numbers::{Slot, canonical, canonical_count};

/// The line that ends every page.
pub(crate) const END: &[u8] = b"# EOF\n";

pub(crate) struct OpenMetrics;

impl Layout for OpenMetrics {
    const CLOSE: [u8; 4] = *b"} \0\0";
    const CLOSE_BYTES: usize = 2;
    const EXEMPLARS: bool = true;

    #[inline(always)]
    fn float(value: f64, out: &mut Slot) -> usize {
        canonical(value, out)
    }

    #[inline(always)]
    fn count(value: u64, out: &mut Slot) -> usize {
        canonical_count(value, out)
    }
}

/// What HELP escapes: as a label value, other than in text 0.0.4.
const HELP_ESCAPES: [(u8, &str); 3] = [(b'\\', r"\\"), (b'\n', r"\n"), (b'"', "\\\"")];

/// The family's name on the page, and the type that goes with it.
fn identity(name: &str, kind: Kind) -> (&str, &'static str) {
    match kind {
        Kind::COUNTER => match name.strip_suffix("_total") {
            Some(base) if !base.is_empty() => (base, "counter"),
            _ => (name, "unknown"),
        },
        Kind::INFO => match name.strip_suffix("_info") {
            Some(base) if !base.is_empty() => (base, "info"),
            _ => (name, "gauge"),
        },
        _ => (name, kind.word()),
    }
}

/// Plans the lines of `family`, as far as `filter` wants them; `created` asks for `_created` samples.
pub(crate) fn plan(
    plan: &mut FamilyPlan,
    family: &FamilyHead<'_>,
    filter: &Filter<'_>,
    created: bool,
) {
    let (name, kind) = (family.name(), family.kind());
    let (base, word) = identity(name, kind);
    let wanted = |base, suffix| {
        filter
            .wants_sample(base, suffix)
            .then(|| LineStart::of(base, suffix))
    };
    plan.begin(if word == "unknown" {
        Kind::UNKNOWN
    } else {
        kind
    });
    match plan.shape {
        RowShape::Value => plan.value = wanted(name, ""),
        RowShape::Histogram => {
            plan.bucket = wanted(name, "_bucket");
            let close = &OpenMetrics::CLOSE[..OpenMetrics::CLOSE_BYTES];
            plan.make_tails(family.bounds(), close, canonical);
        }
        RowShape::Summary => {}
    }
    // A sum that can fall is not a counter: with negative bounds the format forbids it.
    let sums =
        plan.shape != RowShape::Value && family.bounds().first().is_none_or(|low| *low >= 0.0);
    if sums {
        plan.count = wanted(name, "_count");
        plan.sum = wanted(name, "_sum");
    }
    if created && (sums || word == "counter") {
        plan.created = wanted(base, "_created");
    }
    header(plan, family, base, word);
}

fn header(plan: &mut FamilyPlan, family: &FamilyHead<'_>, base: &str, word: &str) {
    let (help, unit) = (family.help(), family.unit());
    plan.say(&["# TYPE ", base, " ", word, "\n"]);
    let has_unit = base
        .strip_suffix(unit)
        .is_some_and(|rest| rest.ends_with('_'));
    if !unit.is_empty() && has_unit {
        plan.say(&["# UNIT ", base, " ", unit, "\n"]);
    }
    if !help.is_empty() {
        plan.say(&["# HELP ", base, " "]);
        push_escaped(&mut plan.header, help, &HELP_ESCAPES);
        plan.header.push(b'\n');
    }
}

#[cfg(test)]
mod tests;

//! OpenMetrics 1.0 text, in its canonical form.
//!
//! A counter named `x_total` is the family `x` with the samples `x_total` and `x_created`. A
//! counter without `_total` keeps the name that dashboards query, so that its type can only be
//! `unknown`: the format demands the suffix. Exemplars and timestamps are not written, and neither
//! is anything of OpenMetrics 2.0.
//!
//! **Source:** OpenMetrics 1.0, sections "Text format" and "Metric types".

use meterbox_plugin_abi::gather::{Family, Filter, Kind};

use crate::number::{NUMBER_BYTES, Slot, canonical, canonical_count};
use crate::plan::{Head, Plan, Shape, Tail, push_escaped};
use crate::rows::Layout;

/// The line that ends every page.
pub(crate) const END: &[u8] = b"# EOF\n";

pub(crate) struct OpenMetrics;

impl Layout for OpenMetrics {
    const CLOSE: [u8; 4] = *b"} \0\0";
    const CLOSE_BYTES: usize = 2;

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

/// The lines of `family`, as far as `filter` wants them; `created` asks for `_created` samples.
pub(crate) fn plan(family: &Family<'_>, filter: &Filter<'_>, created: bool) -> Plan {
    let (name, kind) = (family.name(), family.kind());
    let (base, word) = identity(name, kind);
    let wanted = |base, suffix| {
        filter
            .wants_sample(base, suffix)
            .then(|| Head::of(base, suffix))
    };
    let mut plan = match kind {
        Kind::HISTOGRAM => Plan {
            bucket: wanted(name, "_bucket"),
            tails: tails(family.bounds()),
            ..Plan::new(Shape::Histogram)
        },
        Kind::SUMMARY => Plan::new(Shape::Summary),
        _ => Plan {
            value: wanted(name, ""),
            ..Plan::new(Shape::Value)
        },
    };
    // A sum that can fall is not a counter: with negative bounds the format forbids it.
    let sums = plan.shape != Shape::Value && family.bounds().first().is_none_or(|low| *low >= 0.0);
    if sums {
        plan.count = wanted(name, "_count");
        plan.sum = wanted(name, "_sum");
    }
    if created && (sums || word == "counter") {
        plan.created = wanted(base, "_created");
    }
    plan.header = header(family, base, word);
    plan
}

fn header(family: &Family<'_>, base: &str, word: &str) -> Vec<u8> {
    let (help, unit) = (family.help(), family.unit());
    let mut header = format!("# TYPE {base} {word}\n").into_bytes();
    let has_unit = base
        .strip_suffix(unit)
        .is_some_and(|rest| rest.ends_with('_'));
    if !unit.is_empty() && has_unit {
        header.extend_from_slice(format!("# UNIT {base} {unit}\n").as_bytes());
    }
    if !help.is_empty() {
        header.extend_from_slice(format!("# HELP {base} ").as_bytes());
        push_escaped(&mut header, help, &HELP_ESCAPES);
        header.push(b'\n');
    }
    header
}

fn tails(bounds: &[f64]) -> Vec<Tail> {
    let close = &OpenMetrics::CLOSE[..OpenMetrics::CLOSE_BYTES];
    let mut slot = [0; NUMBER_BYTES];
    bounds
        .iter()
        .chain(&[f64::INFINITY])
        .map(|bound| {
            let length = canonical(*bound, &mut slot);
            Tail::of(&slot[..length], close)
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! Which bucket counts a value.
//!
//! Bounds above zero are found through the leading bits of the value: a small table says how many
//! bounds lie below all values that start with these bits, and one comparison decides about the single
//! bound that may lie among them. That takes a third of what comparing twelve bounds or halving
//! takes. Bounds at or below zero, or too dense for the table, are searched by halves.

/// Entries of a table at most; finer ones are not worth their cache lines.
const TABLE_MAX: usize = 1024;
/// Bits of the fraction that a table may look at.
const FRACTION_BITS_MAX: u32 = 8;

/// Finds buckets for one set of bounds.
pub(crate) struct Buckets {
    /// The bounds, then infinity.
    bounds: Box<[f64]>,
    /// For each group of leading bits from `lowest` on: bounds below the group.
    table: Box<[u16]>,
    shift: u32,
    lowest: i64,
}

impl Buckets {
    /// `bounds` are finite and rising, at most [`BOUNDS_MAX`](crate::BOUNDS_MAX).
    pub(crate) fn new(bounds: &[f64]) -> Self {
        let mut padded = bounds.to_vec();
        padded.push(f64::INFINITY);
        let found = (0..=FRACTION_BITS_MAX).find_map(|bits| table(bounds, 52 - bits));
        let (shift, lowest, table) = found.unwrap_or_default();
        Self {
            bounds: padded.into(),
            table: table.into(),
            shift,
            lowest,
        }
    }

    /// The bounds without the one at infinity.
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds[..self.bounds.len() - 1]
    }

    /// The first bucket whose bound is not below `x`; the last for NaN.
    #[inline(always)]
    pub(crate) fn find(&self, x: f64) -> u32 {
        let Some(last) = self.table.len().checked_sub(1) else {
            return self.search(x);
        };
        if x.is_nan() {
            return self.bounds.len() as u32 - 1;
        }
        // As a signed number, so that values below zero come before all groups.
        let group = (x.to_bits() as i64 >> self.shift) - self.lowest;
        let below = self.table[(group.max(0) as usize).min(last)];
        u32::from(below) + u32::from(x > self.bounds[usize::from(below)])
    }

    #[cold]
    #[inline(never)]
    fn search(&self, x: f64) -> u32 {
        #[allow(
            clippy::neg_cmp_op_on_partial_ord,
            reason = "NaN is not at or below any bound"
        )]
        let below = self.bounds().partition_point(|&bound| !(x <= bound));
        below as u32
    }
}

/// The table for groups of the bits above `shift`, if each holds one bound at most.
fn table(bounds: &[f64], shift: u32) -> Option<(u32, i64, Vec<u16>)> {
    let (first, last) = (*bounds.first()?, *bounds.last()?);
    if first <= 0.0 {
        return None;
    }
    let group = |bound: f64| (bound.to_bits() >> shift) as i64;
    let lowest = group(first);
    let groups = usize::try_from(group(last) - lowest).ok()? + 1;
    if groups >= TABLE_MAX
        || bounds
            .windows(2)
            .any(|pair| group(pair[0]) == group(pair[1]))
    {
        return None;
    }
    // One more, for everything above the last bound's group.
    let below = |at: i64| {
        bounds
            .iter()
            .filter(|&&bound| group(bound) < lowest + at)
            .count() as u16
    };
    Some((shift, lowest, (0..=groups as i64).map(below).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bounds: &[f64], with_table: bool) {
        let buckets = Buckets::new(bounds);
        assert_eq!(!buckets.table.is_empty(), with_table, "{bounds:?}");
        let around = bounds
            .iter()
            .flat_map(|&bound| [bound.next_down(), bound, bound.next_up()]);
        let mut values: Vec<f64> = around.collect();
        values.extend([
            0.0,
            -0.0,
            -1.0,
            f64::MIN,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ]);
        values.extend([f64::MIN_POSITIVE, 5e-324, f64::NAN, -f64::NAN]);
        let mut bits = 7_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            values.push(f64::from_bits(bits));
            values.push((bits >> 40) as f64 * 1e-5);
        }
        for x in values {
            let expect = bounds
                .iter()
                .position(|&bound| x <= bound)
                .unwrap_or(bounds.len());
            assert_eq!(buckets.find(x) as usize, expect, "{x} in {bounds:?}");
        }
    }

    #[test]
    fn every_value_falls_into_the_first_bucket_that_is_not_below_it() {
        check(&crate::DEFAULT_BOUNDS, true);
        check(
            &[
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ],
            true,
        );
        check(&[1.0], true);
        check(
            &(0..40).map(|n| 1e-6 * 2_f64.powi(n)).collect::<Vec<_>>(),
            true,
        );
        check(&(1..=100).map(f64::from).collect::<Vec<_>>(), true);
        check(&[5e-324, 1e-310, 1.0, f64::MAX], false);
        check(&[], false);
        check(&[0.0, 1.0], false);
        check(&[-10.0, -1.0, 0.0, 1.0, 10.0], false);
        check(&[1.0, 1.0000001, 1.0000002], false);
        check(
            &(0..512)
                .map(|n| 1.0 + f64::from(n) * 1e-6)
                .collect::<Vec<_>>(),
            false,
        );
    }
}

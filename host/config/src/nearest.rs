//! The nearest known word to an unknown one.
//!
//! It counts insertions, removals, replacements and swaps of neighbours; it knows no meaning.

/// The word among `known` with the fewest edits, if they are at most a third of its length.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The number of edits from `a` to `b` (optimal string alignment), whatever their case.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn edits_are_counted_and_a_swap_is_one() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("ab", "xaby", 2),
        ] {
            assert_eq!(distance(a, b), edits, "{a} to {b}");
            assert_eq!(distance(b, a), edits, "{b} to {a}");
        }
    }

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["job_queue_size", "plugins_path", "python"];
        assert_eq!(nearest("job_queu_size", known), Some("job_queue_size"));
        assert_eq!(nearest("plugin_paths", known), Some("plugins_path"));
        assert_eq!(nearest("JOB_QUEUE_SIZE", known), Some("job_queue_size"));
        assert_eq!(nearest("tls", known), None);
    }
}

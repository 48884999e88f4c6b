//! The order in which a handler finds the header fields of a request: that of a Java hash map, since
//! handlers print and hash what they see.
//!
//! **Source:** TorchServe 0.12 keeps them in a `java.util.HashMap`: 16 buckets, doubled at three quarters;
//! of two fields with the same name the last one counts.

/// Smallest number of buckets.
const BUCKETS_MIN: usize = 16;

/// Puts header fields in that order.
pub(super) fn arrange(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut map: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        match map.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => map.push((name, value)),
        }
    }
    let mut buckets = BUCKETS_MIN;
    while map.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    map.sort_by_key(|(name, _)| bucket(name, buckets));
    map
}

fn bucket(name: &str, buckets: usize) -> usize {
    let step = |hash: u32, unit: u16| hash.wrapping_mul(31).wrapping_add(unit.into());
    let hash = name.encode_utf16().fold(0, step);
    (hash ^ (hash >> 16)) as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str]) -> Vec<String> {
        let headers = names
            .iter()
            .map(|name| ((*name).to_owned(), String::new()))
            .collect();
        arrange(headers).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_come_as_torchserves_handlers_see_them() {
        assert_eq!(
            order(&[
                "explain",
                "content-length",
                "Host",
                "User-Agent",
                "Accept",
                "url_path"
            ]),
            [
                "explain",
                "content-length",
                "Accept",
                "User-Agent",
                "Host",
                "url_path"
            ]
        );
        assert_eq!(
            order(&[
                "Host",
                "User-Agent",
                "Accept",
                "Content-Type",
                "Content-Length"
            ]),
            [
                "Accept",
                "User-Agent",
                "Host",
                "Content-Length",
                "Content-Type"
            ]
        );
    }

    #[test]
    fn of_equal_names_the_last_value_counts() {
        let pair = |value: &str| ("A".to_owned(), value.to_owned());
        assert_eq!(arrange(vec![pair("1"), pair("2")]), [pair("2")]);
        let many: Vec<_> = (0..100).map(|n| (format!("h{n}"), String::new())).collect();
        assert_eq!(arrange(many).len(), 100);
    }
}

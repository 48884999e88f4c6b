//! What values must agree on.
//!
//! It looks at the configuration alone; what must be on the disk is looked at in `load`.

use super::error::{Fault, Notice};
use super::values::Values;

/// Checks values against each other and notes what is odd.
pub(super) fn all(values: &mut Values) {
    addresses(values);
    sizes(values);
    if !values.list("allowed_urls").is_empty() {
        let origin = values.origin("allowed_urls");
        values.warn(&origin, "allowed_urls", Notice::StoreOnly);
    }
}

const ADDRESSES: [&str; 3] = ["inference_address", "management_address", "metrics_address"];

/// Equal addresses share one listener; a wildcard and another host of its port do not go together.
fn addresses(values: &mut Values) {
    for (index, key) in ADDRESSES.iter().enumerate() {
        for other in &ADDRESSES[..index] {
            let (address, other_address) = (values.address(key), values.address(other));
            if address.clashes_with(&other_address) {
                let (address, other_address) = (address.to_string(), other_address.to_string());
                values.refuse(
                    key,
                    Fault::AddressClash {
                        address,
                        other,
                        other_address,
                    },
                );
            }
        }
    }
}

/// Pairs of keys of which the first must be less than the second.
const LESS: [(&str, &str); 2] = [
    ("uri_bytes_max", "header_bytes_max"),
    ("body_grace_ms", "body_timeout_ms"),
];

fn sizes(values: &mut Values) {
    for (key, other) in LESS {
        let (value, other_value) = (values.number(key), values.number(other));
        if value >= other_value {
            values.refuse(
                key,
                Fault::NotLess {
                    value,
                    other,
                    other_value,
                },
            );
        }
    }
}

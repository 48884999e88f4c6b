//! The three listeners.

use crate::address::Address;
use crate::values::Values;

/// Where the listeners listen; addresses may be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSettings {
    /// The inference listener.
    pub inference: Address,
    /// The management listener.
    pub management: Address,
    /// The metrics listener; bound only if `metrics.endpoints_enabled`.
    pub metrics: Address,
    /// Host names that requests may carry beyond bound addresses and localhost.
    pub allowed_hosts: Vec<String>,
}

impl ListenerSettings {
    pub(super) fn of(values: &Values) -> Self {
        Self {
            inference: values.address("inference_address"),
            management: values.address("management_address"),
            metrics: values.address("metrics_address"),
            allowed_hosts: values.list("allowed_hosts"),
        }
    }
}

//! What is shown when metrics are gathered: the store's families and what collectors add.

pub(in crate::plugins) mod collected;
pub(in crate::plugins) mod collectors;
pub(in crate::plugins) mod columns;
pub(in crate::plugins) mod inspect;
pub(in crate::plugins) mod page;
mod shared_calls;

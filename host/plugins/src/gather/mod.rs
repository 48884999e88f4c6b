//! What is shown when metrics are gathered: the store's families and what collectors add.

pub(crate) mod collected;
pub(crate) mod collectors;
mod columns;
pub(crate) mod gatherer;
pub(crate) mod page;
mod shared_calls;

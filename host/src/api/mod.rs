//! Every operation of the server, one file each, and the one table of their routes.
//!
//! Only here are JSON field names known. Operations know no sockets: they get a
//! [`Request`](meterbox_http::Request) and the [`Services`](crate::services::Services).

mod description;
mod errors;
mod health;
mod inference;
mod management;
mod metrics;
mod model_document;
mod ping;
mod token;

use crate::services::Route;

/// The rows of each group of operations. The order matters only for people.
const GROUPS: &[&[Route]] = &[
    description::ROUTES,
    ping::ROUTES,
    health::ROUTES,
    token::ROUTES,
    inference::ROUTES,
    management::models::ROUTES,
    management::plugins::ROUTES,
    metrics::landing::ROUTES,
];

/// The route table.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    GROUPS.iter().copied().flatten()
}

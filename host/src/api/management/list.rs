//! `GET /models`: models by name, page by page.
//!
//! **Source:** TorchServe 0.12; a token is also given when the page ends exactly at the end.

use super::fields::Fields;
use crate::services::Services;
use meterbox_http::{Outcome, Params, Reply, Request};
use meterbox_models::Version;
use serde::Serialize;
use std::sync::Arc;

const LIMIT_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
    models: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    model_name: String,
    model_url: String,
}

pub(super) async fn list(services: Arc<Services>, request: Request, _: Params) -> Outcome {
    let fields = Fields::Query(&request.query);
    let item = |version: &Arc<Version>| Item {
        model_name: version.name().to_owned(),
        model_url: version.url().to_owned(),
    };
    let items = services.models.defaults().iter().map(item).collect();
    let page = page(
        items,
        fields.integer("limit"),
        fields.integer("next_page_token"),
    );
    Ok(Reply::json(&page))
}

fn page(items: Vec<Item>, limit: Option<i64>, token: Option<i64>) -> Page {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit
        .filter(|limit| *limit <= LIMIT_MAX)
        .unwrap_or(LIMIT_MAX);
    let first = token
        .and_then(|token| usize::try_from(token).ok())
        .unwrap_or(0);
    let end = first.saturating_add(limit);
    let next_page_token = (end <= items.len()).then(|| end.to_string());
    let models = items.into_iter().skip(first).take(limit).collect();
    Page {
        next_page_token,
        models,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(count: usize, limit: Option<i64>, token: Option<i64>) -> (Option<String>, Vec<String>) {
        let item = |n| Item {
            model_name: format!("m{n}"),
            model_url: "u".to_owned(),
        };
        let page = page((0..count).map(item).collect(), limit, token);
        (
            page.next_page_token,
            page.models
                .into_iter()
                .map(|item| item.model_name)
                .collect(),
        )
    }

    #[test]
    fn pages_are_cut_as_torchserve_cuts_them() {
        let names =
            |range: std::ops::Range<usize>| range.map(|n| format!("m{n}")).collect::<Vec<_>>();
        assert_eq!(cut(3, Some(1), None), (Some("1".to_owned()), names(0..1)));
        assert_eq!(
            cut(6, Some(2), Some(2)),
            (Some("4".to_owned()), names(2..4))
        );
        assert_eq!(
            cut(4, Some(2), Some(2)),
            (Some("4".to_owned()), names(2..4))
        );
        assert_eq!(cut(3, None, Some(100)), (None, vec![]));
        assert_eq!(cut(3, Some(101), Some(-5)), (None, names(0..3)));
        assert_eq!(cut(3, Some(-1), None), (None, names(0..3)));
        assert_eq!(cut(0, None, None), (None, vec![]));
    }

    #[test]
    fn an_empty_list_has_no_token_in_its_json() {
        let page = page(Vec::new(), None, None);
        assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"models":[]}"#);
    }
}

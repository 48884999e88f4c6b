//! Finds the row of a request in the route table.
//!
//! Rows are compiled once, at the start, and found by their first segment, if that is fixed. Which
//! requests go to endpoints instead is not decided here.

use crate::error::ApiError;
use crate::listener::Listeners;
use crate::query::decode_segment;
use crate::route::{Methods, Params, Route};
use http::Method;
use std::borrow::Cow;
use std::collections::HashMap;

/// The compiled table.
pub(crate) struct Router<S: 'static> {
    rows: Vec<Row<S>>,
    by_first: HashMap<&'static str, Vec<usize>>,
    /// Rows whose first segment is variable.
    open: Vec<usize>,
}

struct Row<S: 'static> {
    route: &'static Route<S>,
    parts: Vec<Part>,
}

/// One segment of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Fixed(&'static str),
    Param(&'static str),
    /// A variable beginning and a fixed end.
    Ending(&'static str, &'static str),
    Rest(&'static str),
}

/// How the rows begin that are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With a fixed segment, or they are `/`.
    Fixed,
    /// With a variable one.
    Variable,
}

/// What the table says about a request.
#[derive(Debug)]
pub(crate) enum Found {
    /// This row, by its number.
    Row(usize, Params),
    /// Rows with this path take these methods.
    OtherMethods(Vec<&'static str>, Listeners),
    /// No row has this path.
    Nothing,
}

/// The decoded segments of a path; none for `/`.
pub(crate) type Segments<'p> = Vec<Cow<'p, str>>;

/// Splits and decodes a path; slashes at its end do not count.
///
/// # Errors
/// 403 for a broken percent sign.
pub(crate) fn segments(path: &str) -> Result<Segments<'_>, ApiError> {
    let inner = path.trim_end_matches('/');
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    inner
        .split('/')
        .map(|segment| decode_segment(segment, path))
        .collect()
}

impl<S> Router<S> {
    pub(crate) fn new(routes: impl Iterator<Item = &'static Route<S>>) -> Self {
        let rows: Vec<Row<S>> = routes
            .map(|route| Row {
                route,
                parts: parts(route.pattern),
            })
            .collect();
        let mut by_first: HashMap<&'static str, Vec<usize>> = HashMap::new();
        let mut open = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            match row.parts.first() {
                None => by_first.entry("").or_default().push(index),
                Some(Part::Fixed(first)) => by_first.entry(first).or_default().push(index),
                Some(_) => open.push(index),
            }
        }
        Self {
            rows,
            by_first,
            open,
        }
    }

    /// The row with this number.
    pub(crate) fn route(&self, index: usize) -> &'static Route<S> {
        self.rows[index].route
    }

    /// Every row in its order.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &'static Route<S>> {
        self.rows.iter().map(|row| row.route)
    }

    /// Looks through the rows of `listeners`.
    pub(crate) fn find(
        &self,
        begin: Begin,
        listeners: Listeners,
        method: &Method,
        segments: &Segments<'_>,
    ) -> Found {
        let rows = match begin {
            Begin::Fixed => {
                let first = segments.first().map_or("", |first| first.as_ref());
                self.by_first.get(first).map_or(&[][..], Vec::as_slice)
            }
            Begin::Variable => &self.open,
        };
        let mut allow: Vec<&'static str> = Vec::new();
        let mut served = Listeners::NONE;
        for &index in rows {
            let row = &self.rows[index];
            if row.route.listeners.both(listeners).is_empty() {
                continue;
            }
            let Some(params) = row.take(segments) else {
                continue;
            };
            if row.route.methods.allow(method) {
                return Found::Row(index, params);
            }
            served = served | row.route.listeners;
            if let Methods::Only(methods) = row.route.methods {
                allow.extend(methods.iter().filter_map(known_name));
            }
        }
        if allow.is_empty() {
            return Found::Nothing;
        }
        allow.sort_unstable();
        allow.dedup();
        Found::OtherMethods(allow, served)
    }
}

/// The table names only these.
fn known_name(method: &Method) -> Option<&'static str> {
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
    NAMES.into_iter().find(|name| *name == method.as_str())
}

impl<S> Row<S> {
    /// The variable parts of a path that has this row's form.
    fn take(&self, segments: &Segments<'_>) -> Option<Params> {
        let mut params = Params::default();
        let mut left = segments.iter().map(Cow::as_ref);
        for part in &self.parts {
            if let Part::Rest(name) = part {
                let rest: Vec<&str> = left.collect();
                params.0.push((name, rest.join("/")));
                return Some(params);
            }
            let segment = left.next()?;
            match part {
                Part::Fixed(fixed) if *fixed == segment => {}
                Part::Param(name) if !segment.is_empty() => {
                    params.0.push((name, segment.to_owned()));
                }
                Part::Ending(name, end) => {
                    let begin = segment
                        .strip_suffix(end)
                        .filter(|begin| !begin.is_empty())?;
                    params.0.push((name, begin.to_owned()));
                }
                _ => return None,
            }
        }
        left.next().is_none().then_some(params)
    }
}

fn parts(pattern: &'static str) -> Vec<Part> {
    let inner = pattern.trim_matches('/');
    if inner.is_empty() {
        return Vec::new();
    }
    inner.split('/').map(part).collect()
}

fn part(text: &'static str) -> Part {
    let Some((name, end)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return Part::Fixed(text);
    };
    match name.strip_suffix("...") {
        Some(name) => Part::Rest(name),
        None if end.is_empty() => Part::Param(name),
        None => Part::Ending(name, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Effect, Guard, Reply, Request};
    use std::sync::Arc;

    fn nothing(_: Arc<()>, _: Request, _: Params) -> Answer {
        Box::pin(async { Ok(Reply::bytes("")) })
    }

    const fn row(listeners: Listeners, methods: Methods, pattern: &'static str) -> Route<()> {
        Route {
            listeners,
            methods,
            pattern,
            guard: Guard::Open,
            effect: Effect::Reads,
            about: "",
            operation: nothing,
        }
    }

    static ROWS: [Route<()>; 8] = [
        row(Listeners::INFERENCE, Methods::Any, "/ping"),
        row(Listeners::MANAGEMENT, Methods::GET, "/models"),
        row(Listeners::MANAGEMENT, Methods::POST, "/models"),
        row(
            Listeners::MANAGEMENT,
            Methods::GET,
            "/models/{model}/{version}",
        ),
        row(
            Listeners::INFERENCE,
            Methods::Any,
            "/predictions/{model}/{version}/{rest...}",
        ),
        row(
            Listeners::INFERENCE,
            Methods::POST,
            "/v1/models/{model}:predict",
        ),
        row(Listeners::INFERENCE, Methods::Any, "/{model}/predict"),
        row(Listeners::METRICS, Methods::GET, "/"),
    ];

    #[track_caller]
    fn check(listeners: Listeners, method: &Method, path: &str, expect: &str) {
        let router = Router::new(ROWS.iter());
        let segments = segments(path).unwrap();
        let found = match router.find(Begin::Fixed, listeners, method, &segments) {
            Found::Nothing => router.find(Begin::Variable, listeners, method, &segments),
            found => found,
        };
        let found = match found {
            Found::Row(index, params) => {
                let params: Vec<_> = params
                    .0
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{} {}", router.route(index).pattern, params.join(" "))
            }
            Found::OtherMethods(allow, _) => format!("allow {}", allow.join(",")),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found.trim_end(), expect, "{method} {path}");
    }

    #[test]
    fn rows_are_found_by_listener_path_and_method() {
        let (inference, management) = (Listeners::INFERENCE, Listeners::MANAGEMENT);
        check(inference, &Method::DELETE, "/ping/", "/ping");
        check(management, &Method::GET, "/ping", "nothing");
        check(management, &Method::GET, "/models", "/models");
        check(management, &Method::PUT, "/models", "allow GET,POST");
        check(management, &Method::HEAD, "/models", "allow GET,POST");
        check(inference, &Method::GET, "/models", "nothing");
        check(management, &Method::GET, "/models//1.0", "nothing");
        let path = "/predictions/a%2Fb/1.0/x/y";
        let expect = "/predictions/{model}/{version}/{rest...} model=a/b version=1.0 rest=x/y";
        check(inference, &Method::GET, path, expect);
        let short = "/predictions/{model}/{version}/{rest...} model=m version=1 rest=";
        check(inference, &Method::GET, "/predictions/m/1/", short);
        check(
            inference,
            &Method::POST,
            "/v1/models/m:predict",
            "/v1/models/{model}:predict model=m",
        );
        check(inference, &Method::POST, "/v1/models/:predict", "nothing");
        check(
            inference,
            &Method::GET,
            "/m/predict",
            "/{model}/predict model=m",
        );
        check(Listeners::METRICS, &Method::GET, "/", "/");
        check(Listeners::METRICS, &Method::POST, "///", "allow GET");
        check(inference, &Method::GET, "/", "nothing");
        check(Listeners::ALL, &Method::GET, "", "/");
    }
}

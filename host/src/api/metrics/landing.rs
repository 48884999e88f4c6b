//! `GET /` of the metrics listener: a page that lists every endpoint and every plugin.
//!
//! It loads nothing from elsewhere and runs no script.

use crate::services::{Route, Services};
use http::{HeaderValue, Method, header};
use meterbox_http::{
    Effect, Guard, Listener, Listeners, Methods, Outcome, Params, Reply, Request, operation,
};
use std::fmt::Write;
use std::sync::Arc;

/// The rows.
pub(in crate::api) const ROUTES: &[Route] = &[Route {
    listeners: Listeners::METRICS,
    methods: Methods::Only(&[Method::GET, Method::HEAD]),
    pattern: "/",
    guard: Guard::Open,
    effect: Effect::Reads,
    about: "A page that lists every endpoint and every plugin",
    operation: operation!(show),
}];

async fn show(services: Arc<Services>, _: Request, _: Params) -> Outcome {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    let reply = Reply::bytes(page(&services)).with_type(html);
    Ok(reply.with_header(header::CONTENT_SECURITY_POLICY, policy))
}

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<title>Meterbox</title>\n<style>\nbody{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;\
max-width:60rem;padding:0 1rem;color:#222;background:#fff}\ntable{border-collapse:collapse;\
width:100%}\ntd,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;\
vertical-align:top}\n.warning{background:#fde8e8;border:1px solid #c33;padding:.8rem}\n\
.quiet{color:#666}\n@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}\
td,th{border-color:#444}.warning{background:#411}.quiet{color:#999}a{color:#8bf}}\n</style>\n\
</head>\n<body>\n";

fn page(services: &Services) -> String {
    let mut page = String::from(HEAD);
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(
        page,
        "<h1>Meterbox <span class=\"quiet\">{version}</span></h1>"
    );
    if services.settings.load().tokens.insecure_management {
        page.push_str(
            "<p class=\"warning\"><strong>Management is open to other machines without a \
             token.</strong> Anyone there can run code here. Remove \
             disable_token_authorization=true, or bind 127.0.0.1.</p>\n",
        );
    }
    endpoints(services, &mut page);
    plugins(services, &mut page);
    listeners(services, &mut page);
    page.push_str("</body>\n</html>\n");
    page
}

fn endpoints(services: &Services, page: &mut String) {
    page.push_str(
        "<h2>Endpoints</h2>\n<table>\n<tr><th>path</th><th>listener</th><th>what</th></tr>\n",
    );
    let routes = services.plugins.routes();
    let mut rows: Vec<(String, &str, String)> = routes
        .iter()
        .map(|(listener, endpoint)| {
            let plugin = &endpoint.running.origin().metadata;
            let what = format!("plugin {}: {}", plugin.name, plugin.description);
            (
                format!("/{}", endpoint.pattern),
                listener.name().unwrap_or("unknown"),
                what,
            )
        })
        .collect();
    let own = super::super::routes().filter(|row| row.listeners.has(Listener::Metrics));
    rows.extend(own.map(|row| (row.pattern.to_owned(), "metrics", row.about.to_owned())));
    rows.sort();
    rows.dedup_by(|a, b| (&a.0, a.1) == (&b.0, b.1));
    for (path, listener, what) in rows {
        let (path, what) = (escape(&path), escape(&what));
        // Links lead to this socket, so only what it serves is one.
        let shown = if listener == Listener::Metrics.name() {
            format!("<a href=\"{path}\">{path}</a>")
        } else {
            path
        };
        let _ = writeln!(
            page,
            "<tr><td>{shown}</td><td>{listener}</td><td>{what}</td></tr>"
        );
    }
    page.push_str("</table>\n");
}

fn plugins(services: &Services, page: &mut String) {
    page.push_str(
        "<h2>Plugins</h2>\n<table>\n<tr><th>name</th><th>version</th><th>state</th><th>roles</th>\
         <th>calls</th><th>errors</th><th>last error</th></tr>\n",
    );
    for status in services.plugins.plugins() {
        let error = status.last_error.unwrap_or_default();
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&status.name),
            escape(&status.version),
            status.state.name(),
            status.roles.join(", "),
            status.counts.calls,
            status.counts.errors,
            escape(&error),
        );
    }
    page.push_str("</table>\n");
}

fn listeners(services: &Services, page: &mut String) {
    page.push_str("<h2>Listeners</h2>\n<table>\n");
    for (listeners, place) in services.places.load().iter() {
        let place = escape(&place.to_string());
        let _ = writeln!(page, "<tr><td>{listeners}</td><td>{place}</td></tr>");
    }
    page.push_str("</table>\n");
}

/// Text from outside inside a page.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(
            escape("<a href='\"&\">"),
            "&lt;a href=&#39;&quot;&amp;&quot;&gt;"
        );
    }
}

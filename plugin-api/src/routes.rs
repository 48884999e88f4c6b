//! Which requests a plugin answers, and with which of its methods.

use meterbox_plugin_abi::{Listener, Methods, Pattern, ROUTES_MAX, Route};

use crate::error::{Error, Result};
use crate::request::Request;
use crate::responder::Responder;

/// What answers a request: a method of the plugin.
type Handler<P> = Box<dyn Fn(&P, &Request, Responder) -> Result<()> + Send + Sync>;

/// The routes of a plugin, filled by [`Plugin::routes`](crate::Plugin::routes).
///
/// A route owns a path on one of the host's three listeners with everything below it: `drift`,
/// `v1/metrics`. One that ends in `/{rest}` owns only what is below. Of several routes that match a path
/// the longest answers; what the host itself serves cannot be claimed. Methods that a route does not name
/// are answered with 405 by the host; `HEAD` follows `GET`.
pub struct Routes<P> {
    entries: Vec<Entry<P>>,
}

struct Entry<P> {
    listener: Listener,
    pattern: String,
    handlers: Vec<(Methods, Handler<P>)>,
}

impl<P> Entry<P> {
    fn methods(&self) -> Methods {
        self.handlers
            .iter()
            .fold(Methods::NONE, |all, (methods, _)| all.with(*methods))
    }

    /// The handler that names the method, else the one for `HEAD` by `GET`, else the one for any.
    fn handler(&self, method: &str) -> Option<&Handler<P>> {
        let single = self
            .handlers
            .iter()
            .filter(|(methods, _)| *methods != Methods::ANY);
        let mut named = single.filter(|(methods, _)| methods.allows(method));
        let any = || {
            self.handlers
                .iter()
                .find(|(methods, _)| *methods == Methods::ANY)
        };
        named.next().or_else(any).map(|(_, handler)| handler)
    }
}

impl<P> Routes<P> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// A route on the inference listener.
    pub fn inference(&mut self, pattern: &str) -> RouteMethods<'_, P> {
        self.on(Listener::INFERENCE, pattern)
    }

    /// A route on the management listener.
    pub fn management(&mut self, pattern: &str) -> RouteMethods<'_, P> {
        self.on(Listener::MANAGEMENT, pattern)
    }

    /// A route on the metrics listener.
    pub fn metrics(&mut self, pattern: &str) -> RouteMethods<'_, P> {
        self.on(Listener::METRICS, pattern)
    }

    fn on(&mut self, listener: Listener, pattern: &str) -> RouteMethods<'_, P> {
        let pattern = pattern.trim_start_matches('/').to_owned();
        let same = |entry: &Entry<P>| entry.listener == listener && entry.pattern == pattern;
        let index = self.entries.iter().position(same).unwrap_or_else(|| {
            self.entries.push(Entry {
                listener,
                pattern,
                handlers: Vec::new(),
            });
            self.entries.len() - 1
        });
        RouteMethods {
            entry: &mut self.entries[index],
        }
    }

    /// Checks what the author wrote.
    pub(crate) fn check(&self) -> Result<()> {
        if self.entries.len() > ROUTES_MAX {
            return Err(Error::invalid(format!("more than {ROUTES_MAX} routes")));
        }
        for Entry {
            pattern, handlers, ..
        } in &self.entries
        {
            if let Err(fault) = Pattern::parse(pattern) {
                return Err(Error::invalid(format!("route {pattern:?} {fault}")));
            }
            if handlers.is_empty() {
                return Err(Error::invalid(format!("route {pattern} answers no method")));
            }
        }
        Ok(())
    }

    /// The routes as they cross; a route's id is its place.
    pub(crate) fn list(&self) -> Vec<Route> {
        let number = |(id, entry): (usize, &Entry<P>)| Route {
            id: u32::try_from(id).expect("there are at most ROUTES_MAX routes"),
            listener: entry.listener,
            pattern: entry.pattern.clone(),
            methods: entry.methods(),
        };
        self.entries.iter().enumerate().map(number).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn call(
        &self,
        plugin: &P,
        route: u32,
        request: &Request,
        reply: Responder,
    ) -> Result<()> {
        let entry = self.entries.get(route as usize);
        let entry = entry.ok_or_else(|| Error::not_found("no such route"))?;
        match entry.handler(request.method()) {
            Some(handler) => handler(plugin, request, reply),
            None => Err(Error::new(
                crate::ErrorKind::Unsupported,
                format!("{} does not answer {}", entry.pattern, request.method()),
            )),
        }
    }
}

/// One route, to be told which of the plugin's methods answers which HTTP method.
pub struct RouteMethods<'a, P> {
    entry: &'a mut Entry<P>,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident => $methods:expr;)*) => {
        impl<P> RouteMethods<'_, P> {
            $($(#[$doc])*
            #[allow(clippy::return_self_not_must_use, reason = "the last call of a chain is dropped")]
            pub fn $name(
                self,
                handler: impl Fn(&P, &Request, Responder) -> Result<()> + Send + Sync + 'static,
            ) -> Self {
                self.entry.handlers.push(($methods, Box::new(handler)));
                self
            })*
        }
    };
}

methods! {
    /// Answers `GET`, and `HEAD` by dropping the body.
    get => Methods::GET.with(Methods::HEAD);
    /// Answers `POST`.
    post => Methods::POST;
    /// Answers `PUT`.
    put => Methods::PUT;
    /// Answers `DELETE`.
    delete => Methods::DELETE;
    /// Answers `PATCH`.
    patch => Methods::PATCH;
    /// Answers every method that no other handler of this route names.
    any => Methods::ANY;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fill: impl FnOnce(&mut Routes<()>), expect: Result<Vec<Methods>, &str>) {
        let mut routes = Routes::new();
        fill(&mut routes);
        let found = routes
            .check()
            .map(|()| routes.list().iter().map(|r| r.methods).collect());
        assert_eq!(
            found.map_err(|error| error.message().to_owned()),
            expect.map_err(str::to_owned)
        );
    }

    fn ok(_: &(), _: &Request, _: Responder) -> Result<()> {
        Ok(())
    }

    #[test]
    fn one_pattern_with_several_handlers_is_one_route() {
        check(
            |routes| {
                routes.metrics("drift").get(ok).post(ok);
                routes.metrics("/drift").delete(ok);
                routes.inference("drift").any(ok);
                routes.inference("drift/job/{rest}").put(ok);
            },
            Ok(vec![Methods(1 | 2 | 4 | 16), Methods::ANY, Methods::PUT]),
        );
    }

    #[test]
    fn what_no_path_could_match_is_refused() {
        let text = "route \"a b\" is not path segments of letters, digits, -, ., _ or ~ with / \
                    between them, and maybe /{rest} at the end";
        check(
            |routes| {
                routes.metrics("a b").get(ok);
            },
            Err(text),
        );
        check(
            |routes| {
                routes.metrics("a");
            },
            Err("route a answers no method"),
        );
    }

    #[test]
    fn a_named_method_goes_before_any() {
        let mut routes = Routes::<()>::new();
        routes.metrics("a").any(ok).get(ok);
        let entry = &routes.entries[0];
        let at = |method| {
            let found: *const Handler<()> = entry.handler(method).expect("a handler");
            entry
                .handlers
                .iter()
                .position(|(_, handler)| std::ptr::eq(handler, found))
        };
        assert_eq!((at("HEAD"), at("BREW")), (Some(1), Some(0)));
    }
}

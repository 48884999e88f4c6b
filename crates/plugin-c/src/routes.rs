//! The routes that a plugin names when it is created.

use super::layout::CRoute;
use super::values::lent_mut;
use meterbox_plugin_abi::{Failure, Listener, Methods, ROUTES_MAX, Route, caught, growing};

pub(super) unsafe extern "C" fn routes_add(routes: *mut Vec<Route>, route: *const CRoute) {
    // SAFETY: the list lives for `routes`, used by one thread; the route is C's for the call.
    let _no_panic = caught(|| unsafe {
        let routes = lent_mut(routes)?;
        let route = growing::read(route)?;
        // One more than allowed is kept, so that the host sees that there are too many.
        if routes.len() <= ROUTES_MAX {
            routes.push(Route {
                id: route.id,
                listener: Listener(route.listener),
                // Refused by the host, with its words, when it is no segment.
                pattern: route.pattern.lossy().into_owned(),
                methods: Methods(route.methods),
            });
        }
        Ok::<(), Failure>(())
    });
}

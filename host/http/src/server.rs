//! All listeners together: what they share, and how they end.

use crate::bind::Bound;
use crate::front::{Front, Shared};
use crate::guard::Hosts;
use crate::listener::{Listener, Listeners};
use crate::route::Route;
use crate::router::Router;
use crate::services::{AccessLog, MakeCounters, Services};
use meterbox_net::{Place, Serving};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The running listeners.
pub struct Server<S: Services> {
    router: Arc<Router<S>>,
    services: Arc<S>,
    counters: MakeCounters,
    access_log: Arc<dyn AccessLog>,
    sockets: Mutex<Vec<Open>>,
}

/// A socket that serves.
struct Open {
    shared: Arc<Shared>,
    serving: Serving,
}

impl<S: Services> Server<S> {
    /// A server of `routes` without sockets.
    pub fn new(
        routes: impl Iterator<Item = &'static Route<S>>,
        services: Arc<S>,
        counters: MakeCounters,
        access_log: Arc<dyn AccessLog>,
    ) -> Self {
        Self {
            router: Arc::new(Router::new(routes)),
            services,
            counters,
            access_log,
            sockets: Mutex::default(),
        }
    }

    /// Serves these sockets from now on. Needs a runtime.
    pub fn serve(&self, bound: Vec<Bound>) {
        let settings = self.services.settings();
        let mut sockets = self.sockets.lock();
        let open = sockets.iter().map(|open| open.serving.place());
        let addresses: Vec<IpAddr> = bound
            .iter()
            .map(|bound| &bound.socket.place)
            .chain(open)
            .filter_map(Place::ip)
            .collect();
        for Bound { listeners, socket } in bound {
            let allowed = &settings.listeners.allowed_hosts;
            let shared = Arc::new(Shared::new(
                listeners,
                socket.place.scheme,
                Hosts::of(&socket.place, &addresses, allowed),
                self.router.routes().map(|route| route.pattern),
                (self.counters)(listeners),
                Arc::clone(&self.access_log),
            ));
            let front = Arc::new(Front {
                shared: Arc::clone(&shared),
                router: Arc::clone(&self.router),
                services: Arc::clone(&self.services),
            });
            let serving = Serving::start(socket, settings.http.connections_max, front);
            sockets.push(Open { shared, serving });
        }
    }

    /// Applies host names that are allowed now.
    pub fn reconfigure(&self) {
        let settings = self.services.settings();
        let sockets = self.sockets.lock();
        let places = sockets.iter().map(|open| open.serving.place());
        let addresses: Vec<IpAddr> = places.filter_map(Place::ip).collect();
        for open in sockets.iter() {
            let allowed = &settings.listeners.allowed_hosts;
            let hosts = Hosts::of(open.serving.place(), &addresses, allowed);
            open.shared.hosts.store(Arc::new(hosts));
        }
    }

    /// The sockets: which listeners, and where.
    #[must_use]
    pub fn places(&self) -> Vec<(Listeners, Place)> {
        let sockets = self.sockets.lock();
        sockets
            .iter()
            .map(|open| (open.shared.listeners, open.serving.place().clone()))
            .collect()
    }

    /// Whether a socket carries `listener`.
    #[must_use]
    pub fn carries(&self, listener: Listener) -> bool {
        let sockets = self.sockets.lock();
        sockets
            .iter()
            .any(|open| open.shared.listeners.has(listener))
    }

    /// Ends the sockets that carry nothing but `listener`; answers under way are finished.
    pub async fn close(&self, listener: Listener) {
        let own = |open: &mut Open| open.shared.listeners == listener.into();
        let gone: Vec<Open> = self.sockets.lock().extract_if(.., own).collect();
        for open in &gone {
            open.serving.close();
        }
        for open in gone {
            // Its address has to be free again when this returns; its connections may go on.
            let grace = Duration::from_secs(1);
            let _ = tokio::time::timeout(grace, open.serving.ended()).await;
        }
    }

    /// From now on every answer closes its connection; connections are still accepted.
    pub fn begin_drain(&self) {
        for open in self.sockets.lock().iter() {
            open.serving.drain();
        }
    }

    /// Accepts no more connections, and waits for those that are open; false when some were still
    /// open after `grace`.
    pub async fn drain(&self, grace: Duration) -> bool {
        let sockets = std::mem::take(&mut *self.sockets.lock());
        for open in &sockets {
            open.serving.close();
        }
        let all = async {
            for open in sockets {
                open.serving.ended().await;
            }
        };
        tokio::time::timeout(grace, all).await.is_ok()
    }
}

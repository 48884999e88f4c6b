//! All listeners together: what they share, and how they end.

use super::accept::{self, Ends};
use super::access_log::AccessLog;
use super::bind::{Bound, Place};
use super::front::Front;
use super::guard::Hosts;
use super::listener::{Listener, Listeners};
use super::route::Route;
use super::router::Router;
use crate::services::Services;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The running listeners.
pub struct Server {
    router: Arc<Router>,
    services: Arc<Services>,
    access_log: AccessLog,
    sockets: Mutex<Vec<Serving>>,
}

struct Serving {
    listeners: Listeners,
    place: Place,
    closing: watch::Sender<bool>,
    draining: watch::Sender<bool>,
    task: JoinHandle<()>,
    front: Arc<Front>,
}

impl Server {
    /// A server of `routes` without sockets.
    pub fn new(
        routes: impl Iterator<Item = &'static Route>,
        services: Arc<Services>,
        access_log: AccessLog,
    ) -> Self {
        Self {
            router: Arc::new(Router::new(routes)),
            services,
            access_log,
            sockets: Mutex::default(),
        }
    }

    /// Serves these sockets from now on. Needs a runtime.
    pub fn serve(&self, bound: Vec<Bound>) {
        let settings = self.services.settings.load_full();
        let mut sockets = self.sockets.lock();
        let places = bound.iter().map(|bound| &bound.place);
        let addresses: Vec<IpAddr> = places
            .chain(sockets.iter().map(|serving| &serving.place))
            .filter_map(ip)
            .collect();
        for bound in bound {
            let front = Arc::new(Front::new(
                bound.listeners,
                settings.http.connections_max,
                Hosts::of(&bound.place, &addresses, &settings.listeners.allowed_hosts),
                Arc::clone(&self.router),
                Arc::clone(&self.services),
                self.services.telemetry.http(),
                self.access_log.clone(),
            ));
            let (closing, closed) = watch::channel(false);
            let (draining, drained) = watch::channel(false);
            let ends = Ends {
                closing: closed,
                draining: drained,
            };
            sockets.push(Serving {
                listeners: bound.listeners,
                place: bound.place.clone(),
                closing,
                draining,
                task: tokio::spawn(accept::run(bound, Arc::clone(&front), ends)),
                front,
            });
        }
    }

    /// Applies host names that are allowed now.
    pub fn reconfigure(&self) {
        let settings = self.services.settings.load_full();
        let sockets = self.sockets.lock();
        let places = sockets.iter().map(|serving| &serving.place);
        let addresses: Vec<IpAddr> = places.filter_map(ip).collect();
        for serving in sockets.iter() {
            let allowed = &settings.listeners.allowed_hosts;
            let hosts = Hosts::of(&serving.place, &addresses, allowed);
            serving.front.hosts.store(Arc::new(hosts));
        }
    }

    /// The sockets: which listeners, and where.
    #[must_use]
    pub fn places(&self) -> Vec<(Listeners, Place)> {
        let sockets = self.sockets.lock();
        sockets
            .iter()
            .map(|serving| (serving.listeners, serving.place.clone()))
            .collect()
    }

    /// Whether a socket carries `listener`.
    #[must_use]
    pub fn carries(&self, listener: Listener) -> bool {
        self.sockets
            .lock()
            .iter()
            .any(|serving| serving.listeners.has(listener))
    }

    /// Ends the sockets that carry nothing but `listener`; answers under way are finished.
    pub async fn close(&self, listener: Listener) {
        let own = |serving: &mut Serving| serving.listeners == listener.into();
        let gone: Vec<Serving> = self.sockets.lock().extract_if(.., own).collect();
        for serving in &gone {
            serving.closing.send_replace(true);
            serving.draining.send_replace(true);
        }
        for serving in gone {
            // Its address has to be free again when this returns; its connections may go on.
            let grace = Duration::from_secs(1);
            let _ = tokio::time::timeout(grace, serving.task).await;
        }
    }

    /// From now on every answer closes its connection; connections are still accepted.
    pub fn begin_drain(&self) {
        for serving in self.sockets.lock().iter() {
            serving.draining.send_replace(true);
        }
    }

    /// Accepts no more connections, and waits for those that are open; false when some were still
    /// open after `grace`.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.begin_drain();
        let sockets = std::mem::take(&mut *self.sockets.lock());
        for serving in &sockets {
            serving.closing.send_replace(true);
        }
        let all = async {
            for serving in sockets {
                // A task that panicked has nothing open any more.
                let _ = serving.task.await;
            }
        };
        tokio::time::timeout(grace, all).await.is_ok()
    }
}

fn ip(place: &Place) -> Option<IpAddr> {
    match place {
        Place::Tcp(address) => Some(address.ip()),
        Place::Unix(_) => None,
    }
}

//! The trait that an author implements.

use std::time::Duration;

use meterbox_plugin_abi::{Roles, Verdict};

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::exports::{Gathered, Pushes};
use crate::families::Families;
use crate::host::Host;
use crate::routes::Routes;

/// A plugin. Only [`Plugin::new`] has no default: implement what your plugin does and leave the rest.
///
/// Every method runs on a thread of this plugin's own pool (1 to 4 threads), so several run at once and
/// one that waits delays only this plugin. A panic in any of them is caught: the caller gets an error with
/// its text, and the host counts it; many in a short time take the plugin out of service for a while.
///
/// An entry that pushes, collects or listens is called only if [`Plugin::roles`] says so.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// Makes the plugin: registers metrics, reads the configuration. May take 10 s.
    ///
    /// # Errors
    /// An error or a panic means that the plugin is not loaded; its text is shown to the person who
    /// dropped it into the folder, so say what to change.
    fn new(host: &Host, config: Config) -> Result<Self>;

    /// Names the requests that it answers. Called once, right after [`Plugin::new`].
    fn routes(&self, routes: &mut Routes<Self>) {
        let _ = routes;
    }

    /// What it does beside answering requests; the role of an endpoint follows from its routes.
    fn roles(&self) -> Roles {
        Roles::NONE
    }

    /// Called once before it goes into service. May take 10 s.
    ///
    /// # Errors
    /// The plugin is not put into service.
    fn start(&self) -> Result<()> {
        Ok(())
    }

    /// Called once when it goes out of service and no call is in progress; `deadline` is the time left.
    /// Threads of its own must end here.
    ///
    /// # Errors
    /// Text for the log; it goes out of service all the same.
    fn stop(&self, deadline: Duration) -> Result<()> {
        let _ = deadline;
        Ok(())
    }

    /// For [`Roles::COLLECTOR`]: shows families that are read at this moment, as part of every gather.
    /// May take as long as the scrape has, 5 s at most; then the page goes out without them. A collector
    /// may as well just set its instruments here.
    ///
    /// # Errors
    /// Families shown so far stay on the page; the failure is counted.
    fn collect(&self, families: &mut Families<'_>) -> Result<()> {
        let _ = families;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this collector does not implement collect",
        ))
    }

    /// For [`Roles::LISTENER`]: takes a batch of up to 256 of the events that it asked for by
    /// [`Host::subscribe`]. The queue before it is bounded: what a slow listener misses is counted.
    ///
    /// # Errors
    /// Text for the log.
    fn on_events(&self, events: &Events) -> Result<()> {
        let _ = events;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this listener does not implement on_events",
        ))
    }

    /// For [`Roles::EXPORTER`]: encodes what was gathered into pushes. Called every
    /// `export_interval_ms` (15 s unless configured), and once more when the server ends. The host
    /// delivers them, in order for each address, with retries, deadline and bounded memory; never open a
    /// connection here.
    ///
    /// ```
    /// # use meterbox_plugin::{Gathered, Pushes, Result};
    /// # fn export(gathered: &Gathered<'_>, pushes: &mut Pushes<'_>) -> Result<()> {
    /// let mut lines = String::new();
    /// gathered.each(|family, series| {
    ///     if let Some(value) = series.value() {
    ///         lines += &format!("{} {value}\n", family.name);
    ///     }
    /// })?;
    /// pushes.post("http://127.0.0.1:9000/write").text(&lines)
    /// # }
    /// ```
    ///
    /// # Errors
    /// Counted as a failed export; what was pushed before is delivered.
    fn export(&self, gathered: &Gathered<'_>, pushes: &mut Pushes<'_>) -> Result<()> {
        let _ = (gathered, pushes);
        Err(Error::new(
            ErrorKind::Unsupported,
            "this exporter does not implement export",
        ))
    }

    /// For [`Roles::EXPORTER`]: judges the answer to a push, by its status and the first 64 KiB of its
    /// body, with a reason for a drop (a word or two, such as `bad_line`: drops are counted by it). By
    /// default the status code decides: 2xx done, 408, 429 and 5xx retry, everything else a drop.
    /// [`Verdict::SPLIT`] cuts a body of lines (`text/*` or NDJSON) between two lines into halves.
    ///
    /// # Errors
    /// The status code decides.
    fn classify(&self, status: u16, body: &[u8]) -> Result<(Verdict, String)> {
        let _ = (status, body);
        Ok((Verdict::BY_STATUS, String::new()))
    }

    /// A timer that it started by [`Host::start_timer`] has come round. Calls of one timer never overlap.
    ///
    /// # Errors
    /// Text for the log.
    fn on_timer(&self, id: u64) -> Result<()> {
        Err(Error::internal(format!(
            "timer {id} came round, but on_timer is not implemented"
        )))
    }
}

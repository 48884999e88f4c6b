//! What the host offers to a plugin: one plain trait, and the handle through which a plugin calls it.
//!
//! The host (and the testkit's fake one) implements [`HostServices`]; a plugin gets a [`Host`] when it is
//! created and may keep it. Permissions and budgets are the implementor's to check; nothing here does.

use std::sync::Arc;
use std::time::Duration;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr, RString};

use crate::border::{Ptr, answered, caught, cross, outcome, shims, try_cross};
use crate::codes::{Clock, Fact, Level};
use crate::events::EventKinds;
use crate::gather::spec::FamilySpec;
use crate::gather::{
    Filter, GatherSource, Head, Text, Visitor, VisitorHandle, gather_from, gather_over,
};
use crate::growing::Stated;
use crate::metrics::MetricFamily;
use crate::status::{Failure, Status};
use crate::table::Table;

/// The host as one plugin sees it.
///
/// Every method may be called from any thread of the plugin at any time, also while the host is inside
/// that plugin; none of them calls back into the plugin but `gather`, and that only its visitor.
pub trait HostServices: GatherSource + Send + Sync + 'static {
    /// Whether a line of this level would be kept; asked before a line is formatted.
    fn log_enabled(&self, level: Level, target: &str) -> bool;

    /// Writes one line to the host's log, under the plugin's name.
    fn log(&self, level: Level, target: &str, message: &str);

    /// Registers a family, or finds the one that is already there.
    ///
    /// # Errors
    /// [`Status::INVALID`] for a name, label or bound that may not be, [`Status::CONFLICT`] when the name
    /// is taken by something else, [`Status::DENIED`], [`Status::LIMIT`].
    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure>;

    /// Nanoseconds on one of the clocks.
    fn clock(&self, clock: Clock) -> u64;

    /// Calls the plugin's `on_timer(id)` every `period` from now on; replaces an earlier period of `id`.
    ///
    /// # Errors
    /// [`Status::INVALID`] for a period that the host finds too short, [`Status::LIMIT`] for too many.
    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure>;

    /// Ends a timer; one that does not run is fine.
    ///
    /// # Errors
    /// When the host offers no timers.
    fn stop_timer(&self, id: u64) -> Result<(), Failure>;

    /// From now on the plugin's `on_events` gets the events of these kinds, and of no others.
    ///
    /// # Errors
    /// [`Status::DENIED`], [`Status::UNSUPPORTED`].
    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure>;

    /// The registered models as they are now; fields in [`crate::models`].
    ///
    /// # Errors
    /// [`Status::DENIED`], [`Status::UNSUPPORTED`].
    fn models(&self) -> Result<Table, Failure>;

    /// One fact about the host; `None` for one that this host does not know.
    fn info(&self, fact: Fact) -> Option<String>;
}

type SharedHost = Arc<dyn HostServices>;

/// Border functions of [`HostServices`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = HostVtRef, prefix_fields = HostVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct HostVt {
    log_enabled: for<'t> unsafe extern "C" fn(this: Ptr, level: Level, target: RStr<'t>) -> bool,
    log: for<'t> unsafe extern "C" fn(this: Ptr, level: Level, target: RStr<'t>, message: RStr<'t>),
    /// The address of a [`Head`].
    register: for<'f, 'o> unsafe extern "C" fn(
        this: Ptr,
        head: Stated<'f>,
        registered: &'o mut MetricFamily,
        error: &'o mut RString,
    ) -> Status,
    /// An empty text is success.
    gather: for<'n, 'v> unsafe extern "C" fn(
        this: Ptr,
        names: RSlice<'n, RStr<'n>>,
        visitor: VisitorHandle<'v>,
    ) -> RString,
    clock: unsafe extern "C" fn(this: Ptr, clock: Clock) -> u64,
    start_timer: for<'o> unsafe extern "C" fn(
        this: Ptr,
        id: u64,
        period_ns: u64,
        error: &'o mut RString,
    ) -> Status,
    stop_timer: for<'o> unsafe extern "C" fn(this: Ptr, id: u64, error: &'o mut RString) -> Status,
    subscribe:
        for<'o> unsafe extern "C" fn(this: Ptr, kinds: u64, error: &'o mut RString) -> Status,
    models: for<'o> unsafe extern "C" fn(
        this: Ptr,
        models: &'o mut Table,
        error: &'o mut RString,
    ) -> Status,
    info: for<'o> unsafe extern "C" fn(this: Ptr, fact: Fact, text: &'o mut RString) -> bool,
    retain: unsafe extern "C" fn(this: Ptr) -> Ptr,
    #[sabi(last_prefix_field)]
    release: unsafe extern "C" fn(this: Ptr),
}

/// The host behind the border.
///
/// OWNERSHIP: owned by whoever holds it, free to move to any thread; a clone is one more holder. What
/// stands behind it stays usable, if only to refuse, until the last holder is gone.
#[repr(C)]
#[derive(StableAbi)]
pub struct Host {
    this: Ptr,
    vt: HostVtRef,
}

static VT: &WithMetadata<HostVt> = &WithMetadata::new(HostVt {
    log_enabled,
    log,
    register,
    gather,
    clock,
    start_timer,
    stop_timer,
    subscribe,
    models,
    info,
    retain,
    release,
});

shims! { in SharedHost as host;
    fn log_enabled(level: Level, target: RStr<'_>) -> bool, or false =>
        host.log_enabled(level, target.as_str());
    fn log(level: Level, target: RStr<'_>, message: RStr<'_>) -> (), or () =>
        host.log(level, target.as_str(), message.as_str());
    fn clock(clock: Clock) -> u64, or 0 => host.clock(clock);
    try fn start_timer(id: u64, period_ns: u64) =>
        host.start_timer(id, Duration::from_nanos(period_ns));
    try fn stop_timer(id: u64) => host.stop_timer(id);
    try fn subscribe(kinds: u64) => host.subscribe(EventKinds(kinds));
    fn info(fact: Fact, text: &mut RString) -> bool, or false =>
        host.info(fact).map(|found| *text = RString::from(found)).is_some();
    fn retain() -> Ptr, or Ptr::NULL => Ptr::boxed(Arc::clone(host));
}

unsafe extern "C" fn register(
    this: Ptr,
    head: Stated<'_>,
    registered: &mut MetricFamily,
    error: &mut RString,
) -> Status {
    // SAFETY: only `Host::of` pairs this function with a pointer, to a boxed `SharedHost`.
    let host = unsafe { this.get::<SharedHost>() };
    // SAFETY: `Host::register` lends a `Head` for the call.
    let head = unsafe { head.read::<Head<'_>>() };
    outcome(error, || {
        let head = head?;
        let labels: Vec<&str> = head.labels().iter().map(|label| label.get()).collect();
        host.register(&FamilySpec::of(&head, &labels))
            .map(|made| *registered = made)
    })
}

unsafe extern "C" fn gather(
    this: Ptr,
    names: RSlice<'_, RStr<'_>>,
    visitor: VisitorHandle<'_>,
) -> RString {
    // SAFETY: as in `register`.
    let host = unsafe { this.get::<SharedHost>() };
    gather_from(host.as_ref(), names, visitor)
}

unsafe extern "C" fn models(this: Ptr, models: &mut Table, error: &mut RString) -> Status {
    // SAFETY: as in `register`.
    let host = unsafe { this.get::<SharedHost>() };
    outcome(error, || host.models().map(|table| *models = table))
}

unsafe extern "C" fn release(this: Ptr) {
    // SAFETY: `of` or `retain` boxed it; the handle calls this once, when it is dropped.
    let host = unsafe { this.unbox::<SharedHost>() };
    let _panic_has_nowhere_to_go = caught(move || drop(host));
}

// SAFETY: the pointee is a `HostServices`, which is `Send` and `Sync`.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    /// Wraps the services of one plugin for the border.
    #[must_use]
    pub fn of(services: Arc<dyn HostServices>) -> Self {
        Self {
            this: Ptr::boxed(services),
            vt: HostVtRef(VT.static_as_prefix()),
        }
    }

    /// See [`HostServices::log_enabled`].
    #[must_use]
    pub fn log_enabled(&self, level: Level, target: &str) -> bool {
        cross!(self.log_enabled(level, RStr::from(target)))
    }

    /// See [`HostServices::log`].
    pub fn log(&self, level: Level, target: &str, message: &str) {
        cross!(self.log(level, RStr::from(target), RStr::from(message)));
    }

    /// See [`HostServices::register`].
    ///
    /// # Errors
    /// As there.
    pub fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        let labels: Vec<Text<'_>> = family.labels.iter().map(|label| Text::of(label)).collect();
        let head = family.head().with_labels(&labels);
        let mut registered = MetricFamily::inert();
        try_cross!(self.register(Stated::of(&head), &mut registered))?;
        Ok(registered)
    }

    /// See [`HostServices::clock`].
    #[must_use]
    pub fn clock(&self, clock: Clock) -> u64 {
        cross!(self.clock(clock))
    }

    /// See [`HostServices::start_timer`].
    ///
    /// # Errors
    /// As there.
    pub fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        try_cross!(self.start_timer(id, period_ns))
    }

    /// See [`HostServices::stop_timer`].
    ///
    /// # Errors
    /// As there.
    pub fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        try_cross!(self.stop_timer(id))
    }

    /// See [`HostServices::subscribe`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        try_cross!(self.subscribe(kinds.0))
    }

    /// See [`HostServices::models`].
    ///
    /// # Errors
    /// As there.
    pub fn models(&self) -> Result<Table, Failure> {
        let mut models = Table::empty();
        answered(|error| cross!(self.models(&mut models, error)))?;
        Ok(models)
    }

    /// See [`HostServices::info`].
    #[must_use]
    pub fn info(&self, fact: Fact) -> Option<String> {
        let mut text = RString::new();
        cross!(self.info(fact, &mut text)).then(|| text.into_string())
    }
}

impl GatherSource for Host {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        gather_over(filter, visitor, |names, visitor| {
            cross!(self.gather(names, visitor))
        })
    }
}

impl Clone for Host {
    fn clone(&self) -> Self {
        Self {
            this: cross!(self.retain()),
            ..*self
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        cross!(self.release());
    }
}

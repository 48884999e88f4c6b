//! The routes of a plugin on their way to the host.

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::RStr;
use std::marker::PhantomData;

use crate::border::{Ptr, caught, cross};
use crate::codes::{Listener, Methods};

/// Most routes that one plugin may have.
pub const ROUTES_MAX: usize = 64;

/// One route: every request on `listener` whose path starts with `pattern` goes to the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The number that comes back in `call`.
    pub id: u32,
    /// Where it is served.
    pub listener: Listener,
    /// First segment of the path, without slashes. The rest of the path is the plugin's.
    pub pattern: String,
    /// What it answers; other methods get a 405 from the host.
    pub methods: Methods,
}

/// Border functions of a list of routes; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RouteSinkVtRef, prefix_fields = RouteSinkVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct RouteSinkVt {
    #[sabi(last_prefix_field)]
    add: for<'t> unsafe extern "C" fn(
        this: Ptr,
        id: u32,
        listener: Listener,
        pattern: RStr<'t>,
        methods: Methods,
    ),
}

/// Takes routes over the border.
///
/// OWNERSHIP: borrowed from the host for the call.
#[repr(C)]
#[derive(StableAbi)]
pub(crate) struct RouteSink<'a> {
    this: Ptr,
    vt: RouteSinkVtRef,
    borrow: PhantomData<&'a mut ()>,
}

static VT: &WithMetadata<RouteSinkVt> = &WithMetadata::new(RouteSinkVt { add });

unsafe extern "C" fn add(
    this: Ptr,
    id: u32,
    listener: Listener,
    pattern: RStr<'_>,
    methods: Methods,
) {
    // SAFETY: only `RouteSink::of` pairs this function with a pointer, to a list that it borrows.
    let routes = unsafe { this.get_mut::<Vec<Route>>() };
    let _no_panic = caught(|| {
        // One more than allowed is kept, so that the host sees that there are too many.
        if routes.len() <= ROUTES_MAX {
            routes.push(Route {
                id,
                listener,
                pattern: pattern.as_str().to_owned(),
                methods,
            });
        }
    });
}

impl<'a> RouteSink<'a> {
    pub(crate) fn of(routes: &'a mut Vec<Route>) -> Self {
        Self {
            this: Ptr::lend(routes),
            vt: RouteSinkVtRef(VT.static_as_prefix()),
            borrow: PhantomData,
        }
    }

    pub(crate) fn add(&self, route: &Route) {
        cross!(self.add(
            route.id,
            route.listener,
            RStr::from(route.pattern.as_str()),
            route.methods
        ));
    }
}

//! The routes of a plugin on their way to the host.

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::RStr;
use std::marker::PhantomData;

use crate::border::{Ptr, caught, cross};
use crate::codes::{Listener, Methods};

/// Most routes that one plugin may have.
pub const ROUTES_MAX: usize = 64;

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 128;
/// Most segments of a pattern.
pub const PATTERN_SEGMENTS_MAX: usize = 8;
/// The end of a pattern that takes what is below it, and not itself.
const REST: &str = "/{rest}";

/// One route: every request on `listener` whose path matches `pattern` goes to the plugin, unless a
/// longer pattern matches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The number that comes back in `call`.
    pub id: u32,
    /// Where it is served.
    pub listener: Listener,
    /// As [`Pattern`] reads it.
    pub pattern: String,
    /// What it answers; other methods get a 405 from the host.
    pub methods: Methods,
}

/// Which paths a route takes: `metrics` is `/metrics` and everything below, `metrics/job/{rest}`
/// everything below `/metrics/job`. Of several that match a path the longest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pattern<'p> {
    /// The segments that a path begins with, without the first slash.
    pub begin: &'p str,
    /// Whether at least one more segment has to follow.
    pub rest: bool,
}

impl<'p> Pattern<'p> {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What a pattern is, for a sentence that begins with this one.
    pub fn parse(text: &'p str) -> Result<Self, &'static str> {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let segment = |segment: &str| {
            !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(fine)
        };
        let begin = text.strip_suffix(REST);
        let pattern = Self {
            begin: begin.unwrap_or(text),
            rest: begin.is_some(),
        };
        if !pattern.begin.split('/').all(segment) {
            return Err(
                "is not path segments of letters, digits, -, ., _ or ~ with / between them, and maybe \
                 /{rest} at the end",
            );
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err("is longer than 128 bytes");
        }
        if pattern.segments().count() > PATTERN_SEGMENTS_MAX {
            return Err("has more than 8 segments");
        }
        Ok(pattern)
    }

    /// The segments that a path begins with.
    pub fn segments(self) -> impl Iterator<Item = &'p str> {
        self.begin.split('/')
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_segments_and_maybe_a_rest() {
        let read = |text| Pattern::parse(text).map(|pattern| (pattern.begin, pattern.rest));
        assert_eq!(read("metrics"), Ok(("metrics", false)));
        assert_eq!(read("v1/metrics"), Ok(("v1/metrics", false)));
        assert_eq!(read("metrics/job/{rest}"), Ok(("metrics/job", true)));
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a b",
            "a/..",
            "{rest}",
            "a/{rest}/b",
            "a/{x}",
            "a%20",
        ] {
            assert!(
                read(text).unwrap_err().starts_with("is not path"),
                "{text:?}"
            );
        }
        let long = "a".repeat(129);
        assert_eq!(read(&long), Err("is longer than 128 bytes"));
        assert_eq!(read("a/b/c/d/e/f/g/h/i"), Err("has more than 8 segments"));
    }
}

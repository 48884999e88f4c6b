//! The owner's side of a gather.

use std::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr, RString};

use super::visitor::{Crossing, VisitorHandle};
use super::{Filter, Visitor};
use crate::border::{Ptr, cross};
use crate::guard::catch;

/// Something that owns metrics and shows them.
pub trait GatherSource {
    /// Shows every family that `filter` may want, and all segments of each, to `visitor`.
    ///
    /// The order is stable between two calls. The visitor is called on this thread; no lock that a
    /// registration needs is held meanwhile.
    ///
    /// # Errors
    /// Text for the log when the source cannot gather, or when the visitor panicked. A visitor that
    /// stops is not an error.
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String>;
}

/// Border functions of [`GatherSource`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = GatherVtRef, prefix_fields = GatherVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct GatherVt {
    /// An empty text is success.
    #[sabi(last_prefix_field)]
    gather: for<'n, 'v> unsafe extern "C" fn(
        this: Ptr,
        names: RSlice<'n, RStr<'n>>,
        visitor: VisitorHandle<'v>,
    ) -> RString,
}

/// A borrowed source behind the border; to the reader it is a [`GatherSource`] like any other.
///
/// OWNERSHIP: borrowed from the owner of the metrics for the call; copying the handle copies the
/// borrow. It stays on the thread that received it.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct GatherHandle<'a> {
    this: Ptr,
    vt: GatherVtRef,
    borrow: PhantomData<&'a ()>,
}

impl<'a> GatherHandle<'a> {
    /// Wraps an owner's source for the border.
    #[must_use]
    pub fn of<T: GatherSource>(source: &'a T) -> Self {
        Self {
            this: Ptr::new(source),
            vt: GatherVtRef(GatherGlue::<T>::VT.static_as_prefix()),
            borrow: PhantomData,
        }
    }
}

impl GatherSource for GatherHandle<'_> {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        gather_over(filter, visitor, |names, handle| {
            cross!(self.gather(names, handle))
        })
    }
}

impl<T: GatherSource + ?Sized> GatherSource for &T {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        (**self).gather(filter, visitor)
    }
}

/// The reader's half of a gather over the border: turns a filter and a visitor into what `call`
/// can pass on, and its answer, an empty text for success, into a result.
pub(crate) fn gather_over(
    filter: &Filter<'_>,
    visitor: &mut dyn Visitor,
    call: impl FnOnce(RSlice<'_, RStr<'_>>, VisitorHandle<'_>) -> RString,
) -> Result<(), String> {
    let names: Vec<RStr<'_>> = filter.names.iter().map(|name| RStr::from(*name)).collect();
    let mut crossing = Crossing::new(visitor);
    let failure = call(RSlice::from_slice(&names), crossing.handle());
    if let Some(panic) = crossing.panic() {
        return Err(format!("the reader of gathered metrics panicked: {panic}"));
    }
    if failure.is_empty() {
        Ok(())
    } else {
        Err(failure.into_string())
    }
}

/// The owner's half: runs `source` under the panic wall and turns its result into a text.
pub(crate) fn gather_from(
    source: &dyn GatherSource,
    names: RSlice<'_, RStr<'_>>,
    mut visitor: VisitorHandle<'_>,
) -> RString {
    let outcome = catch(|| {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        source.gather(&Filter { names: &names }, &mut visitor)
    });
    match outcome {
        Ok(Ok(())) => RString::new(),
        Ok(Err(text)) if text.is_empty() => RString::from("the source gave no reason"),
        Ok(Err(text)) => RString::from(text),
        Err(panic) => RString::from(format!("gathering panicked: {panic}")),
    }
}

struct GatherGlue<T>(PhantomData<T>);

impl<T: GatherSource> GatherGlue<T> {
    const VT: &'static WithMetadata<GatherVt> = &WithMetadata::new(GatherVt {
        gather: Self::gather,
    });

    unsafe extern "C" fn gather(
        this: Ptr,
        names: RSlice<'_, RStr<'_>>,
        visitor: VisitorHandle<'_>,
    ) -> RString {
        // SAFETY: reachable only through the vtable that `GatherHandle::of` pairs with a `T`, which it
        // borrows for as long as the handle lives.
        gather_from(unsafe { this.get::<T>() }, names, visitor)
    }
}

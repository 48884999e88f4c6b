//! The reader's side of a gather.

use std::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;

use super::{Head, Segment};
use crate::border::{Ptr, cross};
use crate::growing::{Growing, Stated};
use crate::guard::catch;
use crate::status::Failure;

/// Whether a gather goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// The reader has enough (its client left, an error, a full buffer): the source ends the
    /// gather without an error.
    Stop,
}

/// Receives gathered metrics: each family once, then its segments, of which there may be none.
pub trait Visitor {
    /// A family begins.
    fn family(&mut self, head: &Head<'_>) -> Flow;
    /// The next segment of the family that began last.
    fn segment(&mut self, segment: &Segment<'_>) -> Flow;
}

/// [`Flow::Continue`] on the border; every other number is [`Flow::Stop`].
const CONTINUE: u32 = 0;
const STOP: u32 = 1;

fn to_wire(flow: Flow) -> u32 {
    match flow {
        Flow::Continue => CONTINUE,
        Flow::Stop => STOP,
    }
}

fn from_wire(flow: u32) -> Flow {
    if flow == CONTINUE {
        Flow::Continue
    } else {
        Flow::Stop
    }
}

/// Border functions of [`Visitor`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = VisitorVtRef, prefix_fields = VisitorVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct VisitorVt {
    /// The address of a [`Head`].
    family: for<'f> unsafe extern "C" fn(this: Ptr, head: Stated<'f>) -> u32,
    /// The address of a [`Segment`].
    #[sabi(last_prefix_field)]
    segment: for<'s> unsafe extern "C" fn(this: Ptr, segment: Stated<'s>) -> u32,
}

/// A borrowed visitor behind the border; to the source it is a [`Visitor`] like any other.
///
/// OWNERSHIP: borrowed from the side that asked, exclusively, for the one gather. It stays on the
/// thread that received it.
#[repr(C)]
#[derive(StableAbi)]
pub struct VisitorHandle<'a> {
    this: Ptr,
    vt: VisitorVtRef,
    borrow: PhantomData<&'a mut ()>,
}

impl Visitor for VisitorHandle<'_> {
    fn family(&mut self, head: &Head<'_>) -> Flow {
        from_wire(cross!(self.family(Stated::of(head))))
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        from_wire(cross!(self.segment(Stated::of(segment))))
    }
}

/// A visitor on its way over the border, with the text of what ended the gather before its time.
pub(super) struct Crossing<'v> {
    visitor: &'v mut dyn Visitor,
    panic: Option<String>,
}

impl<'v> Crossing<'v> {
    pub(super) fn new(visitor: &'v mut dyn Visitor) -> Self {
        Self {
            visitor,
            panic: None,
        }
    }

    pub(super) fn handle(&mut self) -> VisitorHandle<'_> {
        VisitorHandle {
            this: Ptr::lend(self),
            vt: VisitorVtRef(VT.static_as_prefix()),
            borrow: PhantomData,
        }
    }

    /// The text of the panic that ended the gather, if one did.
    pub(super) fn panic(self) -> Option<String> {
        self.panic
    }

    fn guarded<T: Growing>(
        &mut self,
        shown: Result<T, Failure>,
        step: impl FnOnce(&mut dyn Visitor, &T) -> Flow,
    ) -> u32 {
        if self.panic.is_some() {
            return STOP;
        }
        let visitor = &mut *self.visitor;
        let flow = shown
            .map_err(|failure| failure.message)
            .and_then(|shown| catch(|| step(visitor, &shown)));
        flow.map_or_else(
            |text| {
                self.panic = Some(text);
                STOP
            },
            to_wire,
        )
    }
}

static VT: &WithMetadata<VisitorVt> = &WithMetadata::new(VisitorVt { family, segment });

unsafe extern "C" fn family(this: Ptr, head: Stated<'_>) -> u32 {
    // SAFETY: `handle` paired this function with a `Crossing` borrowed exclusively for as long as
    // the handle lives; the border's own lifetime parameters do not appear in its layout.
    let crossing = unsafe { this.get_mut::<Crossing<'_>>() };
    // SAFETY: the handle's `family` lends a `Head` for the call.
    let head = unsafe { head.read::<Head<'_>>() };
    crossing.guarded(head, |visitor, head| visitor.family(head))
}

unsafe extern "C" fn segment(this: Ptr, segment: Stated<'_>) -> u32 {
    // SAFETY: as in `family`.
    let crossing = unsafe { this.get_mut::<Crossing<'_>>() };
    // SAFETY: the handle's `segment` lends a `Segment` for the call.
    let segment = unsafe { segment.read::<Segment<'_>>() };
    crossing.guarded(segment, |visitor, segment| visitor.segment(segment))
}

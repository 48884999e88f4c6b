//! The reader's side of a gather.

use std::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;

use super::{Family, Segment};
use crate::guard::catch;

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
    fn family(&mut self, family: &Family<'_>) -> Flow;
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
    family: for<'f> extern "C" fn(this: *mut (), family: Family<'f>) -> u32,
    #[sabi(last_prefix_field)]
    segment: for<'s> extern "C" fn(this: *mut (), segment: Segment<'s>) -> u32,
}

/// A borrowed visitor behind the border; to the source it is a [`Visitor`] like any other.
///
/// OWNERSHIP: borrowed from the side that asked, exclusively, for the one gather. It stays on the
/// thread that received it.
#[repr(C)]
#[derive(StableAbi)]
pub struct VisitorHandle<'a> {
    this: *mut (),
    vt: VisitorVtRef,
    borrow: PhantomData<&'a mut ()>,
}

impl Visitor for VisitorHandle<'_> {
    fn family(&mut self, family: &Family<'_>) -> Flow {
        from_wire(self.vt.family()(self.this, *family))
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        from_wire(self.vt.segment()(self.this, *segment))
    }
}

/// A visitor on its way over the border, with the text of its panic if it had one.
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
            this: std::ptr::from_mut(self).cast(),
            vt: VisitorVtRef(VT.static_as_prefix()),
            borrow: PhantomData,
        }
    }

    /// The text of the panic that ended the gather, if one did.
    pub(super) fn panic(self) -> Option<String> {
        self.panic
    }

    fn guarded(&mut self, step: impl FnOnce(&mut dyn Visitor) -> Flow) -> u32 {
        if self.panic.is_some() {
            return STOP;
        }
        let visitor = &mut *self.visitor;
        catch(|| step(visitor)).map_or_else(
            |text| {
                self.panic = Some(text);
                STOP
            },
            to_wire,
        )
    }
}

static VT: &WithMetadata<VisitorVt> = &WithMetadata::new(VisitorVt {
    family: visit_family,
    segment: visit_segment,
});

extern "C" fn visit_family(this: *mut (), family: Family<'_>) -> u32 {
    // SAFETY: `handle` paired this function with a `Crossing` borrowed exclusively for as long as
    // the handle lives; the border's own lifetime parameters do not appear in its layout.
    let crossing = unsafe { &mut *this.cast::<Crossing<'_>>() };
    crossing.guarded(|visitor| visitor.family(&family))
}

extern "C" fn visit_segment(this: *mut (), segment: Segment<'_>) -> u32 {
    // SAFETY: as in `visit_family`.
    let crossing = unsafe { &mut *this.cast::<Crossing<'_>>() };
    crossing.guarded(|visitor| visitor.segment(&segment))
}

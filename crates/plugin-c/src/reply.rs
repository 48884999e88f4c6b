//! The answer to a request, given by C now or later.
//!
//! A handle has two holders: C, until it ends the reply, and this side for as long as the call runs. So a
//! plugin's own thread may end the reply before the call has returned, and a call that returns without
//! having ended it loses nothing.

use super::values::{Bytes, CError, CStatus, Text, answer, lent};
use meterbox_plugin_abi::{Failure, Responder, Status, caught};
use parking_lot::Mutex;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `meterbox_reply`.
pub(super) struct ReplyHandle {
    /// Gone when the reply has been ended.
    responder: Mutex<Option<Responder>>,
    /// C's hold has been given back.
    ended: AtomicBool,
}

/// This side's hold on a reply while C's `call` runs.
pub(super) struct Lending(Arc<ReplyHandle>);

impl Lending {
    /// Lends `responder` to C; the pointer is C's hold.
    pub(super) fn new(responder: Responder) -> (Self, *const ReplyHandle) {
        let handle = Arc::new(ReplyHandle {
            responder: Mutex::new(Some(responder)),
            ended: AtomicBool::new(false),
        });
        (Self(handle.clone()), Arc::into_raw(handle))
    }

    /// Takes the reply back from C, which did not keep it. Dropping the responder inside the call leaves
    /// the answer to the call's result.
    pub(super) fn take_back(self) {
        if let Some(hold) = hold(&self.0) {
            drop(hold.responder.lock().take());
        }
    }
}

/// C's hold, the first time that it is asked for.
fn hold(handle: &Arc<ReplyHandle>) -> Option<Arc<ReplyHandle>> {
    let first = !handle.ended.swap(true, Ordering::AcqRel);
    // SAFETY: `Lending::new` made this hold by `into_raw`; `ended` lets it be taken only once.
    first.then(|| unsafe { Arc::from_raw(Arc::as_ptr(handle)) })
}

fn over() -> Failure {
    Failure::new(Status::CLOSED, "the reply has been ended already")
}

/// Ends the reply: C's hold goes, whatever `end` does with the responder.
///
/// # Safety
/// `reply` is null or C's hold of a reply.
unsafe fn ended(
    reply: *const ReplyHandle,
    end: impl FnOnce(Responder) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let handle = unsafe { lent(reply) }?;
    if handle.ended.swap(true, Ordering::AcqRel) {
        return Err(over());
    }
    // SAFETY: `Lending::new` made this hold by `into_raw`; `ended` lets it be taken only once.
    let hold = unsafe { Arc::from_raw(reply) };
    let responder = hold.responder.lock().take().ok_or_else(over)?;
    end(responder)
}

/// Uses the responder of a reply that goes on.
///
/// # Safety
/// As [`ended`].
unsafe fn with(
    reply: *const ReplyHandle,
    run: impl FnOnce(&mut Responder) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let handle = unsafe { lent(reply) }?;
    run(handle.responder.lock().as_mut().ok_or_else(over)?)
}

pub(super) unsafe extern "C" fn reply_status(
    reply: *const ReplyHandle,
    status: u32,
    error: *mut CError,
) -> CStatus {
    // SAFETY: C holds the reply; the error is C's for the call.
    unsafe {
        answer(error, || {
            // A number that does not fit is as wrong as 0, and refused with the host's words.
            let status = u16::try_from(status).unwrap_or(0);
            with(reply, |responder| responder.status(status))
        })
    }
}

pub(super) unsafe extern "C" fn reply_header(
    reply: *const ReplyHandle,
    name: Text,
    value: Bytes,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `reply_status`; name and value are C's for the call.
    unsafe {
        answer(error, || {
            let (name, value) = (name.get()?, value.get()?);
            with(reply, |responder| responder.header(name, value))
        })
    }
}

pub(super) unsafe extern "C" fn reply_write(
    reply: *const ReplyHandle,
    bytes: Bytes,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `reply_header`.
    unsafe {
        answer(error, || {
            let bytes = bytes.get()?;
            with(reply, |responder| responder.write(bytes))
        })
    }
}

pub(super) unsafe extern "C" fn reply_finish(
    reply: *const ReplyHandle,
    bytes: Bytes,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `reply_header`.
    unsafe {
        answer(error, || {
            let bytes = bytes.get();
            ended(reply, |responder| responder.finish(bytes?))
        })
    }
}

pub(super) unsafe extern "C" fn reply_fail(
    reply: *const ReplyHandle,
    status: u32,
    sentence: Text,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `reply_header`.
    unsafe {
        answer(error, || {
            let status = u16::try_from(status).unwrap_or(0);
            let sentence = sentence.lossy();
            ended(reply, |responder| responder.fail(status, &sentence))
        })
    }
}

pub(super) unsafe extern "C" fn reply_is_closed(reply: *const ReplyHandle) -> c_int {
    let closed = caught(|| {
        // SAFETY: C holds the reply.
        let handle = unsafe { lent(reply) }.ok()?;
        let responder = handle.responder.lock();
        responder.as_ref().map(Responder::is_closed)
    });
    c_int::from(!matches!(closed, Ok(Some(false))))
}

pub(super) unsafe extern "C" fn reply_drop(reply: *const ReplyHandle) {
    // SAFETY: C holds the reply.
    let _over_or_not = caught(|| unsafe {
        ended(reply, |responder| {
            drop(responder);
            Ok(())
        })
    });
}

//! The two halves of every crossing: the pointer a handle carries, and the wall that no panic passes.
//!
//! Each `extern "C"` function of this crate is written by [`shims!`], so that there is one place where a
//! pointer becomes a reference again and one place where a panic becomes a status. It knows nothing of
//! what is transported.

use abi_stable::StableAbi;
use abi_stable::std_types::RString;

use crate::guard;
use crate::status::{Failure, Status};

/// The first argument of every function in a vtable: whatever the maker of the handle put there.
///
/// OWNERSHIP: says nothing; the handle type around it does, and is `Send` or `Sync` where the pointee is.
/// The pointee is only ever touched by the library that made the handle.
#[repr(transparent)]
#[derive(Clone, Copy, StableAbi)]
pub(crate) struct Ptr(*const ());

impl Ptr {
    /// Points at nothing; for handles whose functions never look at `this`.
    pub(crate) const NULL: Self = Self(std::ptr::null());

    /// Wraps the address of something that the caller keeps alive.
    pub(crate) const fn new<T>(address: *const T) -> Self {
        Self(address.cast())
    }

    /// Wraps the address of something the caller lends for writing.
    pub(crate) fn lend<T>(value: &mut T) -> Self {
        Self::new(std::ptr::from_mut(value))
    }

    /// Moves `value` to the heap; given back by [`Ptr::unbox`].
    pub(crate) fn boxed<T>(value: T) -> Self {
        Self::new(Box::into_raw(Box::new(value)))
    }

    pub(crate) const fn address<T>(self) -> *const T {
        self.0.cast()
    }

    /// # Safety
    /// `self` was made from a `T` in this library, and that `T` outlives `'a`.
    pub(crate) unsafe fn get<'a, T>(self) -> &'a T {
        // SAFETY: the caller's promise.
        unsafe { &*self.address() }
    }

    /// # Safety
    /// As [`Ptr::get`], and nothing else refers to the `T` during `'a`.
    pub(crate) unsafe fn get_mut<'a, T>(self) -> &'a mut T {
        // SAFETY: the caller's promise; `lend` and `boxed` made the pointer from a mutable one.
        unsafe { &mut *self.address::<T>().cast_mut() }
    }

    /// # Safety
    /// `self` came from [`Ptr::boxed`] with the same `T`, and is not used again.
    pub(crate) unsafe fn unbox<T>(self) -> Box<T> {
        // SAFETY: the caller's promise.
        unsafe { Box::from_raw(self.address::<T>().cast_mut()) }
    }
}

/// Runs `run`; a panic comes back as a [`Failure`] with [`Status::PANICKED`] and its text.
///
/// # Errors
/// The panic, as data.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Failure> {
    guard::catch(run).map_err(|text| Failure::new(Status::PANICKED, text))
}

/// Runs the fallible body of a shim: the text goes to `error`, the kind becomes the returned status.
pub(crate) fn outcome(error: &mut RString, run: impl FnOnce() -> Result<(), Failure>) -> Status {
    match caught(run) {
        Ok(Ok(())) => Status::OK,
        Ok(Err(failure)) | Err(failure) => {
            *error = RString::from(failure.message);
            failure.status
        }
    }
}

/// The other side of [`outcome`]: what the caller of a fallible vtable function makes of the answer.
pub(crate) fn answered(call: impl FnOnce(&mut RString) -> Status) -> Result<(), Failure> {
    let mut error = RString::new();
    match call(&mut error) {
        Status::OK => Ok(()),
        status => Err(Failure::new(status, error.into_string())),
    }
}

/// Writes the `extern "C"` functions behind one vtable.
///
/// `shims! { in SERVICE as NAME; fn f(a: A) -> R, or OTHERWISE => BODY; try fn g(a: A) => BODY; }` gives
/// functions whose first argument is the [`Ptr`] of a `SERVICE`. A panic in `f` answers `OTHERWISE`; `g`
/// has a `Result<(), Failure>` for a body, a trailing `error` argument and a [`Status`] for an answer.
/// Write `in mut SERVICE` where the body needs the service for itself.
macro_rules! shims {
    (@get $service:ty, $this:ident) => { $this.get::<$service>() };
    (@get mut $service:ty, $this:ident) => { $this.get_mut::<$service>() };
    (@one [$($mode:tt)*] $service:ty, $name:ident; fn $shim:ident($($arg:ident: $ty:ty),*) -> $ret:ty, or $otherwise:expr => $body:expr) => {
        unsafe extern "C" fn $shim(this: $crate::border::Ptr $(, $arg: $ty)*) -> $ret {
            // SAFETY: the handle that carries this function carries the pointer to such a service, too.
            let $name = unsafe { shims!(@get $($mode)* $service, this) };
            $crate::border::caught(|| $body).unwrap_or_else(|_| $otherwise)
        }
    };
    (@one [$($mode:tt)*] $service:ty, $name:ident; try fn $shim:ident($($arg:ident: $ty:ty),*) => $body:expr) => {
        unsafe extern "C" fn $shim(
            this: $crate::border::Ptr $(, $arg: $ty)*, error: &mut ::abi_stable::std_types::RString,
        ) -> $crate::status::Status {
            // SAFETY: the handle that carries this function carries the pointer to such a service, too.
            let $name = unsafe { shims!(@get $($mode)* $service, this) };
            $crate::border::outcome(error, || $body)
        }
    };
    (@all $mode:tt $service:ty, $name:ident;) => {};
    (@all $mode:tt $service:ty, $name:ident; fn $shim:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty, or $otherwise:expr => $body:expr; $($rest:tt)*) => {
        shims!(@one $mode $service, $name; fn $shim($($arg: $ty),*) -> $ret, or $otherwise => $body);
        shims!(@all $mode $service, $name; $($rest)*);
    };
    (@all $mode:tt $service:ty, $name:ident; try fn $shim:ident($($arg:ident: $ty:ty),* $(,)?) => $body:expr; $($rest:tt)*) => {
        shims!(@one $mode $service, $name; try fn $shim($($arg: $ty),*) => $body);
        shims!(@all $mode $service, $name; $($rest)*);
    };
    (in mut $service:ty as $name:ident; $($rest:tt)*) => { shims!(@all [mut] $service, $name; $($rest)*); };
    (in $service:ty as $name:ident; $($rest:tt)*) => { shims!(@all [] $service, $name; $($rest)*); };
}

/// Calls a function of a handle's vtable with the handle's own pointer.
macro_rules! cross {
    ($handle:ident . $function:ident ( $($arg:expr),* $(,)? )) => {
        // SAFETY: `vt` and `this` were made together, and `this` lives as long as the handle.
        unsafe { ($handle.vt.$function())($handle.this $(, $arg)*) }
    };
}

/// As [`cross!`], for the fallible functions: gives `Result<(), Failure>`.
macro_rules! try_cross {
    ($handle:ident . $function:ident ( $($arg:expr),* $(,)? )) => {
        $crate::border::answered(|error| cross!($handle.$function($($arg,)* error)))
    };
}

pub(crate) use {cross, shims, try_cross};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_with_its_text() {
        let failure = caught(|| panic!("disk {} is on fire", 3)).expect_err("it panicked");
        assert_eq!(
            (failure.status, failure.message.as_str()),
            (Status::PANICKED, "disk 3 is on fire")
        );
    }

    #[test]
    fn kind_and_text_of_a_failure_survive_the_crossing() {
        let sent = Failure::new(Status::CONFLICT, "metric \"x\" is a gauge");
        let got = answered(|error| outcome(error, || Err(sent.clone())));
        assert_eq!(got, Err(sent));
    }
}

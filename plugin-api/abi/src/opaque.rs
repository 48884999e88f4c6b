//! The erased pointer behind every borrowed handle, and the functions that read through it.
//!
//! A handle is an [`Opaque`] made from a `&T` and a vtable whose functions were written for the
//! same `T`; that pairing, done in one place per handle, is what every `unsafe` block here leans
//! on. Owned objects are not made of this.

use std::marker::PhantomData;

use abi_stable::StableAbi;

/// A borrowed object, its type erased; neither `Send` nor `Sync`, since the object may be neither.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub(crate) struct Opaque<'a> {
    pointer: *const (),
    borrow: PhantomData<&'a ()>,
}

impl<'a> Opaque<'a> {
    pub(crate) fn of<T>(object: &'a T) -> Self {
        Self {
            pointer: std::ptr::from_ref(object).cast(),
            borrow: PhantomData,
        }
    }

    /// # Safety
    /// The handle was made by [`Opaque::of`] from a `T`.
    pub(crate) unsafe fn get<T>(&self) -> &T {
        // SAFETY: `of` borrowed a T for 'a, which outlives this borrow of the handle.
        unsafe { &*self.pointer.cast::<T>() }
    }
}

/// Gives a borrow the lifetime of the handle that it was read through.
///
/// # Safety
/// The caller guarantees that the object behind `value` lives for `'x`.
pub(crate) unsafe fn extend<'x, T: ?Sized>(value: &T) -> &'x T {
    // SAFETY: the caller's guarantee is exactly the validity of this borrow for 'x.
    unsafe { &*std::ptr::from_ref(value) }
}

/// A border function, inside `impl<T: Trait> Glue<T>`, that calls the method of the same name and
/// gives out what it borrows; `$empty` when the method panics.
macro_rules! shim_borrow {
    ($name:ident, $wire:ty, $empty:expr) => {
        extern "C" fn $name(this: $crate::opaque::Opaque<'_>) -> $wire {
            $crate::guard::catch_or($empty, || {
                // SAFETY: reachable only through the vtable that the handle's constructor pairs
                // with a `T` borrowed for the lifetime of `this`: type and lifetime are right.
                unsafe { $crate::opaque::extend(this.get::<T>().$name()) }.into()
            })
        }
    };
}

/// As [`shim_borrow`], for a method that returns a number.
macro_rules! shim_number {
    ($name:ident, $wire:ty, $fallback:expr) => {
        extern "C" fn $name(this: $crate::opaque::Opaque<'_>) -> $wire {
            $crate::guard::catch_or($fallback, || {
                // SAFETY: the vtable belongs to a `T`, see `shim_borrow`.
                unsafe { this.get::<T>() }.$name()
            })
        }
    };
}

pub(crate) use {shim_borrow, shim_number};

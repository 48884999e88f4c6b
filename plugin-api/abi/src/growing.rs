//! Structs that state their own size: what an older or newer side does not have is zero here.
//!
//! A vtable is for functions; a struct of this kind is for what is only read. It starts with its size in
//! bytes, gets new fields at its end only, and crosses by its address.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use abi_stable::StableAbi;

use crate::status::{Failure, Status};

/// A struct that starts with its size.
///
/// # Safety
/// The type is `repr(C)`, starts with a `usize`, has no padding, consists of units of eight bytes, and
/// all zeros are a value of it.
pub unsafe trait Growing: Copy {
    /// As the header for C calls it.
    const NAME: &'static str;
    /// Size of the first version.
    const SIZE_MIN: usize;
}

/// A larger size than any such struct can have; a number beyond it is garbage.
const SIZE_MAX: usize = 64 << 10;

/// Copies what is there of the struct at `from`.
///
/// # Errors
/// [`Status::INVALID`] when there is none, or its size is not that of any version.
///
/// # Safety
/// `from` is null, or points at as many readable bytes as the number at its start says; what they refer
/// to lives as long as the result says.
pub unsafe fn read<T: Growing>(from: *const T) -> Result<T, Failure> {
    let invalid = |text: String| Err(Failure::new(Status::INVALID, text));
    if from.is_null() || !from.is_aligned() {
        return invalid(format!("there is no {} at the given address", T::NAME));
    }
    // SAFETY: every such struct starts with its size.
    let stated = unsafe { *from.cast::<usize>() };
    if stated < T::SIZE_MIN || stated > SIZE_MAX {
        return invalid(format!(
            "a {} has {} bytes or more, not {stated}; set struct_size to sizeof it",
            T::NAME,
            T::SIZE_MIN
        ));
    }
    // A field that is there by half is not there.
    let bytes = stated.min(size_of::<T>()) & !7;
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `bytes` is neither more than what the caller vouches for nor more than a `T`.
    unsafe {
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), bytes);
    }
    // What is missing is zero by now, so that the copy is whole, and says so when it is lent on.
    // SAFETY: the first field is the size; zeros and whole fields are a value, as the trait says.
    unsafe {
        copy.as_mut_ptr().cast::<usize>().write(size_of::<T>());
        Ok(copy.assume_init())
    }
}

/// The address of such a struct on its way over the border; its layout is checked by its size alone.
///
/// OWNERSHIP: borrowed from the caller for the call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub(crate) struct Stated<'a> {
    at: *const (),
    lent: PhantomData<&'a ()>,
}

impl<'a> Stated<'a> {
    pub(crate) fn of<T: Growing>(value: &'a T) -> Self {
        Self {
            at: std::ptr::from_ref(value).cast(),
            lent: PhantomData,
        }
    }

    /// # Safety
    /// [`Stated::of`] took a `T`, of this or another minor version, and `T` borrows for `'a`.
    pub(crate) unsafe fn read<T: Growing>(self) -> Result<T, Failure> {
        // SAFETY: the caller's promise; the borrow of the struct lasts for 'a.
        unsafe { read(self.at.cast()) }
    }
}

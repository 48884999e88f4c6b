//! Reads a table that states its own size: what an older or newer header does not have is zero here.

use super::layout::{CFamily, CPluginTable, CPush, CRoute, CVisitor};
use meterbox_plugin_abi::{Failure, Status};
use std::mem::{MaybeUninit, offset_of};

/// A table that starts with `struct_size`.
///
/// # Safety
/// The type is `repr(C)`, starts with a `usize`, has no padding, consists of units of eight bytes, and
/// all zeros are a value of it.
pub(super) unsafe trait Growing: Copy {
    /// As the header calls it.
    const NAME: &'static str;
    /// Size of the first version's table.
    const SIZE_MIN: usize;
}

macro_rules! growing {
    ($($name:literal $table:ty, at least $size:expr;)*) => {$(
        // SAFETY: as declared in `layout`, and a test compares it with the header; the functions in it
        // are `Option`s, everything else is a number or a pointer.
        unsafe impl Growing for $table {
            const NAME: &'static str = $name;
            const SIZE_MIN: usize = $size;
        }
    )*};
}

growing! {
    "meterbox_plugin_v1" CPluginTable, at least offset_of!(CPluginTable, start);
    "meterbox_route_v1" CRoute, at least size_of::<CRoute>();
    "meterbox_family_v1" CFamily, at least size_of::<CFamily>();
    "meterbox_visitor_v1" CVisitor, at least size_of::<CVisitor>();
    "meterbox_push_v1" CPush, at least size_of::<CPush>();
}

/// A larger size than any table can have; a number beyond it is garbage.
const SIZE_MAX: usize = 64 << 10;

/// Copies what is there of the table at `from`.
///
/// # Safety
/// `from` is null, or points at as many readable bytes as the number at its start says.
pub(super) unsafe fn read<T: Growing>(from: *const T) -> Result<T, Failure> {
    let invalid = |text: String| Err(Failure::new(Status::INVALID, text));
    if from.is_null() || !from.is_aligned() {
        return invalid(format!("there is no {} at the given address", T::NAME));
    }
    // SAFETY: every table starts with its size.
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
    let mut table = MaybeUninit::<T>::zeroed();
    // SAFETY: `bytes` is neither more than what the caller vouches for nor more than a `T`.
    unsafe {
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), table.as_mut_ptr().cast::<u8>(), bytes);
    }
    // SAFETY: zeros and whole fields are a value, as the trait says.
    Ok(unsafe { table.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_field_is_no_field_and_garbage_is_no_table() {
        // SAFETY: all zeros are a value of every `Growing`.
        let mut table: CPluginTable = unsafe { std::mem::zeroed() };
        table.metadata = c"x".as_ptr();
        unsafe extern "C" fn destroy(_: *mut std::ffi::c_void) {}
        table.destroy = Some(destroy);
        let read = |table: &CPluginTable| {
            // SAFETY: the table is whole, whatever it says.
            unsafe { read(std::ptr::from_ref(table)) }
        };
        table.struct_size = offset_of!(CPluginTable, destroy);
        let refused = read(&table).map(drop).unwrap_err();
        assert_eq!(
            refused.message,
            "a meterbox_plugin_v1 has 40 bytes or more, not 32; set struct_size to sizeof it"
        );
        table.struct_size = offset_of!(CPluginTable, start) + 4;
        let taken = read(&table).expect("a first version's table");
        assert!(taken.destroy.is_some() && taken.start.is_none());
        table.struct_size = usize::MAX;
        assert!(read(&table).is_err());
        // SAFETY: null is allowed.
        assert!(unsafe { super::read::<CRoute>(std::ptr::null()) }.is_err());
    }
}

//! Events and models, read by C row by row.

use super::values::{Text, lent};
use meterbox_plugin_abi::{Field, Table};
use std::ffi::c_int;

/// A table that C owns from now on, until [`table_release`].
pub(super) fn hand_out(table: Table) -> *mut Table {
    Box::into_raw(Box::new(table))
}

pub(super) unsafe extern "C" fn table_len(table: *const Table) -> usize {
    // SAFETY: C holds the table.
    unsafe { lent(table) }.map_or(0, Table::len)
}

pub(super) unsafe extern "C" fn table_text(
    table: *const Table,
    row: usize,
    field: u32,
    text: *mut Text,
) -> c_int {
    // SAFETY: C holds the table, whose texts live as long; `text` is a place of C's.
    let found = unsafe { lent(table) }
        .ok()
        .and_then(|table| table.text(row, Field(field)));
    // SAFETY: as above.
    unsafe { put(text, found.map(Text::of)) }
}

pub(super) unsafe extern "C" fn table_number(
    table: *const Table,
    row: usize,
    field: u32,
    number: *mut f64,
) -> c_int {
    // SAFETY: as in `table_text`.
    let found = unsafe { lent(table) }
        .ok()
        .and_then(|table| table.number(row, Field(field)));
    // SAFETY: as in `table_text`.
    unsafe { put(number, found) }
}

pub(super) unsafe extern "C" fn table_retain(table: *const Table) -> *mut Table {
    // SAFETY: C holds the table.
    unsafe { lent(table) }.map_or(std::ptr::null_mut(), |table| hand_out(table.clone()))
}

pub(super) unsafe extern "C" fn table_release(table: *mut Table) {
    if !table.is_null() {
        // SAFETY: `hand_out` boxed it, and C gives it back once.
        drop(unsafe { Box::from_raw(table) });
    }
}

/// Writes what was found to a place of C's; 1 when there is something.
///
/// # Safety
/// `place` is null or can be written.
pub(super) unsafe fn put<T>(place: *mut T, found: Option<T>) -> c_int {
    match found {
        Some(found) if !place.is_null() => {
            // SAFETY: the caller's promise.
            unsafe { place.write(found) };
            1
        }
        _ => 0,
    }
}

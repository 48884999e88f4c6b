//! The border between Meterbox and its plugins: opaque pointers with prefix vtables and a short
//! list of frozen value types.
//!
//! Both sides of the border use this crate: the host implements plain traits and wraps them in
//! handles, a plugin sees handles whose methods are plain and safe. Everything that may grow
//! crosses as a pointer and a prefix vtable; strings and slices are borrowed for the call.
//! Every `extern "C"` function catches panics, so that nothing unwinds over the border.
//!
//! It knows no HTTP, no metric store and no text format, and its version is the version of the
//! border.
#![allow(
    unsafe_code,
    reason = "the border is made of raw pointers and extern functions; each block says why it is sound"
)]
#![allow(
    non_local_definitions,
    non_camel_case_types,
    reason = "abi_stable's derives expand to impls and names of this shape"
)]

pub mod gather;
mod guard;
mod opaque;

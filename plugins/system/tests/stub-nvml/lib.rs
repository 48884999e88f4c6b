//! A stand-in for `libnvidia-ml.so.1` with three made-up devices, compiled by the GPU tests.
//!
//! Device 0 has every figure, device 1 is a slice without utilization and power, device 2 fell
//! off the bus. Only the calls that the collector makes are here; the wrapper treats a missing one
//! like an older driver's.

#![allow(non_snake_case, reason = "NVML's own names")]

use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};

const SUCCESS: c_int = 0;
const INVALID_ARGUMENT: c_int = 2;
const NOT_SUPPORTED: c_int = 3;
const GPU_IS_LOST: c_int = 15;

#[repr(C)]
pub struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

#[repr(C)]
pub struct MemoryV2 {
    version: c_uint,
    total: c_ulonglong,
    reserved: c_ulonglong,
    free: c_ulonglong,
    used: c_ulonglong,
}

fn number(device: *mut c_void) -> usize {
    device as usize - 1
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> c_int {
    unsafe { *count = 3 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(
    index: c_uint,
    device: *mut *mut c_void,
) -> c_int {
    match index {
        0 | 1 => {
            unsafe { *device = (index as usize + 1) as *mut c_void };
            SUCCESS
        }
        2 => GPU_IS_LOST,
        _ => INVALID_ARGUMENT,
    }
}

unsafe fn text(from: &[u8], to: *mut c_char, length: c_uint) -> c_int {
    assert!(from.len() < length as usize);
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr().cast(), to, from.len()) };
    unsafe { *to.add(from.len()) = 0 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetName(
    device: *mut c_void,
    name: *mut c_char,
    length: c_uint,
) -> c_int {
    let names: [&[u8]; 2] = [b"Stub H200", b"Stub H200 MIG 1g.18gb"];
    unsafe { text(names[number(device)], name, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUUID(
    device: *mut c_void,
    uuid: *mut c_char,
    length: c_uint,
) -> c_int {
    let uuids: [&[u8]; 2] = [b"GPU-0", b"MIG-1"];
    unsafe { text(uuids[number(device)], uuid, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUtilizationRates(
    device: *mut c_void,
    rates: *mut Utilization,
) -> c_int {
    if number(device) == 1 {
        return NOT_SUPPORTED;
    }
    unsafe { *rates = Utilization { gpu: 37, memory: 5 } };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(
    _device: *mut c_void,
    memory: *mut MemoryV2,
) -> c_int {
    let expected = (std::mem::size_of::<MemoryV2>() as c_uint) | (2 << 24);
    if unsafe { (*memory).version } != expected {
        return INVALID_ARGUMENT;
    }
    unsafe {
        (*memory).total = 16 << 30;
        (*memory).reserved = 1 << 30;
        (*memory).free = 12 << 30;
        (*memory).used = 3 << 30;
    }
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTemperature(
    _device: *mut c_void,
    _sensor: c_uint,
    celsius: *mut c_uint,
) -> c_int {
    unsafe { *celsius = 41 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetPowerUsage(
    device: *mut c_void,
    milliwatts: *mut c_uint,
) -> c_int {
    if number(device) == 1 {
        return NOT_SUPPORTED;
    }
    unsafe { *milliwatts = 123_456 };
    SUCCESS
}

//! The GPU collector against a library of our own in the driver's place, and against the real
//! driver where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::fixture::Fixture;

/// Compiles the stand-in into the fixture's folder.
fn stub(fixture: &Fixture) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stub-nvml/lib.rs");
    let library: PathBuf = fixture.machine().fs_root.join("libnvidia-ml.so.1");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args([
            "--edition=2024",
            "--crate-type=cdylib",
            "--crate-name=nvidia_ml",
            "-o",
        ])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(
        status.success(),
        "the stand-in for the driver does not compile"
    );
    library.into_os_string().into_string().unwrap()
}

fn gpu_with(fixture: &Fixture, path: &str) -> Gpu {
    let nvml_path = Some(String::from(path));
    Gpu::new(&Settings {
        nvml_path,
        ..fixture.settings()
    })
}

#[test]
fn devices_have_their_figures_and_lack_what_they_do_not_support() {
    let fixture = Fixture::new();
    let samples = fixture.collect(&mut gpu_with(&fixture, &stub(&fixture)));
    let inherited = |name, gpu| samples.value(name, &["Host", gpu, "vm"]);
    assert_eq!(inherited("GPUUtilization", "0"), Some(37.0));
    assert_eq!(inherited("GPUMemoryUsed", "0"), Some(4096.0));
    assert_eq!(inherited("GPUMemoryUtilization", "0"), Some(25.0));
    let value = |name, gpu| samples.value(name, &[gpu]);
    assert_eq!(
        value("meterbox_system_gpu_utilization_ratio", "0"),
        Some(0.37)
    );
    assert_eq!(
        value("meterbox_system_gpu_temperature_celsius", "0"),
        Some(41.0)
    );
    assert_eq!(value("meterbox_system_gpu_power_watts", "0"), Some(123.456));

    assert_eq!(inherited("GPUUtilization", "1"), None);
    assert_eq!(value("meterbox_system_gpu_power_watts", "1"), None);
    assert_eq!(inherited("GPUMemoryUsed", "1"), Some(4096.0));
    let info = ["1", "MIG-1", "Stub H200 MIG 1g.18gb"];
    assert_eq!(samples.value("meterbox_system_gpu_info", &info), Some(1.0));
}

#[test]
fn a_lost_device_is_told_and_costs_no_other() {
    let fixture = Fixture::new();
    let samples = fixture.collect(&mut gpu_with(&fixture, &stub(&fixture)));
    assert_eq!(samples.count("meterbox_system_gpu_info"), 2);
    let texts: Vec<&str> = samples.problems().iter().map(|p| p.text.as_str()).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("gpu: device 2: "), "{texts:?}");
}

#[test]
fn a_configured_library_that_is_missing_is_told_once_a_minute() {
    let fixture = Fixture::new();
    let mut gpu = gpu_with(&fixture, "/nonexistent/libnvidia-ml.so.1");
    let problems = fixture.collect(&mut gpu).problems().to_vec();
    assert!(
        problems[0]
            .text
            .starts_with("gpu: opening /nonexistent/libnvidia-ml.so.1: ")
    );
    assert!(fixture.collect(&mut gpu).problems().is_empty());
}

#[test]
fn the_machine_of_this_test_is_read_without_a_problem_whatever_it_has() {
    let fixture = Fixture::new();
    let samples = fixture.collect(&mut Gpu::new(&fixture.settings()));
    assert!(samples.problems().is_empty(), "{:?}", samples.problems());
    // The kernel's driver lists its devices here; without it there must be no sample at all.
    let devices = std::fs::read_dir("/proc/driver/nvidia/gpus").map_or(0, Iterator::count);
    assert_eq!(samples.count("meterbox_system_gpu_info"), devices);
    assert_eq!(
        samples.count("meterbox_system_gpu_memory_size_bytes"),
        devices
    );
    // A device that is cut into slices has no utilization of its own.
    assert!(samples.count("GPUUtilization") <= devices);
}

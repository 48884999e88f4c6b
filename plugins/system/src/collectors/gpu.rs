//! NVIDIA GPUs, through the driver's own library, opened when it is there.
//!
//! A machine without GPU or driver has no samples and no error. The library is looked for again
//! once a minute, so that a driver installed later is found without a restart. A figure that a
//! device does not support (a MIG slice has no utilization) is left out, never printed as 0.
//! GPUs of other makers are not read.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::error::NvmlError;

use super::{Collector, HOST_LEVEL, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::Reader;
use crate::sample::{Family, Samples, Set};

const HOST_GPU_LABELS: &[&str] = &["Level", "DeviceId", "Hostname"];
const fn host(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::TorchServe, name, help, HOST_GPU_LABELS)
}
const PERCENT: &str = "Torchserve prometheus gauge metric with unit: Percent";
static INHERITED: [Family; 3] = [
    host("GPUUtilization", PERCENT),
    host("GPUMemoryUtilization", PERCENT),
    host(
        "GPUMemoryUsed",
        "Torchserve prometheus gauge metric with unit: Megabytes",
    ),
];

const fn own(name: &'static str, help: &'static str) -> Family {
    Family::gauge(Set::Meterbox, name, help, &["gpu"])
}
static INFO: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_gpu_info",
    "Always 1; says which device a number of the label gpu stands for.",
    &["gpu", "uuid", "name"],
);
static UTILIZATION: Family = own(
    "meterbox_system_gpu_utilization_ratio",
    "Share of the driver's last sampling period in which a kernel ran on the GPU.",
);
static MEMORY_SIZE: Family = own(
    "meterbox_system_gpu_memory_size_bytes",
    "Memory of the GPU.",
);
static MEMORY_USED: Family = own(
    "meterbox_system_gpu_memory_used_bytes",
    "Memory of the GPU that is not free.",
);
static TEMPERATURE: Family = own(
    "meterbox_system_gpu_temperature_celsius",
    "Temperature of the chip.",
);
static POWER: Family = own(
    "meterbox_system_gpu_power_watts",
    "Power that the GPU draws.",
);
static ENERGY: Family = Family::counter(
    Set::Meterbox,
    "meterbox_system_gpu_energy_joules_total",
    "Energy that the GPU took since the driver was loaded.",
    &["gpu"],
);

const MEBIBYTE: f64 = 1_048_576.0;
const DRIVER_NAME: &str = "libnvidia-ml.so.1";
/// How long to leave a missing driver alone.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Asks NVML.
pub(super) struct Gpu {
    hostname: String,
    path: Option<String>,
    driver: Option<Nvml>,
    tried: Option<Instant>,
}

/// What one device says; `None` where it does not support the figure.
struct Reading {
    uuid: String,
    name: String,
    utilization_percent: Option<u32>,
    /// Size and free part, in bytes.
    memory: Option<(u64, u64)>,
    temperature_celsius: Option<u32>,
    power_milliwatts: Option<u32>,
    energy_millijoules: Option<u64>,
}

impl Gpu {
    pub(super) fn new(settings: &Settings) -> Self {
        let (hostname, path) = (settings.hostname.clone(), settings.nvml_path.clone());
        Self {
            hostname,
            path,
            driver: None,
            tried: None,
        }
    }

    /// Opens the driver unless it was missing a moment ago.
    fn open(&mut self, out: &mut Samples) -> Option<&Nvml> {
        let due = self
            .tried
            .is_none_or(|tried| tried.elapsed() >= RETRY_AFTER);
        if self.driver.is_none() && due {
            self.tried = Some(Instant::now());
            let path = self.path.as_deref().unwrap_or(DRIVER_NAME);
            match Nvml::builder().lib_path(OsStr::new(path)).init() {
                Ok(driver) => self.driver = Some(driver),
                // Nobody asked for a GPU: a machine without one is no problem.
                Err(NvmlError::LibloadingError(_) | NvmlError::DriverNotLoaded)
                    if self.path.is_none() => {}
                Err(error) => out.problem(&refused(&format!("opening {path}"), &error)),
            }
        }
        self.driver.as_ref()
    }

    fn add(&self, index: u32, reading: &Reading, out: &mut Samples) {
        let gpu = index.to_string();
        let [utilization, memory_utilization, memory_used] = &INHERITED;
        let inherited: &[&str] = &[HOST_LEVEL, &gpu, &self.hostname];
        let own: &[&str] = &[&gpu];
        out.add(&INFO, &[&gpu, &reading.uuid, &reading.name], 1.0);
        if let Some(percent) = reading.utilization_percent {
            out.add(utilization, inherited, f64::from(percent));
            out.add(&UTILIZATION, own, f64::from(percent) / 100.0);
        }
        if let Some((size, free)) = reading.memory {
            let used = size.saturating_sub(free) as f64;
            out.add(memory_used, inherited, used / MEBIBYTE);
            out.add(
                memory_utilization,
                inherited,
                used / size.max(1) as f64 * 100.0,
            );
            out.add(&MEMORY_SIZE, own, size as f64);
            out.add(&MEMORY_USED, own, used);
        }
        if let Some(celsius) = reading.temperature_celsius {
            out.add(&TEMPERATURE, own, f64::from(celsius));
        }
        if let Some(milliwatts) = reading.power_milliwatts {
            out.add(&POWER, own, f64::from(milliwatts) / 1000.0);
        }
        if let Some(millijoules) = reading.energy_millijoules {
            out.add(&ENERGY, own, millijoules as f64 / 1000.0);
        }
    }
}

fn refused(what: &str, error: &NvmlError) -> CollectError {
    CollectError::Call {
        what: format!("gpu: {what}"),
        text: error.to_string(),
    }
}

/// Asks one device; only a device that cannot be reached at all is an error.
fn read(driver: &Nvml, index: u32, out: &mut Samples) -> Result<Reading, NvmlError> {
    let device = driver.device_by_index(index)?;
    let mut problems = Vec::new();
    let mut figure = |what: &str, error: NvmlError| match error {
        // The device or an older driver does not have the figure.
        NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_) => {}
        error => problems.push(refused(&format!("{what} of device {index}"), &error)),
    };
    let reading = Reading {
        uuid: device
            .uuid()
            .map_err(|error| figure("uuid", error))
            .unwrap_or_default(),
        name: device
            .name()
            .map_err(|error| figure("name", error))
            .unwrap_or_default(),
        utilization_percent: device
            .utilization_rates()
            .map(|rates| rates.gpu)
            .map_err(|error| figure("utilization", error))
            .ok(),
        memory: device
            .memory_info()
            .map(|memory| (memory.total, memory.free))
            .map_err(|error| figure("memory", error))
            .ok(),
        temperature_celsius: device
            .temperature(TemperatureSensor::Gpu)
            .map_err(|error| figure("temperature", error))
            .ok(),
        power_milliwatts: device
            .power_usage()
            .map_err(|error| figure("power", error))
            .ok(),
        energy_millijoules: device
            .total_energy_consumption()
            .map_err(|error| figure("energy", error))
            .ok(),
    };
    problems.iter().for_each(|problem| out.problem(problem));
    Ok(reading)
}

impl Collector for Gpu {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of(INHERITED.iter().chain([
            &INFO,
            &UTILIZATION,
            &MEMORY_SIZE,
            &MEMORY_USED,
            &TEMPERATURE,
            &POWER,
            &ENERGY,
        ]))
    }

    fn sets(&self) -> &'static [Set] {
        &[Set::Meterbox, Set::TorchServe]
    }

    fn declared(&self) -> &'static [Family] {
        &INHERITED
    }

    fn collect(&mut self, _reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let Some(driver) = self.open(out) else {
            return Ok(());
        };
        let count = match driver.device_count() {
            Ok(count) => count,
            Err(error) => {
                // The driver was reloaded under us: begin anew at the next scrape.
                self.driver = None;
                self.tried = None;
                return Err(refused("counting devices", &error));
            }
        };
        let mut readings = Vec::new();
        for index in 0..count {
            match read(driver, index, out) {
                Ok(reading) => readings.push((index, reading)),
                Err(error) => out.problem(&refused(&format!("device {index}"), &error)),
            }
        }
        for (index, reading) in &readings {
            self.add(*index, reading, out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Settings of one model version, from all who have a say: the request that registers it, the archive's
//! YAML, the `models` key, the defaults; the first of these that says something counts.
//!
//! **Source:** order, names and defaults are TorchServe 0.12's.

use super::archive::{ModelConfig, Runtime};
use super::queue::QueueRules;
use meterbox_config::{ModelPreset, ModelSettings};
use std::time::Duration;

/// How long workers may fail before `/ping` says so.
const RETRY_TIMEOUT_S: u32 = 300;
/// How long a batch may wait to fill, in milliseconds.
const BATCH_DELAY_MS: u32 = 100;
/// Largest batch.
const BATCH_MAX: u32 = 10_000;
/// Most workers of one version.
pub const WORKERS_MAX: u32 = 10_000;

/// What a request to register a model says; what is absent is left to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The model's name.
    pub model_name: Option<String>,
    /// The handler.
    pub handler: Option<String>,
    /// The runtime.
    pub runtime: Option<Runtime>,
    /// Requests in a batch.
    pub batch_size: Option<u32>,
    /// How long a batch may wait to fill, in milliseconds.
    pub max_batch_delay: Option<u32>,
    /// Workers to begin with.
    pub initial_workers: Option<u32>,
    /// How long a worker may take for a batch, in seconds.
    pub response_timeout: Option<u32>,
    /// How long a worker may take to load, in seconds.
    pub startup_timeout: Option<u32>,
}

/// The settings in force for one version. Times are in the units that descriptions print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSettings {
    /// Fewest workers to begin with.
    pub min_workers: u32,
    /// Most workers to begin with.
    pub max_workers: u32,
    /// Requests in a batch.
    pub batch_size: u32,
    /// How long a batch may wait to fill, in milliseconds.
    pub max_batch_delay_ms: u32,
    /// How long a worker may take for a batch, in seconds.
    pub response_timeout_s: u32,
    /// How long a worker may take to load, in seconds.
    pub startup_timeout_s: u32,
    /// How long workers may fail before `/ping` says so, in seconds.
    pub retry_timeout_s: u32,
    /// Age at which a waiting request is given up, in milliseconds; 0 never.
    pub client_timeout_ms: u32,
    /// Requests that may wait.
    pub jobs_max: u32,
    /// Whether a request is only taken while a worker is idle.
    pub use_job_ticket: bool,
    /// GPUs that workers are spread over; none means they run on the CPU.
    pub gpus: Vec<u32>,
}

impl VersionSettings {
    /// The settings that follow. `workers` is the number to begin with when nobody names one; `gpus`
    /// are those of the machine.
    #[must_use]
    pub fn of(
        wishes: &Wishes,
        config: &ModelConfig,
        preset: Option<&ModelPreset>,
        defaults: &ModelSettings,
        workers: u32,
        gpus: &[u32],
    ) -> Self {
        let preset = preset.cloned().unwrap_or_default();
        let (min, max) = workers_of(wishes, config, &preset, workers);
        let batch_size = wishes
            .batch_size
            .or(config.batch_size)
            .or(preset.batch_size);
        let delay = wishes.max_batch_delay.or(config.max_batch_delay);
        let response = wishes.response_timeout.or(config.response_timeout);
        let startup = wishes.startup_timeout.or(config.startup_timeout);
        let seconds = |own: Option<u32>, preset: Option<Duration>, default: Duration| {
            own.unwrap_or_else(|| whole(preset.unwrap_or(default).as_secs().into()))
        };
        let on_cpu = config.device_type.as_deref() == Some("cpu");
        let gpus = match &config.device_ids {
            _ if on_cpu => Vec::new(),
            Some(wanted) => wanted
                .iter()
                .copied()
                .filter(|gpu| gpus.contains(gpu))
                .collect(),
            None => gpus.to_vec(),
        };
        Self {
            min_workers: min.min(WORKERS_MAX),
            max_workers: max.min(WORKERS_MAX),
            batch_size: batch_size.unwrap_or(1).clamp(1, BATCH_MAX),
            max_batch_delay_ms: delay.unwrap_or_else(|| {
                preset
                    .max_batch_delay
                    .map_or(BATCH_DELAY_MS, |delay| whole(delay.as_millis()))
            }),
            response_timeout_s: seconds(
                response,
                preset.response_timeout,
                defaults.response_timeout,
            ),
            startup_timeout_s: seconds(startup, preset.startup_timeout, defaults.startup_timeout),
            retry_timeout_s: config.max_retry_timeout_in_sec.unwrap_or(RETRY_TIMEOUT_S),
            client_timeout_ms: config.client_timeout_in_mills.unwrap_or(0),
            jobs_max: config
                .job_queue_size
                .unwrap_or_else(|| whole(defaults.job_queue_size as u128)),
            use_job_ticket: config.use_job_ticket.unwrap_or(false),
            gpus,
        }
    }

    /// The rules of its queue.
    #[must_use]
    pub fn queue_rules(&self) -> QueueRules {
        QueueRules {
            jobs_max: self.jobs_max as usize,
            batch_size: self.batch_size as usize,
            batch_delay: Duration::from_millis(self.max_batch_delay_ms.into()),
            expiry: Duration::from_millis(self.client_timeout_ms.into()),
            needs_idle_worker: self.use_job_ticket,
        }
    }

    /// How long a worker may take for a batch.
    #[must_use]
    pub fn response_timeout(&self) -> Duration {
        Duration::from_secs(self.response_timeout_s.into())
    }

    /// How long a worker may take to load.
    #[must_use]
    pub fn startup_timeout(&self) -> Duration {
        Duration::from_secs(self.startup_timeout_s.into())
    }
}

fn workers_of(
    wishes: &Wishes,
    config: &ModelConfig,
    preset: &ModelPreset,
    default: u32,
) -> (u32, u32) {
    if let Some(initial) = wishes.initial_workers {
        return (initial, initial);
    }
    let min = config.min_workers.or(preset.min_workers);
    let max = config.max_workers.or(preset.max_workers);
    let min = min.or(max.map(|max| max.min(1))).unwrap_or(default);
    (min, max.unwrap_or(min).max(min))
}

fn whole(number: u128) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_config::Settings;

    fn of(wishes: &Wishes, config: &ModelConfig, preset: Option<&ModelPreset>) -> VersionSettings {
        VersionSettings::of(wishes, config, preset, &Settings::defaults().models, 0, &[])
    }

    #[test]
    fn defaults_are_those_that_descriptions_show() {
        let settings = of(&Wishes::default(), &ModelConfig::default(), None);
        assert_eq!((settings.min_workers, settings.max_workers), (0, 0));
        assert_eq!((settings.batch_size, settings.max_batch_delay_ms), (1, 100));
        assert_eq!(
            (settings.response_timeout_s, settings.startup_timeout_s),
            (120, 120)
        );
        assert_eq!((settings.retry_timeout_s, settings.jobs_max), (300, 100));
    }

    #[test]
    fn the_request_wins_over_the_archive_and_the_archive_over_the_models_key() {
        let preset = ModelPreset {
            batch_size: Some(2),
            max_batch_delay: Some(Duration::from_millis(7)),
            min_workers: Some(5),
            response_timeout: Some(Duration::from_secs(9)),
            ..ModelPreset::default()
        };
        let config = ModelConfig {
            batch_size: Some(4),
            min_workers: Some(1),
            max_workers: Some(2),
            ..ModelConfig::default()
        };
        let wishes = Wishes {
            batch_size: Some(8),
            ..Wishes::default()
        };
        let settings = of(&wishes, &config, Some(&preset));
        assert_eq!((settings.batch_size, settings.max_batch_delay_ms), (8, 7));
        assert_eq!((settings.min_workers, settings.max_workers), (1, 2));
        assert_eq!(settings.response_timeout_s, 9);
        let wishes = Wishes {
            initial_workers: Some(3),
            ..Wishes::default()
        };
        let settings = of(&wishes, &config, None);
        assert_eq!(
            (
                settings.min_workers,
                settings.max_workers,
                settings.batch_size
            ),
            (3, 3, 4)
        );
    }

    #[test]
    fn an_archive_chooses_among_the_gpus_that_there_are() {
        let gpus = |config: &ModelConfig| {
            let models = Settings::defaults().models;
            VersionSettings::of(&Wishes::default(), config, None, &models, 0, &[0, 1]).gpus
        };
        assert_eq!(gpus(&ModelConfig::default()), [0, 1]);
        let one = ModelConfig {
            device_ids: Some(vec![1, 7]),
            ..ModelConfig::default()
        };
        assert_eq!(gpus(&one), [1]);
        let cpu = ModelConfig {
            device_type: Some("cpu".to_owned()),
            ..ModelConfig::default()
        };
        assert!(gpus(&cpu).is_empty());
    }
}

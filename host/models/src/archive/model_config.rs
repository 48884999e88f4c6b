//! The `configFile` of an archive: settings of a model in YAML.
//!
//! The file is data: anchors within a budget, no tags. Keys that this server has no use for are
//! skipped, as TorchServe 0.12 does; handlers find all of them in their context, from the JSON that is written
//! here, so that a file is never good for the server and bad for a worker.

use super::document::Document;
use super::entry::Names;
use super::error::ArchiveError;
use super::manifest::Manifest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Larger files are refused.
const BYTES_MAX: u64 = 1 << 20;
/// The file as JSON, in the unpacked archive, for the worker.
const JSON_PATH: &str = "MAR-INF/config.json";

/// What the file says; what is absent has its default. Times are in the units that the file has them in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelConfig {
    /// Fewest workers.
    pub min_workers: Option<u32>,
    /// Most workers.
    pub max_workers: Option<u32>,
    /// Requests in a batch.
    pub batch_size: Option<u32>,
    /// How long a batch may wait to fill, in milliseconds.
    pub max_batch_delay: Option<u32>,
    /// How long a worker may take for a batch, in seconds.
    pub response_timeout: Option<u32>,
    /// How long a worker may take to load, in seconds.
    pub startup_timeout: Option<u32>,
    /// How long a worker may fail before `/ping` says so, in seconds.
    pub max_retry_timeout_in_sec: Option<u32>,
    /// Age at which a waiting request is given up, in milliseconds; 0 never.
    pub client_timeout_in_mills: Option<u32>,
    /// Requests that may wait.
    pub job_queue_size: Option<u32>,
    /// Whether a request is only taken while a worker is idle.
    pub use_job_ticket: Option<bool>,
    /// `cpu` or `gpu`.
    pub device_type: Option<String>,
    /// The GPUs that workers may use.
    pub device_ids: Option<Vec<u32>>,
}

impl ModelConfig {
    pub(super) fn read(folder: &Path, manifest: &Manifest) -> Result<Self, ArchiveError> {
        let Some(name) = &manifest.config_file else {
            return Ok(Self::default());
        };
        let refuse = |text: String| ArchiveError::Config {
            file: name.clone(),
            text,
        };
        let path = Names::default().place(name.as_bytes(), false, folder)?;
        let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
        let mut text = String::new();
        let read = file.take(BYTES_MAX + 1).read_to_string(&mut text);
        read.map_err(|error| refuse(error.to_string()))?;
        if text.len() as u64 > BYTES_MAX {
            return Err(refuse(format!("longer than {BYTES_MAX} bytes")));
        }
        let config = Self::parse(&text).map_err(refuse)?;
        let json = as_json(&text).map_err(refuse)?;
        std::fs::write(folder.join(JSON_PATH), json).map_err(ArchiveError::Write)?;
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config = parse::<Option<Self>>(text, false)?.unwrap_or_default();
        config.check().map_or(Ok(config), Err)
    }

    /// What makes no sense, whatever else is set.
    fn check(&self) -> Option<String> {
        let zero = |name: &str, value: Option<u32>| {
            (value == Some(0)).then(|| format!("{name} is 0: it has to be at least 1"))
        };
        zero("batchSize", self.batch_size)
            .or_else(|| zero("responseTimeout", self.response_timeout))
            .or_else(|| zero("startupTimeout", self.startup_timeout))
            .or_else(|| zero("jobQueueSize", self.job_queue_size))
    }
}

fn as_json(text: &str) -> Result<String, String> {
    match parse(text, true)? {
        map @ Document::Map(_) => Ok(map.to_string()),
        Document::Null => Ok("{}".to_owned()),
        _ => Err("keys with values are expected".to_owned()),
    }
}

/// `strict`: only `true` and `false` are truth values, and not the words that YAML 1.1 had for them.
fn parse<T: DeserializeOwned>(text: &str, strict: bool) -> Result<T, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 100_000,
            max_aliases: 1_000,
            max_anchors: 100,
            max_depth: 32,
            max_documents: 1,
        },
        strict_booleans: strict,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_other_keys_skipped() {
        let text = "minWorkers: 1\nmaxWorkers: 2\nbatchSize: 4\nmaxBatchDelay: 50\n\
                    responseTimeout: 5\njobQueueSize: 2\nhandler:\n  a: [1, 2]\n  b: {c: d}\n";
        let config = ModelConfig::parse(text).unwrap();
        assert_eq!((config.min_workers, config.max_workers), (Some(1), Some(2)));
        assert_eq!(
            (config.batch_size, config.max_batch_delay),
            (Some(4), Some(50))
        );
        assert_eq!(
            (config.response_timeout, config.job_queue_size),
            (Some(5), Some(2))
        );
        assert_eq!(config.startup_timeout, None);
        assert_eq!(ModelConfig::parse("").unwrap(), ModelConfig::default());
    }

    #[test]
    fn wrong_types_and_zeroes_are_refused() {
        for text in [
            "batchSize: many",
            "batchSize: 0",
            "responseTimeout: -1",
            "- a",
            "a: [",
            "minWorkers: 1.5",
        ] {
            assert!(ModelConfig::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn handlers_find_what_the_file_says() {
        let text = "minWorkers: 1\nname: \"a # b\"\nsingle: 'it''s'\nurl: http://host:80/path\n\
                    time: 12:30\nday: 2024-01-02\nnegative: -5\nfloat: 1.5e3\nempty:\ntilde: ~\n\
                    yes_word: yes\ntruth: true\ndeviceIds: [0, 1, 'x,y']\n\
                    flow: {a: 1, \"b\": [c, {d: e}]}\nnames: {0: cat, 1: dog}\nlimit: .inf\n\
                    text: |\n  one\n  two\nanchor: &a [7]\nagain: *a\n'': odd\n";
        let expected = r#"{"":[["minWorkers",1],["name","a # b"],["single","it's"],["url","http://host:80/path"],
            ["time","12:30"],["day","2024-01-02"],["negative",-5],["float",1500.0],["empty",null],["tilde",null],
            ["yes_word","yes"],["truth",true],["deviceIds",[0,1,"x,y"]],
            ["flow",{"a":1,"b":["c",{"d":"e"}]}],["names",{"":[[0,"cat"],[1,"dog"]]}],["limit",Infinity],
            ["text","one\ntwo\n"],["anchor",[7]],["again",[7]],["","odd"]]}"#;
        let lines: Vec<_> = expected.lines().map(str::trim_start).collect();
        assert_eq!(as_json(text).unwrap(), lines.concat());
        assert_eq!(as_json("# nothing\n").unwrap(), "{}");
    }

    #[test]
    fn what_no_handler_could_find_is_refused() {
        for text in [
            "- a",
            "a: [",
            "[1, 2]: b",
            "a: 1\na: 2",
            "a: 1\n---\nb: 2",
            "word",
        ] {
            assert!(as_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let row = format!("*a{}, ", level - 1).repeat(9);
            text += &format!("a{level}: &a{level} [{}]\n", row.trim_end_matches(", "));
        }
        assert!(ModelConfig::parse(&text).is_err());
    }
}

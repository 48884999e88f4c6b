//! What was said: key, text and origin, before anything is understood.
//!
//! Here the precedence is decided (environment over command line over file), older names are turned
//! into present ones and `$$NAME$$` is replaced. No value is parsed except the two switches that
//! say which environment variables count.
//!
//! **Source:** TorchServe 0.12, configuration precedence and environment names.

use super::environment::Environment;
use super::error::{ConfigError, Fault, Notice, Warning};
use super::key::{Key, Variable};
use super::keys;
use super::nearest::nearest;
use super::origin::Origin;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The texts that a configuration is made of.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// The file, if there is one.
    pub file: Option<FileText>,
    /// Options of the command line, in their order.
    pub overrides: &'a [Override],
    /// The environment.
    pub environment: &'a Environment,
    /// The folder that relative paths of the command line and the environment are against.
    pub working_folder: &'a Path,
}

/// The content of a configuration file.
#[derive(Debug, Clone)]
pub struct FileText {
    /// Its name, as errors show it.
    pub name: String,
    /// The folder that its relative paths, and those of defaults, are against.
    pub folder: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A value given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The key.
    pub key: String,
    /// The value, as it would be written in the file.
    pub value: String,
    /// The option that said so, with its dashes.
    pub option: String,
}

/// One value as it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawValue {
    /// The key as it was written, maybe an older name.
    pub written: String,
    /// The text.
    pub text: String,
    /// Where it was said.
    pub origin: Origin,
    /// The folder that a relative path in it is against.
    pub folder: Arc<Path>,
}

/// Everything that was said, by the present name of the key; unknown keys are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawConfig {
    /// The values.
    pub values: BTreeMap<String, RawValue>,
    /// Lines that cannot be read.
    pub errors: Vec<ConfigError>,
    /// Odd lines.
    pub warnings: Vec<Warning>,
}

impl RawConfig {
    /// Collects what all sources say.
    #[must_use]
    pub fn collect(sources: &Sources<'_>) -> Self {
        let mut raw = Self::default();
        if let Some(file) = &sources.file {
            raw.add_file(file, sources.environment);
        }
        let counts = EnvironmentRules::of(&raw);
        let folder: Arc<Path> = sources.working_folder.into();
        for said in sources.overrides {
            if keys::find(&said.key).is_none() {
                let origin = Origin::CommandLine {
                    option: said.option.clone(),
                };
                let fault = Fault::UnknownKey {
                    nearest: nearest_key(&said.key),
                };
                raw.errors.push(ConfigError {
                    origin,
                    key: said.key.clone(),
                    fault,
                });
                continue;
            }
            raw.set(RawValue {
                written: said.key.clone(),
                text: said.value.clone(),
                origin: Origin::CommandLine {
                    option: said.option.clone(),
                },
                folder: Arc::clone(&folder),
            });
        }
        for key in keys::all().filter(|key| counts.allow(key)) {
            raw.add_variable(key, sources.environment, &folder);
        }
        raw
    }

    fn add_file(&mut self, file: &FileText, environment: &Environment) {
        let name: Arc<str> = file.name.as_str().into();
        let folder: Arc<Path> = file.folder.as_path().into();
        let at = |line| Origin::File {
            name: Arc::clone(&name),
            line,
        };
        let parsed = meterbox_properties::parse(&file.bytes);
        for error in parsed.errors {
            let key = "this line".to_owned();
            let fault = Fault::Syntax(error.fault);
            self.errors.push(ConfigError {
                origin: at(error.line),
                key,
                fault,
            });
        }
        for entry in parsed.entries {
            let origin = at(entry.line);
            let text = match substitute(&entry.value, environment) {
                Ok(text) => text,
                Err(fault) => {
                    self.errors.push(ConfigError {
                        origin,
                        key: entry.key,
                        fault,
                    });
                    continue;
                }
            };
            self.warn_if_unknown(&entry.key, &origin);
            let folder = Arc::clone(&folder);
            let value = RawValue {
                written: entry.key,
                text,
                origin,
                folder,
            };
            if let Some(earlier) = self.set(value.clone()) {
                self.compare(earlier, &value);
            }
        }
    }

    /// Two lines of one file: the later wins, but not silently, and not between two names.
    fn compare(&mut self, earlier: RawValue, later: &RawValue) {
        let Origin::File { line, .. } = later.origin else {
            return;
        };
        if earlier.written == later.written {
            let (origin, key) = (earlier.origin, earlier.written);
            self.warnings.push(Warning {
                origin,
                key,
                notice: Notice::SetAgain { line },
            });
        } else if earlier.text.trim() != later.text.trim() {
            let (origin, key) = (later.origin.clone(), later.written.clone());
            let fault = Fault::TwoNames {
                other: earlier.written,
                other_at: earlier.origin.to_string(),
            };
            self.errors.push(ConfigError { origin, key, fault });
        }
    }

    fn add_variable(&mut self, key: &Key, environment: &Environment, folder: &Arc<Path>) {
        let set = key
            .variables()
            .into_iter()
            .find_map(|variable| Some((environment.get(&variable)?.to_owned(), variable)));
        if let Some((text, variable)) = set {
            self.set(RawValue {
                written: key.name.to_owned(),
                text,
                origin: Origin::Environment { variable },
                folder: Arc::clone(folder),
            });
        }
    }

    /// Puts `value` in the place of an earlier one, which it returns.
    fn set(&mut self, value: RawValue) -> Option<RawValue> {
        let name = match keys::find(&value.written) {
            Some(key) if !key.is_pattern() => key.name.to_owned(),
            _ => value.written.clone(),
        };
        self.values.insert(name, value)
    }

    fn warn_if_unknown(&mut self, written: &str, origin: &Origin) {
        if keys::find(written).is_some() {
            return;
        }
        let nearest = nearest_key(written);
        let (origin, key) = (origin.clone(), written.to_owned());
        self.warnings.push(Warning {
            origin,
            key,
            notice: Notice::Unknown { nearest },
        });
    }
}

/// The nearest key to an unknown one; of a pattern, with the user's part filled in.
fn nearest_key(written: &str) -> Option<String> {
    let names = || keys::all().flat_map(|key| std::iter::once(&key.name).chain(key.aliases));
    let chosen = written.split_once('.').and_then(|(head, rest)| {
        let (chosen, _) = rest.rsplit_once('.')?;
        (head == "plugin").then_some(chosen)
    });
    let filled: Vec<String> = match chosen {
        Some(chosen) => names().map(|name| name.replace("<name>", chosen)).collect(),
        None => names().map(|name| (*name).to_owned()).collect(),
    };
    nearest(written, filled.iter().map(String::as_str)).map(str::to_owned)
}

/// Which environment variables count.
struct EnvironmentRules {
    enabled: bool,
    allowed_urls: bool,
}

impl EnvironmentRules {
    /// The file decides, so that an environment cannot let itself in.
    fn of(raw: &RawConfig) -> Self {
        let is_true = |key| {
            raw.values
                .get(key)
                .is_some_and(|value| value.text.trim().eq_ignore_ascii_case("true"))
        };
        Self {
            enabled: is_true("enable_envvars_config"),
            allowed_urls: is_true("use_env_allowed_urls"),
        }
    }

    fn allow(&self, key: &Key) -> bool {
        match key.variable {
            Variable::Always(_) => true,
            Variable::None => false,
            Variable::Standard | Variable::Named(_) => {
                self.enabled && (key.name != "allowed_urls" || self.allowed_urls)
            }
        }
    }
}

/// `text` with each `$$NAME$$` replaced by the variable `NAME`.
fn substitute(text: &str, environment: &Environment) -> Result<String, Fault> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$$") {
        let Some((variable, after)) = after.split_once("$$") else {
            break;
        };
        if variable.is_empty() || variable.contains('$') {
            // Not a name: the first two signs stand for themselves.
            out.push_str(&rest[..before.len() + 2]);
            rest = &rest[before.len() + 2..];
            continue;
        }
        let unset = || Fault::UnsetVariable {
            variable: variable.to_owned(),
        };
        out.push_str(before);
        out.push_str(environment.get(variable).ok_or_else(unset)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

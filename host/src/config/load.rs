//! Finds and reads the configuration file, and checks what must be on the disk.
//!
//! This is the only file of the configuration that opens files.

use super::environment::Environment;
use super::error::{ConfigError, Fault, LoadError};
use super::origin::Origin;
use super::raw::{FileText, Override, Sources};
use super::settings::Settings;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How the configuration was asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The file named on the command line, and the option that did.
    pub file: Option<(&'a Path, &'static str)>,
    /// Options that set keys.
    pub overrides: &'a [Override],
    /// The environment.
    pub environment: &'a Environment,
    /// The working directory.
    pub working_folder: &'a Path,
    /// What relative paths of the file are against.
    pub paths: RelativeTo,
}

/// What relative paths of the file are against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelativeTo {
    /// The file's folder.
    File,
    /// The working directory, as under the name `torchserve`.
    WorkingFolder,
}

/// Settings, and the file they come from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file; `None` if there is none and defaults stand.
    pub file: Option<PathBuf>,
}

/// Loads the configuration: the file of `TS_CONFIG_FILE`, else the one named on the command line,
/// else `config.properties` in the working directory if it is there.
///
/// # Errors
/// The file that was named cannot be read, or all that is wrong with the values.
///
/// **Source:** TorchServe 0.12, except that no snapshot is looked for.
pub fn load(request: &Request<'_>) -> Result<Loaded, LoadError> {
    let read = read_file(request)?;
    let file = read.as_ref().map(|(path, _)| path.clone());
    let sources = Sources {
        file: read.map(|(_, text)| text),
        overrides: request.overrides,
        environment: request.environment,
        working_folder: request.working_folder,
    };
    let settings = Settings::from_sources(&sources).map_err(LoadError::Invalid)?;
    let errors = folders(&settings);
    if errors.is_empty() {
        Ok(Loaded { settings, file })
    } else {
        Err(LoadError::Invalid(errors))
    }
}

fn read_file(request: &Request<'_>) -> Result<Option<(PathBuf, FileText)>, LoadError> {
    let variable = request
        .environment
        .get("TS_CONFIG_FILE")
        .filter(|path| !path.is_empty());
    let named = variable
        .map(|path| (Path::new(path), "TS_CONFIG_FILE"))
        .or(request.file);
    let (name, named_by) = named.unwrap_or((Path::new("config.properties"), "nothing"));
    let path = request.working_folder.join(name);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(None),
        Err(source) => {
            return Err(LoadError::Unreadable {
                path: name.into(),
                named_by,
                source,
            });
        }
    };
    let folder = match request.paths {
        RelativeTo::File => path.parent().unwrap_or(request.working_folder).to_owned(),
        RelativeTo::WorkingFolder => request.working_folder.to_owned(),
    };
    Ok(Some((
        path,
        FileText {
            name: name.display().to_string(),
            folder,
            bytes,
        },
    )))
}

/// A model store that is named has to be there; plugin folders may come later, since they are
/// watched.
fn folders(settings: &Settings) -> Vec<ConfigError> {
    let Some(path) = settings.models.store.clone().filter(|path| !path.is_dir()) else {
        return Vec::new();
    };
    let key = "model_store".to_owned();
    let said = settings
        .properties
        .iter()
        .find(|property| property.key == key);
    let origin = said.map_or(Origin::Default, |property| property.origin.clone());
    vec![ConfigError {
        origin,
        key,
        fault: Fault::NotAFolder { path },
    }]
}

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
pub struct LoadRequest {
    /// The file named on the command line, and the option that did.
    pub file: Option<(PathBuf, &'static str)>,
    /// Options that set keys.
    pub overrides: Vec<Override>,
    /// The environment.
    pub environment: Environment,
    /// The working directory.
    pub working_folder: PathBuf,
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

impl LoadRequest {
    /// Loads the configuration: the file of `TS_CONFIG_FILE`, else the one named on the command
    /// line, else `config.properties` in the working directory if it is there. A reload calls it
    /// again.
    ///
    /// # Errors
    /// The file that was named cannot be read, or all that is wrong with the values.
    ///
    /// **Source:** TorchServe 0.12, except that no snapshot is looked for.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        let read = self.read_file()?;
        let file = read.as_ref().map(|(path, _)| path.clone());
        let sources = Sources {
            file: read.map(|(_, text)| text),
            overrides: &self.overrides,
            environment: &self.environment,
            working_folder: &self.working_folder,
        };
        let settings = Settings::from_sources(&sources).map_err(LoadError::Invalid)?;
        let errors = missing(&settings);
        if errors.is_empty() {
            Ok(Loaded { settings, file })
        } else {
            Err(LoadError::Invalid(errors))
        }
    }

    fn read_file(&self) -> Result<Option<(PathBuf, FileText)>, LoadError> {
        let variable = self
            .environment
            .get("TS_CONFIG_FILE")
            .filter(|path| !path.is_empty());
        let option = self
            .file
            .as_ref()
            .map(|(path, option)| (path.as_path(), *option));
        let named = variable
            .map(|path| (Path::new(path), "TS_CONFIG_FILE"))
            .or(option);
        let (name, named_by) = named.unwrap_or((Path::new("config.properties"), "nobody"));
        let path = self.working_folder.join(name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
                return Ok(None);
            }
            Err(source) => {
                return Err(LoadError::Unreadable {
                    path: name.into(),
                    named_by,
                    source,
                });
            }
        };
        let folder = match self.paths {
            RelativeTo::File => path.parent().unwrap_or(&self.working_folder).to_owned(),
            RelativeTo::WorkingFolder => self.working_folder.clone(),
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
}

/// What is named has to be there: the model store, the declarations of metrics. Plugin folders may
/// come later, since they are watched.
fn missing(settings: &Settings) -> Vec<ConfigError> {
    let store = settings.models.store.clone();
    let store = store.filter(|path| !path.is_dir());
    let declarations = settings.metrics.declarations.clone();
    let declarations = declarations.filter(|path| !path.is_file());
    let faults = [
        ("model_store", store.map(|path| Fault::NotAFolder { path })),
        (
            "metrics_config",
            declarations.map(|path| Fault::NotAFile { path }),
        ),
    ];
    let said = |key: &str| settings.properties.iter().find(|said| said.key == key);
    let error = |key: &str, fault| ConfigError {
        origin: said(key).map_or(Origin::Default, |property| property.origin.clone()),
        key: key.to_owned(),
        fault,
    };
    faults
        .into_iter()
        .filter_map(|(key, fault)| Some(error(key, fault?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LoadRequest, RelativeTo};
    use crate::Environment;
    use std::path::Path;
    use tempfile::{TempDir, tempdir};

    struct Folder(TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = tempdir().unwrap();
            std::fs::create_dir_all(folder.path().join("etc/models")).unwrap();
            Self(folder)
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.path().join(name), text).unwrap();
        }
    }

    fn request(folder: &Path, variables: &[(&str, &str)]) -> LoadRequest {
        LoadRequest {
            file: None,
            overrides: Vec::new(),
            environment: variables.iter().copied().collect::<Environment>(),
            working_folder: folder.to_owned(),
            paths: RelativeTo::File,
        }
    }

    #[test]
    fn the_variable_wins_over_the_option_and_the_option_over_the_working_folder() {
        let folder = Folder::new();
        folder.write("config.properties", "job_queue_size=1");
        folder.write("option.properties", "job_queue_size=2");
        folder.write("variable.properties", "job_queue_size=3");
        let size = |request: &LoadRequest| request.load().unwrap().settings.models.job_queue_size;
        let mut request = request(folder.path(), &[]);
        assert_eq!(size(&request), 1);
        request.file = Some(("option.properties".into(), "--config"));
        assert_eq!(size(&request), 2);
        request.environment = [("TS_CONFIG_FILE", "variable.properties")]
            .into_iter()
            .collect();
        assert_eq!(size(&request), 3);
    }

    #[test]
    fn without_any_file_defaults_stand_and_a_named_file_must_be_there() {
        let folder = Folder::new();
        let mut request = request(folder.path(), &[]);
        let loaded = request.load().unwrap();
        assert_eq!(
            (loaded.file, loaded.settings.models.job_queue_size),
            (None, 100)
        );
        request.file = Some(("absent.properties".into(), "--config"));
        let error = request.load().unwrap_err().to_string();
        assert_eq!(
            error,
            "absent.properties: No such file or directory (os error 2) (--config names this file)"
        );
    }

    #[test]
    fn the_model_store_is_looked_for_beside_the_file_and_has_to_be_there() {
        let folder = Folder::new();
        folder.write("etc/a.properties", "model_store=models");
        let mut request = request(folder.path(), &[]);
        request.file = Some(("etc/a.properties".into(), "--config"));
        assert!(request.load().is_ok());
        request.paths = RelativeTo::WorkingFolder;
        let expect = format!(
            "etc/a.properties:1: model_store: {} is not a folder; create it or name another one",
            folder.path().join("models").display()
        );
        assert_eq!(request.load().unwrap_err().to_string(), expect);
    }

    #[test]
    fn all_that_is_named_and_not_there_is_said_at_once() {
        let folder = Folder::new();
        folder.write(
            "config.properties",
            "metrics_config=a.yaml\nmodel_store=store",
        );
        let error = request(folder.path(), &[]).load().unwrap_err().to_string();
        let at = folder.path().display();
        let expect = format!(
            "config.properties:2: model_store: {at}/store is not a folder; create it or name another one\n\
             config.properties:1: metrics_config: {at}/a.yaml is not a file; create it or remove this line"
        );
        assert_eq!(error, expect);
        folder.write("a.yaml", "");
        let error = request(folder.path(), &[]).load().unwrap_err().to_string();
        assert!(!error.contains("metrics_config"), "{error}");
    }
}

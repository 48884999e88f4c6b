//! Which models and versions are registered, and which version answers when none is named.
//!
//! The first version of a model is its default until another one is made so; the default cannot be
//! removed while others exist.
//!
//! **Source:** rules and texts are TorchServe 0.12's.

use super::version::Version;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All registered models.
#[derive(Debug, Default)]
pub(super) struct Repository {
    models: RwLock<BTreeMap<String, Model>>,
}

#[derive(Debug)]
struct Model {
    default: String,
    versions: BTreeMap<String, Arc<Version>>,
}

/// Why a model or version was not found, added or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// No model of this name.
    #[error("Model not found: {0}")]
    ModelNotFound(String),
    /// The model has no such version.
    #[error("Model version: {version} does not exist for model: {name}")]
    VersionNotFound {
        /// The model.
        name: String,
        /// The version.
        version: String,
    },
    /// The version cannot become the default, since it is not there. Another text than the above.
    #[error("Model version {version} does not exist for model {name}")]
    NoSuchDefault {
        /// The model.
        name: String,
        /// The version.
        version: String,
    },
    /// The version is registered already.
    #[error("Model version {version} is already registered for model {name}")]
    Registered {
        /// The model.
        name: String,
        /// The version.
        version: String,
    },
    /// The version answers for the model while others exist.
    #[error("Cannot remove default version for model {0}")]
    IsDefault(String),
}

impl Repository {
    /// Whether the version is there.
    pub(super) fn has(&self, name: &str, version: &str) -> bool {
        let models = self.models.read();
        models
            .get(name)
            .is_some_and(|model| model.versions.contains_key(version))
    }

    pub(super) fn add(&self, added: Arc<Version>) -> Result<(), RepositoryError> {
        let (name, version) = (added.name().to_owned(), added.version().to_owned());
        let mut models = self.models.write();
        let model = models.entry(name.clone()).or_insert_with(|| Model {
            default: version.clone(),
            versions: BTreeMap::new(),
        });
        if model.versions.contains_key(&version) {
            return Err(RepositoryError::Registered { name, version });
        }
        model.versions.insert(version, added);
        Ok(())
    }

    /// The named version, or the default one.
    pub(super) fn find(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Arc<Version>, RepositoryError> {
        let models = self.models.read();
        let model = models
            .get(name)
            .ok_or_else(|| RepositoryError::ModelNotFound(name.to_owned()))?;
        let version = version.unwrap_or(&model.default);
        model
            .versions
            .get(version)
            .cloned()
            .ok_or_else(|| RepositoryError::VersionNotFound {
                name: name.to_owned(),
                version: version.to_owned(),
            })
    }

    /// All versions of a model.
    pub(super) fn versions(&self, name: &str) -> Result<Vec<Arc<Version>>, RepositoryError> {
        let models = self.models.read();
        let model = models
            .get(name)
            .ok_or_else(|| RepositoryError::ModelNotFound(name.to_owned()))?;
        Ok(model.versions.values().cloned().collect())
    }

    /// The default version of each model, by name.
    pub(super) fn defaults(&self) -> Vec<Arc<Version>> {
        let models = self.models.read();
        let default = |model: &Model| model.versions.get(&model.default).cloned();
        models.values().filter_map(default).collect()
    }

    /// All versions of all models, each with whether it is its model's default.
    pub(super) fn all(&self) -> Vec<(Arc<Version>, bool)> {
        let models = self.models.read();
        let rows = models.values().flat_map(|model| {
            let is_default = |version: &Arc<Version>| version.version() == model.default;
            model
                .versions
                .values()
                .map(move |one| (Arc::clone(one), is_default(one)))
        });
        rows.collect()
    }

    pub(super) fn set_default(&self, name: &str, version: &str) -> Result<(), RepositoryError> {
        let mut models = self.models.write();
        let model = models
            .get_mut(name)
            .ok_or_else(|| RepositoryError::ModelNotFound(name.to_owned()))?;
        if !model.versions.contains_key(version) {
            let (name, version) = (name.to_owned(), version.to_owned());
            return Err(RepositoryError::NoSuchDefault { name, version });
        }
        version.clone_into(&mut model.default);
        Ok(())
    }

    /// Takes the named version out, or the default one; the last one takes the model with it.
    pub(super) fn remove(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Arc<Version>, RepositoryError> {
        let found = self.find(name, version)?;
        let mut models = self.models.write();
        let model = models
            .get_mut(name)
            .ok_or_else(|| RepositoryError::ModelNotFound(name.to_owned()))?;
        if model.default == found.version() && model.versions.len() > 1 {
            return Err(RepositoryError::IsDefault(name.to_owned()));
        }
        let removed = model.versions.remove(found.version());
        if model.versions.is_empty() {
            models.remove(name);
        }
        removed.ok_or_else(|| RepositoryError::ModelNotFound(name.to_owned()))
    }

    pub(super) fn len(&self) -> usize {
        self.models
            .read()
            .values()
            .map(|model| model.versions.len())
            .sum()
    }
}

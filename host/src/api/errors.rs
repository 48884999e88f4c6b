//! What the errors of models look like over HTTP.
//!
//! **Source:** classes and statuses are TorchServe 0.12's.

use meterbox_http::{ApiError, Class};
use meterbox_models::{RegisterError, RepositoryError};

/// No such workflow.
const WORKFLOW_NOT_FOUND: Class = Class {
    name: "WorkflowNotFoundException",
    status: 404,
};

/// A model or version that is not there, or may not be added or removed.
pub(super) fn repository(error: &RepositoryError) -> ApiError {
    let class = match error {
        RepositoryError::ModelNotFound(_) => Class::MODEL_NOT_FOUND,
        RepositoryError::VersionNotFound { .. } | RepositoryError::NoSuchDefault { .. } => {
            Class::MODEL_VERSION_NOT_FOUND
        }
        RepositoryError::Registered { .. } => Class::CONFLICT,
        RepositoryError::IsDefault(_) => Class::INVALID_MODEL_VERSION,
    };
    ApiError::new(class, error.to_string())
}

/// A model that was not registered.
pub(super) fn register(error: &RegisterError) -> ApiError {
    let class = match error {
        RegisterError::Store(_) => Class::MODEL_NOT_FOUND,
        RegisterError::Repository(error) => return repository(error),
        RegisterError::BadName { .. } => Class::BAD_REQUEST,
        RegisterError::Workers { code, .. } => {
            return ApiError::internal(error.to_string()).with_status(*code);
        }
        RegisterError::Stopping => Class::SERVICE_UNAVAILABLE,
        _ => Class::INVALID_MODEL,
    };
    ApiError::new(class, error.to_string())
}

/// No such workflow: there are none.
pub(super) fn workflow_not_found(name: &str) -> ApiError {
    ApiError::new(WORKFLOW_NOT_FOUND, format!("Workflow not found: {name}"))
}

//! New plugin projects: files from templates, filled in with a name and the place of the SDK.
//!
//! A project is complete: it builds without a network and passes its own tests. What exists already
//! is never overwritten. Nothing is built or run here.

mod name;
mod project;
mod sdk;

pub use name::{Name, NameError};
pub use project::{Language, Made, ScaffoldError, make};
pub use sdk::{Sdk, SdkError};

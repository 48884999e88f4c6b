//! The configuration: from `config.properties`, environment and command line to typed settings.
//!
//! Two stages. `raw` collects what was said (key, text, origin) from all sources; `settings` is what
//! the program runs on, typed by the key table (`key`, `keys`, `value`), checked (`check`) and split
//! into one part per component. All errors are reported at once, each with its line. `load` reads
//! the file; `render` writes the shipped file and the documentation from the same table.
//!
//! Nobody else reads the environment or the file, and nothing here changes either.

mod address;
mod check;
mod environment;
mod error;
pub mod key;
pub mod keys;
mod load;
mod name_pattern;
mod nearest;
mod origin;
mod raw;
pub mod render;
mod settings;
mod value;
mod values;

pub use address::Address;
pub use environment::Environment;
pub use error::{ConfigError, Fault, LoadError, Notice, Warning};
pub use load::{LoadRequest, Loaded, RelativeTo};
pub use name_pattern::NamePatterns;
pub use origin::Origin;
pub use raw::{FileText, Override, RawConfig, RawValue, Sources};
pub use settings::temp_folder;
pub use settings::{
    ExportLimits, ExportSettings, HttpSettings, Isolation, ListenerSettings, LoadModels, LogFormat,
    LogLevel, LogSettings, MetricSettings, MetricsDetail, MetricsMode, ModelArchive, ModelPreset,
    ModelSettings, PluginGrants, PluginSettings, ProcessSettings, Settings, TokenSettings,
};
pub use value::Value;
pub use values::Property;

#[cfg(test)]
mod tests;

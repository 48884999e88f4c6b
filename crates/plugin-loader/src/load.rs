//! Opens a verified library and checks, before anything of it is called, that both sides mean the
//! same by every type that crosses the border.
//!
//! The header symbol is read by hand: the border library's own loader keeps one module per type and
//! would hand out the first plugin for every later file. Nothing is ever closed again; a library
//! that had run cannot be unmapped safely. Finding and verifying files is not done here.

#![allow(
    unsafe_code,
    reason = "the dynamic linker and the plugin header are foreign by nature"
)]

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use meterbox_plugin_abi::raw::{
    AbiHeaderRef, HEADER_SYMBOL, LAYOUT, LibHeader, check_layout_compatibility,
};
use meterbox_plugin_abi::{API_VERSION, Failure, Host, PluginModuleRef, PluginObject};
use meterbox_plugin_c::CModule;
use meterbox_plugin_files::{Border, Language, Metadata, Reason, Refusal, Verified};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The innermost fields that say where it is.
const REPORT_FIELDS_MAX: usize = 3;

/// A library that is open and whose layout fits.
pub struct Opened {
    module: Module,
}

/// What a library exports, by the border that it was built against.
#[derive(Clone, Copy)]
enum Module {
    Rust(PluginModuleRef),
    C(CModule),
}

impl Module {
    fn border(&self) -> Border {
        match self {
            Self::Rust(_) => Border::Rust,
            Self::C(_) => Border::C,
        }
    }

    /// What the running library says about itself.
    fn metadata(&self) -> &'static [u8] {
        match self {
            Self::Rust(module) => module.metadata_json().as_bytes(),
            Self::C(module) => module.metadata(),
        }
    }

    fn create(&self, host: Host, config: &str) -> Result<PluginObject, Failure> {
        match self {
            Self::Rust(module) => module.create_plugin(host, config),
            Self::C(module) => module.create(host, config),
        }
    }
}

impl Opened {
    /// Opens the library at `path`, which must be absolute, and checks header and layout.
    ///
    /// Constructors in the library run. The library stays open whatever the outcome.
    ///
    /// # Errors
    /// [`Reason::Link`], [`Reason::NoHeader`], [`Reason::Header`], [`Reason::NoLayout`],
    /// [`Reason::Api`] or [`Reason::Layout`].
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        open(path).and_then(|library| check(&library))
    }

    /// What the running library says about itself: JSON text.
    pub fn metadata(&self) -> &'static [u8] {
        self.module.metadata()
    }

    /// Creates the plugin. `config` is a JSON object.
    ///
    /// # Errors
    /// As [`Loaded::create`].
    pub fn create(&self, host: Host, config: &str) -> Result<PluginObject, Failure> {
        self.module.create(host, config)
    }
}

/// A loaded plugin library. Its private copy stays open for the life of the process.
#[derive(Clone)]
pub struct Loaded {
    module: Module,
    origin: Arc<Origin>,
}

/// Where a library came from and what it says about itself.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Where the file was found.
    pub path: PathBuf,
    /// What it says about itself.
    pub metadata: Metadata,
    /// Digest of the mapped bytes, hexadecimal.
    pub sha256: String,
    /// Size of the file as it is mapped into this process, in bytes; 0 for one that is not.
    pub mapped_bytes: u64,
}

impl Origin {
    /// The origin of a file that is not loaded here: nothing of it is mapped.
    pub fn of(verified: &Verified) -> Self {
        Self {
            path: verified.path.clone(),
            metadata: verified.metadata.clone(),
            sha256: verified.sha256_hex(),
            mapped_bytes: 0,
        }
    }
}

impl Loaded {
    /// Opens the private copy of `verified`, for good.
    ///
    /// # Errors
    /// As [`Opened::open`], and [`Reason::BadMetadata`] when the running library states other
    /// metadata than its file.
    pub fn load(verified: Verified) -> Result<Self, Refusal> {
        let path = verified.path.clone();
        load(verified).map_err(|refusal| refusal.at(&path))
    }

    /// Where it came from.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Creates the plugin. `config` is a JSON object.
    ///
    /// # Errors
    /// The plugin's own text; a panic comes back as text, too.
    pub fn create(&self, host: Host, config: &str) -> Result<PluginObject, Failure> {
        self.module.create(host, config)
    }
}

fn load(verified: Verified) -> Result<Loaded, Refusal> {
    let api = verified.metadata.api_version();
    let (Language::Library, Some(api)) = (verified.language, api) else {
        let text = "a Python plugin always runs in a process of its own; set isolation to auto or \
                    process";
        return Err(Refusal::new(Reason::Isolation, text));
    };
    let sha256 = verified.sha256_hex();
    let Verified {
        path,
        copy,
        metadata,
        ..
    } = verified;
    let mapped_bytes = copy.len();
    let library = open(&copy.proc_path())?;
    // The linker tells libraries apart by name: were this descriptor closed, the next copy would
    // get its number, and the linker would answer with this library instead.
    copy.keep_open();
    let Opened { module } = check(&library)?;
    let stated = Metadata::parse(module.metadata(), api)?;
    if stated != metadata || module.border() != metadata.border() {
        let text = "the running library states other metadata than its file; rebuild it";
        return Err(Refusal::new(Reason::BadMetadata, text));
    }
    let origin = Arc::new(Origin {
        path,
        metadata,
        sha256,
        mapped_bytes,
    });
    Ok(Loaded { module, origin })
}

fn open(path: &Path) -> Result<std::mem::ManuallyDrop<Library>, Refusal> {
    let flags = RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE;
    // SAFETY: opening runs the library's constructors. The file passed every check that can be
    // made from outside, and a probe process has survived the same call.
    let library = unsafe { Library::open(Some(path), flags) }.map_err(|error| {
        let why = linker_text(&error, path);
        Refusal::new(
            Reason::Link,
            format!("the dynamic linker refuses it ({why}); rebuild it"),
        )
    })?;
    Ok(std::mem::ManuallyDrop::new(library))
}

fn check(library: &Library) -> Result<Opened, Refusal> {
    // SAFETY: the symbol is only read as an address here; `upgrade` checks the magic behind it
    // before it believes anything else.
    let symbol = unsafe { library.get::<AbiHeaderRef>(HEADER_SYMBOL.as_bytes()) };
    let module = match symbol {
        Ok(header) => Module::Rust(rust_module(*header)?),
        Err(_) => Module::C(CModule::find(library).unwrap_or_else(|| {
            let text = "it exports no plugin header; export it with export_plugin!, or \
                        meterbox_plugin_get_v1 from C";
            Err(Refusal::new(Reason::NoHeader, text))
        })?),
    };
    Ok(Opened { module })
}

fn rust_module(header: AbiHeaderRef) -> Result<PluginModuleRef, Refusal> {
    let header: &'static LibHeader = header.upgrade().map_err(|_| {
        let text = format!(
            "its plugin header is of another kind than that of plugin api {API_VERSION}; rebuild \
             it against this version"
        );
        Refusal::new(Reason::Header, text)
    })?;
    check_layout(header)?;
    // SAFETY: the layout of everything reachable from the root module was compared just now.
    let module = unsafe { header.init_root_module_with_unchecked_layout::<PluginModuleRef>() };
    module.map_err(|error| {
        let text = format!(
            "its root module cannot be made ({}); rebuild it",
            first_line(&error)
        );
        Refusal::new(Reason::Header, text)
    })
}

fn check_layout(header: &'static LibHeader) -> Result<(), Refusal> {
    let Some(theirs) = header.layout() else {
        let text = "it was exported without a description of its types; use export_plugin!";
        return Err(Refusal::new(Reason::NoLayout, text));
    };
    let stated = header.version_strings();
    let plugin = FullVersion::parse(stated.version.as_str());
    let host = FullVersion::parse(API_VERSION);
    let (Some(plugin), Some(host)) = (plugin, host) else {
        let text = format!(
            "its plugin api version {:?} is no version",
            stated.version.as_str()
        );
        return Err(Refusal::new(Reason::Api, text));
    };
    // While the major is 0 each minor is an API of its own.
    if plugin.major != host.major || (host.major == 0 && plugin.minor != host.minor) {
        let text = format!(
            "it was built against plugin api {}, this host has {API_VERSION}; rebuild it",
            stated.version.as_str()
        );
        return Err(Refusal::new(Reason::Api, text));
    }
    // The check proves that the first side's fields are a beginning of the second side's. The older
    // side has fewer, so it comes first: an old plugin then runs in a new host.
    let (plugin_side, host_side) = (("the plugin has", theirs), ("the host has", LAYOUT));
    let (older, newer) = if plugin <= host {
        (plugin_side, host_side)
    } else {
        (host_side, plugin_side)
    };
    check_layout_compatibility(older.1, newer.1).map_err(|errors| {
        let report = short_report(&errors.to_string(), older.0, newer.0);
        let text = format!("its types differ from those of this host ({report}); rebuild it");
        Refusal::new(Reason::Layout, text)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FullVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl FullVersion {
    fn parse(text: &str) -> Option<Self> {
        let core = text.split(['-', '+']).next()?;
        let mut parts = core.split('.').map(|part| part.parse().ok());
        Some(Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next()??,
        })
    }
}

/// The useful part of a layout report, which runs to a thousand lines: its last error, which is the
/// most exact one, with what each side has, and the names of the fields that lead to it.
fn short_report(report: &str, first: &str, second: &str) -> String {
    let lines: Vec<&str> = report
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let Some(at) = lines.iter().rposition(|line| line.starts_with("Error:")) else {
        return "no details".to_owned();
    };
    let (stack, error) = lines.split_at(at);
    let end = stack
        .iter()
        .rposition(|line| line.starts_with("Layout of expected"));
    let fields = stack[..end.unwrap_or(at)].iter().rev();
    let mut fields: Vec<&str> = fields
        .filter_map(|line| line.strip_prefix("field_name:"))
        .take(REPORT_FIELDS_MAX)
        .collect();
    fields.reverse();
    let after = |title: &str| {
        let at = error.iter().position(|line| *line == title)?;
        let value = error.get(at + 1)?;
        Some(value.strip_prefix("field_name:").unwrap_or(value))
    };
    let mut text = fields.join(".");
    if !text.is_empty() {
        text.push_str(": ");
    }
    text.push_str(error[0].trim_start_matches("Error:"));
    for (side, title) in [(first, "Expected:"), (second, "Found:")] {
        if let Some(value) = after(title) {
            text = format!("{text}, {side} {value}");
        }
    }
    text
}

/// The linker's words without the name of the copy, which means nothing to a person.
fn linker_text(error: &libloading::Error, path: &Path) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text.replace(&format!("{}: ", path.display()), "")
}

fn first_line(error: &impl std::fmt::Display) -> String {
    error
        .to_string()
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_report_becomes_its_last_error_and_the_way_to_it() {
        let report = "Compared <this>:\n  type:X\n\nError:incompatible type size\nExpected:\n    8\n\
                      Found:\n    4\n\n  field_name:vt\n  field_name:0\n  field_name:clock\n  \
                      field_name:param_1\nLayout of expected type:\n  field_name:no\n\n\
                      Error:mismatched type\nExpected:\n    u64\nFound:\n    u32\n";
        assert_eq!(
            short_report(report, "one has", "the other has"),
            "0.clock.param_1: mismatched type, one has u64, the other has u32"
        );
        assert_eq!(short_report("nothing of use", "a", "b"), "no details");
    }

    #[test]
    fn versions_are_ordered_by_all_three_numbers() {
        let parse = |text| FullVersion::parse(text);
        assert!(parse("0.1.10") > parse("0.1.9"));
        assert_eq!(parse("1.2.3-rc.1"), parse("1.2.3"));
        assert_eq!(parse("1.2"), None);
    }
}

//! Takes one candidate through every check that needs none of its code to run.
//!
//! Order: open and permissions, private copy, digest, then what its language asks for: of a library
//! ELF ranges, what it links and its metadata section, of a Python program its metadata block.
//! Everything after the copy works on the copy's own bytes, so what was verified is what runs.

use super::glibc::GlibcVersion;
use super::open::FILE_BYTES_MAX;
use super::python::{self, PYTHON_BYTES_MAX};
use super::{
    ApiVersion, Candidate, Elf, Language, Metadata, Pins, PrivateCopy, dynamic, metadata, open,
};
use crate::{Reason, Refusal};
use std::path::PathBuf;

/// What the host's configuration says about files.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The plugin API of this host.
    pub api: ApiVersion,
    /// Names of further libraries that plugins may need (`plugins_needed_extra`).
    pub needed_extra: Vec<String>,
    /// Skip the owner and permission checks (`plugins_insecure_permissions`).
    pub insecure_permissions: bool,
    /// Digests that named files must have.
    pub pins: Pins,
    /// Refuse files that are not pinned (`plugins_require_pins`).
    pub require_pins: bool,
    /// A folder of the host for private copies where memory files cannot be executed.
    pub copy_folder: Option<PathBuf>,
}

impl Policy {
    /// The strictest policy for this plugin API, without pins.
    pub fn new(api: ApiVersion) -> Self {
        Self {
            api,
            needed_extra: Vec::new(),
            insecure_permissions: false,
            pins: Pins::default(),
            require_pins: false,
            copy_folder: None,
        }
    }
}

/// A plugin file that passed every check, and the copy that may be loaded.
#[derive(Debug)]
pub struct Verified {
    /// Where it was found.
    pub path: PathBuf,
    /// What it is written in.
    pub language: Language,
    /// The only bytes that ever run.
    pub copy: PrivateCopy,
    /// What it says about itself.
    pub metadata: Metadata,
    /// Libraries it needs, all of them allowed.
    pub libraries: Vec<String>,
    /// Whether the lock file lists exactly these bytes.
    pub pinned: bool,
    /// The glibc it needs, `2.34`.
    pub glibc: Option<String>,
}

impl Verified {
    /// The digest of the copy in hexadecimal, as `sha256sum` prints it.
    pub fn sha256_hex(&self) -> String {
        hex(self.copy.sha256())
    }
}

fn hex(digest: [u8; 32]) -> String {
    use std::fmt::Write;
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Checks one candidate.
///
/// # Errors
/// A [`Refusal`] whose sentence starts with the path.
pub fn verify(candidate: &Candidate, policy: &Policy) -> Result<Verified, Refusal> {
    let path = candidate.path();
    examine(candidate, policy, path.clone()).map_err(|refusal| refusal.at(&path))
}

fn examine(candidate: &Candidate, policy: &Policy, path: PathBuf) -> Result<Verified, Refusal> {
    let source = open::open(candidate, policy.insecure_permissions)?;
    let name = candidate.file_name.to_string_lossy();
    // The kernel allows 249 bytes; the name only helps to read /proc/PID/maps.
    let label: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    let fallback = policy.copy_folder.as_deref();
    let language = Language::of(&candidate.file_name).unwrap_or(Language::Library);
    let bytes_max = match language {
        Language::Library => FILE_BYTES_MAX,
        Language::Python => PYTHON_BYTES_MAX,
    };
    let (copy, bytes) = PrivateCopy::make(&source, &label, bytes_max, fallback)?;
    let pinned = policy.pins.judge(&name, &hex(copy.sha256()))?;
    if policy.require_pins && !pinned {
        let text = "no lock file lists it, and plugins_require_pins is true; add its sha256";
        return Err(Refusal::new(Reason::Unpinned, text));
    }
    let stated = match language {
        Language::Library => library(&bytes, policy)?,
        Language::Python => Stated {
            metadata: python::metadata(&bytes)?,
            libraries: Vec::new(),
            glibc: None,
        },
    };
    Ok(Verified {
        path,
        language,
        copy,
        metadata: stated.metadata,
        libraries: stated.libraries,
        pinned,
        glibc: stated.glibc,
    })
}

/// What the bytes of a file say.
struct Stated {
    metadata: Metadata,
    libraries: Vec<String>,
    glibc: Option<String>,
}

fn library(bytes: &[u8], policy: &Policy) -> Result<Stated, Refusal> {
    let elf = Elf::parse(bytes)?;
    let needs = dynamic::check(&elf, &policy.needed_extra, GlibcVersion::running())?;
    let section = elf.section(metadata::SECTION).ok_or_else(|| {
        let text = "it is a library but no Meterbox plugin (section .meterbox is missing); export \
                    it with export_plugin!";
        Refusal::new(Reason::NoMetadata, text)
    })?;
    Ok(Stated {
        metadata: Metadata::parse(section, policy.api)?,
        libraries: needs.libraries,
        glibc: needs.glibc.map(|version| version.to_string()),
    })
}

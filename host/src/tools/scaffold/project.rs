//! The files of a project in each language.

use super::name::Name;
use super::sdk::{Sdk, plain};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Rust, with the crate `meterbox-plugin`.
    Rust,
    /// C, with the header `meterbox_plugin.h`.
    C,
    /// Python, with the standard library only.
    Python,
}

/// A project that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// Its files, relative to the folder.
    pub files: Vec<String>,
    /// What to run in the folder: tests, build, and what to copy.
    pub next: Vec<String>,
}

/// Why no project was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// Something is there already.
    #[error("{}: it is there already; choose another name, or another folder with --path", .0.display())]
    Exists(PathBuf),
    /// The program's own path would have to be quoted.
    #[error("{}: this path has characters that makefiles do not take; move the program to a plain path", .0.display())]
    OddProgram(PathBuf),
    /// A file cannot be written.
    #[error("{}: cannot be written ({source}); choose a folder that you may write with --path", .path.display())]
    Unwritable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// One file: its path in the project, its text, whether it is run.
type Template = (&'static str, &'static str, bool);

const RUST: &[Template] = &[
    (
        "Cargo.toml",
        include_str!("templates/rust/Cargo.toml.in"),
        false,
    ),
    (
        "src/lib.rs",
        include_str!("templates/rust/lib.rs.in"),
        false,
    ),
    (
        "README.md",
        include_str!("templates/rust/README.md.in"),
        false,
    ),
    (".gitignore", "/target\n", false),
];
/// Only where the SDK brings the crates along.
const RUST_VENDORED: Template = (
    ".cargo/config.toml",
    include_str!("templates/rust/config.toml.in"),
    false,
);
const C: &[Template] = &[
    ("@NAME@.c", include_str!("templates/c/plugin.c.in"), false),
    ("Makefile", include_str!("templates/c/Makefile.in"), false),
    ("test.sh", include_str!("templates/c/test.sh.in"), true),
    ("README.md", include_str!("templates/c/README.md.in"), false),
    (".gitignore", "*.so\n", false),
];
const PYTHON: &[Template] = &[
    (
        "@NAME@.py",
        include_str!("templates/python/plugin.py.in"),
        false,
    ),
    (
        "test_@NAME@.py",
        include_str!("templates/python/test.py.in"),
        false,
    ),
    (
        "README.md",
        include_str!("templates/python/README.md.in"),
        false,
    ),
    (".gitignore", "__pycache__/\n", false),
];

impl Language {
    fn templates(self, sdk: &Sdk) -> Vec<Template> {
        match self {
            Self::Rust if sdk.vendored => [RUST, &[RUST_VENDORED]].concat(),
            Self::Rust => RUST.to_vec(),
            Self::C => C.to_vec(),
            Self::Python => PYTHON.to_vec(),
        }
    }

    fn next(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &[
                "cargo test --offline",
                "cargo build --release --offline",
                "cp target/release/lib@NAME@.so PLUGINS/@NAME@.so",
            ],
            Self::C => &["make", "make test", "cp @NAME@.so PLUGINS/"],
            Self::Python => &[
                "python3 test_@NAME@.py",
                "meterbox plugins check @NAME@.py",
                "cp @NAME@.py PLUGINS/",
            ],
        }
    }
}

/// Makes the project `name` in the new folder `folder`, against `sdk` and the program `program`.
///
/// # Errors
/// The folder exists, or something cannot be written; a folder that was begun is removed.
pub fn make(
    language: Language,
    name: &Name,
    folder: &Path,
    sdk: &Sdk,
    program: &Path,
) -> Result<Made, ScaffoldError> {
    if !plain(program) {
        return Err(ScaffoldError::OddProgram(program.to_path_buf()));
    }
    let type_name = name.type_name();
    let sdk_root = sdk.root.to_string_lossy();
    let program = program.to_string_lossy();
    let values: [(&str, &str); 7] = [
        ("@NAME@", name.as_str()),
        ("@TYPE@", &type_name),
        ("@SDK@", &sdk_root),
        ("@CRATE@", sdk.rust),
        ("@INCLUDE@", sdk.c),
        ("@PYTHON@", sdk.python),
        ("@METERBOX@", &program),
    ];
    let fill = |text: &str| {
        let mut text = text.to_owned();
        for (placeholder, value) in values {
            text = text.replace(placeholder, value);
        }
        text
    };
    begin(folder)?;
    let mut files = Vec::new();
    for (path, text, run) in language.templates(sdk) {
        let path = fill(path);
        if let Err(source) = write(&folder.join(&path), &fill(text), run) {
            // It was made a moment ago and holds nothing but templates.
            drop(fs::remove_dir_all(folder));
            let path = folder.join(path);
            return Err(ScaffoldError::Unwritable { path, source });
        }
        files.push(path);
    }
    Ok(Made {
        folder: folder.to_path_buf(),
        files,
        next: language.next().iter().map(|line| fill(line)).collect(),
    })
}

/// Makes the folder, which must not be there yet.
fn begin(folder: &Path) -> Result<(), ScaffoldError> {
    let unwritable = |source| ScaffoldError::Unwritable {
        path: folder.to_path_buf(),
        source,
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(unwritable)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(ScaffoldError::Exists(folder.to_path_buf()))
        }
        Err(error) => Err(unwritable(error)),
    }
}

fn write(path: &Path, text: &str, run: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if run { 0o755 } else { 0o644 };
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

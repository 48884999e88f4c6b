//! Builds the libraries of the tests: small cdylibs straight from `rustc` and `cc`, no packages.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot build its fixture has failed"
)]

use meterbox_plugin_files::{ApiVersion, Policy};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn policy() -> Policy {
    Policy::new(ApiVersion { major: 0, minor: 3 })
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let binary = binary.file_stem().unwrap().to_string_lossy().into_owned();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(binary)
        .join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A cdylib with a `.meterbox` section and nothing else.
pub(crate) struct Library {
    name: String,
    api: String,
    panic: String,
    metadata: bool,
    code: String,
    link: Vec<String>,
}

impl Library {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            api: "0.3.0".to_owned(),
            panic: "unwind".to_owned(),
            metadata: true,
            code: String::new(),
            link: Vec::new(),
        }
    }

    pub(crate) fn api(mut self, api: &str) -> Self {
        self.api = api.to_owned();
        self
    }

    pub(crate) fn panic(mut self, panic: &str) -> Self {
        self.panic = panic.to_owned();
        self
    }

    pub(crate) fn without_metadata(mut self) -> Self {
        self.metadata = false;
        self
    }

    pub(crate) fn link(mut self, argument: &str) -> Self {
        self.link.push(argument.to_owned());
        self
    }

    /// Further Rust code in the library.
    pub(crate) fn code(mut self, code: &str) -> Self {
        self.code.push_str(code);
        self
    }

    /// A constructor: runs as soon as the library is opened.
    pub(crate) fn constructor(self, body: &str) -> Self {
        self.code(&format!(
            "extern \"C\" fn constructor() {{ {body} }}\n\
             #[used] #[unsafe(link_section = \".init_array\")]\n\
             static CONSTRUCTOR: extern \"C\" fn() = constructor;\n"
        ))
    }

    /// Builds `<name>.so` into `folder`.
    pub(crate) fn build(self, folder: &Path) -> PathBuf {
        let Self {
            name,
            api,
            panic,
            metadata,
            code,
            link,
        } = self;
        let json =
            format!(r#"{{"name":"{name}","version":"1.2.3","api":"{api}","panic":"{panic}"}}"#);
        let section = format!(
            "#[used] #[unsafe(link_section = \".meterbox\")]\nstatic META: [u8; {}] = *b{json:?};\n",
            json.len()
        );
        let section = if metadata { section } else { String::new() };
        let source = folder.join(format!("{name}.rs"));
        std::fs::write(&source, format!("{section}{code}\npub fn nothing() {{}}\n")).unwrap();
        let path = folder.join(format!("{name}.so"));
        let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
        rustc.args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "--crate-name",
            "library",
        ]);
        rustc
            .args(["-C", "strip=symbols", "-A", "warnings", "-o"])
            .arg(&path)
            .arg(&source);
        rustc.args(
            link.iter()
                .flat_map(|argument| ["-C".to_owned(), format!("link-arg={argument}")]),
        );
        run(&mut rustc);
        path
    }
}

/// The library of a package of this workspace, copied into `folder`.
pub(crate) fn package(package: &str, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    run(Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["build", "--quiet", "-p", package]));
    // CARGO_TARGET_TMPDIR is <target>/tmp; a plain build of the same tree writes beside it.
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../debug");
    let name = package.replace('-', "_");
    let path = folder.join(format!("{name}.so"));
    std::fs::copy(built.join(format!("lib{name}.so")), &path).unwrap();
    path
}

/// Checks the file `name` in `folder`.
pub(crate) fn verified(folder: &Path, name: &str) -> meterbox_plugin_files::Verified {
    use meterbox_plugin_files::{Candidate, verify};
    let candidate = Candidate {
        folder: folder.to_path_buf(),
        file_name: name.into(),
    };
    verify(&candidate, &policy()).unwrap()
}

/// A shared library in C.
pub(crate) fn c_library(folder: &Path, name: &str, source: &str) {
    let file = folder.join(format!("{name}.c"));
    std::fs::write(&file, source).unwrap();
    run(Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(folder.join(name))
        .arg(&file));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

//! Builds the host, the plugins and the archives once for each test program, and says where they are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names the profile that the host and the plugins are built with: `release`, or debug for all else.
pub const PROFILE: &str = "METERBOX_TEST_PROFILE";

/// Where the built things are.
#[derive(Debug)]
pub struct Built {
    /// The root of the repository.
    pub root: PathBuf,
    /// The host's program.
    pub meterbox: PathBuf,
    /// The folder cargo builds into.
    pub target: PathBuf,
    /// A folder with every archive of the repository, examples and test models.
    pub models: PathBuf,
    /// The folder cargo puts libraries into.
    libraries: PathBuf,
}

impl Built {
    /// The library of the plugin in `plugins/<name>` or of a test plugin of that name.
    ///
    /// # Panics
    /// If no such plugin was built.
    #[must_use]
    pub fn plugin(&self, name: &str) -> PathBuf {
        let stem = name.replace('-', "_");
        let candidates = [
            format!("libmeterbox_plugin_{stem}.so"),
            format!("libmeterbox_fixture_{stem}.so"),
        ];
        candidates
            .iter()
            .map(|file| self.libraries.join(file))
            .find(|file| file.is_file())
            .unwrap_or_else(|| panic!("no plugin {name} in {}", self.libraries.display()))
    }
}

/// Builds everything on the first call.
///
/// # Panics
/// If a build fails; its output is on standard error.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> Built {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_path_buf();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .current_dir(&root)
        .args(["build", "--quiet", "--package", "meterbox"]);
    for package in packages(&root) {
        command.args(["--package", &package]);
    }
    // The long forms of the suites run what is shipped.
    let release = std::env::var_os(PROFILE).is_some_and(|profile| profile == "release");
    if release {
        command.arg("--release");
    }
    let status = command.status().expect("cargo starts");
    assert!(
        status.success(),
        "the build of host and plugins failed: {status}"
    );
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let libraries = target.join(if release { "release" } else { "debug" });
    let models = target.join("test-models");
    pack(&root, &models);
    Built {
        meterbox: libraries.join("meterbox"),
        models,
        libraries,
        target,
        root,
    }
}

/// The packages of `plugins/*` and `tests/fixtures/plugins/*`.
fn packages(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for (folder, prefix) in [
        ("plugins", "meterbox-plugin-"),
        ("tests/fixtures/plugins", "meterbox-fixture-"),
    ] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            if entry.path().join("Cargo.toml").is_file() {
                names.push(format!("{prefix}{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    names.sort_unstable();
    names
}

fn pack(root: &Path, store: &Path) {
    std::fs::create_dir_all(store).expect("the target folder is writable");
    for models in ["python/examples", "tests/fixtures/models"] {
        let status = Command::new("python3")
            .arg(root.join("python/archiver.py"))
            .arg("--all")
            .arg(root.join(models))
            .arg("--store")
            .arg(store)
            .stdout(std::process::Stdio::null())
            .status()
            .expect("python3 starts");
        assert!(status.success(), "packing {models} failed: {status}");
    }
}

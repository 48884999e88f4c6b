//! The rules by which the border may grow, on variants of the real one: what may be added is loaded and
//! works, everything else is refused in one line that names the place.
//!
//! Each variant is a copy of the border's sources with a few words changed and a version of its own,
//! compiled in a folder of its own against the libraries that cargo has built already. The loader that
//! judges is the real one, compiled against a variant.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use meterbox_plugin_abi::Host;
use meterbox_plugin_abi::testing::FakeHost;
use meterbox_plugin_loader::load::Loaded;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use support::verified;

/// A variant of the border: its version and what differs, as file, old words and new ones.
struct Variant {
    name: &'static str,
    version: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
}

/// The border as it is, as if it were frozen.
const FIRST: Variant = Variant {
    name: "first",
    version: "1.0.0",
    edits: &[],
};

/// The next minor: a function more in the table of the host and in that of plugins.
const GROWN: Variant = Variant {
    name: "grown",
    version: "1.1.0",
    edits: &[
        (
            "gather/segment.rs",
            "    exemplar_seconds, with_exemplar_seconds: f64;\n",
            "    exemplar_seconds, with_exemplar_seconds: f64;\n    /// More.\n    more, with_more: f64;\n",
        ),
        (
            "host.rs",
            "    /// One fact about the host;",
            "    /// Time since the start.\n    fn uptime_ns(&self) -> u64 { 9 }\n    /// One fact about the host;",
        ),
        (
            "host.rs",
            "    release: unsafe extern \"C\" fn(this: Ptr),",
            "    release: unsafe extern \"C\" fn(this: Ptr),\n    uptime_ns: unsafe extern \"C\" fn(this: Ptr) -> u64,",
        ),
        (
            "host.rs",
            "    release,\n});",
            "    release,\n    uptime_ns,\n});",
        ),
        (
            "host.rs",
            "    fn clock(clock: Clock) -> u64, or 0",
            "    fn uptime_ns() -> u64, or 0 => host.uptime_ns();\n    fn clock(clock: Clock) -> u64, or 0",
        ),
        (
            "host.rs",
            "    /// See [`HostServices::info`].",
            "    /// `None` in an older host.\n    pub fn uptime_ns(&self) -> Option<u64> {\n        \
             self.vt.uptime_ns().map(|uptime| unsafe { uptime(self.this) })\n    }\n    /// See [`HostServices::info`].",
        ),
        (
            "plugin.rs",
            "    /// A timer that it started has come round.",
            "    /// How it feels.\n    fn health(&self) -> u32 { 0 }\n    /// A timer that it started has come round.",
        ),
        (
            "plugin.rs",
            "    release: unsafe extern \"C\" fn(this: Ptr),",
            "    release: unsafe extern \"C\" fn(this: Ptr),\n    health: unsafe extern \"C\" fn(this: Ptr) -> u32,",
        ),
        (
            "plugin.rs",
            "    release,\n});",
            "    release,\n    health,\n});",
        ),
        (
            "plugin.rs",
            "    fn roles() -> Roles, or",
            "    fn health() -> u32, or 0 => plugin.health();\n    fn roles() -> Roles, or",
        ),
        (
            "plugin.rs",
            "    /// See [`PluginEntries::start`].",
            "    /// `None` from an older plugin.\n    pub fn health(&self) -> Option<u32> {\n        \
             self.vt.health().map(|health| unsafe { health(self.this) })\n    }\n    /// See [`PluginEntries::start`].",
        ),
    ],
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Libraries by name, as cargo built them; of several versions the newest.
fn libraries() -> &'static BTreeMap<String, PathBuf> {
    static LIBRARIES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--quiet", "--package", "meterbox-plugin-loader"])
            .arg("--message-format=json")
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let messages = String::from_utf8(built.stdout).unwrap();
        let messages = messages
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let mut found: BTreeMap<String, (String, PathBuf)> = BTreeMap::new();
        for message in messages {
            let message: serde_json::Value = message;
            let name = message["target"]["name"].as_str().unwrap_or_default();
            let files = message["filenames"].as_array().into_iter().flatten();
            let rlib = files
                .filter_map(serde_json::Value::as_str)
                .find(|file| file.ends_with(".rlib"));
            if let Some(rlib) = rlib {
                let id = message["package_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let newest = found.entry(name.to_owned()).or_default();
                *newest = std::mem::take(newest).max((id, PathBuf::from(rlib)));
            }
        }
        found
            .into_iter()
            .map(|(name, (_, rlib))| (name, rlib))
            .collect()
    })
}

/// A compiler run for a variant, whose folder gets what comes out.
fn rustc(variant: &Variant, folder: &Path, name: &str, kind: &str, source: &Path) -> Command {
    let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
    let deps = libraries()["abi_stable"].parent().unwrap();
    rustc
        .args(["--edition", "2024", "-A", "warnings", "-C", "debuginfo=0"])
        .args(["--crate-name", name, "--crate-type", kind])
        .args(["-C", &format!("metadata={}", variant.name)])
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("-L")
        .arg(format!("dependency={}", folder.display()))
        .arg("--out-dir")
        .arg(folder)
        .arg(source)
        .env("CARGO_PKG_NAME", name.replace('_', "-"))
        .env("CARGO_PKG_VERSION", variant.version);
    if !variant.edits.is_empty() && variant.name == GROWN.name {
        rustc.args(["--cfg", "grown"]);
    }
    rustc
}

fn with(rustc: &mut Command, folder: &Path, names: &[&str]) {
    for name in names {
        let own = folder.join(format!("lib{name}.rlib"));
        let library = if own.is_file() {
            &own
        } else {
            &libraries()[*name]
        };
        rustc
            .arg("--extern")
            .arg(format!("{name}={}", library.display()));
    }
}

fn run(rustc: &mut Command) {
    let output = rustc.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{rustc:?}: {errors}");
}

/// Compiles the variant of the border and gives its folder.
fn border(variant: &Variant) -> PathBuf {
    let folder = support::folder(variant.name);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("plugin-api/abi/src"))
        .arg(folder.join("src"))
        .status();
    assert!(copied.unwrap().success());
    for (file, old, new) in variant.edits {
        let path = folder.join("src").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{file}: {old}");
        std::fs::write(&path, text.replace(old, new)).unwrap();
    }
    let source = folder.join("src/lib.rs");
    let mut rustc = rustc(variant, &folder, "meterbox_plugin_abi", "rlib", &source);
    rustc.args(["--cfg", "feature=\"testing\""]);
    with(&mut rustc, &folder, &["abi_stable", "meterbox_names"]);
    run(&mut rustc);
    folder
}

/// Compiles the plugin against the border in `folder`; its metadata states `api`.
fn plugin(variant: &Variant, folder: &Path, api: &str) -> PathBuf {
    let source = root().join("crates/plugin-loader/tests/abi/plugin.rs");
    let json = format!(r#"{{"name":"plain","version":"1.0.0","api":"{api}","panic":"unwind"}}"#);
    let mut rustc = rustc(variant, folder, "plain", "cdylib", &source);
    rustc.env("METADATA", json);
    with(&mut rustc, folder, &["meterbox_plugin_abi"]);
    run(&mut rustc);
    folder.join("libplain.so")
}

/// Compiles a package of `crates/` against the border in `folder`.
fn package(variant: &Variant, folder: &Path, name: &str) {
    let package = root().join("crates").join(name);
    let source = package.join("src/lib.rs");
    let crate_name = format!("meterbox_{}", name.replace('-', "_"));
    let mut library = rustc(variant, folder, &crate_name, "rlib", &source);
    let manifest = std::fs::read_to_string(package.join("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    let (dependencies, _) = dependencies.split_once("\n\n").unwrap();
    let names: Vec<String> = dependencies
        .lines()
        .filter_map(|line| Some(line.split_once('.')?.0.replace('-', "_")))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    with(&mut library, folder, &names);
    run(&mut library);
}

/// Compiles the loader, what it stands on and a host on it against the border in `folder`.
fn host(variant: &Variant, folder: &Path) -> PathBuf {
    for name in ["plugin-files", "plugin-c", "plugin-loader"] {
        package(variant, folder, name);
    }
    let source = root().join("crates/plugin-loader/tests/abi/host.rs");
    let mut program = rustc(variant, folder, "host", "bin", &source);
    let names = [
        "meterbox_plugin_abi",
        "meterbox_plugin_files",
        "meterbox_plugin_loader",
    ];
    with(&mut program, folder, &names);
    run(&mut program);
    folder.join("host")
}

/// What a host printed about a plugin.
fn printed(host: &Path, plugin: &Path) -> String {
    let output = Command::new(host).arg(plugin).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of the grown border and a host on it, compiled once.
fn grown() -> &'static (PathBuf, PathBuf) {
    static GROWN_BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    GROWN_BUILT.get_or_init(|| {
        let folder = border(&GROWN);
        let host = host(&GROWN, &folder);
        (folder, host)
    })
}

#[test]
fn a_plugin_of_the_last_minor_runs_in_a_host_of_the_next() {
    let older = plugin(&FIRST, &border(&FIRST), FIRST.version);
    let (folder, host) = grown();
    assert_eq!(
        printed(host, &older),
        "info: started; info: gathered [3.0]\nshown [2.0] more []\n0 events too many\nhealth None\n",
        "what the older plugin lacks is absent"
    );
    let same = plugin(&GROWN, folder, GROWN.version);
    assert_eq!(
        printed(host, &same),
        "info: started; info: gathered [3.0]; info: more [4.0]; info: uptime Some(9)\n\
         shown [2.0] more [5.0]\n0 events too many\nhealth Some(2)\n"
    );
    let newer = plugin(&GROWN, folder, "1.2.0");
    assert_eq!(
        printed(host, &newer),
        "api: plugin plain 1.0.0 needs plugin api 1.2, this host has 1.1; rebuild it against \
         meterbox-plugin 1.1\n"
    );
}

/// A host of the next minor refuses the plugin of this variant, whose metadata claims to fit, in one
/// line that ends with `words`.
#[track_caller]
fn refused(variant: &Variant, words: &str) {
    let folder = border(variant);
    let plugin = plugin(variant, &folder, FIRST.version);
    let line = printed(&grown().1, &plugin);
    assert_eq!(line.lines().count(), 1, "{line}");
    let place = line.strip_prefix("layout: its types differ from those of this host (");
    let place = place.and_then(|rest| rest.strip_suffix("); rebuild it\n"));
    assert!(place.is_some_and(|place| place.ends_with(words)), "{line}");
}

#[test]
fn a_field_of_another_type_is_refused() {
    let edits = &[
        ("lent.rs", "    len: usize,", "    len: i64,"),
        ("lent.rs", "len: bytes.len(),", "len: bytes.len() as i64,"),
        (
            "lent.rs",
            "self.start, self.len)",
            "self.start, self.len as usize)",
        ),
    ];
    let variant = Variant {
        name: "field",
        version: "1.0.0",
        edits,
    };
    refused(
        &variant,
        "len: mismatched type, the plugin has i64, the host has usize",
    );
}

#[test]
fn a_field_more_in_something_that_crosses_by_value_is_refused() {
    let edits = &[
        (
            "export.rs",
            "    value: RStr<'a>,\n",
            "    value: RStr<'a>,\n    weight: u32,\n",
        ),
        (
            "export.rs",
            "value: RStr::from(*value),",
            "value: RStr::from(*value), weight: 0,",
        ),
    ];
    let variant = Variant {
        name: "by_value",
        version: "1.0.0",
        edits,
    };
    refused(
        &variant,
        "too many fields, the plugin has 3, the host has 2",
    );
}

#[test]
fn a_parameter_of_another_type_is_refused() {
    let edits = &[("codes.rs", "    Clock: u32 {", "    Clock: u64 {")];
    let variant = Variant {
        name: "parameter",
        version: "1.0.0",
        edits,
    };
    refused(
        &variant,
        "clock.param_1.field_0: mismatched type, the plugin has u64, the host has u32",
    );
}

#[test]
fn a_parameter_more_is_refused() {
    let edits = &[
        (
            "host.rs",
            "fn(this: Ptr, clock: Clock) -> u64,",
            "fn(this: Ptr, clock: Clock, zone: u32) -> u64,",
        ),
        (
            "host.rs",
            "fn clock(clock: Clock) -> u64,",
            "fn clock(clock: Clock, _zone: u32) -> u64,",
        ),
        (
            "host.rs",
            "cross!(self.clock(clock))",
            "cross!(self.clock(clock, 0))",
        ),
    ];
    let variant = Variant {
        name: "parameters",
        version: "1.0.0",
        edits,
    };
    refused(
        &variant,
        "clock: unexpected field, the plugin has param_2, the host has __returns",
    );
}

#[test]
fn a_vtable_in_another_order_is_refused() {
    let edits = &[(
        "request.rs",
        "    path: unsafe extern \"C\" fn(this: Ptr) -> Lent,\n    rest: unsafe extern \"C\" fn(this: Ptr) -> Lent,",
        "    rest: unsafe extern \"C\" fn(this: Ptr) -> Lent,\n    path: unsafe extern \"C\" fn(this: Ptr) -> Lent,",
    )];
    let variant = Variant {
        name: "order",
        version: "1.0.0",
        edits,
    };
    refused(
        &variant,
        "unexpected field, the plugin has path, the host has rest",
    );
}

#[test]
fn a_function_that_is_gone_is_refused() {
    let edits = &[
        (
            "table.rs",
            "    len: unsafe extern \"C\" fn(this: Ptr) -> usize,\n",
            "",
        ),
        ("table.rs", "    len,\n    text,", "    text,"),
        ("table.rs", "        cross!(self.len())", "        0"),
    ];
    let variant = Variant {
        name: "gone",
        version: "1.0.0",
        edits,
    };
    refused(
        &variant,
        "unexpected field, the plugin has release, the host has retain",
    );
}

#[test]
fn another_major_is_refused_whatever_the_metadata_says() {
    let variant = Variant {
        name: "major",
        version: "2.0.0",
        edits: &[],
    };
    let folder = border(&variant);
    let plugin = plugin(&variant, &folder, FIRST.version);
    assert_eq!(
        printed(&grown().1, &plugin),
        "api: it was built against plugin api 2.0.0, this host has 1.1.0; rebuild it\n"
    );
}

#[test]
fn a_plugin_of_another_compiler_runs_in_this_host() {
    let Some(toolchain) = another_compiler() else {
        return;
    };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("another-compiler");
    let built = Command::new("rustup")
        .current_dir(root())
        .args(["run", &toolchain, "cargo", "build", "--quiet", "--offline"])
        .args(["--package", "meterbox-plugin-drift", "--target-dir"])
        .arg(&target)
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{toolchain}: {errors}");
    let folder = support::folder("another-compiler");
    let library = target.join("debug/libmeterbox_plugin_drift.so");
    std::fs::copy(library, folder.join("drift.so")).unwrap();
    let host = Arc::new(FakeHost::default());
    let loaded = Loaded::load(verified(&folder, "drift.so")).unwrap();
    let plugin = loaded.create(Host::of(host.clone()), "{}").unwrap();
    plugin.start().unwrap();
    assert_eq!(plugin.routes().unwrap()[0].pattern, "drift");
    drop(plugin);
    assert_eq!(host.store().holders(), 0, "its instruments were given back");
}

/// An installed toolchain whose compiler is not the present one; none, with a line, where there is none.
fn another_compiler() -> Option<String> {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        output
            .status
            .success()
            .then_some(String::from_utf8(output.stdout).ok()?)
    };
    let present = said("rustc", &["-V"]);
    let list = said("rustup", &["toolchain", "list"]).unwrap_or_default();
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut others = names.filter(|name| {
        let version = said("rustup", &["run", name, "rustc", "-V"]);
        version.is_some() && version != present
    });
    let other = others.next().map(str::to_owned);
    if other.is_none() {
        #[allow(clippy::print_stderr, reason = "says why nothing was tested")]
        {
            eprintln!("skipped: no second compiler is installed");
        }
    }
    other
}

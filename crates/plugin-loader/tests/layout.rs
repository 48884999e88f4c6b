//! A plugin built against a border whose types differ under the same version number: what metadata
//! cannot tell, the layout check has to.
//!
//! The variant is built in a workspace and target folder of its own, so that no cached library of the
//! real border gets into it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use meterbox_plugin_loader::Reason;
use meterbox_plugin_loader::load::Loaded;
use std::path::Path;
use std::process::Command;
use support::{folder, verified};

#[test]
fn a_changed_type_is_refused_in_one_sentence_that_names_the_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = folder("variant");
    for part in ["plugin-api", "plugins/drift"] {
        let target = folder.join(part);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        let copied = Command::new("cp")
            .arg("-r")
            .arg(root.join(part))
            .arg(&target)
            .status();
        assert!(copied.unwrap().success());
    }
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let change = |from: &Path, to: &Path, old: &str, new: &str| {
        let text = std::fs::read_to_string(from).unwrap();
        let at = text
            .find(old)
            .unwrap_or_else(|| panic!("{old:?} is in {}", from.display()));
        let end = at + text[at..].find('\n').unwrap();
        std::fs::write(to, format!("{}{new}{}", &text[..at], &text[end..])).unwrap();
    };
    let members = "members = [\"plugin-api\", \"plugin-api/abi\", \"plugins/drift\"]";
    change(
        &root.join("Cargo.toml"),
        &folder.join("Cargo.toml"),
        "members = [",
        members,
    );
    let codes = folder.join("plugin-api/abi/src/codes.rs");
    change(&codes, &codes, "    Clock: u32 {", "    Clock: u64 {");
    let target = folder.parent().unwrap().join("variant-target");
    let built = Command::new(env!("CARGO"))
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .args(["build", "--quiet", "-p", "meterbox-plugin-drift"])
        .status();
    assert!(built.unwrap().success());
    let library = target.join("debug/libmeterbox_plugin_drift.so");
    std::fs::copy(library, folder.join("drift.so")).unwrap();

    let refusal = Loaded::load(verified(&folder, "drift.so")).err().unwrap();
    assert_eq!(refusal.reason, Reason::Layout);
    assert_eq!(refusal.text.lines().count(), 1, "{refusal}");
    assert!(refusal.text.contains("clock.param_1"), "{refusal}");
    assert!(refusal.text.contains("expected u64 found u32"), "{refusal}");
}

//! Real libraries, and what people drop into a folder instead of them: each is taken or refused
//! with a reason, and the process lives on.

mod support;

use meterbox_plugin_files::{self as file, Reason, Refusal};
use meterbox_plugin_loader::load::Loaded;
use std::path::Path;
use support::{Library, folder, policy};

fn check(folder: &Path, name: &str) -> Result<file::Verified, Refusal> {
    let candidate = file::Candidate {
        folder: folder.to_path_buf(),
        file_name: name.into(),
    };
    file::verify(&candidate, &policy())
}

fn reason(folder: &Path, name: &str) -> Reason {
    check(folder, name).expect_err("must be refused").reason
}

#[test]
fn a_rust_cdylib_with_metadata_is_taken_and_its_digest_is_that_of_the_file() {
    let folder = folder("taken");
    let path = Library::new("good").build(&folder);
    let verified = check(&folder, "good.so").unwrap();
    assert_eq!(verified.metadata.name, "good");
    assert!(verified.libraries.iter().any(|name| name == "libc.so.6"));
    assert!(verified.glibc.is_some());
    let sum = std::process::Command::new("sha256sum")
        .arg(path)
        .output()
        .unwrap();
    assert!(
        String::from_utf8(sum.stdout)
            .unwrap()
            .starts_with(&verified.sha256_hex())
    );
}

const HELLO: &str = "# /// meterbox\n# name = \"hello\"\n# version = \"1\"\n# api = 1\n# ///\n";

#[test]
fn a_python_program_is_judged_like_a_library_and_its_sealed_copy_keeps_the_text() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("python");
    let path = folder.join("hello.py");
    std::fs::write(&path, HELLO).unwrap();
    let verified = check(&folder, "hello.py").unwrap();
    assert_eq!(verified.language, file::Language::Python);
    assert_eq!(verified.metadata.name, "hello");
    std::fs::write(&path, "raise SystemExit").unwrap();
    let kept = std::fs::read_to_string(verified.copy.proc_path()).unwrap();
    assert_eq!(kept, HELLO);
    let refusal = Loaded::load(verified).map(drop).unwrap_err();
    assert_eq!(refusal.reason, Reason::Isolation);
    assert_eq!(reason(&folder, "hello.py"), Reason::NoMetadata);
    let mut pinned = policy();
    let pin = format!("{}  hello.py\n", "0".repeat(64));
    pinned.pins = file::Pins::parse(&pin).unwrap();
    let candidate = file::Candidate {
        folder: folder.clone(),
        file_name: "hello.py".into(),
    };
    let refusal = file::verify(&candidate, &pinned).unwrap_err();
    assert_eq!(refusal.reason, Reason::Digest);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(reason(&folder, "hello.py"), Reason::Permissions);
}

#[test]
fn a_library_cut_anywhere_is_refused_or_complete_enough_to_map() {
    let folder = folder("cut");
    let whole = std::fs::read(Library::new("whole").build(&folder)).unwrap();
    for step in 0..200 {
        let cut = whole.len() * step / 200;
        std::fs::write(folder.join("cut.so"), &whole[..cut]).unwrap();
        let refusal = check(&folder, "cut.so").expect_err("the section table is at the end");
        let expected = if cut < 4 {
            Reason::NotElf
        } else {
            Reason::Truncated
        };
        assert_eq!(refusal.reason, expected, "cut at {cut}: {refusal}");
    }
}

#[test]
fn flipped_bits_never_end_the_process() {
    let folder = folder("bits");
    let whole = std::fs::read(Library::new("bits").build(&folder)).unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let at = random(1500);
            bytes[at] ^= 1 << random(8);
        }
        std::fs::write(folder.join("flipped.so"), &bytes).unwrap();
        // Either verdict is right; only a crash is not.
        let _ = check(&folder, "flipped.so");
    }
}

#[test]
fn what_is_no_plugin_library_is_refused_with_its_reason() {
    let folder = folder("foreign");
    std::fs::write(folder.join("text.so"), "not a library\n").unwrap();
    std::fs::write(folder.join("empty.so"), "").unwrap();
    std::fs::copy("/proc/self/exe", folder.join("program.so")).unwrap();
    let whole = std::fs::read(Library::new("base").build(&folder)).unwrap();
    let changed = |name: &str, at: usize, bytes: &[u8]| {
        let mut copy = whole.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        std::fs::write(folder.join(name), copy).unwrap();
    };
    let other_machine: u16 = if cfg!(target_arch = "x86_64") {
        183
    } else {
        62
    };
    changed("machine.so", 18, &other_machine.to_le_bytes());
    changed("bits32.so", 4, &[1]);
    changed("segments.so", 56, &[0, 0]);
    Library::new("plain").without_metadata().build(&folder);
    Library::new("api").api("0.9.0").build(&folder);
    Library::new("abort").panic("abort").build(&folder);
    Library::new("Name").build(&folder);
    Library::new("rpath").link("-Wl,-rpath,/tmp").build(&folder);
    Library::new("stack")
        .link("-Wl,-z,execstack")
        .build(&folder);
    Library::new("code").link("-Wl,--omagic").build(&folder);
    for (name, expected) in [
        ("text.so", Reason::NotElf),
        ("empty.so", Reason::NotElf),
        ("program.so", Reason::Program),
        ("machine.so", Reason::Architecture),
        ("bits32.so", Reason::Architecture),
        ("segments.so", Reason::Damaged),
        ("plain.so", Reason::NoMetadata),
        ("api.so", Reason::Api),
        ("abort.so", Reason::PanicAbort),
        ("Name.so", Reason::BadMetadata),
        ("rpath.so", Reason::SearchPath),
        ("stack.so", Reason::ExecutableStack),
        ("code.so", Reason::WritableCode),
    ] {
        assert_eq!(reason(&folder, name), expected, "{name}");
    }
}

#[test]
fn a_library_that_needs_another_one_is_refused_until_the_host_allows_it() {
    let folder = folder("needs");
    support::c_library(
        &folder,
        "libelsewhere.so",
        "int elsewhere(void) { return 1; }",
    );
    let directory = format!("-L{}", folder.display());
    Library::new("needs")
        .link(&directory)
        .link("-Wl,--no-as-needed")
        .link("-lelsewhere")
        .build(&folder);
    let refusal = check(&folder, "needs.so").unwrap_err();
    assert_eq!(refusal.reason, Reason::ForeignLibrary);
    assert!(refusal.text.contains("\"libelsewhere.so\""), "{refusal}");
    assert!(
        refusal
            .text
            .starts_with(&folder.join("needs.so").display().to_string()),
        "{refusal}"
    );
    let allowing = file::Policy {
        needed_extra: vec!["libelsewhere.so".to_owned()],
        ..policy()
    };
    let candidate = file::Candidate {
        folder,
        file_name: "needs.so".into(),
    };
    assert!(file::verify(&candidate, &allowing).is_ok());
}

#[test]
fn a_name_swapped_between_good_and_bad_while_it_is_read_gives_one_or_the_other_whole() {
    let folder = folder("swap");
    let good = Library::new("good").build(&folder);
    let bad = Library::new("bad").build(&folder);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::fs::copy(&good, folder.join("live.so")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for source in [&good, &bad] {
                    let next = folder.join("next");
                    std::fs::copy(source, &next).unwrap();
                    std::fs::rename(&next, folder.join("live.so")).unwrap();
                }
            }
        });
        let [of_good, of_bad] = ["good.so", "bad.so"].map(|name| {
            let verified = check(&folder, name).unwrap();
            (verified.metadata.name.clone(), verified.sha256_hex())
        });
        for _ in 0..200 {
            let verified = check(&folder, "live.so").unwrap();
            let seen = (verified.metadata.name.clone(), verified.sha256_hex());
            assert!(seen == of_good || seen == of_bad, "{seen:?}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

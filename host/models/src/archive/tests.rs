//! Archives of all kinds, most of them hostile.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use tempfile::{TempDir, tempdir};

/// One entry of a zip that no library would write.
struct Entry<'a> {
    name: &'a [u8],
    content: &'a [u8],
    /// A Unix mode.
    mode: u32,
}

fn plain<'a>(name: &'a str, content: &'a [u8]) -> Entry<'a> {
    Entry {
        name: name.as_bytes(),
        content,
        mode: 0o100_644,
    }
}

/// A zip of stored entries.
fn zip_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let mut crc = flate2::Crc::new();
        crc.update(entry.content);
        let size = u32::try_from(entry.content.len()).unwrap().to_le_bytes();
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
            &size,
            &size,
            &u16::try_from(entry.name.len()).unwrap().to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        let at = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
        directory.extend_from_slice(&(entry.mode << 16).to_le_bytes());
        directory.extend_from_slice(&at);
        directory.extend_from_slice(entry.name);
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend_from_slice(&common);
        bytes.extend_from_slice(entry.name);
        bytes.extend_from_slice(entry.content);
    }
    let at = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    for part in [&count[..], &count, &size, &at, &[0, 0]] {
        bytes.extend_from_slice(part);
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzipped tar of entries with these raw names and types.
fn tgz_of(entries: &[(&str, &[u8], tar::EntryType)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content, kind) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        std::fs::create_dir(folder.path().join("target")).unwrap();
        Self { folder }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("target")
    }

    fn unpack(&self, bytes: &[u8]) -> Result<Unpacked, ArchiveError> {
        self.unpack_with(bytes, &Caps::default())
    }

    fn unpack_with(&self, bytes: &[u8], caps: &Caps) -> Result<Unpacked, ArchiveError> {
        let file = self.folder.path().join("a.mar");
        std::fs::write(&file, bytes).unwrap();
        unpack(&file, &self.target(), caps)
    }

    /// Refused, and nothing is left of it, neither in the target nor beside it.
    #[track_caller]
    fn refuses(&self, bytes: &[u8]) -> ArchiveError {
        let error = self.unpack(bytes).unwrap_err();
        self.is_clean();
        error
    }

    #[track_caller]
    fn is_clean(&self) {
        let left: Vec<_> = std::fs::read_dir(self.target())
            .unwrap()
            .flatten()
            .collect();
        assert!(left.is_empty(), "{left:?}");
        let beside: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .flatten()
            .collect();
        let known = |name: &str| matches!(name, "a.mar" | "target");
        assert!(
            beside
                .iter()
                .all(|entry| known(entry.file_name().to_str().unwrap())),
            "{beside:?}"
        );
    }
}

const MANIFEST: &[u8] =
    br#"{"runtime":"python","model":{"modelName":"noop","modelVersion":"1.11","handler":"service.py","configFile":"c.yaml"}}"#;

#[test]
fn zip_tar_and_folder_unpack_alike() {
    let bench = Bench::new();
    let files: [(&str, &[u8]); 4] = [
        ("MAR-INF/MANIFEST.json", MANIFEST),
        ("service.py", b"def handle(data, context): pass\n"),
        ("c.yaml", b"batchSize: 4\n"),
        ("model.pt", b""),
    ];
    let zip = zip_of(&files.map(|(name, content)| plain(name, content)));
    let tgz = tgz_of(&files.map(|(name, content)| (name, content, tar::EntryType::Regular)));
    let source = bench.folder.path().join("source");
    for (name, content) in files {
        let path = source.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let folder = unpack(&source, &bench.target(), &Caps::default()).unwrap();
    for unpacked in [
        bench.unpack(&zip).unwrap(),
        bench.unpack(&tgz).unwrap(),
        folder,
    ] {
        assert_eq!(unpacked.manifest.model_name.as_deref(), Some("noop"));
        assert_eq!(unpacked.config.batch_size, Some(4));
        for (name, content) in files {
            assert_eq!(
                std::fs::read(unpacked.folder().join(name)).unwrap(),
                content
            );
        }
        let id = unpacked.folder().file_name().unwrap().to_str().unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        let path = unpacked.folder().to_owned();
        drop(unpacked);
        assert!(!path.exists());
    }
}

#[test]
fn an_archive_without_a_manifest_is_one() {
    let bench = Bench::new();
    let unpacked = bench.unpack(&zip_of(&[plain("a.py", b"")])).unwrap();
    assert_eq!(unpacked.manifest, Manifest::default());
}

#[test]
fn what_is_no_archive_is_told_apart_from_what_is_broken() {
    let bench = Bench::new();
    for bytes in [&b""[..], b"not a mar!", b"PK", b"\x7fELF"] {
        assert!(
            matches!(bench.refuses(bytes), ArchiveError::NotAnArchive),
            "{bytes:?}"
        );
    }
    let good = zip_of(&[
        plain("a", b"hello"),
        plain("MAR-INF/MANIFEST.json", MANIFEST),
    ]);
    for end in 4..good.len() {
        let error = bench.refuses(&good[..end]);
        assert!(!matches!(error, ArchiveError::NotAnArchive), "{end}");
    }
    let good = tgz_of(&[("a", b"hello", tar::EntryType::Regular)]);
    for end in 2..good.len() {
        bench.refuses(&good[..end]);
    }
}

#[test]
fn names_that_lead_out_are_refused_in_zip_and_tar() {
    let bench = Bench::new();
    for name in [
        "../evil",
        "a/../../evil",
        "/tmp/evil",
        "a\\..\\evil",
        "C:\\evil",
        "..",
        "a/./b",
        "a//b",
        "evil\0.txt",
        "MAR-INF/../../evil",
        "./../evil",
    ] {
        bench.refuses(&zip_of(&[plain("good", b"x"), plain(name, b"x")]));
        if !name.contains('\0') {
            bench.refuses(&tgz_of(&[(name, b"x", tar::EntryType::Regular)]));
        }
    }
    bench.refuses(&zip_of(&[Entry {
        name: b"\xff\xfe",
        content: b"x",
        mode: 0o100_644,
    }]));
}

#[test]
fn links_and_devices_are_refused() {
    let bench = Bench::new();
    for mode in [0o120_777, 0o020_666, 0o010_644, 0o140_755] {
        let entry = Entry {
            name: b"a",
            content: b"/etc/passwd",
            mode,
        };
        assert!(matches!(
            bench.refuses(&zip_of(&[entry])),
            ArchiveError::BadEntry { .. }
        ));
    }
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Char,
        tar::EntryType::Fifo,
    ] {
        bench.refuses(&tgz_of(&[("a", b"", kind)]));
    }
    let source = bench.folder.path().join("target/source");
    std::fs::create_dir(&source).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", source.join("a")).unwrap();
    let error = unpack(&source, &bench.target(), &Caps::default()).unwrap_err();
    assert!(matches!(error, ArchiveError::BadEntry { .. }));
}

#[test]
fn names_that_come_twice_or_differ_in_case_are_refused() {
    let bench = Bench::new();
    for (one, two) in [
        ("a", "a"),
        ("a", "A"),
        ("d/a", "D/b"),
        ("a", "a/b"),
        ("a/b", "a"),
    ] {
        bench.refuses(&zip_of(&[plain(one, b"x"), plain(two, b"y")]));
        let regular = tar::EntryType::Regular;
        bench.refuses(&tgz_of(&[(one, b"x", regular), (two, b"y", regular)]));
    }
}

#[test]
fn bombs_are_stopped_while_they_unpack() {
    let bench = Bench::new();
    let zeros = vec![0; 12 << 20];
    let bomb = tgz_of(&[("zeros", &zeros, tar::EntryType::Regular)]);
    assert!(bomb.len() < 40 << 10);
    assert!(matches!(
        bench.refuses(&bomb),
        ArchiveError::TooLarge { .. }
    ));
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let deflated = ::zip::write::SimpleFileOptions::default()
        .compression_method(::zip::CompressionMethod::Deflated);
    writer.start_file("zeros", deflated).unwrap();
    writer.write_all(&zeros).unwrap();
    let bomb = writer.finish().unwrap().into_inner();
    assert!(matches!(
        bench.refuses(&bomb),
        ArchiveError::TooLarge { .. }
    ));
    let caps = Caps {
        entries: 3,
        ..Caps::default()
    };
    let names = ["a", "b", "c", "d"];
    let many = zip_of(&names.map(|name| plain(name, b"")));
    assert!(bench.unpack_with(&many, &caps).is_err());
    let many = tgz_of(&names.map(|name| (name, &b""[..], tar::EntryType::Regular)));
    assert!(bench.unpack_with(&many, &caps).is_err());
    bench.is_clean();
}

#[test]
fn a_manifest_or_config_that_makes_no_sense_leaves_nothing_behind() {
    let bench = Bench::new();
    let with = |manifest: &[u8], config: &[u8]| {
        zip_of(&[
            plain("MAR-INF/MANIFEST.json", manifest),
            plain("c.yaml", config),
        ])
    };
    assert!(matches!(
        bench.refuses(&with(b"{", b"")),
        ArchiveError::Manifest(_)
    ));
    assert!(matches!(
        bench.refuses(&with(MANIFEST, b"batchSize: 0")),
        ArchiveError::Config { .. }
    ));
    let outside = br#"{"model":{"configFile":"../a.mar"}}"#;
    assert!(matches!(
        bench.refuses(&with(outside, b"")),
        ArchiveError::BadEntry { .. }
    ));
    let missing = br#"{"model":{"configFile":"nosuch.yaml"}}"#;
    assert!(matches!(
        bench.refuses(&with(missing, b"")),
        ArchiveError::Config { .. }
    ));
}

#[test]
fn changed_bytes_never_panic_and_never_write_outside() {
    let bench = Bench::new();
    let good = zip_of(&[
        plain("MAR-INF/MANIFEST.json", MANIFEST),
        plain("c.yaml", b""),
    ]);
    let mut seed = 7_u64;
    for _ in 0..400 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] = (seed >> 24) as u8;
        }
        drop(bench.unpack(&bytes));
        bench.is_clean();
    }
}

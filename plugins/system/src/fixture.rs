//! A machine made of fixture texts, for the collectors' tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::collectors::Collector;
use crate::config::Settings;
use crate::machine::{Machine, Reader};
use crate::sample::Samples;

/// A folder with `proc`, `sys` and `root` in it, removed when dropped.
pub(crate) struct Fixture {
    folder: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("meterbox-system-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        for below in ["proc", "sys", "root"] {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        Self { folder }
    }

    /// Writes a file below procfs.
    pub(crate) fn proc(&self, name: &str, text: &str) {
        self.write(&self.folder.join("proc").join(name), text);
    }

    /// Writes a file below sysfs.
    pub(crate) fn sys(&self, name: &str, text: &str) {
        self.write(&self.folder.join("sys").join(name), text);
    }

    fn write(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine {
            proc_root: self.folder.join("proc"),
            sys_root: self.folder.join("sys"),
            fs_root: self.folder.join("root"),
            own_proc_root: self.folder.join("proc"),
        }
    }

    /// Default settings that look at this machine, host name `vm`, uuid `u-1`.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            machine: self.machine(),
            hostname: String::from("vm"),
            uuid: String::from("u-1"),
            ..Settings::default()
        }
    }

    /// What reads the files of this machine.
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(&self.machine())
    }

    /// One scrape that must go well.
    #[track_caller]
    pub(crate) fn collect(&self, collector: &mut dyn Collector) -> Samples {
        let mut samples = Samples::default();
        collector.collect(&mut self.reader(), &mut samples).unwrap();
        samples
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

//! A machine made of fixture texts, for the collectors' tests.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::collectors::Collector;
use crate::config::Settings;
use crate::machine::{Machine, Reader};
use crate::sample::Samples;

/// A folder with `proc`, `sys` and `root` in it, removed when dropped.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for below in ["proc", "sys", "root"] {
            fs::create_dir_all(folder.path().join(below)).unwrap();
        }
        Self { folder }
    }

    /// Writes a file below procfs.
    pub(crate) fn proc(&self, name: &str, text: &str) {
        self.write(&self.folder.path().join("proc").join(name), text);
    }

    /// Writes a file below sysfs.
    pub(crate) fn sys(&self, name: &str, text: &str) {
        self.write(&self.folder.path().join("sys").join(name), text);
    }

    fn write(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine {
            proc_root: self.folder.path().join("proc"),
            sys_root: self.folder.path().join("sys"),
            fs_root: self.folder.path().join("root"),
            own_proc_root: self.folder.path().join("proc"),
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

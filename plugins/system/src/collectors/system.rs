//! The kernel's name, the clock, and open files of the whole machine.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::{KernelFile, Reader};
use crate::sample::{Family, Samples, Set};

static UNAME: Family = Family::gauge(
    Set::Node,
    "node_uname_info",
    "Labeled system information as provided by the uname system call.",
    &[
        "domainname",
        "machine",
        "nodename",
        "release",
        "sysname",
        "version",
    ],
);
static TIME: Family = Family::gauge(
    Set::Node,
    "node_time_seconds",
    "System time in seconds since epoch (1970).",
    &[],
);
static ALLOCATED: Family = Family::gauge(
    Set::Node,
    "node_filefd_allocated",
    "File descriptor statistics: allocated.",
    &[],
);
static MAXIMUM: Family = Family::gauge(
    Set::Node,
    "node_filefd_maximum",
    "File descriptor statistics: maximum.",
    &[],
);
static OWN_INFO: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_info",
    "Always 1; says on which machine and kernel the server runs.",
    &["hostname", "machine", "release"],
);
static OWN_FILES: Family = Family::gauge(
    Set::Meterbox,
    "meterbox_system_open_files",
    "Files that are open on the whole machine.",
    &[],
);

/// Asks `uname` and the clock, and reads `/proc/sys/fs/file-nr`.
pub(super) struct System {
    file: KernelFile,
}

impl System {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            file: settings.machine.proc("sys/fs/file-nr"),
        }
    }
}

impl Collector for System {
    fn name(&self) -> &'static str {
        "system"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of([&UNAME, &TIME, &ALLOCATED, &MAXIMUM, &OWN_INFO, &OWN_FILES])
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        let name = rustix::system::uname();
        let text = std::ffi::CStr::to_string_lossy;
        let (domain, hardware) = (text(name.domainname()), text(name.machine()));
        let (node, release) = (text(name.nodename()), text(name.release()));
        let (system, version) = (text(name.sysname()), text(name.version()));
        out.add(
            &UNAME,
            &[&domain, &hardware, &node, &release, &system, &version],
            1.0,
        );
        out.add(&OWN_INFO, &[&node, &hardware, &release], 1.0);

        // A clock before 1970 has no time to tell.
        if let Ok(since) = SystemTime::now().duration_since(UNIX_EPOCH) {
            out.add(&TIME, &[], since.as_secs_f64());
        }

        let text = reader.text(&mut self.file)?;
        let words: Option<Vec<f64>> = text
            .split_ascii_whitespace()
            .map(|word| word.parse().ok())
            .collect();
        let Some([allocated, _free, maximum]) = words.as_deref() else {
            return Err(CollectError::parse(
                "sys/fs/file-nr",
                "not three numbers",
                text,
            ));
        };
        out.add(&ALLOCATED, &[], *allocated);
        out.add(&MAXIMUM, &[], *maximum);
        out.add(&OWN_FILES, &[], *allocated);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn open_files_are_read_and_the_kernel_is_named() {
        let fixture = Fixture::new();
        fixture.proc("sys/fs/file-nr", "556\t0\t9223372036854775807\n");
        let samples = fixture.collect(&mut System::new(&fixture.settings()));
        assert_eq!(samples.value("node_filefd_allocated", &[]), Some(556.0));
        assert_eq!(
            samples.value("node_filefd_maximum", &[]),
            Some(9223372036854775807.0)
        );
        assert_eq!(samples.count("node_uname_info"), 1);
        assert!(samples.value("node_time_seconds", &[]) > Some(1.7e9));
    }

    #[test]
    fn two_numbers_are_an_error() {
        let fixture = Fixture::new();
        fixture.proc("sys/fs/file-nr", "556 0\n");
        let error = System::new(&fixture.settings())
            .collect(&mut fixture.reader(), &mut Samples::default())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "sys/fs/file-nr: not three numbers: \"556 0\\n\""
        );
    }
}

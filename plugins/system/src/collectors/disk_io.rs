//! Traffic of block devices, from `/proc/diskstats`.
//!
//! Partitions are left out by default, as node_exporter does: their traffic is in the disk's.
//! Labels from udev (`node_disk_info`) are not read.

use procfs::DiskStat;

use super::{Collector, names_of};
use crate::config::Settings;
use crate::error::CollectError;
use crate::machine::{KernelFile, Reader};
use crate::pattern::Patterns;
use crate::sample::{Family, Samples, Set};

/// The kernel counts sectors of this size, whatever the device's own are.
const SECTOR_BYTES: f64 = 512.0;
/// node_exporter multiplies; dividing by 1000 would differ in the last digit.
const SECONDS_PER_MS: f64 = 0.001;

/// A figure of one device. `None` where this kernel does not count it.
struct Figure {
    family: Family,
    value: fn(&DiskStat) -> Option<f64>,
}

const fn node(name: &'static str, help: &'static str) -> Family {
    Family::counter(Set::Node, name, help, &["device"])
}
const fn own(name: &'static str, help: &'static str) -> Family {
    Family::counter(Set::Meterbox, name, help, &["device"])
}
fn count(value: u64) -> Option<f64> {
    Some(value as f64)
}
fn bytes(sectors: u64) -> Option<f64> {
    Some(sectors as f64 * SECTOR_BYTES)
}
fn seconds(ms: u64) -> Option<f64> {
    Some(ms as f64 * SECONDS_PER_MS)
}

static FIGURES: [Figure; 22] = [
    Figure {
        family: node(
            "node_disk_reads_completed_total",
            "The total number of reads completed successfully.",
        ),
        value: |disk| count(disk.reads),
    },
    Figure {
        family: node(
            "node_disk_reads_merged_total",
            "The total number of reads merged.",
        ),
        value: |disk| count(disk.merged),
    },
    Figure {
        family: node(
            "node_disk_read_bytes_total",
            "The total number of bytes read successfully.",
        ),
        value: |disk| bytes(disk.sectors_read),
    },
    Figure {
        family: node(
            "node_disk_read_time_seconds_total",
            "The total number of seconds spent by all reads.",
        ),
        value: |disk| seconds(disk.time_reading),
    },
    Figure {
        family: node(
            "node_disk_writes_completed_total",
            "The total number of writes completed successfully.",
        ),
        value: |disk| count(disk.writes),
    },
    Figure {
        family: node(
            "node_disk_writes_merged_total",
            "The number of writes merged.",
        ),
        value: |disk| count(disk.writes_merged),
    },
    Figure {
        family: node(
            "node_disk_written_bytes_total",
            "The total number of bytes written successfully.",
        ),
        value: |disk| bytes(disk.sectors_written),
    },
    Figure {
        family: node(
            "node_disk_write_time_seconds_total",
            "This is the total number of seconds spent by all writes.",
        ),
        value: |disk| seconds(disk.time_writing),
    },
    Figure {
        family: Family::gauge(
            Set::Node,
            "node_disk_io_now",
            "The number of I/Os currently in progress.",
            &["device"],
        ),
        value: |disk| count(disk.in_progress),
    },
    Figure {
        family: node(
            "node_disk_io_time_seconds_total",
            "Total seconds spent doing I/Os.",
        ),
        value: |disk| seconds(disk.time_in_progress),
    },
    Figure {
        family: node(
            "node_disk_io_time_weighted_seconds_total",
            "The weighted # of seconds spent doing I/Os.",
        ),
        value: |disk| seconds(disk.weighted_time_in_progress),
    },
    Figure {
        family: node(
            "node_disk_discards_completed_total",
            "The total number of discards completed successfully.",
        ),
        value: |disk| disk.discards.and_then(count),
    },
    Figure {
        family: node(
            "node_disk_discards_merged_total",
            "The total number of discards merged.",
        ),
        value: |disk| disk.discards_merged.and_then(count),
    },
    Figure {
        family: node(
            "node_disk_discarded_sectors_total",
            "The total number of sectors discarded successfully.",
        ),
        value: |disk| disk.sectors_discarded.and_then(count),
    },
    Figure {
        family: node(
            "node_disk_discard_time_seconds_total",
            "This is the total number of seconds spent by all discards.",
        ),
        value: |disk| disk.time_discarding.and_then(seconds),
    },
    Figure {
        family: node(
            "node_disk_flush_requests_total",
            "The total number of flush requests completed successfully",
        ),
        value: |disk| disk.flushes.and_then(count),
    },
    Figure {
        family: node(
            "node_disk_flush_requests_time_seconds_total",
            "This is the total number of seconds spent by all flush requests.",
        ),
        value: |disk| disk.time_flushing.and_then(seconds),
    },
    Figure {
        family: own(
            "meterbox_system_disk_reads_total",
            "Reads that the device completed.",
        ),
        value: |disk| count(disk.reads),
    },
    Figure {
        family: own(
            "meterbox_system_disk_read_bytes_total",
            "Bytes read from the device.",
        ),
        value: |disk| bytes(disk.sectors_read),
    },
    Figure {
        family: own(
            "meterbox_system_disk_writes_total",
            "Writes that the device completed.",
        ),
        value: |disk| count(disk.writes),
    },
    Figure {
        family: own(
            "meterbox_system_disk_written_bytes_total",
            "Bytes written to the device.",
        ),
        value: |disk| bytes(disk.sectors_written),
    },
    Figure {
        family: own(
            "meterbox_system_disk_io_seconds_total",
            "Time in which the device had I/O to do.",
        ),
        value: |disk| seconds(disk.time_in_progress),
    },
];

/// Reads `/proc/diskstats`.
pub(super) struct DiskIo {
    file: KernelFile,
    ignored: Patterns,
}

impl DiskIo {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            file: settings.machine.proc("diskstats"),
            ignored: settings.ignored_disks.clone(),
        }
    }
}

impl Collector for DiskIo {
    fn name(&self) -> &'static str {
        "disk_io"
    }

    fn names(&self) -> Vec<&'static str> {
        names_of(FIGURES.iter().map(|figure| &figure.family))
    }

    fn collect(&mut self, reader: &mut Reader, out: &mut Samples) -> Result<(), CollectError> {
        for line in reader.text(&mut self.file)?.lines() {
            let Ok(disk) = DiskStat::from_line(line) else {
                out.problem(&CollectError::parse(
                    "diskstats",
                    "fewer than 11 figures",
                    line,
                ));
                continue;
            };
            if self.ignored.matches(&disk.name) {
                continue;
            }
            for figure in &FIGURES {
                if let Some(value) = (figure.value)(&disk) {
                    out.add(&figure.family, &[&disk.name], value);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn devices_have_their_traffic_and_partitions_are_left_out() {
        let fixture = Fixture::new();
        fixture.proc(
            "diskstats",
            " 254 0 vda 5801 12 497250 1234 991 20 35600 900 1 1500 2134 3 4 50 6 7 8\n \
              254 1 vda1 5 0 40 1 0 0 0 0 0 1 1\n   7 0 loop0 1 0 2 0 0 0 0 0 0 0 0\n",
        );
        let samples = fixture.collect(&mut DiskIo::new(&fixture.settings()));
        assert_eq!(samples.count("node_disk_reads_completed_total"), 1);
        let value = |name| samples.value(name, &["vda"]);
        assert_eq!(value("node_disk_read_bytes_total"), Some(254592000.0));
        assert_eq!(
            value("node_disk_read_time_seconds_total"),
            Some(1234.0 * 0.001)
        );
        assert_eq!(value("node_disk_io_now"), Some(1.0));
        assert_eq!(value("node_disk_discarded_sectors_total"), Some(50.0));
        assert_eq!(
            value("node_disk_flush_requests_time_seconds_total"),
            Some(0.008)
        );
        assert_eq!(
            value("meterbox_system_disk_written_bytes_total"),
            Some(18227200.0)
        );
        assert_eq!(value("meterbox_system_disk_io_seconds_total"), Some(1.5));
    }

    #[test]
    fn an_old_kernel_without_discards_and_a_broken_line_cost_only_themselves() {
        let fixture = Fixture::new();
        fixture.proc(
            "diskstats",
            "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 16 sdb 1 2 3\n",
        );
        let samples = fixture.collect(&mut DiskIo::new(&fixture.settings()));
        assert_eq!(
            samples.value("node_disk_io_time_seconds_total", &["sda"]),
            Some(0.01)
        );
        assert_eq!(samples.count("node_disk_discards_completed_total"), 0);
        assert_eq!(samples.count("node_disk_reads_completed_total"), 1);
        let problem = &samples.problems()[0].text;
        assert_eq!(
            problem,
            "diskstats: fewer than 11 figures: \"8 16 sdb 1 2 3\""
        );
    }
}

//! Which GPUs workers may be spread over.
//!
//! Counted by their device files, so that no driver library is loaded for it.

use std::path::Path;

/// The GPUs of this machine, at most `most` of them.
#[must_use]
pub(super) fn present(most: Option<u32>) -> Vec<u32> {
    below(Path::new("/dev"), most)
}

fn below(devices: &Path, most: Option<u32>) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(devices) else {
        return Vec::new();
    };
    let number = |name: &str| name.strip_prefix("nvidia")?.parse().ok();
    let mut found: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| number(entry.file_name().to_str()?))
        .collect();
    found.sort_unstable();
    // Workers count from 0, whatever the numbers of the files.
    let count = u32::try_from(found.len())
        .unwrap_or(u32::MAX)
        .min(most.unwrap_or(u32::MAX));
    (0..count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn gpus_are_counted_and_may_be_limited() {
        let dev = tempdir().unwrap();
        assert!(below(dev.path(), None).is_empty());
        for name in ["nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm", "sda"] {
            std::fs::write(dev.path().join(name), "").unwrap();
        }
        assert_eq!(below(dev.path(), None), [0, 1]);
        assert_eq!(below(dev.path(), Some(1)), [0]);
        assert!(below(dev.path(), Some(0)).is_empty());
    }
}

//! Notices what people do to plugin folders while the host runs.
//!
//! Events only say that something happened; what happened is found by looking at the folders. A file
//! is taken once it has not changed for half a second, so that a slow copy is never read half. Folders
//! are looked at every thirty seconds in any case, for the sake of network file systems and of
//! overflowing event queues.

use super::fingerprint::Fingerprint;
use super::plugins::Catalog;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// A file is taken when it has not changed for this long.
const SETTLED: Duration = Duration::from_millis(500);
/// How often unsettled files are looked at.
const GLANCE: Duration = Duration::from_millis(100);
/// How often folders are looked at without any event.
const RESCAN: Duration = Duration::from_secs(30);

/// Watches the folders of a catalog until it is dropped.
pub struct FolderWatch {
    wake: SyncSender<WatchEvent>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WatchEvent {
    Look,
    End,
}

impl FolderWatch {
    /// Starts the thread.
    ///
    /// # Errors
    /// When no thread can be started. A folder that cannot be watched is only looked at now and then.
    pub fn start(catalog: &Arc<Catalog>) -> std::io::Result<Self> {
        // One waiting message is enough: it makes the thread look at everything.
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new().name("plugin-watch".to_owned());
        let (catalog, from_events) = (Arc::downgrade(catalog), wake.clone());
        let thread = thread.spawn(move || serve(&catalog, &woken, from_events))?;
        Ok(Self {
            wake,
            thread: Some(thread),
        })
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        // Blocks only while a message waits, which the thread is about to take.
        let _ = self.wake.send(WatchEvent::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    catalog: &Weak<Catalog>,
    woken: &Receiver<WatchEvent>,
    from_events: SyncSender<WatchEvent>,
) {
    let mut folders = WatchedFolders::new(from_events);
    let mut unsettled = ChangingFiles::default();
    loop {
        let Some(catalog) = catalog.upgrade() else {
            return;
        };
        folders.watch(catalog.watched());
        let settled = unsettled.look(catalog.differences(), Instant::now());
        if !settled.is_empty() {
            catalog.scan_files(&settled);
        }
        drop(catalog);
        let patience = if unsettled.is_empty() { RESCAN } else { GLANCE };
        match woken.recv_timeout(patience) {
            Ok(WatchEvent::Look) | Err(RecvTimeoutError::Timeout) => {}
            Ok(WatchEvent::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The folders that the kernel watches for us.
struct WatchedFolders {
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
}

impl WatchedFolders {
    fn new(wake: SyncSender<WatchEvent>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| matters(event.kind)) {
                // Full means that it will look anyway.
                let _ = wake.try_send(WatchEvent::Look);
            }
        });
        let watcher = watcher.inspect_err(|error| {
            tracing::warn!(target: "plugin", "plugin folders are only looked at every {} s: {error}", RESCAN.as_secs());
        });
        Self {
            watcher: watcher.ok(),
            watched: HashSet::new(),
        }
    }

    /// Watches what is there and not watched yet; a folder that comes later is found by a rescan.
    fn watch(&mut self, folders: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        self.watched.retain(|folder| folder.is_dir());
        for folder in folders {
            if !self.watched.contains(&folder)
                && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(folder);
            }
        }
    }
}

/// Events after which a folder may differ; reading a file is none of them.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any | EventKind::Other => true,
        EventKind::Modify(kind) => matches!(kind, ModifyKind::Name(_) | ModifyKind::Metadata(_)),
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
    }
}

/// Files that differ from what is loaded, each with its mark and since when it has it.
#[derive(Default)]
struct ChangingFiles(HashMap<PathBuf, (Fingerprint, Instant)>);

impl ChangingFiles {
    /// Takes note of the differences and hands out those that have settled.
    fn look(&mut self, differences: Vec<(PathBuf, Fingerprint)>, now: Instant) -> Vec<PathBuf> {
        let before = std::mem::take(&mut self.0);
        let mut settled = Vec::new();
        for (path, mark) in differences {
            let since = match before.get(&path) {
                Some((same, since)) if *same == mark => *since,
                _ => now,
            };
            if now.saturating_duration_since(since) >= SETTLED {
                settled.push(path);
            } else {
                self.0.insert(path, (mark, since));
            }
        }
        settled
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, RenameMode};
    use std::path::Path;

    #[test]
    fn a_file_is_handed_out_once_it_kept_its_mark_for_half_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("half.so");
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut unsettled = ChangingFiles::default();
        std::fs::write(&file, "half").unwrap();
        let mark = |file: &PathBuf| {
            vec![(
                file.clone(),
                Fingerprint::of(file, None, Path::new("/nowhere")),
            )]
        };
        assert!(unsettled.look(mark(&file), at(0)).is_empty());
        std::fs::write(&file, "whole file").unwrap();
        assert!(unsettled.look(mark(&file), at(400)).is_empty());
        assert!(
            unsettled.look(mark(&file), at(800)).is_empty(),
            "it changed at 400"
        );
        assert_eq!(
            unsettled.look(mark(&file), at(900)),
            std::slice::from_ref(&file)
        );
        assert!(unsettled.is_empty());
    }

    #[test]
    fn copies_moves_and_removals_matter_and_reads_do_not() {
        let table = [
            (
                EventKind::Access(AccessKind::Close(AccessMode::Write)),
                true,
            ),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), true),
            (EventKind::Create(CreateKind::File), true),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Read)),
                false,
            ),
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), false),
            (EventKind::Modify(ModifyKind::Data(DataChange::Any)), false),
        ];
        for (kind, expected) in table {
            assert_eq!(matters(kind), expected, "{kind:?}");
        }
    }
}

//! Whether somebody else could change a plugin file or any folder above it.
//!
//! Refused: a foreign owner, a world-writable file, a world-writable folder without the sticky
//! bit, and write permission for a group that other accounts are in. The running user and root
//! are trusted. `plugins_insecure_permissions=true` switches the whole check off.

use super::groups::others_in_group;
use crate::{Reason, Refusal};
use rustix::fs::Stat;
use std::path::Path;

const WORLD_WRITE: u32 = 0o002;
const GROUP_WRITE: u32 = 0o020;
const STICKY: u32 = 0o1000;
/// Larger account files are read up to here; a directory service is not asked either.
const ACCOUNT_FILE_BYTES_MAX: usize = 4 << 20;

/// What the judgement needs to know about one file or folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owned {
    uid: u32,
    gid: u32,
    mode: u32,
    folder: bool,
}

impl Owned {
    pub(crate) fn file(stat: &Stat) -> Self {
        Self {
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: stat.st_mode,
            folder: false,
        }
    }

    pub(crate) fn folder(stat: &Stat) -> Self {
        Self {
            folder: true,
            ..Self::file(stat)
        }
    }
}

/// The accounts of this machine and the running user.
pub(crate) struct Accounts {
    euid: u32,
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads the account files; a missing one (a container without any) is empty.
    pub(crate) fn read() -> Self {
        Self {
            euid: rustix::process::geteuid().as_raw(),
            passwd: account_file("/etc/passwd"),
            group: account_file("/etc/group"),
        }
    }

    /// Judges one file or folder.
    pub(crate) fn judge(&self, owned: Owned, path: &Path) -> Result<(), Refusal> {
        let noun = if owned.folder { "folder" } else { "file" };
        let sticky_folder = owned.folder && owned.mode & STICKY != 0;
        let fault = if owned.uid != 0 && owned.uid != self.euid {
            format!(
                "this {noun} belongs to user {}, neither root nor the running user {}; chown it",
                owned.uid, self.euid
            )
        } else if owned.mode & WORLD_WRITE != 0 && !sticky_folder {
            format!(
                "everybody may write this {noun} (mode {:04o}); chmod o-w it",
                owned.mode & 0o7777
            )
        } else if owned.mode & GROUP_WRITE != 0 && !sticky_folder {
            let others = others_in_group(&self.passwd, &self.group, owned.gid, owned.uid);
            match others.first() {
                None => return Ok(()),
                Some(other) => format!(
                    "group {} may write this {noun} and {other} is in that group; chmod g-w it",
                    owned.gid
                ),
            }
        } else {
            return Ok(());
        };
        Err(Refusal::new(Reason::Permissions, fault).at(path))
    }

    /// Judges every folder from `folder` up to the root.
    ///
    /// `folder` is absolute and without symbolic links.
    pub(crate) fn judge_folders(&self, folder: &Path) -> Result<(), Refusal> {
        for ancestor in folder.ancestors() {
            let stat = rustix::fs::lstat(ancestor).map_err(|error| {
                Refusal::new(
                    Reason::Unreadable,
                    format!("cannot examine this folder ({error})"),
                )
                .at(ancestor)
            })?;
            self.judge(Owned::folder(&stat), ancestor)?;
        }
        Ok(())
    }
}

fn account_file(path: &str) -> String {
    let mut bytes = std::fs::read(path).unwrap_or_default();
    bytes.truncate(ACCOUNT_FILE_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            euid: 1000,
            passwd: "root:x:0:0:\nada:x:1000:1000:\nbob:x:1001:100:\n".to_owned(),
            group: "staff:x:50:ada,bob\n".to_owned(),
        }
    }

    fn owned(uid: u32, gid: u32, mode: u32, folder: bool) -> Owned {
        Owned {
            uid,
            gid,
            mode,
            folder,
        }
    }

    #[test]
    fn twenty_mixes_of_owner_group_and_mode_are_judged() {
        // uid, gid, mode, folder, refused because of
        let table = [
            (1000, 1000, 0o644, false, ""),
            (0, 0, 0o755, false, ""),
            (1001, 100, 0o644, false, "belongs to user 1001"),
            (1001, 100, 0o755, true, "belongs to user 1001"),
            (65534, 65534, 0o600, false, "belongs to user 65534"),
            (1000, 1000, 0o664, false, ""),
            (1000, 1000, 0o775, true, ""),
            (1000, 50, 0o664, false, "bob is in that group"),
            (1000, 50, 0o775, true, "bob is in that group"),
            (1000, 100, 0o660, false, "bob is in that group"),
            (1000, 2000, 0o2775, true, ""),
            (0, 2000, 0o664, false, ""),
            (0, 50, 0o664, false, "ada is in that group"),
            (
                1000,
                1000,
                0o666,
                false,
                "everybody may write this file (mode 0666)",
            ),
            (1000, 1000, 0o777, true, "everybody may write this folder"),
            (0, 0, 0o1777, true, ""),
            (0, 0, 0o1777, false, "everybody may write this file"),
            (1001, 0, 0o1777, true, "belongs to user 1001"),
            (0, 0, 0o777, true, "everybody may write this folder"),
            (1000, 50, 0o1775, true, ""),
        ];
        for (uid, gid, mode, folder, expected) in table {
            let verdict = accounts().judge(owned(uid, gid, mode, folder), Path::new("/p"));
            match verdict {
                Ok(()) => assert_eq!(expected, "", "{uid} {gid} {mode:o}"),
                Err(refusal) => {
                    assert_eq!(refusal.reason, Reason::Permissions);
                    assert!(!expected.is_empty(), "{uid} {gid} {mode:o}: {refusal}");
                    assert!(refusal.text.contains(expected), "{refusal}");
                }
            }
        }
    }
}

//! Attempts on files.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use crate::attempts::Expect::{Closed, Denied, DeniedOnly};
use crate::attempts::{
    Attempt,
    Layer::{Any, Landlock, Seccomp},
    row,
};
use crate::ground::{Ground, check};

pub(crate) fn attempts() -> Vec<Attempt> {
    vec![
        row("read /etc/passwd", DeniedOnly, Landlock, |_| {
            fs::read("/etc/passwd").map(drop)
        }),
        row("read /etc/shadow", Denied, Landlock, |_| {
            fs::read("/etc/shadow").map(drop)
        }),
        row("list /etc", DeniedOnly, Landlock, |_| {
            fs::read_dir("/etc").map(drop)
        }),
        row("list the working folder", DeniedOnly, Landlock, |_| {
            fs::read_dir(".").map(drop)
        }),
        row(
            "read a file beside the readable folder",
            DeniedOnly,
            Landlock,
            |ground| fs::read(ground.readable.join("../victim")).map(drop),
        ),
        row("read /proc/1/status", DeniedOnly, Landlock, |_| {
            fs::read("/proc/1/status").map(drop)
        }),
        row("create a file", DeniedOnly, Any, |ground| {
            File::create(ground.folder.join("new")).map(drop)
        }),
        row(
            "create a file in a readable folder",
            DeniedOnly,
            Any,
            |ground| File::create(ground.readable.join("new")).map(drop),
        ),
        row("create a file in shared memory", Denied, Any, |_| {
            File::create("/dev/shm/meterbox-sandbox").map(drop)
        }),
        row("append to a file", DeniedOnly, Any, |ground| {
            let mut options = OpenOptions::new();
            options
                .append(true)
                .open(ground.folder.join("victim"))
                .map(drop)
        }),
        row("truncate a file", DeniedOnly, Seccomp, |ground| {
            let path = path(&ground.folder.join("victim"));
            check(unsafe { libc::truncate(path.as_ptr(), 4) }.into())
        }),
        row("make a folder", DeniedOnly, Any, |ground| {
            fs::create_dir(ground.folder.join(format!("d{}", std::process::id())))
        }),
        row("make a symbolic link", DeniedOnly, Any, |ground| {
            symlink(
                "victim",
                ground.folder.join(format!("s{}", std::process::id())),
            )
        }),
        row("make a hard link", DeniedOnly, Any, |ground| {
            let to = format!("h{}", std::process::id());
            fs::hard_link(ground.folder.join("victim"), ground.folder.join(to))
        }),
        row("rename a file", DeniedOnly, Any, |ground| {
            let victim = ground.folder.join("victim");
            fs::rename(&victim, ground.folder.join("moved"))?;
            fs::rename(ground.folder.join("moved"), victim)
        }),
        row("remove a file", Denied, Any, |ground| {
            fs::remove_file(ground.folder.join("victim"))
        }),
        row("change permissions", DeniedOnly, Seccomp, |ground| {
            fs::set_permissions(ground.folder.join("victim"), Permissions::from_mode(0o600))
        }),
        row("change the owner", DeniedOnly, Seccomp, |ground| {
            chown(ground.folder.join("victim"), None, None)
        }),
        row("change times", DeniedOnly, Seccomp, |ground| {
            let path = path(&ground.folder.join("victim"));
            check(
                unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), std::ptr::null(), 0) }
                    .into(),
            )
        }),
        row(
            "use a descriptor that was not kept",
            Closed,
            Any,
            |ground: &Ground| check(unsafe { libc::fcntl(ground.forgotten, libc::F_GETFD) }.into()),
        ),
    ]
}

fn path(of: &std::path::Path) -> std::ffi::CString {
    std::ffi::CString::new(of.as_os_str().as_encoded_bytes()).expect("no NUL")
}

//! The mount table: what is mounted where, and which of it can be asked without fear.
//!
//! It is long on some machines and seldom changes, so it is parsed only when its text is another one.

use crate::error::CollectError;
use crate::pattern::covers;
use crate::sample::Samples;

/// Types of file systems that know in memory how much room they have. All others may have a server
/// behind them, or a process, that is gone.
const ANSWERING: [&str; 13] = [
    "btrfs", "devtmpfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "squashfs",
    "tmpfs", "vfat", "xfs",
];

/// One line of the mount table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) device: String,
    pub(crate) point: String,
    pub(crate) fs_type: String,
    pub(crate) read_only: bool,
    /// Whether asking it never hangs: neither in the file system nor on the way to it.
    pub(crate) answers: bool,
}

/// The table as it was last read.
#[derive(Default)]
pub(crate) struct Mounts {
    text: String,
    list: Vec<Mount>,
}

impl Mounts {
    /// Takes over the text of `/proc/mounts`.
    pub(crate) fn update(&mut self, text: &str, out: &mut Samples) {
        if text == self.text {
            return;
        }
        let mut broken = false;
        self.list.clear();
        for line in text.lines() {
            match parse(line) {
                Some(mount) if !self.list.iter().any(|known| known.is(&mount)) => {
                    self.list.push(mount);
                }
                // A mount that is listed twice counts once.
                Some(_) => {}
                None => {
                    broken = true;
                    out.problem(&CollectError::parse(
                        "mounts",
                        "not `device point type options`",
                        line,
                    ));
                }
            }
        }
        for index in 0..self.list.len() {
            self.list[index].answers = self.answers(&self.list[index].point);
        }
        // What is broken is told at each scrape.
        self.text.clear();
        if !broken {
            self.text.push_str(text);
        }
    }

    /// The mounts, in the order of the table.
    pub(crate) fn list(&self) -> &[Mount] {
        &self.list
    }

    /// Whether asking what is mounted at `point` never hangs. Without a table nobody knows.
    pub(crate) fn answers(&self, point: &str) -> bool {
        let on_the_way = |mount: &&Mount| mount.point == "/" || covers(&mount.point, point);
        let mut mounts = self.list.iter().filter(on_the_way).peekable();
        mounts.peek().is_some() && mounts.all(|mount| ANSWERING.contains(&&*mount.fs_type))
    }
}

impl Mount {
    fn is(&self, other: &Self) -> bool {
        (&self.device, &self.point, &self.fs_type) == (&other.device, &other.point, &other.fs_type)
    }
}

fn parse(line: &str) -> Option<Mount> {
    let mut words = line.split(' ');
    let (device, point) = (words.next()?, words.next()?);
    let (fs_type, options) = (words.next()?, words.next()?);
    Some(Mount {
        device: unescape(device),
        point: unescape(point),
        fs_type: fs_type.into(),
        read_only: options.split(',').any(|option| option == "ro"),
        answers: false,
    })
}

/// The kernel writes space, tab, line end and backslash as three octal digits.
fn unescape(word: &str) -> String {
    const ESCAPES: [(&str, char); 4] = [
        ("\\040", ' '),
        ("\\011", '\t'),
        ("\\012", '\n'),
        ("\\134", '\\'),
    ];
    let mut plain = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            Some((escape, character)) => {
                plain.push(*character);
                rest = &rest[escape.len()..];
            }
            None => {
                plain.push('\\');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_their_escapes_and_once_each() {
        let (mut mounts, mut out) = (Mounts::default(), Samples::default());
        let text = "/dev/vda / ext4 rw,relatime 0 0\n\
            //nas/my\\040share /data\\040x\\134y\\z cifs ro,soft 0 0\n\
            /dev/vda / ext4 rw 0 0\nbroken\n";
        mounts.update(text, &mut out);
        assert_eq!(mounts.list().len(), 2);
        let expected = Mount {
            device: "//nas/my share".into(),
            point: "/data x\\y\\z".into(),
            fs_type: "cifs".into(),
            read_only: true,
            answers: false,
        };
        assert_eq!(mounts.list()[1], expected);
        assert!(!mounts.list()[0].read_only);
        let problem = &out.problems()[0].text;
        assert_eq!(
            problem,
            "mounts: not `device point type options`: \"broken\""
        );
        mounts.update(text, &mut out);
        assert_eq!(out.problems().len(), 2, "it is told at each scrape");
    }

    #[test]
    fn only_local_file_systems_on_local_ones_are_asked_without_fear() {
        let (mut mounts, mut out) = (Mounts::default(), Samples::default());
        assert!(!mounts.answers("/"), "nothing is known yet");
        let text = "/dev/vda / ext4 rw 0 0\nnas:/a /nas nfs4 rw 0 0\ntmpfs /nas/t tmpfs rw 0 0\n\
            tmpfs /nast tmpfs rw 0 0\nx /x fuse.sshfs rw 0 0\n";
        mounts.update(text, &mut out);
        let answers: Vec<bool> = mounts.list().iter().map(|mount| mount.answers).collect();
        assert_eq!(answers, [true, false, false, true, false]);
        // Mounted over: what was there before says nothing any more, but is still on the way.
        mounts.update("/dev/vda / ext4 rw 0 0\nnas:/ / nfs rw 0 0\n", &mut out);
        assert!(!mounts.answers("/"));
        assert!(out.problems().is_empty());
    }
}

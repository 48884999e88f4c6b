//! What a library asks of the dynamic linker: other libraries, search paths, C library versions.
//!
//! A plugin may need the C library, its companions and nothing else unless the host's
//! configuration lists it; whatever else it uses is linked into it.
//!
//! **Source:** System V ABI chapter 5 (dynamic section), LSB Core 5.0 (symbol versions).

use super::elf::{Elf, damaged, text_at, u16_at, u32_at, u64_at};
use super::glibc::{GlibcVersion, Wanted};
use crate::{Reason, Refusal};

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;
const DT_AUDIT: u64 = 0x6fff_fefc;
const DT_DEPAUDIT: u64 = 0x6fff_fefb;
const DT_VERNEED: u64 = 0x6fff_fffe;
const ROW_BYTES: usize = 16;
/// A file or version name that is longer is damage.
const NAME_BYTES_MAX: usize = 255;
/// Bound on needed libraries and needed versions, so that a circular table ends.
const ENTRIES_MAX: usize = 1024;

const ALLOWED: &[&str] = &[
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
];
/// The dynamic linker itself carries the processor's name.
const ALLOWED_PREFIX: &str = "ld-linux";

/// What a library needs, read from its dynamic table.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) libraries: Vec<String>,
    pub(crate) glibc: Option<GlibcVersion>,
}

/// Reads the dynamic table and refuses what a plugin may not ask for.
pub(crate) fn check(
    elf: &Elf<'_>,
    extra: &[String],
    running: Option<GlibcVersion>,
) -> Result<Needs, Refusal> {
    let table = elf
        .dynamic_table()
        .ok_or_else(|| damaged("no dynamic table"))?;
    let rows: Vec<(u64, u64)> = table
        .chunks_exact(ROW_BYTES)
        .map_while(|row| Some((u64_at(row, 0)?, u64_at(row, 8)?)))
        .take_while(|(tag, _)| *tag != DT_NULL)
        .collect();
    let value = |wanted: u64| {
        rows.iter()
            .find(|(tag, _)| *tag == wanted)
            .map(|(_, value)| *value)
    };
    let names = value(DT_STRTAB).and_then(|address| elf.at_address(address));
    let names = names.ok_or_else(|| damaged("no dynamic string table"))?;
    let mut needs = Needs::default();
    for &(tag, value) in rows.iter().take(ENTRIES_MAX) {
        match tag {
            DT_NEEDED => needs.libraries.push(needed(names, value, extra)?),
            DT_RPATH | DT_RUNPATH => return Err(search_path(&name(names, value)?)),
            DT_AUXILIARY | DT_FILTER | DT_AUDIT | DT_DEPAUDIT => {
                return Err(foreign(&name(names, value)?));
            }
            _ => {}
        }
    }
    if let Some(address) = value(DT_VERNEED) {
        let table = elf
            .at_address(address)
            .ok_or_else(|| damaged("version table outside"))?;
        needs.glibc = versions(table, names, running)?;
    }
    Ok(needs)
}

fn needed(names: &[u8], offset: u64, extra: &[String]) -> Result<String, Refusal> {
    let name = name(names, offset)?;
    let allowed = ALLOWED.contains(&name.as_str())
        || (name.starts_with(ALLOWED_PREFIX) && !name.contains('/'))
        || extra.contains(&name);
    if allowed {
        Ok(name)
    } else {
        Err(foreign(&name))
    }
}

/// Walks the needed versions; hands back the newest version of the C library among them.
fn versions(
    table: &[u8],
    names: &[u8],
    running: Option<GlibcVersion>,
) -> Result<Option<GlibcVersion>, Refusal> {
    let cut = || damaged("version table outside");
    let mut newest = None;
    let mut left = ENTRIES_MAX;
    let mut file = 0_usize;
    loop {
        let aux_offset = u32_at(table, file + 8).ok_or_else(cut)? as usize;
        let next_file = u32_at(table, file + 12).ok_or_else(cut)? as usize;
        let entries = u16_at(table, file + 2).ok_or_else(cut)?;
        let mut aux = file + aux_offset;
        for _ in 0..entries {
            left = left.checked_sub(1).ok_or_else(cut)?;
            let name = name(names, u64::from(u32_at(table, aux + 8).ok_or_else(cut)?))?;
            match Wanted::of(&name) {
                Wanted::Version(version) => newest = newest.max(Some(version)),
                Wanted::Private => return Err(private_symbols()),
                Wanted::Other => {}
            }
            let next = u32_at(table, aux + 12).ok_or_else(cut)? as usize;
            aux += next;
        }
        if next_file == 0 {
            break;
        }
        left = left.checked_sub(1).ok_or_else(cut)?;
        file += next_file;
    }
    match (newest, running) {
        (Some(newest), Some(running)) if newest > running => Err(Refusal::new(
            Reason::Glibc,
            format!(
                "it needs glibc {newest}, this machine has {running}; build it on an older system"
            ),
        )),
        _ => Ok(newest),
    }
}

fn name(names: &[u8], offset: u64) -> Result<String, Refusal> {
    let text = text_at(names, usize::try_from(offset).ok());
    let text = text.filter(|text| text.len() <= NAME_BYTES_MAX);
    let text = text.and_then(|text| std::str::from_utf8(text).ok());
    text.map(str::to_owned)
        .ok_or_else(|| damaged("a name outside the string table"))
}

fn foreign(name: &str) -> Refusal {
    let text = format!(
        "it needs {name:?}, which is not on the list of allowed libraries; link it statically or \
         name it in plugins_needed_extra"
    );
    Refusal::new(Reason::ForeignLibrary, text)
}

fn search_path(path: &str) -> Refusal {
    let text = format!("it carries the library search path {path:?}; link it without rpath");
    Refusal::new(Reason::SearchPath, text)
}

fn private_symbols() -> Refusal {
    let text = "it uses private symbols of glibc; build it against the public ones";
    Refusal::new(Reason::Glibc, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One file with one version: `GLIBC_2.99` at offset 1 of the names.
    fn table(next_file: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend([1_u16, 1].iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend([0_u32, 16, next_file].iter().flat_map(|v| v.to_le_bytes()));
        bytes.extend([0_u32, 0, 1, 0].iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    #[test]
    fn a_newer_c_library_is_refused_with_both_versions() {
        let names = b"\0GLIBC_2.99\0";
        let running = Some(GlibcVersion {
            major: 2,
            minor: 36,
        });
        let refusal = versions(&table(0), names, running).unwrap_err();
        assert_eq!(refusal.reason, Reason::Glibc);
        assert!(
            refusal.text.contains("glibc 2.99, this machine has 2.36"),
            "{refusal}"
        );
        let newest = versions(&table(0), names, None).unwrap();
        assert_eq!(
            newest,
            Some(GlibcVersion {
                major: 2,
                minor: 99
            })
        );
        let private = versions(&table(0), b"\0GLIBC_PRIVATE\0", running).unwrap_err();
        assert_eq!(private.reason, Reason::Glibc);
    }

    #[test]
    fn a_table_that_leaves_its_segment_is_damage() {
        let refusal = versions(&table(4096), b"\0x\0", None).unwrap_err();
        assert_eq!(refusal.reason, Reason::Damaged);
        assert_eq!(
            versions(&[1, 0], b"\0x\0", None).unwrap_err().reason,
            Reason::Damaged
        );
    }

    #[test]
    fn the_allow_list_takes_extra_names_and_no_paths() {
        let names = b"\0libz.so.1\0/tmp/ld-linux.so\0ld-linux-x86-64.so.2\0";
        assert_eq!(
            needed(names, 1, &[]).unwrap_err().reason,
            Reason::ForeignLibrary
        );
        assert_eq!(
            needed(names, 1, &["libz.so.1".to_owned()]).unwrap(),
            "libz.so.1"
        );
        assert_eq!(
            needed(names, 11, &[]).unwrap_err().reason,
            Reason::ForeignLibrary
        );
        assert!(needed(names, 28, &[]).is_ok());
    }
}

//! Reads the tables of an ELF library far enough to know that mapping it is safe.
//!
//! The dynamic linker trusts these tables: a file that was cut short kills the process with
//! SIGBUS inside `dlopen`. Every range is therefore checked against the file's length first. Flipped
//! bits are not found here; that is what digests and the probe process are for.
//!
//! **Source:** System V ABI, chapter 4 (ELF-64 object files).

use crate::{Reason, Refusal};
use std::ops::Range;

const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: usize = 56;
const SECTION_BYTES: usize = 64;
const SEGMENTS_MAX: usize = 64;
const SECTIONS_MAX: usize = 1024;
const ELFCLASS64: u8 = 2;
const ELFDATA2LSB: u8 = 1;
const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const SHT_NOBITS: u32 = 8;

#[cfg(target_arch = "x86_64")]
const MACHINE: (u16, &str) = (62, "x86-64");
#[cfg(target_arch = "aarch64")]
const MACHINE: (u16, &str) = (183, "aarch64");
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("Meterbox runs on Linux on x86-64 and aarch64 only");

const MACHINES: &[(u16, &str)] = &[
    (3, "x86"),
    (40, "arm"),
    (62, "x86-64"),
    (183, "aarch64"),
    (243, "risc-v"),
];

/// A library whose tables all lie inside its bytes.
#[derive(Debug)]
pub struct Elf<'a> {
    bytes: &'a [u8],
    segments: Vec<Segment>,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    file: Range<usize>,
    address: u64,
}

#[derive(Debug)]
struct Section {
    name: u32,
    file: Range<usize>,
}

impl<'a> Elf<'a> {
    /// Checks the header and every range of both tables.
    ///
    /// # Errors
    /// [`Reason::NotElf`], [`Reason::Architecture`], [`Reason::Program`], [`Reason::Truncated`],
    /// [`Reason::Damaged`], [`Reason::WritableCode`] or [`Reason::ExecutableStack`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        check_identity(bytes)?;
        let segments = segments(bytes)?;
        let sections = sections(bytes)?;
        check_segments(&segments)?;
        Ok(Self {
            bytes,
            segments,
            sections,
        })
    }

    /// The bytes of the first section of that name.
    pub fn section(&self, name: &str) -> Option<&'a [u8]> {
        let names = u16_at(self.bytes, 62).and_then(|index| self.sections.get(usize::from(index)));
        let names = &self.bytes[names?.file.clone()];
        let found = self.sections.iter().find(|section| {
            text_at(names, usize::try_from(section.name).ok()) == Some(name.as_bytes())
        })?;
        Some(&self.bytes[found.file.clone()])
    }

    /// The bytes of the dynamic table.
    pub(super) fn dynamic_table(&self) -> Option<&'a [u8]> {
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.kind == PT_DYNAMIC)?;
        Some(&self.bytes[segment.file.clone()])
    }

    /// The file bytes from virtual `address` to the end of the loaded segment that holds it.
    pub(super) fn at_address(&self, address: u64) -> Option<&'a [u8]> {
        self.segments
            .iter()
            .filter(|segment| segment.kind == PT_LOAD)
            .find_map(|segment| {
                let offset = usize::try_from(address.checked_sub(segment.address)?).ok()?;
                self.bytes[segment.file.clone()].get(offset..)
            })
    }
}

fn check_identity(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() < 4 || &bytes[..4] != b"\x7fELF" {
        let text = "this is no shared library (ELF magic missing); copy the built .so file here";
        return Err(Refusal::new(Reason::NotElf, text));
    }
    if bytes.len() < HEADER_BYTES {
        return Err(truncated("the file header"));
    }
    if bytes[4] != ELFCLASS64 || bytes[5] != ELFDATA2LSB {
        let text = "this library is not 64-bit little-endian; build it for this machine";
        return Err(Refusal::new(Reason::Architecture, text));
    }
    let machine = u16_at(bytes, 18).unwrap_or_default();
    if machine != MACHINE.0 {
        let known = MACHINES.iter().find(|(number, _)| *number == machine);
        let theirs = known.map_or_else(|| format!("machine {machine}"), |(_, name)| (*name).into());
        let text = format!(
            "this library is for {theirs}, the host runs on {}; rebuild it",
            MACHINE.1
        );
        return Err(Refusal::new(Reason::Architecture, text));
    }
    if u16_at(bytes, 16) != Some(ET_DYN) {
        let text = "this is not a shared library; build it with crate-type = [\"cdylib\"]";
        return Err(Refusal::new(Reason::Program, text));
    }
    Ok(())
}

fn segments(bytes: &[u8]) -> Result<Vec<Segment>, Refusal> {
    let count = usize::from(u16_at(bytes, 56).unwrap_or_default());
    let size = usize::from(u16_at(bytes, 54).unwrap_or_default());
    if count == 0 || count > SEGMENTS_MAX || size != SEGMENT_BYTES {
        return Err(damaged(&format!("{count} program headers of {size} bytes")));
    }
    let table = table(
        bytes,
        u64_at(bytes, 32),
        count * size,
        "the program header table",
    )?;
    let mut segments = Vec::with_capacity(count);
    for (index, row) in table.chunks_exact(size).enumerate() {
        let what = || format!("segment {index}");
        let file = range(bytes, u64_at(row, 8), u64_at(row, 32), what)?;
        segments.push(Segment {
            kind: u32_at(row, 0).unwrap_or_default(),
            flags: u32_at(row, 4).unwrap_or_default(),
            address: u64_at(row, 16).unwrap_or_default(),
            file,
        });
    }
    Ok(segments)
}

fn sections(bytes: &[u8]) -> Result<Vec<Section>, Refusal> {
    let count = usize::from(u16_at(bytes, 60).unwrap_or_default());
    let size = usize::from(u16_at(bytes, 58).unwrap_or_default());
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > SECTIONS_MAX || size != SECTION_BYTES {
        return Err(damaged(&format!("{count} section headers of {size} bytes")));
    }
    let table = table(
        bytes,
        u64_at(bytes, 40),
        count * size,
        "the section header table",
    )?;
    let mut sections = Vec::with_capacity(count);
    for (index, row) in table.chunks_exact(size).enumerate() {
        let in_file = u32_at(row, 4) != Some(SHT_NOBITS);
        let length = if in_file { u64_at(row, 32) } else { Some(0) };
        let offset = if in_file { u64_at(row, 24) } else { Some(0) };
        let file = range(bytes, offset, length, || format!("section {index}"))?;
        sections.push(Section {
            name: u32_at(row, 0).unwrap_or_default(),
            file,
        });
    }
    Ok(sections)
}

fn check_segments(segments: &[Segment]) -> Result<(), Refusal> {
    if segments.iter().any(|segment| segment.kind == PT_INTERP) {
        let text = "this is a program, not a library; build it with crate-type = [\"cdylib\"]";
        return Err(Refusal::new(Reason::Program, text));
    }
    let writable_code = PF_W | PF_X;
    let mut loaded = segments
        .iter()
        .filter(|segment| segment.kind == PT_LOAD)
        .peekable();
    if loaded.peek().is_none() {
        return Err(damaged("nothing to load"));
    }
    if loaded.any(|segment| segment.flags & writable_code == writable_code) {
        let text = "a segment is writable and executable at once; link it without -N or --omagic";
        return Err(Refusal::new(Reason::WritableCode, text));
    }
    // Without the header glibc takes the stack to be executable.
    let stack = segments.iter().find(|segment| segment.kind == PT_GNU_STACK);
    if stack.is_none_or(|segment| segment.flags & PF_X != 0) {
        let text = "it asks for an executable stack; link it with -z noexecstack";
        return Err(Refusal::new(Reason::ExecutableStack, text));
    }
    Ok(())
}

fn table<'a>(
    bytes: &'a [u8],
    offset: Option<u64>,
    length: usize,
    what: &str,
) -> Result<&'a [u8], Refusal> {
    let range = range(bytes, offset, Some(length as u64), || what.to_owned())?;
    Ok(&bytes[range])
}

fn range(
    bytes: &[u8],
    offset: Option<u64>,
    length: Option<u64>,
    what: impl Fn() -> String,
) -> Result<Range<usize>, Refusal> {
    let (Some(offset), Some(length)) = (offset, length) else {
        return Err(truncated(&what()));
    };
    let end = offset
        .checked_add(length)
        .and_then(|end| usize::try_from(end).ok());
    match (usize::try_from(offset), end) {
        (Ok(start), Some(end)) if end <= bytes.len() => Ok(start..end),
        _ => Err(truncated(&what())),
    }
}

fn truncated(what: &str) -> Refusal {
    let text = format!("{what} ends past the end of the file: it was cut short; copy it again");
    Refusal::new(Reason::Truncated, text)
}

pub(super) fn damaged(what: &str) -> Refusal {
    Refusal::new(
        Reason::Damaged,
        format!("the library is damaged ({what}); copy it again"),
    )
}

/// The bytes before the next NUL at `offset`.
pub(super) fn text_at(table: &[u8], offset: Option<usize>) -> Option<&[u8]> {
    let rest = table.get(offset?..)?;
    rest.iter()
        .position(|&byte| byte == 0)
        .map(|end| &rest[..end])
}

macro_rules! little_endian {
    ($($name:ident -> $type:ty),+) => {
        $(pub(super) fn $name(bytes: &[u8], offset: usize) -> Option<$type> {
            let end = offset.checked_add(size_of::<$type>())?;
            Some(<$type>::from_le_bytes(bytes.get(offset..end)?.try_into().ok()?))
        })+
    };
}
little_endian!(u16_at -> u16, u32_at -> u32, u64_at -> u64);

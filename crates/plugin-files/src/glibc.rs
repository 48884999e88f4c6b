//! Versions of the C library: the running one and those a library asks for.

#![allow(
    unsafe_code,
    reason = "glibc tells its version only through a C string"
)]

use std::fmt;

/// A version of glibc; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GlibcVersion {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl GlibcVersion {
    /// The version this process runs on, if it can be read.
    pub(crate) fn running() -> Option<Self> {
        // SAFETY: the function takes nothing and returns a static, NUL-terminated string.
        let text = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        Self::parse(text.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Self { major, minor })
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a needed symbol version means for us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A numbered version of glibc.
    Version(GlibcVersion),
    /// Symbols that change with every build of glibc.
    Private,
    /// A version of another library, or a feature name.
    Other,
}

impl Wanted {
    pub(crate) fn of(name: &str) -> Self {
        match name.strip_prefix("GLIBC_") {
            None => Self::Other,
            Some("PRIVATE") => Self::Private,
            // Feature names like ABI_DT_RELR carry no number; the linker itself checks them.
            Some(rest) => GlibcVersion::parse(rest).map_or(Self::Other, Self::Version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_versions_private_or_neither() {
        let version = |major, minor| Wanted::Version(GlibcVersion { major, minor });
        assert_eq!(Wanted::of("GLIBC_2.34"), version(2, 34));
        assert_eq!(Wanted::of("GLIBC_2.2.5"), version(2, 2));
        assert_eq!(Wanted::of("GLIBC_PRIVATE"), Wanted::Private);
        assert_eq!(Wanted::of("GLIBC_ABI_DT_RELR"), Wanted::Other);
        assert_eq!(Wanted::of("GCC_3.0"), Wanted::Other);
    }

    #[test]
    fn the_running_version_is_one_we_support() {
        assert!(
            GlibcVersion::running()
                >= Some(GlibcVersion {
                    major: 2,
                    minor: 34
                })
        );
    }
}

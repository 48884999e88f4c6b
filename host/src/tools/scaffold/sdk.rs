//! Where the SDK is: beside the program in an installation, above it in a checkout.

use std::path::{Path, PathBuf};

/// The SDK that belongs to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdk {
    /// Everything below is relative to this folder, so that a project names one place.
    pub root: PathBuf,
    /// The crate `meterbox-plugin`.
    pub rust: &'static str,
    /// Whether the crates that it needs lie beside it, so that no registry is needed.
    pub vendored: bool,
    /// The folder of `meterbox_plugin.h`.
    pub c: &'static str,
    /// The folder of the Python package `meterbox_plugin`.
    pub python: &'static str,
}

/// Why there is no SDK.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SdkError {
    /// Nothing is where it was looked for.
    #[error(
        "no SDK in {} (expected rust/, c/ and python/); install it with `cargo xtask dist`, or name it \
         with --sdk", .0.display()
    )]
    Absent(PathBuf),
    /// The path would have to be quoted in manifests and makefiles.
    #[error(
        "{}: this path has characters that manifests and makefiles do not take; move the SDK to a \
         plain path", .0.display()
    )]
    Odd(PathBuf),
}

impl Sdk {
    /// The SDK in `named`, or else the one that belongs to `program`.
    ///
    /// # Errors
    /// There is none, or its path is too odd to be written down.
    pub fn find(named: Option<&Path>, program: &Path) -> Result<Self, SdkError> {
        let folder = program.parent().unwrap_or(program);
        let beside = folder.join("sdk");
        let found = match named {
            Some(named) => installed(named).or_else(|| checkout(named)),
            None => installed(&beside).or_else(|| folder.ancestors().find_map(checkout)),
        };
        let sdk = found.ok_or_else(|| SdkError::Absent(named.map_or(beside, Path::to_path_buf)))?;
        if plain(&sdk.root) {
            Ok(sdk)
        } else {
            Err(SdkError::Odd(sdk.root))
        }
    }
}

fn installed(folder: &Path) -> Option<Sdk> {
    folder
        .join("rust/plugin-api/Cargo.toml")
        .is_file()
        .then_some(())?;
    let root = folder.canonicalize().ok()?;
    Some(Sdk {
        vendored: root.join("vendor").is_dir(),
        root,
        rust: "rust/plugin-api",
        c: "c",
        python: "python",
    })
}

/// The repository itself; its crates come from the registry, as they do for the server.
fn checkout(folder: &Path) -> Option<Sdk> {
    folder
        .join("plugin-api/Cargo.toml")
        .is_file()
        .then_some(())?;
    Some(Sdk {
        root: folder.canonicalize().ok()?,
        rust: "plugin-api",
        vendored: false,
        c: "plugin-api/c",
        python: "python",
    })
}

/// Whether a path can be written into TOML, make, sh and Python without a thought.
pub(super) fn plain(path: &Path) -> bool {
    let text = path.to_str().unwrap_or_default();
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"/._+-@, ".contains(&byte);
    !text.is_empty() && text.bytes().all(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_a_checkout_uses_the_checkout() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let sdk = Sdk::find(None, &root.join("target/debug/meterbox")).unwrap();
        assert_eq!((sdk.rust, sdk.vendored), ("plugin-api", false));
        assert_eq!(sdk.root, root.canonicalize().unwrap());
    }

    #[test]
    fn what_is_nowhere_or_oddly_named_is_an_error_that_says_what_to_do() {
        let error = Sdk::find(None, Path::new("/nowhere/meterbox")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/sdk"), "{error}");
        assert!(plain(Path::new("/opt/meter box/sdk-1.0")));
        assert!(!plain(Path::new("/opt/a\"b")) && !plain(Path::new("/opt/$HOME")));
    }
}

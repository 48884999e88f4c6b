//! The root of a plugin library: the one symbol that it exports leads here.
//!
//! The loader reads the symbol, checks the layout of everything reachable from [`PluginModuleRef`], and
//! only then calls [`PluginModuleRef::create_plugin`]. Finding and opening files is not done here.

use std::marker::PhantomData;

use abi_stable::StableAbi;
use abi_stable::library::{CheckTypeLayout, LibHeader, RootModule, RootModuleResult};
use abi_stable::marker_type::ErasedPrefix;
use abi_stable::package_version_strings;
use abi_stable::prefix_type::{PrefixRef, PrefixRefTrait, WithMetadata};
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{ROk, RStr, RString};

use crate::border::{answered, outcome};
use crate::host::Host;
use crate::plugin::{PluginEntries, PluginObject};
use crate::status::{Failure, Status};

/// The version of the border, which is the version of this crate: what a plugin's metadata calls `api`.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The section of the library file that holds the metadata, readable without running any code.
pub const METADATA_SECTION: &str = ".meterbox";

/// Longest metadata that a host reads.
pub const METADATA_BYTES_MAX: usize = 64 * 1024;

/// What a plugin library offers before it is created. Implemented by the SDK's export macro.
pub trait PluginFactory: 'static {
    /// The same JSON text that stands in [`METADATA_SECTION`].
    const METADATA: &'static str;

    /// Creates the plugin from its configuration, a JSON object.
    ///
    /// # Errors
    /// Why it could not be created, for the person who dropped it into the folder.
    fn create(host: Host, config: &str) -> Result<Box<dyn PluginEntries>, Failure>;
}

/// The root module of a plugin library; grows only at its end.
///
/// OWNERSHIP: static in the plugin's library, which is never unmapped.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef, prefix_fields = PluginModulePrefix)))]
#[sabi(missing_field(option))]
pub struct PluginModule {
    metadata: RStr<'static>,
    #[sabi(last_prefix_field)]
    create: for<'c, 'o> unsafe extern "C" fn(
        host: Host,
        config: RStr<'c>,
        created: &'o mut PluginObject,
        error: &'o mut RString,
    ) -> Status,
}

impl RootModule for PluginModuleRef {
    abi_stable::declare_root_module_statics! {PluginModuleRef}
    const BASE_NAME: &'static str = "meterbox_plugin";
    const NAME: &'static str = "meterbox_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// Carries the functions that know the factory's type.
struct Glue<F>(PhantomData<F>);

impl<F: PluginFactory> Glue<F> {
    const MODULE: &'static WithMetadata<PluginModule> = &WithMetadata::new(PluginModule {
        metadata: RStr::from_str(F::METADATA),
        create: Self::create,
    });

    unsafe extern "C" fn create(
        host: Host,
        config: RStr<'_>,
        created: &mut PluginObject,
        error: &mut RString,
    ) -> Status {
        outcome(error, || {
            *created = PluginObject::of(F::create(host, config.as_str())?);
            Ok(())
        })
    }

    extern "C" fn root() -> RootModuleResult {
        let module = module_of::<F>();
        // SAFETY: the loader casts it back to the type that `header_of` names.
        ROk(unsafe { module.to_prefix_ref().cast::<ErasedPrefix>() })
    }
}

/// The root module that creates plugins by `F`.
#[must_use]
pub const fn module_of<F: PluginFactory>() -> PluginModuleRef {
    PluginModuleRef(PrefixRef::from_staticref(
        abi_stable::sabi_types::StaticRef::new(Glue::<F>::MODULE),
    ))
}

/// What a library exports under [`HEADER_SYMBOL`].
pub type Header = LibHeader;

/// The name of the exported header, ending in NUL for the dynamic linker.
pub const HEADER_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME_WITH_NUL;

/// The header that a library exports so that plugins are created by `F`.
#[must_use]
pub const fn header_of<F: PluginFactory>() -> Header {
    // SAFETY: `root` returns a `PluginModuleRef`'s pointer, erased.
    unsafe { LibHeader::from_constructor::<PluginModuleRef>(Glue::<F>::root, CheckTypeLayout::Yes) }
}

impl PluginModuleRef {
    /// The metadata that the running library states; the host compares it with the file's section.
    #[must_use]
    pub fn metadata_json(self) -> &'static str {
        self.metadata().as_str()
    }

    /// Creates the plugin. `config` is a JSON object.
    ///
    /// # Errors
    /// As [`PluginFactory::create`]; [`Status::PANICKED`] when it panicked.
    pub fn create_plugin(self, host: Host, config: &str) -> Result<PluginObject, Failure> {
        let mut created = PluginObject::inert();
        // SAFETY: the function takes no pointer that it could misread; the layout was checked.
        answered(|error| unsafe { self.create()(host, RStr::from(config), &mut created, error) })?;
        Ok(created)
    }
}

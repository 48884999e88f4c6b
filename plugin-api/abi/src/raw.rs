//! What the loader needs of abi_stable, so that no other crate has to know it.
//!
//! The loader reads [`AbiHeaderRef`] from the symbol [`HEADER_SYMBOL`], upgrades it, compares layouts with
//! [`check_layout_compatibility`] in the direction that fits the versions, and takes the module with
//! [`LibHeader::init_root_module_with_unchecked_layout`].

pub use abi_stable::StableAbi;
pub use abi_stable::abi_stability::abi_checking::{
    AbiInstabilityErrors, check_layout_compatibility,
};
pub use abi_stable::library::{AbiHeaderRef, LibHeader, LibraryError};
pub use abi_stable::type_layout::TypeLayout;

pub use crate::module::HEADER_SYMBOL;
use crate::module::PluginModuleRef;

/// The layout of everything that can be reached from the root module, as this side knows it.
pub const LAYOUT: &TypeLayout = <PluginModuleRef as StableAbi>::LAYOUT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_compatible_with_itself() {
        check_layout_compatibility(LAYOUT, LAYOUT).expect("one layout");
    }
}

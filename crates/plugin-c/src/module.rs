//! The one symbol of a library written against the C header, and what is behind it.

use super::plugin::CPlugin;
use super::plugin_table::CPluginTable;
use libloading::os::unix::Library;
use meterbox_plugin_abi::{Failure, Host, PluginObject, growing};
use meterbox_plugin_files::{C_API, METADATA_BYTES_MAX, Reason, Refusal};

/// The symbol, ended by NUL for the linker.
const SYMBOL: &[u8] = b"meterbox_plugin_get_v1\0";

type Get = unsafe extern "C" fn() -> *const CPluginTable;

/// The table of an open library, judged.
#[derive(Clone, Copy)]
pub struct CModule {
    table: CPluginTable,
}

// SAFETY: the table holds functions and the address of a static text, in a library that stays open.
unsafe impl Send for CModule {}
// SAFETY: as above.
unsafe impl Sync for CModule {}

impl CModule {
    /// The table of `library`; `None` when it does not export the symbol.
    #[must_use]
    pub fn find(library: &Library) -> Option<Result<Self, Refusal>> {
        // SAFETY: the name is that of a function of this type; nothing else may export it.
        let get = unsafe { library.get::<Get>(SYMBOL) }.ok()?;
        // SAFETY: the header says that it takes nothing and returns a static table.
        Some(Self::judge(unsafe { get() }))
    }

    /// `table` is null or the address of a static table in an open library.
    fn judge(table: *const CPluginTable) -> Result<Self, Refusal> {
        // SAFETY: what a library returns here is believed to be an address; a probe process has
        // believed it before.
        let table = unsafe { growing::read(table) }.map_err(|failure| {
            let text = format!("its plugin table is not usable ({failure})");
            Refusal::new(Reason::Header, text)
        })?;
        let (major, minor) = (table.api_major, table.api_minor);
        if major != C_API.major || minor > C_API.minor {
            let text = format!(
                "it was built against the C api {major}.{minor}, this host has {C_API}; rebuild it \
                 against this host's meterbox_plugin.h"
            );
            return Err(Refusal::new(Reason::Api, text));
        }
        let missing = [
            (table.create.is_none(), "create"),
            (table.destroy.is_none(), "destroy"),
            (table.metadata.is_null(), "metadata"),
        ];
        if let Some((_, name)) = missing.into_iter().find(|(missing, _)| *missing) {
            let text =
                format!("its plugin table has no {name}; set it to something that is not NULL");
            return Err(Refusal::new(Reason::Header, text));
        }
        Ok(Self { table })
    }

    /// What the running library says about itself, up to one byte more than is allowed.
    #[must_use]
    pub fn metadata(&self) -> &'static [u8] {
        let text = self.table.metadata.cast::<u8>();
        // SAFETY: a static text ended by NUL, says the header; it is not read past that.
        let len = unsafe { libc::strnlen(text.cast(), METADATA_BYTES_MAX + 1) };
        // SAFETY: as above; the library stays open.
        unsafe { std::slice::from_raw_parts(text, len) }
    }

    /// Creates the plugin. `config` is a JSON object.
    pub fn create(&self, host: Host, config: &str) -> Result<PluginObject, Failure> {
        let plugin = CPlugin::create(self.table, host, config)?;
        Ok(PluginObject::of(Box::new(plugin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::c_void;
    use std::mem::offset_of;

    unsafe extern "C" fn destroy(_: *mut c_void) {}

    fn refused(change: impl FnOnce(&mut CPluginTable)) -> (Reason, String) {
        // SAFETY: all zeros are a value of the table.
        let mut table: CPluginTable = unsafe { std::mem::zeroed() };
        table.struct_size = size_of::<CPluginTable>();
        table.api_major = 1;
        table.metadata = c"{}".as_ptr();
        table.destroy = Some(destroy);
        change(&mut table);
        let refusal = CModule::judge(&raw const table).err().expect("no create");
        (refusal.reason, refusal.text)
    }

    #[test]
    fn damaged_tables_are_refused_in_one_sentence() {
        let (reason, text) = refused(|_| {});
        assert_eq!(reason, Reason::Header);
        assert_eq!(
            text,
            "its plugin table has no create; set it to something that is not NULL"
        );
        let (_, text) = refused(|table| table.struct_size = offset_of!(CPluginTable, create));
        assert!(text.contains("40 bytes or more, not 24"), "{text}");
        let (reason, text) = refused(|table| table.api_major = 2);
        assert_eq!(reason, Reason::Api);
        assert!(text.contains("C api 2.0, this host has 1.0"), "{text}");
        let (_, text) = refused(|table| table.api_minor = 9);
        assert!(text.contains("C api 1.9"), "{text}");
        let none = CModule::judge(std::ptr::null()).err().expect("no table");
        assert!(
            none.text.contains("there is no meterbox_plugin_v1"),
            "{none}"
        );
    }
}

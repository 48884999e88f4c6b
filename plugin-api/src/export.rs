//! What [`export_plugin!`](crate::export_plugin) puts into an author's library.

use meterbox_plugin_abi as abi;
pub use meterbox_plugin_abi::{Failure, Header, PluginEntries, PluginFactory, header_of};

use crate::entries;
use crate::host::Host;
use crate::library;
pub use crate::metadata::{Member, check_name, json, len, text};
use crate::plugin::Plugin;

/// The version of the border that this SDK speaks.
pub const API_VERSION: &str = abi::API_VERSION;

/// Creates a plugin for a host that has loaded its library.
///
/// # Errors
/// What [`Plugin::new`] returned.
pub fn create<P: Plugin>(host: abi::Host, config: &str) -> Result<Box<dyn PluginEntries>, Failure> {
    let host = Host::new(host);
    library::attach(&host);
    entries::create::<P>(&host, config)
}

/// The border's host as an entry of the macro sees it.
pub use meterbox_plugin_abi::Host as BorderHost;

/// Makes a library of a plugin: `export_plugin!(Drift, name = "drift", description = "…");`
///
/// After `description` may follow, in this order and each optional: `license = "…"`,
/// `homepage = "…"`, `permissions = ["metrics.read", …]` (what it needs beyond nothing; a plugin that
/// names none gets the default grants), `families = …` (a `&[&str]` with the names of all families that
/// its collector may show, one that ends in `*` for all that begin so: a scrape that asks for other names
/// does not ask it) and `schema = "…"` (a JSON Schema for its table, as text).
/// Its version is the crate's. The name is `[a-z][a-z0-9_]{0,62}`: the plugin is configured by
/// `<name>.toml` and by `plugin.<name>.*` keys.
///
/// Use it once per crate, at its root, with `crate-type = ["cdylib", "rlib"]` in `Cargo.toml`. A crate
/// that is compiled with `panic = "abort"` is refused, since one panic would end the host.
#[macro_export]
macro_rules! export_plugin {
    (
        $plugin:ty,
        name = $name:literal,
        description = $description:literal
        $(, license = $license:literal)?
        $(, homepage = $homepage:literal)?
        $(, permissions = [$($permission:literal),* $(,)?])?
        $(, families = $families:expr)?
        $(, schema = $schema:expr)?
        $(,)?
    ) => {
        #[cfg(panic = "abort")]
        compile_error!("a Meterbox plugin must be compiled with panic = \"unwind\"");

        const _: () = {
            use $crate::export::Member;

            $crate::export::check_name($name);

            const MEMBERS: &[Member<'static>] = &[
                Member::Text("name", $name),
                Member::Text("version", env!("CARGO_PKG_VERSION")),
                Member::Text("api", $crate::export::API_VERSION),
                Member::Text("panic", if cfg!(panic = "unwind") { "unwind" } else { "abort" }),
                Member::Text("arch", ::std::env::consts::ARCH),
                Member::Text("os", ::std::env::consts::OS),
                Member::Text("description", $description),
                $(Member::Text("license", $license),)?
                $(Member::Text("homepage", $homepage),)?
                Member::List("permissions", &[$($($permission),*)?]),
                $(Member::List("families", $families),)?
                $(Member::Json("schema", $schema),)?
            ];
            const LEN: usize = $crate::export::len(MEMBERS);

            #[used]
            #[unsafe(link_section = ".meterbox")]
            static METADATA: [u8; LEN] = $crate::export::json(MEMBERS);

            struct Factory;

            impl $crate::export::PluginFactory for Factory {
                const METADATA: &'static str = {
                    const JSON: [u8; LEN] = $crate::export::json(MEMBERS);
                    $crate::export::text(&JSON)
                };

                fn create(
                    host: $crate::export::BorderHost,
                    config: &str,
                ) -> ::std::result::Result<
                    ::std::boxed::Box<dyn $crate::export::PluginEntries>,
                    $crate::export::Failure,
                > {
                    $crate::export::create::<$plugin>(host, config)
                }
            }

            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: $crate::export::Header = $crate::export::header_of::<Factory>();
        };
    };
}

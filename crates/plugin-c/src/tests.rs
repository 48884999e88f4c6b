//! The header compiled, and its layout compared with this side's.

use super::functions::{CFunctions, FUNCTION_NAMES};
use super::layout::{CPair, CPush, CRoute, CVisitor};
use super::plugin_table::CPluginTable;
use super::values::{Bytes, CError, Text};
use meterbox_plugin_abi::gather::{Column, Head, Segment};
use std::fmt::Write;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

/// Statements that hold exactly when C sees the type as Rust does.
macro_rules! same {
    ($out:ident: $($c:literal $rust:ty { $($field:ident),* })*) => {$(
        writeln!($out, "same(size_{}, sizeof({}) == {});", $c, $c, size_of::<$rust>()).unwrap();
        $(
            let (field, offset) = (stringify!($field), offset_of!($rust, $field));
            writeln!($out, "same({}_{field}, offsetof({}, {field}) == {offset});", $c, $c).unwrap();
        )*
    )*};
}

#[test]
fn the_header_and_this_side_agree_on_every_offset() {
    let mut code = String::from(
        "#include \"meterbox_plugin.h\"\n#define same(name, holds) typedef char name[(holds) ? 1 : -1]\n",
    );
    same! { code:
        "meterbox_text" Text {}
        "meterbox_bytes" Bytes {}
        "meterbox_error" CError {}
        "meterbox_u32s" Column<'_, u32> {}
        "meterbox_u64s" Column<'_, u64> {}
        "meterbox_f64s" Column<'_, f64> {}
        "meterbox_family_v1" Head<'_> {}
        "meterbox_segment_v1" Segment<'_> {}
        "meterbox_pair" CPair { name, value }
        "meterbox_route_v1" CRoute { struct_size, id, listener, methods, reserved, pattern }
        "meterbox_visitor_v1" CVisitor { struct_size, family, segment }
        "meterbox_push_v1" CPush { struct_size, method, url, headers, headers_len, body }
        "meterbox_plugin_v1" CPluginTable {
            struct_size, api_major, api_minor, metadata, create, destroy, start, stop, routes, call,
            collect, on_events, push_metrics, classify, on_timer
        }
        "meterbox_functions_v1" CFunctions { struct_size }
    }
    let shared = [
        ("meterbox_family_v1", Head::LAYOUT),
        ("meterbox_segment_v1", Segment::LAYOUT),
    ];
    for (table, fields) in shared {
        for (field, offset) in fields {
            writeln!(
                code,
                "same({table}_{field}, offsetof({table}, {field}) == {offset});"
            )
            .unwrap();
        }
    }
    for (index, name) in FUNCTION_NAMES.iter().enumerate() {
        let offset = (index + 1) * 8;
        writeln!(
            code,
            "same(fn_{name}, offsetof(meterbox_functions_v1, {name}) == {offset});"
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("layout.c");
    std::fs::write(&source, code).unwrap();
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-api/c");
    let compiled = Command::new("cc")
        .args([
            "-std=c99",
            "-pedantic",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fsyntax-only",
        ])
        .arg("-Wno-unused-local-typedefs")
        .arg("-I")
        .arg(header)
        .arg(&source)
        .output();
    let Ok(compiled) = compiled else {
        #[allow(clippy::print_stderr, reason = "says why nothing was checked")]
        {
            eprintln!("skipped: there is no C compiler (cc)");
        }
        return;
    };
    let errors = String::from_utf8_lossy(&compiled.stderr).into_owned();
    assert!(compiled.status.success(), "{errors}");
}

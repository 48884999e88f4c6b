//! The layout of everything on the border as a text, compared with the committed one.
//!
//! `layout.golden.txt` is what plugins in the field were built against. Within a version that promises to
//! load them, the text of today must be a growth of it: every type as it was, vtables longer at their
//! ends only, numbers added but none changed. `cargo xtask golden --bless` writes the file anew, and
//! refuses to where the version promises otherwise; VERSIONING.md says how to go on then.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot read its file has failed"
)]

mod growth;

use abi_stable::type_layout::{TLData, TLField, TLFunction, TypeLayout};
use growth::{Text, loads};
use meterbox_plugin_abi::events::{self, EventKinds};
use meterbox_plugin_abi::gather::{Head, Kind, Segment};
use meterbox_plugin_abi::raw::LAYOUT;
use meterbox_plugin_abi::{
    API_VERSION, Clock, Fact, Level, Listener, Methods, Roles, Status, Verdict, models,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use std::path::Path;

/// The types that can be reached: ours as the lines of a block, those of the library below by name.
#[derive(Default)]
struct Types {
    seen: HashSet<String>,
    ours: BTreeMap<String, Vec<String>>,
    below: BTreeSet<String>,
}

impl Types {
    fn visit(&mut self, layout: &'static TypeLayout) {
        // The name of a type does not say what it is a slice of, its id does.
        let id = format!("{:?} {}", layout.get_utypeid(), layout.full_type());
        if !self.seen.insert(id) {
            return;
        }
        let (head, fields) = match layout.data() {
            TLData::PrefixType(prefix) => (
                format!(
                    "growing, the first {} always there",
                    prefix.first_suffix_field
                ),
                prefix.fields.to_vec(),
            ),
            TLData::Struct { fields } | TLData::Union { fields } => {
                (by_value(layout), fields.to_vec())
            }
            TLData::Enum(choices) => (by_value(layout), choices.fields.to_vec()),
            TLData::Primitive(_) | TLData::Opaque => (by_value(layout), Vec::new()),
        };
        match layout.package().as_str() {
            "meterbox-plugin-abi" => {
                let lines = std::iter::once(head).chain(fields.iter().map(line));
                self.ours.insert(type_text(layout), lines.collect());
            }
            "abi_stable" if layout.name() != "PrefixRef" => {
                self.below.insert(format!("{}: {head}", type_text(layout)));
            }
            _ => {}
        }
        // Types of the library below are followed, too: a reference to a vtable of ours is one.
        for field in fields.into_iter().chain(layout.phantom_fields().iter()) {
            for function in field.function_range().iter() {
                parts(&function).for_each(|part| self.visit(part));
            }
            if !field.is_function() {
                self.visit(field.layout());
            }
        }
    }
}

fn by_value(layout: &TypeLayout) -> String {
    format!("by value, {} bytes", layout.size())
}

/// The type as Rust writes it.
fn type_text(layout: &TypeLayout) -> String {
    let name = layout.full_type().to_string();
    let words: Vec<&str> = name.split_whitespace().collect();
    let name = words.join(" ").replace(" >", ">").replace(", mut", " mut");
    let slice_of = match layout.data() {
        TLData::Struct { fields } if layout.name().starts_with("RSlice") => fields
            .iter()
            .map(|field| type_text(field.layout()))
            .find_map(|pointer| Some(pointer.split_once(' ')?.1.to_owned())),
        _ => None,
    };
    match slice_of {
        Some(item) => name.replace("<'a>", &format!("<'a, {item}>")),
        None => name,
    }
}

/// The types that a function takes and returns.
fn parts(function: &TLFunction) -> impl Iterator<Item = &'static TypeLayout> {
    let takes: Vec<_> = function.param_type_layouts.iter().collect();
    takes
        .into_iter()
        .chain(function.return_type_layout())
        .map(|layout| layout())
}

fn line(field: &TLField) -> String {
    if !field.is_function() {
        return format!("{}: {}", field.name(), type_text(field.layout()));
    }
    let function = field.function_range().index(0);
    let names = function.param_names.as_str().split([',', ';']);
    let takes: Vec<String> = names
        .zip(function.param_type_layouts.iter())
        .map(|(name, layout)| format!("{name}: {}", type_text(layout())))
        .collect();
    let returned = function
        .return_type_layout()
        .map_or_else(String::new, |layout| format!(" -> {}", type_text(layout())));
    format!("{}: fn({}){returned}", field.name(), takes.join(", "))
}

/// Names and numbers of constants that both sides have to mean the same by.
fn numbers() -> Vec<(&'static str, Vec<(&'static str, f64)>)> {
    macro_rules! named {
        ($($name:ident),*) => {
            [$((stringify!($name), $name::NAMED.iter().map(|(code, word)| (*word, f64::from(code.0))).collect())),*]
        };
    }
    macro_rules! listed {
        ($($title:literal $(($place:path))? { $($name:path),* $(,)? })*) => {
            [$(($title, vec![$((short(stringify!($name)), $name.0 as f64)),*])),*]
        };
    }
    fn short(path: &'static str) -> &'static str {
        path.rsplit(' ')
            .next()
            .and_then(|path| path.rsplit(':').next())
            .unwrap_or(path)
    }
    let mut all: Vec<(&str, Vec<(&str, f64)>)> =
        named!(Level, Listener, Methods, Roles, Verdict, Clock, Fact).into();
    all.extend(listed! {
        "Status" {
            Status::OK, Status::INTERNAL, Status::INVALID, Status::NOT_FOUND, Status::CONFLICT,
            Status::DENIED, Status::LIMIT, Status::TOO_LARGE, Status::CLOSED, Status::TIMEOUT,
            Status::UNAVAILABLE, Status::UNSUPPORTED, Status::PANICKED, Status::CRASHED,
        }
        "Kind" {
            Kind::UNKNOWN, Kind::COUNTER, Kind::GAUGE, Kind::HISTOGRAM, Kind::SUMMARY, Kind::INFO,
        }
        "EventKinds" {
            EventKinds::REQUEST_DONE, EventKinds::MODEL_REGISTERED, EventKinds::MODEL_LOADED,
            EventKinds::MODEL_UNLOADED, EventKinds::WORKER_STARTED, EventKinds::WORKER_DIED,
            EventKinds::SAMPLE,
        }
        "fields of events" {
            events::KIND, events::UNIX_SECONDS, events::MODEL, events::MODEL_VERSION, events::WORKER,
            events::METHOD, events::PATH, events::REASON, events::METRIC, events::LABELS,
            events::STATUS, events::SECONDS, events::QUEUE_SECONDS, events::BYTES_IN,
            events::BYTES_OUT, events::VALUE,
        }
        "fields of models" {
            models::NAME, models::VERSION, models::IS_DEFAULT, models::WORKERS_READY,
            models::WORKERS_MIN, models::WORKERS_MAX, models::QUEUE_LEN,
        }
    });
    all
}

/// The whole text: version, our types, the types below, numbers.
fn rendered() -> String {
    let mut types = Types::default();
    types.visit(LAYOUT);
    let mut text = format!("border {API_VERSION}\n");
    for (name, lines) in &types.ours {
        let _ = write!(text, "\n{name}: {}\n", lines[0]);
        for line in &lines[1..] {
            let _ = writeln!(text, "  {line}");
        }
    }
    for (name, size, fields) in [
        ("Head", size_of::<Head<'_>>(), Head::LAYOUT),
        ("Segment", size_of::<Segment<'_>>(), Segment::LAYOUT),
    ] {
        let _ = write!(text, "\n{name}: growing by its size\n");
        for (at, (field, offset)) in fields.iter().enumerate() {
            let end = fields.get(at + 1).map_or(size, |(_, next)| *next);
            let _ = writeln!(text, "  {offset} to {end}: {field}");
        }
    }
    text.push_str("\nabi_stable: by value, of a pinned version\n");
    for line in &types.below {
        let _ = writeln!(text, "  {line}");
    }
    for (name, named) in numbers() {
        let _ = write!(text, "\n{name}: numbers\n");
        for (word, number) in named {
            let _ = writeln!(text, "  {number} {word}");
        }
    }
    text
}

#[test]
fn the_border_is_a_growth_of_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("layout.golden.txt");
    let present = rendered();
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let (old, new) = (Text::parse(&committed), Text::parse(&present));
    if loads(new.version(), old.version()) {
        let broken = new.breaks(&old);
        assert!(
            broken.is_empty(),
            "border {} promises to load plugins that were built against {}, but they would misread it:\n  \
             {}\nundo that, or give the border a version that promises less (plugin-api/abi/VERSIONING.md)",
            new.version(),
            old.version(),
            broken.join("\n  ")
        );
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, present).unwrap();
        return;
    }
    let lines = || committed.lines().zip(present.lines());
    let differs = lines().position(|(committed, present)| committed != present);
    assert!(
        committed == present,
        "the border has grown, from line {} of {} on; `cargo xtask golden --bless` writes that down",
        differs.unwrap_or(committed.lines().count()) + 1,
        path.display()
    );
}

#[test]
fn nothing_of_ours_crosses_by_value_but_handles_and_numbers() {
    for (name, block) in Text::parse(&rendered()).blocks() {
        let bytes = block.by_value_bytes().unwrap_or(0);
        assert!(
            bytes <= 32,
            "{name} has {bytes} bytes: let it cross behind a vtable"
        );
    }
}

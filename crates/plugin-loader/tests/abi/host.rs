//! A host of one variant of the border: loads the plugin that is named by its argument with the real
//! loader, and prints what came of it, or the refusal. With `--cfg grown` it asks for more.

use meterbox_plugin_abi::gather::{Filter, Flow, Head, Kind, Segment, Visitor};
use meterbox_plugin_abi::testing::{FakeHost, TestFamily, TestSource};
use meterbox_plugin_abi::{API_VERSION, Host, Table};
use meterbox_plugin_files::{ApiVersion, Candidate, Policy, verify};
use meterbox_plugin_loader::load::Loaded;
use std::path::Path;
use std::sync::Arc;

/// Prints what a collector shows.
struct Shown;

impl Visitor for Shown {
    fn family(&mut self, _: &Head<'_>) -> Flow {
        Flow::Continue
    }
    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        print!("shown {:?}", segment.values());
        #[cfg(grown)]
        print!(" more {:?}", segment.more());
        println!();
        Flow::Continue
    }
}

fn main() {
    let path = std::env::args().nth(1).expect("the path of a plugin");
    let path = Path::new(&path);
    let candidate = Candidate {
        folder: path.parent().expect("a folder").to_path_buf(),
        file_name: path.file_name().expect("a file").to_owned(),
    };
    let mut policy = Policy::new(ApiVersion::parse(API_VERSION).expect("a version"));
    policy.insecure_permissions = true;
    let loaded = match verify(&candidate, &policy).and_then(Loaded::load) {
        Ok(loaded) => loaded,
        Err(refusal) => {
            let text = refusal.text.replace(&format!("{}: ", path.display()), "");
            println!("{}: {text}", refusal.reason);
            return;
        }
    };
    let host = Arc::new(FakeHost::default());
    let mut family = TestFamily::new(Kind::GAUGE, "g").value("", 3.0);
    #[cfg(grown)]
    family.segment.more.push(4.0);
    host.show(TestSource::of(vec![family]));
    let plugin = loaded.create(Host::of(host.clone()), "{}").expect("it is created");
    plugin.start().expect("it starts");
    println!("{}", host.lines().join("; "));
    plugin.collect(&Filter::ALL, &mut Shown).expect("it collects");
    println!("{}", plugin.on_events(Table::empty()).unwrap_err());
    #[cfg(grown)]
    println!("health {:?}", plugin.health());
}

//! Whose a series and a name are: what one source may do to those of another.

mod common;

use common::{drops, page, registry, registry_with};
use meterbox_metrics::{Counter, Descriptor, Kind, Limits, SeriesError, SourceOptions};

#[test]
fn a_series_is_its_makers_alone() {
    let (registry, _) = registry_with(Limits::default());
    let one = registry.source("one", &SourceOptions::guest()).unwrap();
    let two = registry.source("two", &SourceOptions::guest()).unwrap();
    let mine = one.counter("a_total", "", &["x"]).unwrap();
    mine.inc(&["1"]).unwrap();
    let theirs = two.counter("a_total", "", &["x"]).unwrap();
    let error = theirs.with(&["1"]).unwrap_err();
    assert!(matches!(error, SeriesError::NotOwner { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "metric a_total: two may not touch a series that one made: use other label values or \
         another name"
    );
    // This thread has just looked the series up for its owner.
    assert!(theirs.inc(&["1"]).is_err());
    assert!(!theirs.remove(&["1"]));
    assert_eq!(drops(&registry, "two", "not_owner"), 3);
    assert_eq!(drops(&registry, "one", "not_owner"), 0);
    assert_eq!(page(&registry), "a_total{x=\"1\"} 1\n");
    assert!(mine.remove(&["1"]));
    theirs.inc(&["1"]).unwrap();
    assert!(mine.inc(&["1"]).is_err(), "it is the other's now");
    assert_eq!(page(&registry), "a_total{x=\"1\"} 1\n");
}

#[test]
fn a_shared_family_is_open_to_all() {
    let (registry, host) = registry();
    let shared = Descriptor::new(Kind::Counter, "a_total", "")
        .labels(&["x"])
        .shared();
    host.family::<Counter>(&shared)
        .unwrap()
        .inc(&["1"])
        .unwrap();
    let guest = registry.source("guest", &SourceOptions::guest()).unwrap();
    let family = guest.counter("a_total", "", &["x"]).unwrap();
    family.inc(&["1"]).unwrap();
    assert_eq!(page(&registry), "a_total{x=\"1\"} 2\n");
    assert!(family.remove(&["1"]));
}

#[test]
fn a_guest_has_no_part_in_what_a_privileged_source_keeps_to_itself() {
    let (registry, host) = registry();
    host.counter("a_total", "", &["x"]).unwrap();
    let guest = registry.source("guest", &SourceOptions::guest()).unwrap();
    let error = guest.counter("a_total", "", &["x"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metric a_total belongs to test, which does not share it: use another name"
    );
    assert_eq!(drops(&registry, "guest", "not_owner"), 1);
}

#[test]
fn no_guest_outranks_or_hides_what_is_privileged() {
    let (registry, host) = registry();
    let guest = registry.source("guest", &SourceOptions::guest()).unwrap();
    let named = |set: &str| Descriptor::new(Kind::Gauge, "load", "").set(set);
    // The set that is shown first, and the same name in none.
    guest
        .register(&named("first"))
        .unwrap()
        .set(&[], 666.0)
        .unwrap();
    host.register(&named("second"))
        .unwrap()
        .set(&[], 1.0)
        .unwrap();
    assert_eq!(page(&registry), "load{} 1\n");
    let squatter = guest.gauge("late", "", &["y"]).unwrap();
    squatter.set(&["1"], 666.0).unwrap();
    host.gauge("late", "", &[]).unwrap().set(&[], 2.0).unwrap();
    assert_eq!(page(&registry), "load{} 1\nlate{} 2\n");
    // Its handles stay safe to use.
    squatter.set(&["1"], 667.0).unwrap();
    assert_eq!(page(&registry), "load{} 1\nlate{} 2\n");
    assert_eq!(drops(&registry, "guest", "conflict"), 1);
    guest.counter("jobs", "", &[]).unwrap();
    host.histogram("jobs", "", &[]).unwrap();
    assert_eq!(drops(&registry, "guest", "conflict"), 2);
}

#[test]
fn reserved_sets_need_a_grant() {
    let (registry, host) = common::registry_reserving("second");
    let guest = registry.source("guest", &SourceOptions::guest()).unwrap();
    let second = Descriptor::new(Kind::Gauge, "load", "").set("second");
    let error = guest.register(&second).unwrap_err().to_string();
    assert_eq!(
        error,
        "metric load: the name set \"second\" is the server's own: name no set, or one of your own"
    );
    assert_eq!(drops(&registry, "guest", "reserved_name"), 1);
    host.register(&second).unwrap();
}

#[test]
fn a_family_full_of_removed_series_wakes_up() {
    let limits = Limits {
        series_per_metric: 50,
        ..Limits::default()
    };
    let (registry, clock) = registry_with(limits);
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let family = source.counter("jobs_total", "", &["id"]).unwrap();
    let mut refused = 0;
    for id in 0..3_000 {
        let id = id.to_string();
        refused += u32::from(family.inc(&[&id]).is_err());
        family.remove(&[&id]);
    }
    assert!(refused > 0, "resting cells are bounded");
    clock.advance(11);
    family.inc(&["new"]).unwrap();
    assert_eq!(page(&registry), "jobs_total{id=\"new\"} 1\n");
}

#[test]
fn names_that_two_families_would_show_in_any_format_are_a_conflict() {
    let kinds = [
        Kind::Counter,
        Kind::Gauge,
        Kind::Histogram,
        Kind::Summary,
        Kind::Info,
    ];
    let [counter, gauge, histogram, summary, info] = kinds;
    for (first, second, clashes) in [
        ((gauge, "x"), (counter, "x_total"), true),
        ((counter, "x_total"), (gauge, "x_created"), true),
        ((histogram, "x"), (counter, "x_total"), true),
        ((histogram, "x"), (gauge, "x_count"), true),
        ((histogram, "x"), (gauge, "x_created"), true),
        ((summary, "x"), (gauge, "x_bucket"), false),
        ((summary, "x"), (counter, "x_sum"), true),
        ((info, "x_info"), (gauge, "x"), true),
        ((info, "x"), (gauge, "x_info"), false),
        ((counter, "x"), (gauge, "x_created"), false),
        ((counter, "x"), (counter, "x_total"), true),
        ((gauge, "x"), (gauge, "x_total"), false),
    ] {
        for (first, second) in [(first, second), (second, first)] {
            let (_, source) = registry();
            let descriptor = |(kind, name)| Descriptor::new(kind, name, "");
            source.register(&descriptor(first)).unwrap();
            let refused = source.register(&descriptor(second)).is_err();
            assert_eq!(refused, clashes, "{first:?} then {second:?}");
        }
    }
}

//! Who may register what: sharing, conflicts, name sets, limits, reserved names, removal of sources.

mod common;

use common::{drops, page, registry, registry_with};
use meterbox_metrics::{Descriptor, Histogram, Kind, Limits, SourceOptions};

#[test]
fn two_sources_share_a_family_of_one_shape_and_own_their_series() {
    let (registry, _) = registry_with(Limits::default());
    let one = registry.source("one", &SourceOptions::guest()).unwrap();
    let two = registry.source("two", &SourceOptions::guest()).unwrap();
    one.counter("a_total", "The first help.", &["x"])
        .unwrap()
        .inc(&["1"])
        .unwrap();
    let second = two.counter("a_total", "Another help.", &["x"]).unwrap();
    second.inc(&["2"]).unwrap();
    assert_eq!(page(&registry), "a_total{x=\"1\"} 1\na_total{x=\"2\"} 1\n");
    assert_eq!(
        registry.gather().families().next().unwrap().help(),
        "The first help."
    );
    assert_eq!(drops(&registry, "two", "help_differs"), 1);
    assert_eq!((one.series_len(), two.series_len()), (1, 1));
    assert_eq!(registry.remove_source("one"), 1);
    assert_eq!(page(&registry), "a_total{x=\"2\"} 1\n");
    assert_eq!(registry.remove_source("two"), 1);
    assert_eq!((registry.families_len(), registry.series_len()), (0, 0));
    assert_eq!(registry.remove_source("nobody"), 0);
}

#[test]
fn another_shape_is_a_conflict_that_names_the_owner() {
    let (registry, _) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let guest = registry.source("guest", &SourceOptions::guest()).unwrap();
    source.counter("a_total", "", &["x"]).unwrap();
    let error = guest.gauge("a_total", "", &["x"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "metric a_total is already registered by test with kind counter and labels (x), \
         not kind gauge and labels (x): use the same or another name"
    );
    assert!(guest.counter("a_total", "", &["y"]).is_err());
    assert!(guest.counter("a_total", "", &[]).is_err());
    let bounds = |bounds: &[f64]| Descriptor::new(Kind::Histogram, "h", "").bounds(bounds);
    source.family::<Histogram>(&bounds(&[1.0, 2.0])).unwrap();
    assert!(guest.family::<Histogram>(&bounds(&[1.0])).is_err());
    assert!(
        guest
            .family::<Histogram>(&bounds(&[1.0, 2.0, f64::INFINITY]))
            .is_ok()
    );
    assert_eq!(drops(&registry, "guest", "conflict"), 4);
}

#[test]
fn sample_names_of_two_families_never_meet() {
    let (_, source) = registry();
    source.histogram("h", "", &[]).unwrap();
    let error = source.counter("h_count", "", &[]).unwrap_err().to_string();
    assert!(error.contains("h as kind histogram"), "{error}");
    source.counter("s_sum", "", &[]).unwrap();
    assert!(source.summary("s", "", &[]).is_err());
    source.counter("c", "", &[]).unwrap();
    assert!(
        source.counter("c_count", "", &[]).is_ok(),
        "a counter derives no names"
    );
}

#[test]
fn name_sets_order_the_page_and_hide_the_second_form_of_a_name() {
    let (registry, source) = registry();
    let show = |name: &str, set: Option<&str>, kind| {
        let descriptor = Descriptor::new(kind, name, set.unwrap_or("none"));
        let descriptor = match set {
            Some(set) => descriptor.set(set),
            None => descriptor,
        };
        source.register(&descriptor).unwrap();
    };
    show("zebra", Some("first"), Kind::Gauge);
    show("both", Some("second"), Kind::Counter);
    show("both", Some("first"), Kind::Gauge);
    show("apple", Some("second"), Kind::Gauge);
    show("hidden", Some("third"), Kind::Gauge);
    show("own", None, Kind::Gauge);
    let shown = || {
        let gathered = registry.gather();
        let names = gathered
            .families()
            .map(|family| format!("{} {}", family.name(), family.help()));
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        shown(),
        ["both first", "zebra first", "apple second", "own none"]
    );
    registry.set_name_sets(&["second", "third"]);
    assert_eq!(
        shown(),
        ["apple second", "both second", "hidden third", "own none"]
    );
    // In no set, a name is the same family as any other form of it, and is shown from then on.
    source
        .register(&Descriptor::new(Kind::Gauge, "zebra", ""))
        .unwrap();
    let expect = [
        "apple second",
        "both second",
        "hidden third",
        "own none",
        "zebra first",
    ];
    assert_eq!(shown(), expect);
    assert!(
        source
            .register(&Descriptor::new(Kind::Histogram, "both", ""))
            .is_err()
    );
    assert!(
        source
            .register(&Descriptor::new(Kind::Counter, "own", "").set("first"))
            .is_err()
    );
    assert!(
        source
            .register(&Descriptor::new(Kind::Gauge, "own", "").set("first"))
            .is_ok()
    );
}

#[test]
fn limits_refuse_new_series_count_why_and_leave_known_ones_alone() {
    let limits = Limits {
        series_per_metric: 5,
        series_in_all: 12,
        families: 4,
        sources: 3,
    };
    let (registry, _) = registry_with(limits);
    let small = registry
        .source("small", &SourceOptions::guest().series_max(7))
        .unwrap();
    let large = registry.source("large", &SourceOptions::guest()).unwrap();
    let a = small.counter("a_total", "", &["n"]).unwrap();
    let b = small.counter("b_total", "", &["n"]).unwrap();
    let c = large.counter("c_total", "", &["n"]).unwrap();
    let d = large.counter("d_total", "", &["n"]).unwrap();
    let results = |family: &meterbox_metrics::FamilyOf<_>| {
        let tries = (0..8).map(|n| family.inc(&[&n.to_string()]));
        tries
            .filter_map(Result::err)
            .map(|error| error.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        results(&a),
        vec![
            "metric a_total has 5 series, which is the limit per metric: use fewer label values or raise it";
            3
        ]
    );
    let per_source = results(&b);
    assert_eq!(per_source.len(), 6);
    assert!(
        per_source[0].contains("small has 7 series"),
        "{per_source:?}"
    );
    assert_eq!(results(&c).len(), 3);
    let in_all = results(&d);
    assert_eq!(in_all.len(), 8);
    assert!(in_all[0].contains("12 series exist"), "{in_all:?}");
    assert_eq!(drops(&registry, "small", "metric_limit"), 3);
    assert_eq!(drops(&registry, "small", "source_limit"), 6);
    assert_eq!(drops(&registry, "large", "total_limit"), 8);
    assert!(
        a.inc(&["0"]).is_ok() && a.with(&["4"]).is_ok(),
        "known series go on"
    );
    assert!(large.gauge("e", "", &[]).is_err());
    assert_eq!(drops(&registry, "large", "family_limit"), 1);
    assert!(registry.source("third", &SourceOptions::guest()).is_some());
    assert!(registry.source("fourth", &SourceOptions::guest()).is_none());
    // Room comes back with removal.
    assert!(a.remove(&["0"]));
    assert!(d.inc(&["0"]).is_ok());
    assert!(page(&registry).ends_with("d_total{n=\"0\"} 1\n"));
}

#[test]
fn bad_label_values_are_refused_by_number_and_length() {
    let (registry, source) = registry();
    let family = source.counter("a_total", "", &["x", "y"]).unwrap();
    let error = family.inc(&["1"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "metric a_total has 2 labels, not 1: give one value for each, in order"
    );
    let long = "x".repeat(1025);
    let error = family.inc(&["1", &long]).unwrap_err().to_string();
    assert!(error.contains("label \"y\" has 1025 bytes"), "{error}");
    assert!(family.inc(&["1", &long[..1024]]).is_ok());
    assert!(family.inc(&["1", &long[..1024]]).is_ok());
    assert_eq!(drops(&registry, "test", "label_count"), 1);
    assert_eq!(drops(&registry, "test", "value_too_long"), 1);
    assert_eq!(registry.series_len(), 1);
}

#[test]
fn guests_may_not_register_reserved_names() {
    let (registry, own) = registry();
    let guest = registry.source("guest", &SourceOptions::guest()).unwrap();
    let error = guest
        .counter("ts_fake_total", "", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"ts_\" are reserved"), "{error}");
    assert_eq!(drops(&registry, "guest", "reserved_name"), 1);
    assert!(own.counter("ts_real_total", "", &[]).is_ok());
}

#[test]
fn a_source_that_comes_again_keeps_its_series() {
    let (registry, source) = registry();
    source
        .counter("a_total", "", &[])
        .unwrap()
        .with(&[])
        .unwrap()
        .inc();
    drop(source);
    let again = registry.source("test", &SourceOptions::guest()).unwrap();
    assert_eq!(again.series_len(), 1);
    again
        .counter("a_total", "", &[])
        .unwrap()
        .with(&[])
        .unwrap()
        .inc();
    assert_eq!(page(&registry), "a_total{} 2\n");
}

#[test]
fn series_expire_when_nobody_holds_them_and_their_value_rests() {
    let (registry, clock) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let mortal = Descriptor::new(Kind::Counter, "a_total", "")
        .labels(&["x"])
        .ttl_seconds(60.0);
    let family = source.family::<meterbox_metrics::Counter>(&mortal).unwrap();
    let kept = source.counter("b_total", "", &[]).unwrap();
    kept.inc(&[]).unwrap();
    let held = family.with(&["held"]).unwrap();
    for x in ["idle", "busy", "held"] {
        family.inc(&[x]).unwrap();
    }
    assert_eq!(registry.expire(), 0);
    clock.advance(40);
    family.inc(&["busy"]).unwrap();
    assert_eq!(registry.expire(), 0);
    clock.advance(40);
    assert_eq!(registry.expire(), 1, "only the idle one");
    assert_eq!(
        page(&registry),
        "a_total{x=\"held\"} 1\na_total{x=\"busy\"} 2\nb_total{} 1\n"
    );
    drop(held);
    clock.advance(40);
    assert_eq!(registry.expire(), 2);
    assert_eq!(page(&registry), "b_total{} 1\n");
    family.inc(&["idle"]).unwrap();
    assert!(
        page(&registry).starts_with("a_total{x=\"idle\"} 1\n"),
        "it comes back from zero"
    );
}

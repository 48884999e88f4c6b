//! Series: made, found, written, removed, and what a reader sees of it.

mod common;

use common::{drops, page, registry, registry_with};
use meterbox_metrics::{
    Columns, Counter, Descriptor, Gauge, Histogram, Kind, Limits, ObservedCounter, SourceOptions,
};

#[test]
fn each_kind_shows_what_was_written() {
    let (registry, source) = registry();
    source
        .counter("a_total", "", &[])
        .unwrap()
        .with(&[])
        .unwrap()
        .add(u64::MAX >> 12);
    source
        .float_counter("b_total", "", &["x"])
        .unwrap()
        .with(&["1"])
        .unwrap()
        .add(0.25);
    let gauge = source.gauge("c", "", &[]).unwrap().with(&[]).unwrap();
    gauge.set(5.0);
    gauge.inc();
    gauge.add(-2.5);
    let bounds = Descriptor::new(Kind::Histogram, "d", "").bounds(&[1.0, 2.0, f64::INFINITY]);
    let histogram = source
        .family::<Histogram>(&bounds)
        .unwrap()
        .with(&[])
        .unwrap();
    [0.5, 1.0, 1.5, 99.0]
        .iter()
        .for_each(|&x| histogram.observe(x));
    let summary = source.summary("e", "", &[]).unwrap().with(&[]).unwrap();
    [1.0, 2.0].iter().for_each(|&x| summary.observe(x));
    source
        .info("f_info", "", &["version"])
        .unwrap()
        .with(&["1"])
        .unwrap();
    let observed = Descriptor::new(Kind::ObservedCounter, "g_total", "");
    source
        .family::<ObservedCounter>(&observed)
        .unwrap()
        .with(&[])
        .unwrap()
        .set(7.0);
    assert_eq!(
        page(&registry),
        "a_total{} 4503599627370495\n\
         b_total{x=\"1\"} 0.25\n\
         c{} 3.5\n\
         d{} [2, 1, 1] 4 102\n\
         e{} [] 2 3\n\
         f_info{version=\"1\"} 1\n\
         g_total{} 7\n"
    );
}

#[test]
fn the_same_labels_are_the_same_series_by_handle_and_by_look_up() {
    let (registry, source) = registry();
    let family = source.counter("a_total", "", &["x", "y"]).unwrap();
    let handle = family.with(&["\"1\"", "b\n"]).unwrap();
    handle.inc();
    family.inc(&["\"1\"", "b\n"]).unwrap();
    family.inc(&["\"1\"", "b\n"]).unwrap();
    handle.clone().inc();
    family.inc(&["\\\"1\\\"", "b\n"]).unwrap();
    assert_eq!(
        page(&registry),
        "a_total{x=\"\\\"1\\\"\",y=\"b\\n\"} 4\n\
         a_total{x=\"\\\\\\\"1\\\\\\\"\",y=\"b\\n\"} 1\n"
    );
}

#[test]
fn a_thousand_series_keep_the_order_in_which_they_came() {
    let (registry, source) = registry();
    let family = source.counter("a_total", "", &["n"]).unwrap();
    let mut expect = String::new();
    for n in 0..1000_u64 {
        family.with(&[&n.to_string()]).unwrap().add(n);
        expect.push_str(&format!("a_total{{n=\"{n}\"}} {n}\n"));
    }
    assert_eq!(page(&registry), expect);
    let gathered = registry.gather();
    let lengths: Vec<_> = gathered
        .families()
        .flat_map(|family| family.segments())
        .map(|one| one.len())
        .collect();
    assert_eq!(lengths, [4, 16, 64, 256, 256, 256, 148]);
}

#[test]
fn removal_takes_one_series_out_and_leaves_the_rest_in_order() {
    let (registry, source) = registry();
    let family = source.gauge("g", "", &["n"]).unwrap();
    for n in 0..30 {
        family.set(&[&n.to_string()], f64::from(n)).unwrap();
    }
    for n in (0..30).filter(|n| n % 3 == 0) {
        assert!(family.remove(&[&n.to_string()]));
        assert!(!family.remove(&[&n.to_string()]), "gone already");
    }
    let left: String = (0..30)
        .filter(|n| n % 3 != 0)
        .map(|n| format!("g{{n=\"{n}\"}} {n}\n"))
        .collect();
    assert_eq!(page(&registry), left);
    assert_eq!(
        (registry.series_len(), family.family().series_len()),
        (20, 20)
    );
}

#[test]
fn a_removed_series_comes_back_from_zero_and_old_handles_count_nowhere() {
    let (registry, clock) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let family = source.counter("a_total", "", &["x"]).unwrap();
    let old = family.with(&["1"]).unwrap();
    old.add(5);
    family.inc(&["1"]).unwrap();
    family.remove(&["1"]);
    old.add(100);
    family.inc(&["1"]).unwrap();
    assert_eq!(page(&registry), "a_total{x=\"1\"} 1\n");
    // Its cells rest as long as the handle lives, whatever the time.
    clock.advance(1000);
    for n in 2..30 {
        family.inc(&[&n.to_string()]).unwrap();
    }
    old.add(100);
    assert!(
        page(&registry).lines().all(|line| line.ends_with(" 1")),
        "{}",
        page(&registry)
    );
    // Then they are used again, from zero, and the late writes are counted as dropped.
    drop(old);
    clock.advance(1000);
    for n in 30..60 {
        family.inc(&[&n.to_string()]).unwrap();
    }
    assert!(
        page(&registry).lines().all(|line| line.ends_with(" 1")),
        "{}",
        page(&registry)
    );
    assert_eq!(drops(&registry, "test", "removed"), 1);
}

#[test]
fn churning_for_ever_uses_the_same_cells_again() {
    let (registry, clock) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let family = source.histogram("h", "", &["pod"]).unwrap();
    let mut slots = std::collections::HashSet::new();
    for generation in 0..500 {
        for pod in 0..10 {
            let name = format!("pod-{generation}-{pod}");
            let series = family.with(&[&name]).unwrap();
            series.observe(1.0);
            slots.insert(series.series().slot());
        }
        assert_eq!(registry.series_len(), 10);
        assert!(page(&registry).lines().all(|line| line.ends_with(" 1 1")));
        for pod in 0..10 {
            assert!(family.remove(&[&format!("pod-{generation}-{pod}")]));
        }
        clock.advance(11);
    }
    assert!(slots.len() <= 40, "{} places used", slots.len());
}

#[test]
fn wide_histograms_and_many_of_them_count_exactly() {
    let (registry, source) = registry();
    let bounds: Vec<f64> = (1..=512).map(f64::from).collect();
    let wide = Descriptor::new(Kind::Histogram, "wide", "")
        .labels(&["n"])
        .bounds(&bounds);
    let family = source.family::<Histogram>(&wide).unwrap();
    for n in 0..20 {
        let series = family.with(&[&n.to_string()]).unwrap();
        (0..=n).for_each(|x| series.observe(f64::from(x) * 30.0));
    }
    let mut columns = Columns::new();
    let mut seen = 0;
    for segment in registry
        .gather()
        .families()
        .flat_map(|family| family.segments())
    {
        segment.read(&mut columns);
        assert_eq!(columns.bucket_counts().len(), segment.len() * 513);
        for row in 0..segment.len() {
            let n = seen as u64;
            assert_eq!(columns.counts()[row], n + 1);
            assert_eq!(
                columns.sums()[row],
                (0..=n).map(|x| x as f64 * 30.0).sum::<f64>()
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 20);
}

#[test]
fn structure_changes_with_the_series_and_not_with_the_values() {
    let (registry, source) = registry();
    let family = source.gauge("g", "", &["n"]).unwrap();
    let read = || {
        let gathered = registry.gather();
        let segment = gathered
            .families()
            .next()
            .unwrap()
            .segments()
            .next()
            .unwrap();
        segment.structure()
    };
    family.set(&["1"], 1.0).unwrap();
    family.set(&["2"], 2.0).unwrap();
    let first = read();
    assert_eq!(read(), first);
    family.set(&["1"], -1.0).unwrap();
    family.set(&["2"], -2.0).unwrap();
    assert_eq!(read(), first);
    family.set(&["3"], 0.0).unwrap();
    let added = read();
    assert_ne!(added, first);
    family.remove(&["3"]);
    let removed = read();
    assert!(removed != added && removed != first);
}

#[test]
fn cells_rest_before_another_series_gets_them() {
    let (registry, clock) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::guest()).unwrap();
    let family = source.counter("a_total", "", &["n"]).unwrap();
    let slot = |name: &str| family.with(&[name]).unwrap().series().slot();
    let first = slot("0");
    assert!(family.remove(&["0"]));
    clock.advance(9);
    assert!(
        (1..50).all(|n| slot(&n.to_string()) != first),
        "a write may still be on its way"
    );
    clock.advance(1);
    assert_eq!(slot("50"), first);
}

#[test]
fn segments_of_different_families_never_share_a_structure() {
    let (registry, source) = registry();
    let mut seen = std::collections::HashSet::new();
    for name in ["a", "b", "c"] {
        let family = source.gauge(name, "", &["n"]).unwrap();
        for n in 0..300 {
            family.set(&[&n.to_string()], 0.0).unwrap();
        }
    }
    for family in registry.gather().families() {
        for segment in family.segments() {
            assert!(seen.insert(segment.structure()));
        }
    }
}

#[test]
fn operations_of_another_kind_are_refused_and_counted() {
    let (registry, source) = registry();
    let counter = source
        .register(&Descriptor::new(Kind::Counter, "c_total", ""))
        .unwrap();
    let series = counter.series(&[]).unwrap();
    let error = series.set(1.0).unwrap_err().to_string();
    assert_eq!(error, "metric c_total is a counter, which has no setting");
    assert!(series.observe(1.0).is_err());
    let gauge = source
        .register(&Descriptor::new(Kind::Gauge, "g", ""))
        .unwrap();
    assert!(gauge.observe(&[], 1.0).is_err());
    assert_eq!(drops(&registry, "test", "wrong_kind"), 3);
    // A counter takes no fraction and nothing negative.
    for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 2e19] {
        series.add_f64(bad).unwrap();
    }
    series.add_f64(3.0).unwrap();
    source
        .float_counter("f_total", "", &[])
        .unwrap()
        .with(&[])
        .unwrap()
        .add(-0.5);
    assert_eq!(drops(&registry, "test", "bad_value"), 6);
    assert!(page(&registry).starts_with("c_total{} 3\n"));
}

#[test]
fn handles_outlive_the_registry() {
    let (registry, source) = registry();
    let counter: Counter = source
        .counter("a_total", "", &[])
        .unwrap()
        .with(&[])
        .unwrap();
    let gauge: Gauge = source.gauge("g", "", &[]).unwrap().with(&[]).unwrap();
    drop((registry, source));
    counter.inc();
    gauge.set(1.0);
}

#[test]
fn observations_counted_elsewhere_are_added_to_those_made_here() {
    let (registry, source) = registry();
    let bounds = Descriptor::new(Kind::Histogram, "h", "").bounds(&[1.0, 2.0]);
    let histogram = source.family::<Histogram>(&bounds).unwrap();
    let histogram = histogram.with(&[]).unwrap();
    histogram.observe(1.5);
    histogram.series().merge(&[4, 0, 2], 90.0).unwrap();
    let summary = source.summary("s", "", &[]).unwrap().with(&[]).unwrap();
    summary.observe(0.5);
    summary.series().merge(&[3], 2.0).unwrap();
    assert_eq!(page(&registry), "h{} [4, 1, 2] 7 91.5\ns{} [] 4 2.5\n");

    let counter = source.counter("c_total", "", &[]).unwrap();
    let counter = counter.with(&[]).unwrap();
    for refused in [
        histogram.series().merge(&[1, 1], 1.0),
        summary.series().merge(&[], 1.0),
        counter.series().merge(&[1], 1.0),
    ] {
        refused.expect_err("another shape");
    }
    assert_eq!(drops(&registry, "test", "wrong_kind"), 3);
    assert!(page(&registry).contains("h{} [4, 1, 2] 7 91.5"));
}

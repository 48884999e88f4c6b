//! Both sides over one file.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use meterbox_plugin_abi::Cells;
use meterbox_plugin_abi::gather::Kind;

use super::*;

const STRIPES: u32 = 4;
const BYTES: u64 = 64 * 1024;

fn pair() -> (ParentCells, Arc<ChildCells>) {
    let parent = ParentCells::make(BYTES, STRIPES).expect("memory");
    let file = parent.as_fd().try_clone_to_owned().expect("a descriptor");
    let child = ChildCells::open(file, BYTES, STRIPES).expect("the same file");
    (parent, child)
}

fn series(
    parent: &ParentCells,
    child: &Arc<ChildCells>,
    shape: CellShape,
) -> (SeriesWatch, Arc<Series>) {
    let watch = parent.allocate(shape).expect("room");
    let bounds: Arc<[f64]> = match shape {
        CellShape::Histogram { .. } => [1.0, 2.0].into(),
        _ => [].into(),
    };
    let series = Series::new(child.clone(), watch.cell(), shape, bounds).expect("cells");
    (watch, series)
}

fn changes(watch: &mut SeriesWatch, parent: &ParentCells) -> Vec<CellChange> {
    let mut changes = Vec::new();
    watch.changes(parent, |change| changes.push(change));
    changes
}

#[test]
fn every_kind_of_change_is_seen_once() {
    let (parent, child) = pair();
    let (mut counter, count) = series(&parent, &child, CellShape::Counter);
    let (mut level, gauge) = series(&parent, &child, CellShape::Level);
    let histogram = CellShape::of(Kind::HISTOGRAM, 2);
    let (mut buckets, observe) = series(&parent, &child, histogram);
    let (mut summary, sum) = series(&parent, &child, CellShape::Summary);
    for watch in [&mut counter, &mut level, &mut buckets, &mut summary] {
        assert_eq!(changes(watch, &parent), [], "nothing was changed yet");
    }

    count.add_u64(3);
    count.add_f64(0.5);
    count.set(7.0);
    count.set(6.0);
    let expected = [
        CellChange::Counted(3),
        CellChange::Added(0.5),
        CellChange::Total(7.0),
    ];
    assert_eq!(changes(&mut counter, &parent), expected);
    gauge.add_f64(-2.5);
    gauge.add_u64(1);
    assert_eq!(changes(&mut level, &parent), [CellChange::Level(-1.5)]);
    gauge.set(f64::from_bits(UNSET));
    assert!(matches!(changes(&mut level, &parent)[..], [CellChange::Level(x)] if x.is_nan()));
    for value in [1.0, 1.5, 2.0, 9.0, f64::NEG_INFINITY] {
        observe.observe(value);
    }
    observe.merge(&[1, 0, 4], 2.0);
    let (buckets_now, sum_now) = (vec![3, 2, 5], f64::NEG_INFINITY);
    let expected = CellChange::Observed {
        buckets: buckets_now,
        sum: sum_now,
    };
    assert_eq!(changes(&mut buckets, &parent), [expected]);
    sum.observe(1.25);
    sum.merge(&[2], 0.5);
    let expected = CellChange::Summed {
        count: 3,
        sum: 1.75,
    };
    assert_eq!(changes(&mut summary, &parent), [expected]);
    for watch in [&mut counter, &mut level, &mut buckets, &mut summary] {
        assert_eq!(changes(watch, &parent), [], "each change counts once");
    }
}

#[test]
fn a_change_that_does_not_fit_is_counted_and_changes_nothing() {
    let (parent, child) = pair();
    let (mut counter, count) = series(&parent, &child, CellShape::Counter);
    let (mut level, gauge) = series(&parent, &child, CellShape::Level);
    let (mut summary, sum) = series(&parent, &child, CellShape::Summary);
    count.add_f64(-1.0);
    count.add_f64(f64::NAN);
    count.set(-1.0);
    count.observe(1.0);
    gauge.observe(1.0);
    gauge.merge(&[1], 1.0);
    sum.add_u64(1);
    sum.set(1.0);
    sum.merge(&[1, 2], 1.0);
    assert_eq!(parent.misfits(), 9);
    for watch in [&mut counter, &mut level, &mut summary] {
        assert_eq!(changes(watch, &parent), []);
    }
}

#[test]
fn many_short_threads_lose_no_count_and_share_the_stripes() {
    let (parent, child) = pair();
    let (mut watch, counter) = series(&parent, &child, CellShape::Counter);
    for _ in 0..10 {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1000).for_each(|_| counter.add_u64(1)));
            }
        });
    }
    assert_eq!(changes(&mut watch, &parent), [CellChange::Counted(80_000)]);
}

#[test]
fn stripes_are_used_again_after_their_thread() {
    let (parent, child) = pair();
    let (_, counter) = series(&parent, &child, CellShape::Counter);
    for _ in 0..20 {
        thread::scope(|scope| {
            scope.spawn(|| counter.add_u64(1)).join().expect("no panic");
        });
    }
    let used = child_stripes(&parent);
    assert_eq!(used, 2, "stripe 0 and one for the only thread at a time");
}

fn child_stripes(parent: &ParentCells) -> u64 {
    let file = parent.as_fd().try_clone_to_owned().expect("a descriptor");
    let file = crate::shared_file::SharedFile::open(file, BYTES as usize).expect("the file");
    file.words()[STRIPES_USED as usize].load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn removed_series_change_nothing_and_their_cells_are_clean_when_they_come_back() {
    let (parent, child) = pair();
    let (watch, counter) = series(&parent, &child, CellShape::Counter);
    let cell = watch.cell();
    thread::scope(|scope| {
        scope.spawn(|| counter.add_u64(5));
    });
    counter.set(4.0);
    counter.remove();
    counter.add_u64(100);
    parent.give_back(watch);
    let other = parent.allocate(CellShape::Counter).expect("room");
    assert_ne!(other.cell(), cell, "a late change hits no other series");
    parent.rest();
    assert_ne!(
        parent.allocate(CellShape::Counter).expect("room").cell(),
        cell
    );
    parent.rest();
    let mut again = parent.allocate(CellShape::Counter).expect("room");
    assert_eq!(again.cell(), cell);
    assert_eq!(changes(&mut again, &parent), []);
}

#[test]
fn a_full_file_and_cells_outside_of_it_are_refused() {
    let (parent, child) = pair();
    let last = u32::try_from(BYTES / 8 / u64::from(STRIPES)).expect("few");
    let mut given = 0;
    while parent.allocate(CellShape::Summary).is_some() {
        given += 1;
    }
    assert_eq!(given, (last - FIRST_CELL) / 2);
    let at = |cell| Series::new(child.clone(), cell, CellShape::Counter, [].into()).is_some();
    assert!(at(last - 3) && !at(last - 2) && !at(u32::MAX) && !at(STRIPES_USED));
    assert!(ParentCells::make(64, 8).is_err(), "no cell for a series");
    assert!(ParentCells::make(64, 0).is_err());
}

#[test]
fn a_child_that_writes_anything_gives_numbers_and_no_panic() {
    let (parent, child) = pair();
    let histogram = CellShape::of(Kind::HISTOGRAM, 2);
    let (mut counter, _) = series(&parent, &child, CellShape::Counter);
    let (mut buckets, _) = series(&parent, &child, histogram);
    let file = parent.as_fd().try_clone_to_owned().expect("a descriptor");
    let file = crate::shared_file::SharedFile::open(file, BYTES as usize).expect("the file");
    let mut seeded = crate::testing::Seeded::new(5);
    for round in 0..200 {
        for word in file.words() {
            let bits = match seeded.below(4) {
                0 => u64::MAX,
                1 => f64::NAN.to_bits(),
                _ => seeded.next(),
            };
            word.store(bits, std::sync::atomic::Ordering::Relaxed);
        }
        for change in changes(&mut counter, &parent) {
            match change {
                CellChange::Added(added) => assert!(added.is_finite() && added > 0.0, "{round}"),
                CellChange::Counted(counted) => assert!(counted > 0, "{round}"),
                CellChange::Total(_) => {}
                other => panic!("not of a counter: {other:?}"),
            }
        }
        changes(&mut buckets, &parent);
    }
}

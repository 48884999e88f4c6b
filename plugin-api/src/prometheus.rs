//! Shows the families of an existing `prometheus::Registry`, so that a library instrumented with the
//! `prometheus` crate needs no second set of metrics. Feature `prometheus`.
//!
//! The registry is read when somebody gathers; nothing is kept here. A private registry lives and dies
//! with its library: unlike the host's own series, its counters start again when the plugin is replaced.

use ::prometheus::Registry;
use ::prometheus::proto::{Histogram, Metric, MetricFamily, MetricType};

use crate::families::{Families, FamilyRows};

/// Shows everything in `registry`; to be called in [`Plugin::collect`](crate::Plugin::collect).
///
/// Families without metrics are left out. What no page could show is left out and reported as the
/// collection's error: a counter that is negative or not a number, a histogram with a label `le` or whose
/// series differ in their buckets, the quantiles of a summary.
pub fn show(registry: &Registry, families: &mut Families<'_>) {
    for family in registry.gather() {
        if families.wants(family.name()) && !family.get_metric().is_empty() {
            show_family(&family, families);
        }
    }
}

fn show_family(family: &MetricFamily, families: &mut Families<'_>) {
    let (name, help) = (family.name(), family.help());
    let metrics = family.get_metric();
    if let Some(why) = metrics
        .iter()
        .find_map(|metric| fault(family.get_field_type(), metric))
    {
        families.refuse(format!("{name}: {why}"));
    }
    let sound = metrics
        .iter()
        .filter(|metric| fault(family.get_field_type(), metric).is_none());
    let show = |rows: FamilyRows<'_, '_>, add: Add| drop(sound.fold(rows, add));
    match family.get_field_type() {
        MetricType::COUNTER => show(families.counter(name, help), |rows, metric| {
            rows.sample(&labels(metric), metric.get_counter().get_value())
        }),
        MetricType::GAUGE => show(families.gauge(name, help), |rows, metric| {
            rows.sample(&labels(metric), metric.get_gauge().get_value())
        }),
        MetricType::SUMMARY => show(families.summary(name, help), |rows, metric| {
            let summary = metric.get_summary();
            rows.total(
                &labels(metric),
                summary.sample_count(),
                summary.sample_sum(),
            )
        }),
        MetricType::HISTOGRAM => {
            // Every series is shown with the bounds of the first; one with other bounds has another
            // number of buckets, or is caught by the comparison below.
            let first = bounds(metrics[0].get_histogram());
            if metrics
                .iter()
                .any(|metric| bounds(metric.get_histogram()) != first)
            {
                families.refuse(format!("{name}: its series differ in their buckets"));
                return;
            }
            show(families.histogram(name, help, &first), |rows, metric| {
                let histogram = metric.get_histogram();
                rows.buckets(
                    &labels(metric),
                    &buckets(histogram),
                    histogram.get_sample_sum(),
                )
            });
        }
        _ => families.refuse(format!("{name}: a kind of metric that is not known here")),
    }
}

type Add = for<'f, 'a> fn(FamilyRows<'f, 'a>, &Metric) -> FamilyRows<'f, 'a>;

/// Why a series cannot be shown as it is.
fn fault(kind: MetricType, metric: &Metric) -> Option<&'static str> {
    match kind {
        MetricType::COUNTER if metric.get_counter().get_value() < 0.0 => Some("a negative counter"),
        MetricType::COUNTER if metric.get_counter().get_value().is_nan() => {
            Some("a counter that is not a number")
        }
        MetricType::HISTOGRAM if metric.get_label().iter().any(|label| label.name() == "le") => {
            Some("a histogram with a label le")
        }
        MetricType::SUMMARY if !metric.get_summary().get_quantile().is_empty() => {
            Some("quantiles of a summary")
        }
        _ => None,
    }
}

fn labels(metric: &Metric) -> Vec<(&str, &str)> {
    metric
        .get_label()
        .iter()
        .map(|label| (label.name(), label.value()))
        .collect()
}

fn bounds(histogram: &Histogram) -> Vec<f64> {
    let all = histogram
        .get_bucket()
        .iter()
        .map(|bucket| bucket.upper_bound());
    all.filter(|bound| bound.is_finite()).collect()
}

/// The counts per bucket from the cumulative ones, with the one above the highest bound.
fn buckets(histogram: &Histogram) -> Vec<u64> {
    let finite = histogram
        .get_bucket()
        .iter()
        .filter(|bucket| bucket.upper_bound().is_finite());
    let cumulative = finite.map(|bucket| bucket.cumulative_count());
    let mut before = 0;
    // A series that was observed while it was read may be torn by a few; never by going backwards.
    let step = |total: u64| total.saturating_sub(std::mem::replace(&mut before, total));
    cumulative
        .chain([histogram.get_sample_count()])
        .map(step)
        .collect()
}

#[cfg(test)]
mod tests {
    use ::prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};
    use meterbox_plugin_abi::gather::{Filter, Flow, Head, Segment, Visitor};

    use super::*;

    #[derive(Default)]
    struct Page(Vec<String>);

    impl Visitor for Page {
        fn family(&mut self, family: &Head<'_>) -> Flow {
            let line = format!(
                "{} {} {:?}",
                family.name(),
                family.kind().word(),
                family.bounds()
            );
            self.0.push(line);
            Flow::Continue
        }
        fn segment(&mut self, segment: &Segment<'_>) -> Flow {
            let columns = (
                segment.values(),
                segment.bucket_counts(),
                segment.counts(),
                segment.sums(),
            );
            self.0
                .push(format!("{{{}}} {columns:?}", segment.label_text()));
            Flow::Continue
        }
    }

    #[track_caller]
    fn check(registry: &Registry, expect: &[&str], refused: Option<&str>) {
        let mut page = Page::default();
        let mut families = Families::new(&Filter::ALL, &mut page);
        show(registry, &mut families);
        let end = families
            .finish()
            .map_err(|error| error.message().to_owned());
        assert_eq!(page.0, expect);
        assert_eq!(end.err().as_deref(), refused);
    }

    #[test]
    fn counters_gauges_and_histograms_are_shown_with_their_buckets() {
        let registry = Registry::new();
        let jobs = IntCounterVec::new(Opts::new("jobs_total", "Jobs."), &["queue"]).expect("opts");
        let opts = HistogramOpts::new("wait_seconds", "Wait.").buckets(vec![0.1, 1.0]);
        let wait = HistogramVec::new(opts, &["queue"]).expect("opts");
        let empty = IntCounterVec::new(Opts::new("empty_total", "Empty."), &["x"]).expect("opts");
        for collector in [
            Box::new(jobs.clone()) as Box<dyn ::prometheus::core::Collector>,
            Box::new(wait.clone()),
            Box::new(empty),
        ] {
            registry.register(collector).expect("a new name");
        }
        jobs.with_label_values(&["a\"b"]).inc_by(3);
        for seconds in [0.0, 0.5, 0.75, 9.0] {
            wait.with_label_values(&["a"]).observe(seconds);
        }
        let expect = [
            "jobs_total counter []",
            r#"{queue="a\"b"} ([3.0], [], [], [])"#,
            "wait_seconds histogram [0.1, 1.0]",
            r#"{queue="a"} ([], [1, 2, 1], [4], [10.25])"#,
        ];
        check(&registry, &expect, None);
    }

    /// A collector of whatever a test wants.
    struct Fixed(MetricFamily);

    impl ::prometheus::core::Collector for Fixed {
        fn desc(&self) -> Vec<&::prometheus::core::Desc> {
            Vec::new()
        }
        fn collect(&self) -> Vec<MetricFamily> {
            vec![self.0.clone()]
        }
    }

    fn fixed(name: &str, kind: MetricType, metrics: Vec<Metric>) -> Registry {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        let registry = Registry::new();
        registry
            .register(Box::new(Fixed(family)))
            .expect("a new name");
        registry
    }

    fn counter(value: f64) -> Metric {
        let mut counter = ::prometheus::proto::Counter::default();
        counter.set_value(value);
        let mut metric = Metric::default();
        metric.set_counter(counter);
        metric
    }

    fn histogram(label: &str, bounds: &[f64]) -> Metric {
        let bucket = |bound: &f64| {
            let mut bucket = ::prometheus::proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_bucket(bounds.iter().map(bucket).collect());
        let mut pair = ::prometheus::proto::LabelPair::default();
        pair.set_name(label.to_owned());
        pair.set_value("1".to_owned());
        let mut metric = Metric::from_label(vec![pair]);
        metric.set_histogram(histogram);
        metric
    }

    #[test]
    fn what_no_page_could_show_is_reported_and_the_rest_is_shown() {
        let counters = vec![counter(2.0), counter(-1.0)];
        let registry = fixed("a_total", MetricType::COUNTER, counters);
        let expect = ["a_total counter []", "{} ([2.0], [], [], [])"];
        check(&registry, &expect, Some("a_total: a negative counter"));

        let rows = vec![
            histogram("le", &[1.0]),
            histogram("x", &[1.0, f64::INFINITY]),
        ];
        let registry = fixed("b", MetricType::HISTOGRAM, rows);
        let expect = ["b histogram [1.0]", "{x=\"1\"} ([], [0, 0], [0], [0.0])"];
        check(&registry, &expect, Some("b: a histogram with a label le"));

        let rows = vec![histogram("x", &[1.0]), histogram("x", &[2.0])];
        let registry = fixed("c", MetricType::HISTOGRAM, rows);
        check(
            &registry,
            &[],
            Some("c: its series differ in their buckets"),
        );
    }
}

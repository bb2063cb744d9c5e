//! How metrics are made: one prefix, one registry.

use super::series::Series;
use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

/// Registers `metric`.
pub(super) fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: M,
) -> Result<M, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// The options of the metric `name`, with the prefix that all have.
pub(super) fn named(name: &str, help: &str) -> Opts {
    Opts::new(format!("plimsoll_{name}"), help)
}

/// Registers a gauge that has one series, or none while it is unknown.
pub(super) fn gauge(on: &Registry, name: &str, help: &str) -> Result<Series, prometheus::Error> {
    labelled(on, name, help, &[])
}

/// Registers a gauge with `labels`.
pub(super) fn labelled(
    on: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<Series, prometheus::Error> {
    Series::new(on, &format!("plimsoll_{name}"), help, labels)
}

/// Registers a counter.
pub(super) fn counter(
    on: &Registry,
    name: &str,
    help: &str,
) -> Result<IntCounter, prometheus::Error> {
    registered(on, IntCounter::with_opts(named(name, help))?)
}

/// Registers a counter with `labels`.
pub(super) fn counters(
    on: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    registered(on, IntCounterVec::new(named(name, help), labels)?)
}

/// Registers a histogram.
pub(super) fn histogram(
    on: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> Result<Histogram, prometheus::Error> {
    let options = HistogramOpts::from(named(name, help)).buckets(buckets.to_vec());
    registered(on, Histogram::with_opts(options)?)
}

/// Adds `by` to the series of `labels`.
pub(super) fn count(counters: &IntCounterVec, labels: &[&str], by: u64) {
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc_by(by);
    }
}

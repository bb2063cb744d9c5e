//! Gauges that are absent while they are unknown: Prometheus' own start at zero, which would be a lie.

use super::register::registered;
use prometheus::{GaugeVec, Opts, Registry};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// A gauge with one series for each combination of labels, of which only the known ones exist.
#[derive(Debug)]
pub(super) struct Series {
    gauges: GaugeVec,
    known: Mutex<BTreeSet<Vec<String>>>,
}

impl Series {
    /// Registers a gauge without series.
    pub(super) fn new(
        registry: &Registry,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<Series, prometheus::Error> {
        let gauges = registered(registry, GaugeVec::new(Opts::new(name, help), labels)?)?;
        Ok(Series { gauges, known: Mutex::default() })
    }

    /// Makes these the only series: what is `None`, or not named, is unknown and disappears.
    pub(super) fn replace(&self, values: impl IntoIterator<Item = (Vec<String>, Option<f64>)>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = BTreeSet::new();
        for (labels, value) in values {
            let Some(value) = value.filter(|value| value.is_finite()) else { continue };
            if let Ok(gauge) = self.gauges.get_metric_with_label_values(&labels) {
                gauge.set(value);
                kept.insert(labels);
            }
        }
        for gone in known.difference(&kept) {
            // An absent series is what is wanted.
            drop(self.gauges.remove_label_values(gone));
        }
        *known = kept;
    }

    /// Sets the one series of a gauge without labels.
    pub(super) fn set(&self, value: Option<f64>) {
        self.replace([(Vec::new(), value)]);
    }
}

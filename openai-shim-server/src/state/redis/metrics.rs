//! Counts the operations of the store, by their results, and how long they took.

use super::failure::FailureKind;
use crate::observe::metrics::encode::{NO_LABELS, write_family};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is done at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Load,
    Store,
    Remove,
    Script,
}

impl Operation {
    const ALL: [Self; 4] = [Self::Load, Self::Store, Self::Remove, Self::Script];

    fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Store => "store",
            Self::Remove => "remove",
            Self::Script => "script",
        }
    }

    /// Whether it has the same effect when it is done twice.
    pub(super) fn is_repeatable(self) -> bool {
        self != Self::Script
    }
}

/// The names of results.
const RESULTS: [&str; 4] = ["ok", "timeout", "unavailable", "error"];
/// Upper bounds of the histogram's buckets, in microseconds.
const BUCKET_MICROS: [u64; 10] = [250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 1_000_000];

/// The counters of one operation.
#[derive(Debug, Default)]
struct Counters {
    results: [AtomicU64; RESULTS.len()],
    buckets: [AtomicU64; BUCKET_MICROS.len()],
    micros: AtomicU64,
}

/// The counters of all operations.
#[derive(Debug, Default)]
pub(super) struct RedisMetrics([Counters; Operation::ALL.len()]);

impl RedisMetrics {
    pub(super) fn count(&self, operation: Operation, took: Duration, failure: Option<FailureKind>) {
        let Some(counters) = self.0.get(operation as usize) else { return };
        let result = match failure {
            // A script that has to be sent in full is no error.
            None | Some(FailureKind::UnknownScript) => 0,
            Some(FailureKind::Timeout) => 1,
            Some(FailureKind::Unavailable) => 2,
            Some(FailureKind::Broken | FailureKind::Refused) => 3,
        };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let add =
            |counter: Option<&AtomicU64>, n| counter.map(|counter| counter.fetch_add(n, Ordering::Relaxed));
        add(counters.results.get(result), 1);
        add(Some(&counters.micros), micros);
        let bucket = BUCKET_MICROS.iter().position(|bound| micros <= *bound);
        add(bucket.and_then(|bucket| counters.buckets.get(bucket)), 1);
    }

    /// Writes the counters for `/metrics`.
    pub(super) fn encode(&self, is_connected: bool, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let up = ConstGauge::new(u64::from(is_connected));
        write_family(encoder, "store_up", "Whether there is a connection to the store.", [(NO_LABELS, up)])?;
        let all = || Operation::ALL.iter().map(|operation| operation.as_str()).zip(&self.0);
        let results = all().flat_map(|(operation, counters)| {
            RESULTS.iter().zip(&counters.results).map(move |(result, count)| {
                let labels = [("operation", operation), ("result", *result)];
                (labels, ConstCounter::new(count.load(Ordering::Relaxed)))
            })
        });
        write_family(encoder, "store_operations", "Operations of the store, by result.", results)?;
        let times = all().map(|(operation, counters)| ([("operation", operation)], Times(counters)));
        write_family(encoder, "store_seconds", "How long operations of the store took.", times)
    }
}

/// The histogram of an operation.
struct Times<'a>(&'a Counters);

impl EncodeMetric for Times<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let count: u64 = self.0.results.iter().map(load).sum();
        let seconds = |micros| Duration::from_micros(micros).as_secs_f64();
        let bounds = BUCKET_MICROS.iter().map(|bound| seconds(*bound));
        let mut buckets: Vec<(f64, u64)> = bounds.zip(self.0.buckets.iter().map(load)).collect();
        let counted: u64 = buckets.iter().map(|(_, count)| count).sum();
        buckets.push((f64::INFINITY, count.saturating_sub(counted)));
        encoder.encode_histogram::<NoLabelSet>(seconds(load(&self.0.micros)), count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

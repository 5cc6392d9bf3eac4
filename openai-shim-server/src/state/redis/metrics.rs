//! Counts the operations of the store, by their results, and how long they took.

use super::failure::FailureKind;
use std::fmt::Write as _;
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

    /// The counters in Prometheus' text format.
    pub(super) fn render(&self, is_connected: bool) -> String {
        let mut out = String::from(
            "# HELP openai_shim_store_up Whether there is a connection to the store.\n# TYPE openai_shim_store_up gauge\n",
        );
        // Writing into a string cannot fail.
        let _ = writeln!(out, "openai_shim_store_up {}", u8::from(is_connected));
        out.push_str("# HELP openai_shim_store_operations_total Operations of the store, by result.\n# TYPE openai_shim_store_operations_total counter\n");
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let all = || Operation::ALL.iter().map(|operation| operation.as_str()).zip(&self.0);
        for (operation, counters) in all() {
            for (result, counter) in RESULTS.iter().zip(&counters.results) {
                let n = load(counter);
                let _ = writeln!(
                    out,
                    "openai_shim_store_operations_total{{operation=\"{operation}\",result=\"{result}\"}} {n}"
                );
            }
        }
        out.push_str("# HELP openai_shim_store_seconds How long operations of the store took.\n# TYPE openai_shim_store_seconds histogram\n");
        for (operation, counters) in all() {
            let mut sum = 0;
            for (bound, bucket) in BUCKET_MICROS.iter().zip(&counters.buckets) {
                sum += load(bucket);
                let bound = Duration::from_micros(*bound).as_secs_f64();
                let _ = writeln!(
                    out,
                    "openai_shim_store_seconds_bucket{{operation=\"{operation}\",le=\"{bound}\"}} {sum}"
                );
            }
            let count: u64 = counters.results.iter().map(load).sum();
            let seconds = Duration::from_micros(load(&counters.micros)).as_secs_f64();
            let _ = writeln!(
                out,
                "openai_shim_store_seconds_bucket{{operation=\"{operation}\",le=\"+Inf\"}} {count}"
            );
            let _ = writeln!(out, "openai_shim_store_seconds_sum{{operation=\"{operation}\"}} {seconds}");
            let _ = writeln!(out, "openai_shim_store_seconds_count{{operation=\"{operation}\"}} {count}");
        }
        out
    }
}

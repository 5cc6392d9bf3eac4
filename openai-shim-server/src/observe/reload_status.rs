//! Whether the configuration in effect is the one of its files: for `/readyz` and `/metrics`.

use super::metrics::encode::{NO_LABELS, write_family};
use crate::clock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How reloads ended.
#[derive(Debug)]
pub(crate) struct ReloadStatus(Mutex<Status>);

#[derive(Debug)]
struct Status {
    counts: ReloadCounts,
    /// What is wrong with the files, if they cannot be used.
    faults: Option<String>,
}

/// What `/metrics` shows of reloads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReloadCounts {
    successes: u64,
    failures: u64,
    is_last_successful: bool,
    /// When the configuration in effect was read, in seconds since 1970.
    last_success: u64,
}

impl ReloadStatus {
    /// The status of a server that starts now.
    pub(crate) fn new() -> Self {
        let last_success = clock::unix_seconds();
        let counts = ReloadCounts { successes: 0, failures: 0, is_last_successful: true, last_success };
        Self(Mutex::new(Status { counts, faults: None }))
    }

    pub(crate) fn succeeded(&self) {
        let mut status = self.status();
        status.counts.successes += 1;
        status.counts.is_last_successful = true;
        status.counts.last_success = clock::unix_seconds();
        status.faults = None;
    }

    /// `faults`: one line for each.
    pub(crate) fn failed(&self, faults: String) {
        let mut status = self.status();
        status.counts.failures += 1;
        status.counts.is_last_successful = false;
        status.faults = Some(faults);
    }

    /// What is wrong with the files, if they cannot be used.
    pub(crate) fn faults(&self) -> Option<String> {
        self.status().faults.clone()
    }

    pub(crate) fn counts(&self) -> ReloadCounts {
        self.status().counts
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for ReloadCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let results = [("success", self.successes), ("failure", self.failures)];
        write_family(
            &mut encoder,
            "config_reloads",
            "Configurations that were read while the server ran.",
            results.map(|(result, count)| ([("result", result)], ConstCounter::new(count))),
        )?;
        let gauges = [
            (
                "last_reload_successful",
                "Whether the last one could be used.",
                u64::from(self.is_last_successful),
            ),
            (
                "last_reload_success_timestamp_seconds",
                "When the configuration in effect was read.",
                self.last_success,
            ),
        ];
        gauges.into_iter().try_for_each(|(name, help, value)| {
            let name = format!("config_{name}");
            write_family(&mut encoder, &name, help, [(NO_LABELS, ConstGauge::new(value))])
        })
    }
}

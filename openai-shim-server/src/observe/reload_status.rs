//! Whether the configuration in effect is the one of its files: for `/readyz` and `/metrics`.

use crate::clock;
use std::sync::{Mutex, PoisonError};

/// How reloads ended.
#[derive(Debug, Default)]
pub(crate) struct ReloadStatus(Mutex<Reloads>);

#[derive(Debug, Default)]
struct Reloads {
    successes: u64,
    failures: u64,
    /// The time of the last success, in seconds since 1970; the start counts as one.
    last_success: u64,
    /// What was wrong with the last configuration, if it could not be used.
    faults: Option<String>,
}

impl ReloadStatus {
    /// The status of a server that starts now.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Reloads { last_success: clock::unix_seconds(), ..Reloads::default() }))
    }

    pub(crate) fn succeeded(&self) {
        self.with(|reloads| {
            reloads.successes += 1;
            reloads.last_success = clock::unix_seconds();
            reloads.faults = None;
        });
    }

    /// `faults`: one line for each.
    pub(crate) fn failed(&self, faults: String) {
        self.with(|reloads| {
            reloads.failures += 1;
            reloads.faults = Some(faults);
        });
    }

    /// What is wrong with the files, if they cannot be used.
    pub(crate) fn faults(&self) -> Option<String> {
        self.with(|reloads| reloads.faults.clone())
    }

    /// The status as metrics in Prometheus' text format.
    pub(crate) fn render_metrics(&self) -> String {
        self.with(|reloads| {
            format!(
                "# HELP openai_shim_config_reloads_total Configurations that were read while the server ran.\n\
                 # TYPE openai_shim_config_reloads_total counter\n\
                 openai_shim_config_reloads_total{{result=\"success\"}} {}\n\
                 openai_shim_config_reloads_total{{result=\"failure\"}} {}\n\
                 # HELP openai_shim_config_last_reload_successful Whether the last one could be used.\n\
                 # TYPE openai_shim_config_last_reload_successful gauge\n\
                 openai_shim_config_last_reload_successful {}\n\
                 # HELP openai_shim_config_last_reload_success_timestamp_seconds When the configuration in effect was read.\n\
                 # TYPE openai_shim_config_last_reload_success_timestamp_seconds gauge\n\
                 openai_shim_config_last_reload_success_timestamp_seconds {}\n",
                reloads.successes,
                reloads.failures,
                u8::from(reloads.faults.is_none()),
                reloads.last_success,
            )
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Reloads) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

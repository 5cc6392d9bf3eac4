//! Counts what one key uses, for metrics.

use super::decision::{Decision, LimitKind};
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one key.
#[derive(Debug, Default)]
pub(super) struct KeyUsage {
    pub(super) requests: AtomicU64,
    pub(super) input: AtomicU64,
    pub(super) output: AtomicU64,
    /// Refusals by limit.
    pub(super) refused: [AtomicU64; LimitKind::ALL.len()],
    /// Refusals of models that the key may not use.
    pub(super) refused_models: AtomicU64,
    pub(super) open: AtomicU64,
}

impl KeyUsage {
    /// Counts an admitted request, or a refusal by its limit.
    pub(super) fn count_decision(&self, decision: &Decision) {
        let counter = match decision {
            Ok(_) => {
                self.open.fetch_add(1, Ordering::Relaxed);
                Some(&self.requests)
            }
            Err(refused) => self.refused.get(refused.limit.index()),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts the end of an admitted request.
    pub(super) fn count_end(&self, input: u64, output: u64) {
        self.input.fetch_add(input, Ordering::Relaxed);
        self.output.fetch_add(output, Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

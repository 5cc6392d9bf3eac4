//! Counts what one key uses, for metrics.

use super::decision::LimitKind;
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
    pub(super) fn count_refusal(&self, limit: LimitKind) {
        if let Some(counter) = self.refused.get(limit.index()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

//! A key of one configuration: a request's model and demand in, an admission or a refusal out.

use super::decision::{Decision, Demand, Numbers};
use super::key_usage::KeyUsage;
use super::local::LocalCounters;
use super::shared::SharedCounters;
use crate::config::ClientKey;
use openai_shim_core::profile::matches_pattern;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The tokens that a response is expected to have before a key's first one has ended.
const FIRST_EXPECTED_OUTPUT: u64 = 256;
/// Into how many parts the expectation is divided, of which each response replaces one.
const EXPECTATION_PARTS: u64 = 8;

/// A key with a name.
#[derive(Debug)]
pub(crate) struct NamedKey {
    name: String,
    /// Patterns of the models that it may use; empty: all.
    models: Vec<String>,
    numbers: Numbers,
    counters: Arc<KeyCounters>,
    shared: Option<Arc<SharedCounters>>,
}

/// What is counted of a key, whatever its configuration.
#[derive(Debug)]
pub(crate) struct KeyCounters {
    /// The zero of the counters' clock.
    started: Instant,
    local: Mutex<LocalCounters>,
    /// The tokens of the latest responses, on average.
    expected_output: AtomicU64,
    usage: KeyUsage,
}

impl Default for KeyCounters {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            local: Mutex::default(),
            expected_output: AtomicU64::new(FIRST_EXPECTED_OUTPUT),
            usage: KeyUsage::default(),
        }
    }
}

impl KeyCounters {
    fn local(&self) -> MutexGuard<'_, LocalCounters> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds since the start.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl NamedKey {
    pub(super) fn new(
        key: &ClientKey,
        counters: Arc<KeyCounters>,
        shared: Option<Arc<SharedCounters>>,
    ) -> Self {
        let numbers = Numbers {
            requests: key.requests_per_minute,
            tokens: key.tokens_per_minute,
            concurrent: key.concurrent,
        };
        Self { name: key.name.clone(), models: key.models.clone(), numbers, counters, shared }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn usage(&self) -> &KeyUsage {
        &self.counters.usage
    }

    pub(super) fn numbers(&self) -> Numbers {
        self.numbers
    }

    pub(super) fn models(&self) -> &[String] {
        &self.models
    }

    /// Whether the key may use some models only.
    pub(crate) fn is_restricted(&self) -> bool {
        !self.models.is_empty()
    }

    /// Whether the key may use a model, by the client's name for it.
    pub(crate) fn permits(&self, model: &str) -> bool {
        !self.is_restricted() || self.models.iter().any(|pattern| matches_pattern(pattern, model))
    }

    /// What a response is expected to have where the client sets no bound.
    pub(crate) fn expected_output(&self) -> u64 {
        self.counters.expected_output.load(Ordering::Relaxed)
    }

    /// The counters that replicas share, if they decide about this key.
    pub(super) fn shared(&self) -> Option<&Arc<SharedCounters>> {
        self.shared.as_ref().filter(|_| self.numbers.are_any())
    }

    /// Decides about a request with the counters of this process. What it may use is reserved until
    /// [`settle`](Self::settle).
    pub(super) fn decide(&self, demand: Demand) -> Decision {
        let now = self.counters.now();
        self.counters.local().admit(self.numbers, demand, now)
    }

    /// Ends a request that this process admitted, which used so many tokens.
    pub(super) fn settle(&self, demand: Demand, used: u64) {
        let now = self.counters.now();
        self.counters.local().settle(self.numbers, demand.reserved(self.numbers), used, now);
    }

    /// Takes a response into account for what is expected of the next ones.
    pub(super) fn expect(&self, output: u64) {
        let expected = self.expected_output();
        let next = (expected * (EXPECTATION_PARTS - 1)).saturating_add(output).div_ceil(EXPECTATION_PARTS);
        self.counters.expected_output.store(next, Ordering::Relaxed);
    }
}

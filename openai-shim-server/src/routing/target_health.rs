//! What is known of each target: its breaker, its open requests, and how often it was tried. It belongs to the process and not to one
//! configuration: targets are known by their names.

use super::breaker::{Availability, Breaker};
use super::{affinity, attempts};
use openai_shim_core::UpstreamError;
use openai_shim_core::exchange::AttemptReport;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The targets that configurations have named.
#[derive(Debug, Default)]
pub(crate) struct TargetRegistry(Mutex<BTreeMap<String, Arc<TargetHealth>>>);

impl TargetRegistry {
    /// What is known of a target, which may be new.
    pub(crate) fn target(&self, upstream: &str, model: &str) -> Arc<TargetHealth> {
        let name = format!("{upstream}/{model}");
        let mut targets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(TargetHealth::new(upstream, model, &name));
        targets.entry(name.clone()).or_insert_with(new).clone()
    }

    /// Forgets the targets of an upstream, which is another server now.
    pub(crate) fn forget(&self, upstream: &str) {
        let mut targets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        targets.retain(|_, target| target.upstream != upstream);
    }

    /// The targets that a configuration has, in the order of their names.
    pub(crate) fn in_use(&self) -> Vec<Arc<TargetHealth>> {
        let targets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One is the registry's own.
        targets.values().filter(|target| Arc::strong_count(target) > 1).cloned().collect()
    }
}

/// What is known of one target.
#[derive(Debug)]
pub(crate) struct TargetHealth {
    pub(crate) upstream: String,
    /// The upstream's name for the model; with `*` for the client's.
    pub(crate) model: String,
    /// A digest of its name, for rendezvous hashing.
    pub(crate) digest: u64,
    open_requests: AtomicUsize,
    results: Mutex<Results>,
}

#[derive(Debug, Default)]
struct Results {
    breaker: Breaker,
    /// How many attempts ended with each reason.
    attempts: BTreeMap<&'static str, u64>,
    /// How often another target was tried, for each reason.
    failovers: BTreeMap<&'static str, u64>,
}

/// What metrics show of a target.
#[derive(Debug)]
pub(crate) struct TargetFigures {
    pub(crate) is_available: bool,
    pub(crate) open_requests: usize,
    pub(crate) attempts: BTreeMap<&'static str, u64>,
    pub(crate) failovers: BTreeMap<&'static str, u64>,
}

impl TargetHealth {
    fn new(upstream: &str, model: &str, name: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            model: model.to_owned(),
            digest: affinity::name_digest(name),
            open_requests: AtomicUsize::new(0),
            results: Mutex::default(),
        }
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn availability(&self, now: Instant) -> Availability {
        self.results().breaker.availability(now)
    }

    /// Takes the only probe, if one may be sent now.
    pub(crate) fn try_probe(&self, now: Instant) -> bool {
        self.results().breaker.try_probe(now)
    }

    /// How many requests wait for it or read from it.
    pub(crate) fn open_requests(&self) -> usize {
        self.open_requests.load(Ordering::Relaxed)
    }

    /// Counts a request as open until the guard is dropped.
    pub(crate) fn open_request(self: &Arc<Self>) -> OpenRequest {
        self.open_requests.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self.clone())
    }

    /// Records the end of an attempt: its error, or that it answered.
    pub(crate) fn record_attempt(&self, attempt: &AttemptReport) {
        let reason = attempt.error.as_ref().map_or(attempts::OK, attempts::reason);
        *self.results().attempts.entry(reason).or_default() += 1;
        match &attempt.error {
            Some(_) if attempts::is_own_fault(attempt) => {}
            Some(error) => self.record_failure(error),
            None => self.results().breaker.succeeded(Instant::now()),
        }
    }

    /// Records a failure that is no attempt's end: the answer broke off after it had begun.
    pub(crate) fn record_failure(&self, error: &UpstreamError) {
        if !attempts::is_fault_of_target(error, !self.model.contains('*')) {
            self.results().breaker.probe_ended(Instant::now());
            return;
        }
        let has_opened = self.results().breaker.failed(Instant::now(), requested_wait(error));
        if has_opened {
            tracing::warn!(
                upstream = self.upstream,
                model = self.model,
                reason = attempts::reason(error),
                "a target fails: it is tried last for a while"
            );
        }
    }

    /// Records that another target was tried.
    pub(crate) fn record_failover(&self, error: &UpstreamError) {
        *self.results().failovers.entry(attempts::reason(error)).or_default() += 1;
    }

    pub(crate) fn figures(&self, now: Instant) -> TargetFigures {
        let results = self.results();
        TargetFigures {
            is_available: results.breaker.availability(now) != Availability::Open,
            open_requests: self.open_requests(),
            attempts: results.attempts.clone(),
            failovers: results.failovers.clone(),
        }
    }
}

fn requested_wait(error: &UpstreamError) -> Option<Duration> {
    match error {
        UpstreamError::Status(error) => error.retry_after,
        _ => None,
    }
}

/// A request that is open at a target.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<TargetHealth>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open_requests.fetch_sub(1, Ordering::Relaxed);
    }
}

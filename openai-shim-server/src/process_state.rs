//! The state that lives as long as the process: every configuration that is loaded gets the same one.

use crate::config::Config;
use crate::http::body_budget::BodyBudget;
use crate::http::request_permits::RequestPermits;
use crate::http::shutdown::ShutdownSignal;
use crate::limits::KeyRegistry;
use crate::observe::metrics::Metrics;
use crate::observe::otel::Otel;
use crate::observe::reload_status::ReloadStatus;
use crate::offload::OffloadPool;
use crate::routing::target_health::TargetRegistry;
use crate::state::adaptations::Adaptations;
use crate::state::{MemoryStore, OwnerSecret};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a reload hands over to the next configuration.
pub(crate) struct ProcessState {
    pub(crate) metrics: Metrics,
    /// Counts running requests against `limits.concurrent`; closed on shutdown.
    pub(crate) request_permits: Arc<RequestPermits>,
    /// State between requests, where no server keeps it.
    pub(crate) memory: Arc<MemoryStore>,
    /// Derives the owners of state where no secret is configured.
    pub(crate) owner_secret: OwnerSecret,
    /// What is counted of client keys that have a name.
    pub(crate) key_registry: KeyRegistry,
    /// The memory of all bodies (`limits.bodies`).
    pub(crate) body_budget: Arc<BodyBudget>,
    /// Runs long computations on other threads.
    pub(crate) offload: OffloadPool,
    pub(crate) adaptations: Arc<Adaptations>,
    pub(crate) shutdown: ShutdownSignal,
    /// What is known of the targets of models.
    pub(crate) target_registry: TargetRegistry,
    /// Exports traces and metrics, if a collector is configured.
    pub(crate) otel: Option<Arc<Otel>>,
    pub(crate) reload_status: ReloadStatus,
    seed: RandomState,
    count: AtomicU64,
}

impl ProcessState {
    /// The state of a process that starts with this configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            metrics: Metrics::new(config),
            request_permits: Arc::default(),
            memory: Arc::default(),
            owner_secret: OwnerSecret::random(),
            key_registry: KeyRegistry::default(),
            body_budget: BodyBudget::new(config.limits.bodies),
            offload: OffloadPool::new(),
            adaptations: Arc::default(),
            shutdown: ShutdownSignal::default(),
            target_registry: TargetRegistry::default(),
            otel: config.otel.as_ref().and_then(start_otel),
            reload_status: ReloadStatus::new(),
            seed: RandomState::new(),
            count: AtomicU64::new(0),
        }
    }

    /// Applies a configuration that is loaded while the process runs.
    pub(crate) fn apply(&self, config: &Config) {
        self.metrics.set_configured_models(config);
        self.body_budget.set_limit(config.limits.bodies);
    }

    /// A number that cannot be guessed and practically never repeats: a counter, hashed with the process's random seed.
    pub(crate) fn random(&self) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }
}

/// A server without its traces is better than none.
fn start_otel(config: &crate::config::Otel) -> Option<Arc<Otel>> {
    let started = Otel::start(config);
    started.map_err(|error| tracing::error!("traces and metrics are not exported: {error}")).ok()
}

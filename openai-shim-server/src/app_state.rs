//! What all requests share.

use crate::config::{Config, UpstreamConfig};
use crate::handlers::models::Cache;
use crate::http::body_budget::Budget;
use crate::http::responses;
use crate::http::shutdown::ShutdownSignal;
use crate::observe::metrics::Metrics;
use crate::offload::OffloadPool;
use crate::routing::health::{Health, HealthTracked};
use crate::state::adaptations::Adaptations;
use crate::state::{MemoryStore, Owners, ScopedStore};
use http::HeaderValue;
use openai_shim_core::exchange::Settings;
use openai_shim_core::upstream::StateStore;
use openai_shim_core::{Context, Upstream};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// What all requests share: configuration, upstreams, metrics.
pub(crate) struct AppState {
    pub(crate) config: Config,
    pub(crate) upstreams: Vec<UpstreamState>,
    pub(crate) metrics: Metrics,
    pub(crate) places: Arc<Semaphore>,
    /// What is kept between requests.
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) owners: Owners,
    /// The bodies that are held.
    pub(crate) bodies: Arc<Budget>,
    /// Turns at work that takes long.
    pub(crate) work: OffloadPool,
    pub(crate) learned: Adaptations,
    pub(crate) stop: ShutdownSignal,
    seed: RandomState,
    count: AtomicU64,
}

/// One upstream with the way to reach it.
pub(crate) struct UpstreamState {
    pub(crate) config: UpstreamConfig,
    pub(crate) transport: DynUpstream,
    pub(crate) list: Cache,
    pub(crate) health: Arc<Health>,
    /// What is kept for it, and for no other one.
    pub(crate) store: Arc<dyn StateStore>,
    /// Its name, as the header of a reply.
    pub(crate) label: Option<HeaderValue>,
}

/// A way to reach an upstream, for `Debug`'s sake.
#[derive(Clone)]
pub(crate) struct DynUpstream(pub(crate) Arc<dyn Upstream>);

impl std::fmt::Debug for DynUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl AppState {
    /// An app whose upstreams are reached as `connect` says.
    pub(crate) fn new(config: Config, connect: impl Fn(&UpstreamConfig) -> Arc<dyn Upstream>) -> Self {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
        let upstreams = config
            .upstreams
            .iter()
            .map(|upstream| {
                let health = Arc::<Health>::default();
                let watched = HealthTracked { inner: connect(upstream), health: health.clone() };
                let transport = DynUpstream(Arc::new(watched));
                let own: Arc<dyn StateStore> = Arc::new(ScopedStore::new(&upstream.name, store.clone()));
                UpstreamState {
                    transport,
                    list: Cache::default(),
                    health,
                    store: own,
                    label: responses::label(&upstream.name),
                    config: upstream.clone(),
                }
            })
            .collect();
        Self {
            metrics: Metrics::new(&config),
            places: Arc::new(Semaphore::new(config.limits.concurrent)),
            store,
            owners: Owners::new(&config.client_keys, config.store_secret.as_ref()),
            bodies: Budget::new(config.limits.bodies),
            work: OffloadPool::new(),
            learned: Adaptations::default(),
            stop: ShutdownSignal::default(),
            upstreams,
            seed: RandomState::new(),
            count: AtomicU64::new(0),
            config,
        }
    }

    /// Time and ids for one exchange.
    pub(crate) fn context(&self) -> Context {
        Context::new(now(), self.random())
    }

    /// A number that nobody can guess and that never comes twice.
    pub(crate) fn random(&self) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// The settings of an exchange with this upstream.
    pub(crate) fn settings(&self, upstream_model: Option<String>) -> Settings {
        let mut settings = Settings::default();
        settings.loss_policy = self.config.mode;
        settings.upstream_model = upstream_model;
        settings.adapt = self.config.learn;
        settings.reasoning = self.config.reasoning;
        settings.default_max_tokens = self.config.default_max_tokens;
        settings.retry = self.config.retry;
        settings.fallback = self.config.fallback.clone();
        settings.max_body_bytes = self.config.limits.response_body;
        settings.max_frame_bytes = self.config.limits.frame;
        settings
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

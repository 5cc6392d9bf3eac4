//! The state that all requests share: configuration, upstreams, limits, stores, metrics.

use crate::clock;
use crate::config::{Config, UpstreamConfig};
use crate::http::body_budget::BodyBudget;
use crate::http::responses;
use crate::http::shutdown::ShutdownSignal;
use crate::observe::metrics::Metrics;
use crate::observe::recorder::Recorder;
use crate::offload::OffloadPool;
use crate::routing::health::{Health, HealthTracked};
use crate::routing::key_rests::KeyRests;
use crate::routing::model_list_cache::ModelListCache;
use crate::routing::routes::Routes;
use crate::routing::target_health::TargetRegistry;
use crate::state::adaptations::Adaptations;
use crate::state::{MemoryStore, Owners, ScopedStore};
use crate::upstream::Connected;
use http::HeaderValue;
use openai_shim_core::exchange::{Settings, SharedProfile, Target};
use openai_shim_core::upstream::StateStore;
use openai_shim_core::{Context, Upstream};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// The state that all requests share.
pub(crate) struct AppState {
    pub(crate) config: Config,
    pub(crate) upstreams: Vec<UpstreamState>,
    /// The models that several targets serve.
    pub(crate) routes: Routes,
    /// What is known of their targets.
    pub(crate) target_registry: Arc<TargetRegistry>,
    pub(crate) metrics: Metrics,
    /// One permit for each of `limits.concurrent` requests; closed on shutdown.
    pub(crate) request_permits: Arc<Semaphore>,
    /// State between requests, of all upstreams: stored responses.
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) owners: Owners,
    /// The memory of all bodies (`limits.bodies`).
    pub(crate) body_budget: Arc<BodyBudget>,
    /// Runs long computations on other threads.
    pub(crate) offload: OffloadPool,
    pub(crate) adaptations: Adaptations,
    pub(crate) shutdown: ShutdownSignal,
    /// Records exchanges, if the program was started for that.
    pub(crate) recorder: Option<Arc<Recorder>>,
    seed: RandomState,
    count: AtomicU64,
}

/// One upstream: its configuration, its transport, and what is remembered of it.
pub(crate) struct UpstreamState {
    pub(crate) config: UpstreamConfig,
    /// The configured profile, with what follows from it for models.
    pub(crate) profile: SharedProfile,
    pub(crate) transport: Arc<dyn Upstream>,
    /// Which of its keys rest, if it has several.
    pub(crate) key_rests: Option<Arc<KeyRests>>,
    pub(crate) model_list: ModelListCache,
    pub(crate) health: Arc<Health>,
    /// State between requests that only this upstream gets.
    pub(crate) store: Arc<dyn StateStore>,
    /// The value of the header with the upstream's name.
    pub(crate) label: Option<HeaderValue>,
    /// The upstream refused a body without a length.
    needs_length: AtomicBool,
}

impl UpstreamState {
    /// Whether the upstream refused a body without a length (411).
    pub(crate) fn needs_length(&self) -> bool {
        self.needs_length.load(Ordering::Relaxed)
    }

    /// Remembers that it did.
    pub(crate) fn set_needs_length(&self) {
        self.needs_length.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppState")
    }
}

impl AppState {
    /// Creates the state; `connect` returns the transport of each configured upstream.
    pub(crate) fn new<C: Into<Connected>>(config: Config, connect: impl Fn(&UpstreamConfig) -> C) -> Self {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
        let upstreams: Vec<_> = config
            .upstreams
            .iter()
            .map(|upstream| {
                let health = Arc::<Health>::default();
                let Connected { transport, key_rests } = connect(upstream).into();
                UpstreamState {
                    transport: Arc::new(HealthTracked { inner: transport, health: health.clone() }),
                    key_rests,
                    model_list: ModelListCache::default(),
                    health,
                    store: Arc::new(ScopedStore::new(&upstream.name, store.clone())),
                    label: responses::upstream_label(&upstream.name),
                    profile: upstream.profile.clone().into(),
                    config: upstream.clone(),
                    needs_length: AtomicBool::new(false),
                }
            })
            .collect();
        let target_registry = Arc::<TargetRegistry>::default();
        let transport =
            |index: usize| upstreams.get(index).map(|served: &UpstreamState| served.transport.clone());
        let routes = Routes::new(&config, transport, &target_registry);
        Self {
            routes,
            target_registry,
            metrics: Metrics::new(&config),
            request_permits: Arc::new(Semaphore::new(config.limits.concurrent)),
            store,
            owners: Owners::new(&config.client_keys, config.store_secret.as_ref()),
            body_budget: BodyBudget::new(config.limits.bodies),
            offload: OffloadPool::new(),
            adaptations: Adaptations::default(),
            shutdown: ShutdownSignal::default(),
            recorder: config.record.clone().map(|folder| {
                let keys = config.keys().map(|key| key.expose().to_owned()).collect();
                Arc::new(Recorder::new(folder, keys))
            }),
            upstreams,
            seed: RandomState::new(),
            count: AtomicU64::new(0),
            config,
        }
    }

    /// The time and a random number for one exchange.
    pub(crate) fn context(&self) -> Context {
        Context::new(clock::unix_seconds(), self.random())
    }

    /// A number that cannot be guessed and practically never repeats: a counter, hashed with the process's random seed.
    pub(crate) fn random(&self) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// An upstream as the target of a request for `model`. `upstream_model`: its own name for it.
    pub(crate) fn target(
        &self,
        served: &UpstreamState,
        upstream_model: Option<String>,
        model: &str,
    ) -> Target {
        let learned_of = upstream_model.as_deref().unwrap_or(model);
        let adaptations = self.adaptations.for_model(&served.config.name, learned_of);
        let mut target = Target::new(served.profile.clone()).with_adaptations(adaptations);
        target.model = upstream_model;
        target
    }

    /// The settings of an exchange.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.loss_policy = self.config.mode;
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

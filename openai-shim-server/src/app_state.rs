//! The state that all requests share: configuration, upstreams, limits, stores, metrics.

use crate::clock;
use crate::config::{Config, UpstreamConfig};
use crate::http::body_budget::BodyBudget;
use crate::http::responses;
use crate::http::shutdown::ShutdownSignal;
use crate::observe::metrics::Metrics;
use crate::observe::otel::{Otel, RequestTrace, UpstreamAttributes};
use crate::observe::recorder::Recorder;
use crate::offload::OffloadPool;
use crate::routing::health::{Health, HealthTracked};
use crate::routing::model_list_cache::ModelListCache;
use crate::state::adaptations::Adaptations;
use crate::state::{MemoryStore, Owners, ScopedStore};
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
    /// Exports traces and metrics, if a collector is configured.
    pub(crate) otel: Option<Arc<Otel>>,
    seed: RandomState,
    count: AtomicU64,
}

/// One upstream: its configuration, its transport, and what is remembered of it.
pub(crate) struct UpstreamState {
    /// Its name, for logs and metrics.
    pub(crate) name: Arc<str>,
    pub(crate) config: UpstreamConfig,
    /// The configured profile, with what follows from it for models.
    pub(crate) profile: SharedProfile,
    pub(crate) transport: Arc<dyn Upstream>,
    pub(crate) model_list: ModelListCache,
    pub(crate) health: Arc<Health>,
    /// State between requests that only this upstream gets.
    pub(crate) store: Arc<dyn StateStore>,
    /// What traces say of it, if they are exported.
    pub(crate) attributes: Option<Arc<UpstreamAttributes>>,
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

    /// Its transport, whose requests are in the trace of the client's request, if there is one.
    pub(crate) fn traced(&self, trace: Option<&Arc<RequestTrace>>, model: &str) -> Arc<dyn Upstream> {
        match (trace, &self.attributes) {
            (Some(trace), Some(attributes)) => {
                trace.trace_traffic_of(self.transport.clone(), attributes.clone(), model)
            }
            _ => self.transport.clone(),
        }
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
    pub(crate) fn new(config: Config, connect: impl Fn(&UpstreamConfig) -> Arc<dyn Upstream>) -> Self {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
        let upstreams = config
            .upstreams
            .iter()
            .map(|upstream| {
                let health = Arc::<Health>::default();
                UpstreamState {
                    name: upstream.name.as_str().into(),
                    transport: Arc::new(HealthTracked { inner: connect(upstream), health: health.clone() }),
                    model_list: ModelListCache::default(),
                    health,
                    store: Arc::new(ScopedStore::new(&upstream.name, store.clone())),
                    attributes: config.otel.is_some().then(|| Arc::new(UpstreamAttributes::new(upstream))),
                    label: responses::upstream_label(&upstream.name),
                    profile: upstream.profile.clone().into(),
                    config: upstream.clone(),
                    needs_length: AtomicBool::new(false),
                }
            })
            .collect();
        Self {
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
            otel: config.otel.as_ref().and_then(start_otel),
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

/// A server without its traces is better than none.
fn start_otel(config: &crate::config::Otel) -> Option<Arc<Otel>> {
    let started = Otel::start(config);
    started.map_err(|error| tracing::error!("traces and metrics are not exported: {error}")).ok()
}

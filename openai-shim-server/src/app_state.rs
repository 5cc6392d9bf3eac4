//! The state that belongs to one configuration: settings, upstreams, owners. A request keeps the one it began with.

use crate::clock;
use crate::config::{Config, UpstreamConfig, UpstreamLocation};
use crate::http::responses;
use crate::limits::{NamedKey, named_keys};
use crate::observe::otel::{RequestTrace, UpstreamAttributes};
use crate::observe::recorder::Recorder;
use crate::process_state::ProcessState;
use crate::routing::health::{Health, HealthTracked};
use crate::routing::key_rests::KeyRests;
use crate::routing::model_list_cache::ModelListCache;
use crate::routing::routes::Routes;
use crate::state::redis::Redis;
use crate::state::{OpenStore, Owners, ScopedStore, SharedAdaptations};
use crate::upstream::Connected;
use http::HeaderValue;
use openai_shim_core::exchange::{Settings, SharedProfile, Target};
use openai_shim_core::upstream::StateStore;
use openai_shim_core::{Context, Report, Upstream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The state that all requests under one configuration share.
pub(crate) struct AppState {
    pub(crate) config: Config,
    pub(crate) upstreams: Vec<UpstreamState>,
    /// The models that several targets serve.
    pub(crate) routes: Routes,
    /// State between requests, of all upstreams: stored responses.
    pub(crate) store: Arc<dyn StateStore>,
    /// The server that replicas share, if one is configured.
    pub(crate) redis: Option<Redis>,
    /// The adaptations of other replicas, if there are any.
    shared_adaptations: Option<Arc<SharedAdaptations>>,
    pub(crate) owners: Owners,
    /// The keys with a name, in the order of the configuration.
    pub(crate) named_keys: Vec<Arc<NamedKey>>,
    /// Records exchanges, if the program was started for that.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// What the next configuration gets as well.
    pub(crate) process: Arc<ProcessState>,
}

/// One upstream: its configuration, its transport, and what is remembered of it.
pub(crate) struct UpstreamState {
    /// Its name, for logs and metrics.
    pub(crate) name: Arc<str>,
    pub(crate) config: UpstreamConfig,
    /// The configured profile, with what follows from it for models.
    pub(crate) profile: SharedProfile,
    pub(crate) transport: Arc<dyn Upstream>,
    /// Which of its keys rest, if it has several.
    pub(crate) key_rests: Option<Arc<KeyRests>>,
    pub(crate) model_list: Arc<ModelListCache>,
    pub(crate) health: Arc<Health>,
    /// State between requests that only this upstream gets.
    pub(crate) store: Arc<dyn StateStore>,
    /// What traces say of it, if they are exported.
    pub(crate) attributes: Option<Arc<UpstreamAttributes>>,
    /// The value of the header with the upstream's name.
    pub(crate) label: Option<HeaderValue>,
    /// The upstream refused a body without a length.
    needs_length: Arc<AtomicBool>,
}

impl UpstreamState {
    fn new(config: &UpstreamConfig, connected: Connected, store: Arc<dyn StateStore>) -> Self {
        let health = Arc::<Health>::default();
        Self {
            transport: Arc::new(HealthTracked { inner: connected.transport, health: health.clone() }),
            key_rests: connected.key_rests,
            model_list: Arc::default(),
            health,
            store,
            attributes: None,
            label: responses::upstream_label(&config.name),
            name: config.name.as_str().into(),
            profile: config.profile.clone().into(),
            config: config.clone(),
            needs_length: Arc::default(),
        }
    }

    /// The same server under the next configuration: what is remembered of it stays. `connected`: another transport, as after a
    /// change of its key; without it, open connections stay as well.
    fn under(
        &self,
        config: &UpstreamConfig,
        connected: Option<Connected>,
        store: Arc<dyn StateStore>,
    ) -> Self {
        let health = self.health.clone();
        let (transport, key_rests): (Arc<dyn Upstream>, _) = match connected {
            Some(Connected { transport: inner, key_rests }) => {
                (Arc::new(HealthTracked { inner, health: health.clone() }), key_rests)
            }
            None => (self.transport.clone(), self.key_rests.clone()),
        };
        Self {
            name: self.name.clone(),
            config: config.clone(),
            profile: self.profile.clone(),
            transport,
            key_rests,
            model_list: self.model_list.clone(),
            health,
            store,
            attributes: None,
            label: self.label.clone(),
            needs_length: self.needs_length.clone(),
        }
    }

    /// Whether the upstream refused a body without a length (411).
    pub(crate) fn needs_length(&self) -> bool {
        self.needs_length.load(Ordering::Relaxed)
    }

    /// A transport to it, whose requests are in the trace of the client's request.
    pub(crate) fn traced(
        &self,
        transport: Arc<dyn Upstream>,
        trace: &Arc<RequestTrace>,
        model: &str,
    ) -> Arc<dyn Upstream> {
        match &self.attributes {
            Some(attributes) => trace.trace_traffic_of(transport, attributes.clone(), model),
            None => transport,
        }
    }

    /// Its transport, in the trace of the client's request if there is one.
    pub(crate) fn transport_in(&self, trace: Option<&Arc<RequestTrace>>) -> Arc<dyn Upstream> {
        let transport = self.transport.clone();
        match trace {
            Some(trace) => self.traced(transport, trace, ""),
            None => transport,
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
    /// The state of the first configuration; `connect` returns the transport of each configured upstream.
    pub(crate) fn new<C: Into<Connected>>(config: Config, connect: impl Fn(&UpstreamConfig) -> C) -> Self {
        let process = Arc::new(ProcessState::new(&config));
        let redis = Redis::for_config(config.store.redis.as_ref(), None);
        let recorder = config.record.clone().map(|folder| Arc::new(Recorder::new(folder, keys(&config))));
        let upstream =
            |config: &UpstreamConfig, store| UpstreamState::new(config, connect(config).into(), store);
        Self::of(config, process, redis, recorder, upstream)
    }

    /// The state of the configuration after this one. It takes over the process's state, the upstreams that are the same servers,
    /// and the connection to an unchanged store.
    pub(crate) fn next(&self, config: Config, connect: impl Fn(&UpstreamConfig) -> Connected) -> Self {
        let process = self.process.clone();
        process.apply(&config);
        let redis = Redis::for_config(config.store.redis.as_ref(), self.redis.as_ref());
        let recorder = self.recorder.as_ref().map(|recorder| Arc::new(recorder.with_secrets(keys(&config))));
        let (remembered, timeouts) = (process.clone(), config.timeouts);
        let upstream = |config: &UpstreamConfig, store| {
            let Some(served) = self.upstreams.iter().find(|served| served.config.is_same_server(config))
            else {
                remembered.adaptations.forget(&config.name);
                remembered.target_registry.forget(&config.name);
                return UpstreamState::new(config, connect(config), store);
            };
            // Cassettes are read again.
            let is_replay = matches!(config.target, UpstreamLocation::Replay(_));
            let is_sent_alike = served.config.api_keys == config.api_keys && self.config.timeouts == timeouts;
            served.under(config, (is_replay || !is_sent_alike).then(|| connect(config)), store)
        };
        Self::of(config, process, redis, recorder, upstream)
    }

    /// The state of a configuration; `upstream` returns that of an upstream, which keeps its state in the given store.
    fn of(
        config: Config,
        process: Arc<ProcessState>,
        redis: Option<Redis>,
        recorder: Option<Arc<Recorder>>,
        upstream: impl Fn(&UpstreamConfig, Arc<dyn StateStore>) -> UpstreamState,
    ) -> Self {
        let owners =
            Owners::new(config.keys_of_clients(), config.store.secret.as_ref(), &process.owner_secret);
        let OpenStore { conversations: store, shared } =
            OpenStore::new(&config, &owners, redis.as_ref(), process.memory.clone());
        let shared_adaptations = shared
            .filter(|_| config.learn)
            .map(|shared| SharedAdaptations::new(process.adaptations.clone(), shared));
        let upstreams = config.upstreams.iter();
        let mut upstreams: Vec<_> =
            upstreams.map(|u| upstream(u, Arc::new(ScopedStore::new(&u.name, store.clone())))).collect();
        let attributes = |upstream: &UpstreamConfig| Arc::new(UpstreamAttributes::new(upstream));
        for served in upstreams.iter_mut().filter(|_| process.otel.is_some()) {
            served.attributes = Some(attributes(&served.config));
        }
        let transport =
            |index: usize| upstreams.get(index).map(|served: &UpstreamState| served.transport.clone());
        let routes = Routes::new(&config, transport, &process.target_registry);
        let named_keys = named_keys(&process.key_registry, &config.named_keys, redis.as_ref());
        Self {
            config,
            upstreams,
            routes,
            store,
            redis,
            shared_adaptations,
            owners,
            named_keys,
            recorder,
            process,
        }
    }

    /// The time and a random number for one exchange.
    pub(crate) fn context(&self) -> Context {
        Context::new(clock::unix_seconds(), self.process.random())
    }

    /// An upstream as the target of a request for `model`. `upstream_model`: its own name for it.
    pub(crate) fn target(
        &self,
        served: &UpstreamState,
        upstream_model: Option<String>,
        model: &str,
    ) -> Target {
        let learned_of = upstream_model.as_deref().unwrap_or(model);
        if let Some(shared) = &self.shared_adaptations {
            shared.refresh(&served.config, learned_of);
        }
        let adaptations = self.process.adaptations.for_model(&served.config.name, learned_of);
        let mut target = Target::new(served.profile.clone()).with_adaptations(adaptations);
        target.model = upstream_model;
        target
    }

    /// Remembers the adaptations of an exchange with this model of an upstream.
    pub(crate) fn store_adaptations(&self, served: &UpstreamState, model: &str, report: &Report) {
        match &self.shared_adaptations {
            Some(shared) => shared.store_adaptations(&served.config, model, report),
            None => drop(self.process.adaptations.store_adaptations(&served.config.name, model, report)),
        }
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

/// The keys that stand in no recording.
fn keys(config: &Config) -> Vec<String> {
    config.keys().map(|key| key.expose().to_owned()).collect()
}

//! [`ShimBuilder`]: what a [`Shim`] needs from outside, and what a program adds to it.

use super::adapters::{Sleep, WithSleep};
use super::clock::{Clock, Entropy};
use super::event_tap::EventHook;
use super::shim::Shim;
use super::shim_parts::{OwnerOf, ReportHook, RequestHook, RouteHook, ShimParts};
use super::state_store::StateStore;
use super::targets::{DEFAULT_NAME, NamedUpstream, TargetRef};
use super::transport::Upstream;
use crate::canonical::{Event, ListedModel};
use crate::error::Error;
use crate::exchange::{ClientRequest, Report, RequestInfo, Settings, SharedProfile};
use crate::state::Owner;
use http::request::Parts;
use std::sync::Arc;

/// Builds a [`Shim`]. A clock and a source of random numbers are required: a default would put a wrong time into responses, and the
/// same ids into those of two processes.
///
/// ```
/// use openai_shim_core::canonical::{Message, Role};
/// use openai_shim_core::{profile, Shim};
/// # fn example(upstream: impl openai_shim_core::Upstream + 'static) -> Result<(), Box<dyn std::error::Error>> {
/// let shim = Shim::builder(upstream, profile("groq")?)
///     .clock(|| std::time::Duration::from_secs(1_700_000_000))
///     .entropy(|| 4)
///     .on_request(|request| {
///         request.prepend_system("Be brief.")?;
///         request.rewrite_text(|text| text.contains("555-1234").then(|| text.replace("555-1234", "[phone]")))
///     })
///     .on_report(|report| println!("{} {:?}", report.outcome, report.usage))
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub struct ShimBuilder {
    first: NamedUpstream,
    further: Vec<NamedUpstream>,
    route: Option<RouteHook>,
    settings: Settings,
    state: Option<Arc<dyn StateStore>>,
    owner_of: Option<OwnerOf>,
    clock: Option<Box<dyn Clock>>,
    entropy: Option<Box<dyn Entropy>>,
    sleep: Option<Sleep>,
    models: Vec<ListedModel>,
    on_request: Vec<RequestHook>,
    on_event: Vec<EventHook>,
    on_report: Vec<ReportHook>,
}

impl std::fmt::Debug for ShimBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShimBuilder").field("profile", &self.first.profile.name).finish_non_exhaustive()
    }
}

/// What a [`ShimBuilder`] was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no clock.
    #[error("no clock was given: call `clock`, or `std_context` of the feature `std-context`")]
    NoClock,
    /// There is no source of random numbers.
    #[error(
        "no source of random numbers was given: call `entropy`, or `std_context` of the feature `std-context`"
    )]
    NoEntropy,
}

impl Shim {
    /// Begins to build a shim for an upstream that behaves as `profile` describes.
    pub fn builder(upstream: impl Upstream + 'static, profile: impl Into<SharedProfile>) -> ShimBuilder {
        ShimBuilder {
            first: NamedUpstream {
                name: String::from(DEFAULT_NAME),
                upstream: Arc::new(upstream),
                profile: profile.into(),
            },
            further: Vec::new(),
            route: None,
            settings: Settings::default(),
            state: None,
            owner_of: None,
            clock: None,
            entropy: None,
            sleep: None,
            models: Vec::new(),
            on_request: Vec::new(),
            on_event: Vec::new(),
            on_report: Vec::new(),
        }
    }
}

impl ShimBuilder {
    /// Sets the clock: the time since 1970. Required.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Sets the source of random numbers. Required.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Some(Box::new(entropy));
        self
    }

    /// Takes the time and random numbers from the standard library.
    #[cfg(feature = "std-context")]
    pub fn std_context(self) -> Self {
        self.clock(super::std_context::unix_time).entropy(super::std_context::RandomSeeds::default())
    }

    /// Adds a further upstream, to which [`route`](Self::route) sends requests. The first one is `default`.
    pub fn upstream(
        mut self,
        name: impl Into<String>,
        upstream: impl Upstream + 'static,
        profile: impl Into<SharedProfile>,
    ) -> Self {
        let (name, profile) = (name.into(), profile.into());
        self.further.push(NamedUpstream { name, upstream: Arc::new(upstream), profile });
        self
    }

    /// Sets what chooses the upstreams of a request, after all changes: the next one is tried when an attempt fails before the first
    /// meaningful event. An empty list is the first upstream. Token counts, embeddings and rankings go to the first of the list;
    /// requests that no hook can read go to the first upstream.
    ///
    /// ```
    /// use openai_shim_core::upstream::TargetRef;
    /// # use openai_shim_core::{profile, Shim};
    /// # fn example<U: openai_shim_core::Upstream + 'static>(openai: U, groq: U) -> Result<(), Box<dyn std::error::Error>> {
    /// let shim = Shim::builder(openai, profile("openai")?)
    ///     .upstream("groq", groq, profile("groq")?)
    ///     .route(|request| match request.model() {
    ///         "fast" => vec![
    ///             TargetRef::to("groq").with_model("llama-3.1-8b-instant"),
    ///             TargetRef::to("default").with_model("gpt-4.1-nano"),
    ///         ],
    ///         _ => vec![],
    ///     });
    /// # Ok(())
    /// # }
    /// ```
    pub fn route(mut self, route: impl Fn(&ClientRequest) -> Vec<TargetRef> + Send + Sync + 'static) -> Self {
        self.route = Some(Box::new(route));
        self
    }

    /// Sets what waits before retries, in place of the upstream's own [`pause`](Upstream::pause): `sleep(tokio::time::sleep)`. With neither,
    /// retries follow at once.
    ///
    /// ```
    /// # use openai_shim_core::{profile, Shim};
    /// # fn example(upstream: impl openai_shim_core::Upstream + 'static) -> Result<(), Box<dyn std::error::Error>> {
    /// let shim = Shim::builder(upstream, profile("groq")?).sleep(tokio::time::sleep);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sleep<R>(mut self, sleep: impl Fn(std::time::Duration) -> R + Send + Sync + 'static) -> Self
    where
        R: Future<Output = ()> + Send + 'static,
    {
        self.sleep = Some(Box::new(move |duration| Box::pin(sleep(duration))));
        self
    }

    /// Replaces the settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the models that clients see in lists. Without them the upstreams are asked.
    ///
    /// ```
    /// # use openai_shim_core::{profile, Shim};
    /// # fn example(upstream: impl openai_shim_core::Upstream + 'static) -> Result<(), Box<dyn std::error::Error>> {
    /// let shim = Shim::builder(upstream, profile("groq")?).models(["llama-3.1-8b-instant", "openai/gpt-oss-20b"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn models<M: Into<ListedModel>>(mut self, models: impl IntoIterator<Item = M>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a store for what clients drop and upstreams require again. `owner_of` tells from a request's head whose it is, such as
    /// by its key: no owner gets the state of another. A request without an owner has no state.
    pub fn state(
        mut self,
        store: Arc<dyn StateStore>,
        owner_of: impl Fn(&Parts) -> Option<Owner> + Send + Sync + 'static,
    ) -> Self {
        self.state = Some(store);
        self.owner_of = Some(Box::new(owner_of));
        self
    }

    /// Adds a hook that reads, changes or refuses each request whose text a model gets, before it is sent: for generation, token
    /// counts, embeddings and rankings ([`ClientRequest::kind`]). Several are called in order. What they change is what every attempt
    /// sends: [`ClientRequest::edit`], [`ClientRequest::rewrite_text`].
    ///
    /// With such a hook, requests whose bodies it cannot read are refused: speech, transcripts, pictures, and everything that is
    /// forwarded. It does not see requests that send no text: those for model lists and for stored responses.
    pub fn on_request(
        mut self,
        hook: impl Fn(&mut ClientRequest) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.on_request.push(Box::new(hook));
        self
    }

    /// Adds a hook that reads the events of each response, streamed or not, as the client gets them: repaired and translated. The last
    /// one is [`Event::End`] or [`Event::Error`], unless the client left before. It runs on the way of the bytes, so it is quick, and
    /// sends what takes longer elsewhere.
    ///
    /// The response is decoded once more for it, also where both sides have the same dialect.
    pub fn on_event(mut self, hook: impl Fn(&Event, &RequestInfo) + Send + Sync + 'static) -> Self {
        self.on_event.push(Box::new(hook));
        self
    }

    /// Adds a hook that gets the report of each request once: when the response has ended or was dropped, or at once if the request
    /// was refused. It runs while the body is dropped, so it does not panic.
    pub fn on_report(mut self, hook: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.on_report.push(Box::new(hook));
        self
    }

    /// Builds the shim.
    ///
    /// # Errors
    /// The first thing that is required and was not given.
    pub fn build(mut self) -> Result<Shim, BuildError> {
        if let Some(sleep) = self.sleep.map(Arc::new) {
            for named in std::iter::once(&mut self.first).chain(&mut self.further) {
                let (upstream, sleep) = (named.upstream.clone(), sleep.clone());
                named.upstream = Arc::new(WithSleep { upstream, sleep });
            }
        }
        let clock = self.clock.ok_or(BuildError::NoClock)?;
        let entropy = self.entropy.ok_or(BuildError::NoEntropy)?;
        Ok(Shim(Arc::new(ShimParts {
            first: self.first,
            further: self.further,
            route: self.route,
            settings: self.settings,
            models: self.models,
            state: self.state,
            owner_of: self.owner_of,
            clock,
            entropy,
            on_request: self.on_request,
            on_event: self.on_event,
            on_report: self.on_report,
        })))
    }
}

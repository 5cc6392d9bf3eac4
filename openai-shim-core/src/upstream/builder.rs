//! [`ShimBuilder`]: what a [`Shim`] needs from outside, and what a program adds to it.

use super::clock::{Clock, Entropy};
use super::shim::{OwnerOf, ReportHook, RequestHook, Shim, ShimParts};
use super::state_store::StateStore;
use super::transport::Upstream;
use crate::error::Error;
use crate::exchange::{ClientRequest, Report, Settings, SharedProfile};
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
    upstream: Arc<dyn Upstream>,
    profile: SharedProfile,
    settings: Settings,
    state: Option<Arc<dyn StateStore>>,
    owner_of: Option<OwnerOf>,
    clock: Option<Box<dyn Clock>>,
    entropy: Option<Box<dyn Entropy>>,
    on_request: Vec<RequestHook>,
    on_report: Vec<ReportHook>,
}

impl std::fmt::Debug for ShimBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShimBuilder").field("profile", &self.profile.name).finish_non_exhaustive()
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
            upstream: Arc::new(upstream),
            profile: profile.into(),
            settings: Settings::default(),
            state: None,
            owner_of: None,
            clock: None,
            entropy: None,
            on_request: Vec::new(),
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

    /// Replaces the settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
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

    /// Adds a hook that reads, changes or refuses each request before it is sent. Several are called in order. What they change is
    /// what every attempt sends: [`ClientRequest::edit`], [`ClientRequest::rewrite_text`].
    pub fn on_request(
        mut self,
        hook: impl Fn(&mut ClientRequest) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.on_request.push(Box::new(hook));
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
    pub fn build(self) -> Result<Shim, BuildError> {
        let clock = self.clock.ok_or(BuildError::NoClock)?;
        let entropy = self.entropy.ok_or(BuildError::NoEntropy)?;
        let Self { upstream, profile, settings, state, owner_of, on_request, on_report, .. } = self;
        let parts =
            ShimParts { upstream, profile, settings, state, owner_of, clock, entropy, on_request, on_report };
        Ok(Shim(Arc::new(parts)))
    }
}

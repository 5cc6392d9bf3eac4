//! [`Target`]: an upstream that may answer a request; [`Targets`]: several, in the order in which they are tried.

use super::ClientRequest;
use super::shared_profile::{SharedProfile, UpstreamSide};
use crate::dialect::Dialect;
use crate::error::ClientError;
use crate::profile::{Adaptation, Profile};
use std::collections::VecDeque;
use std::sync::Arc;

/// An upstream that may answer a request: how it behaves, its name for the model, and what its errors have taught.
///
/// ```
/// use openai_shim_core::exchange::Target;
/// use openai_shim_core::profile;
/// let target = Target::new(profile("groq")?).with_model("llama-3.3-70b-versatile");
/// assert_eq!(target.profile.name, "groq");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Target {
    /// How it behaves.
    pub profile: SharedProfile,
    /// Its name for the model; `None`: the client's.
    pub model: Option<String>,
    /// Adaptations known for this upstream and model, from the reports of earlier requests: they change its profile.
    pub adaptations: Vec<Adaptation>,
    /// The most tokens that its model takes; `None`: it is not known. After an error about the length of a prompt, targets that
    /// are known to take no more are passed over.
    pub context_tokens: Option<u64>,
}

impl Target {
    /// An upstream that behaves as `profile` describes. A program with many requests keeps a [`SharedProfile`].
    pub fn new(profile: impl Into<SharedProfile>) -> Self {
        Self { profile: profile.into(), model: None, adaptations: Vec::new(), context_tokens: None }
    }

    /// Sets the upstream's name for the model. The response has the client's.
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets how many tokens its model takes.
    pub fn with_context_tokens(mut self, tokens: u64) -> Self {
        self.context_tokens = Some(tokens);
        self
    }

    /// What the request is prepared for.
    pub(super) fn side(&self, client_request: &ClientRequest) -> Result<UpstreamSide<'_>, ClientError> {
        let ClientRequest { client, request, .. } = client_request;
        let model = self.model.as_deref().unwrap_or(&request.model);
        let dialect = self.profile.preferred_dialect(*client, request, model);
        UpstreamSide::new(&self.profile, dialect, model, &self.adaptations)
    }

    /// Adds adaptations from [`Report::adaptations`](super::Report::adaptations) of earlier requests.
    pub fn with_adaptations(mut self, adaptations: impl IntoIterator<Item = Adaptation>) -> Self {
        self.adaptations.extend(adaptations);
        self
    }
}

impl From<SharedProfile> for Target {
    fn from(profile: SharedProfile) -> Self {
        Self::new(profile)
    }
}

impl From<Profile> for Target {
    fn from(profile: Profile) -> Self {
        Self::new(profile)
    }
}

impl From<Arc<Profile>> for Target {
    fn from(profile: Arc<Profile>) -> Self {
        Self::new(profile)
    }
}

/// The targets of one exchange, in the order in which they are tried. One target, a profile, or a list becomes one.
///
/// ```
/// use openai_shim_core::exchange::{ClientRequest, Settings, Target};
/// use openai_shim_core::{dialect, profile, Context, Exchange, Step, UpstreamError};
/// let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let request = ClientRequest::read(dialect("openai-chat")?, "", body.into())?;
/// let targets = [Target::new(profile("groq")?), Target::new(profile("vllm")?).with_model("local")];
/// let mut settings = Settings::default();
/// settings.retry.attempts = 1;
/// let mut exchange = Exchange::start(request, targets, settings, Context::fixed())?;
/// let Step::Send { target: 0, .. } = exchange.next() else { unreachable!() };
/// exchange.fail(UpstreamError::transport("The connection was refused."), &mut Vec::new())?;
/// let Step::Send { target: 1, request, .. } = exchange.next() else { unreachable!() };
/// assert!(request.body().starts_with(br#"{"model":"local""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Targets(VecDeque<Target>);

impl Targets {
    /// The dialect in which each target would be asked.
    pub fn dialects(&self, client_request: &ClientRequest) -> Vec<Dialect> {
        let side = |target: &Target| target.side(client_request).map(|side| side.dialect);
        self.0.iter().map(|target| side(target).unwrap_or(client_request.client)).collect()
    }

    pub(super) fn into_queue(self) -> VecDeque<Target> {
        self.0
    }
}

impl<T: Into<Target>> From<T> for Targets {
    fn from(target: T) -> Self {
        Self(VecDeque::from([target.into()]))
    }
}

impl From<Vec<Target>> for Targets {
    fn from(targets: Vec<Target>) -> Self {
        Self(targets.into())
    }
}

impl<const N: usize> From<[Target; N]> for Targets {
    fn from(targets: [Target; N]) -> Self {
        Self(targets.into())
    }
}

//! [`TargetRef`]: an upstream that a program chooses for a request; [`NamedUpstream`]: those that it has.

use super::transport::Upstream;
use crate::exchange::{SharedProfile, Target};
use std::sync::Arc;

/// The name of the upstream that a builder begins with.
pub(super) const DEFAULT_NAME: &str = "default";

/// An upstream by its name, and its name for the model: what [`ShimBuilder::route`](super::ShimBuilder::route) chooses.
///
/// ```
/// use openai_shim_core::upstream::TargetRef;
/// let target = TargetRef::to("groq").with_model("llama-3.3-70b-versatile");
/// assert_eq!(target, TargetRef::to("groq").with_model("llama-3.3-70b-versatile"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRef {
    pub(super) name: String,
    model: Option<String>,
}

impl TargetRef {
    /// An upstream that the builder was given under this name; the one that it began with is `default`.
    pub fn to(name: impl Into<String>) -> Self {
        Self { name: name.into(), model: None }
    }

    /// Sets the upstream's name for the model. The response has the client's.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }
}

/// An upstream of a shim.
pub(super) struct NamedUpstream {
    pub(super) name: String,
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) profile: SharedProfile,
}

/// An upstream that was chosen for a request.
pub(super) struct ChosenUpstream<'s> {
    pub(super) served: &'s NamedUpstream,
    pub(super) target: Target,
}

impl NamedUpstream {
    /// This upstream, chosen for a request.
    pub(super) fn chosen(&self, target: Option<TargetRef>) -> ChosenUpstream<'_> {
        let mut chosen = Target::new(self.profile.clone());
        chosen.model = target.and_then(|target| target.model);
        ChosenUpstream { served: self, target: chosen }
    }
}

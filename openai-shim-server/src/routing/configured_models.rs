//! The models that the configuration names: a name in, the model and its upstream out.

use super::target_health::TargetHealth;
use crate::config::ModelConfig;
use openai_shim_core::profile::matches_pattern;
use std::sync::Arc;

/// The upstream for a request, and its name for the model.
#[derive(Debug)]
pub(crate) struct SelectedUpstream {
    /// The index of the upstream.
    pub(crate) upstream: usize,
    /// The upstream's name for the model, where it differs from the client's.
    pub(crate) model: Option<String>,
    /// What is known of it as one of several targets.
    pub(crate) health: Option<Arc<TargetHealth>>,
}

impl SelectedUpstream {
    /// The only upstream of a request.
    pub(crate) fn new(upstream: usize, model: Option<String>) -> Self {
        Self { upstream, model, health: None }
    }
}

/// The tag that Ollama's clients add to names without one.
pub(super) const LATEST: &str = ":latest";

/// The other spelling of a model's name that means the same: without `:latest`, or with it if there is no tag.
pub(crate) fn other_spelling(model: &str) -> Option<String> {
    match model.strip_suffix(LATEST) {
        Some(bare) => Some(bare.to_owned()).filter(|bare| !bare.is_empty()),
        None => (!model.is_empty() && !model.contains(':')).then(|| format!("{model}{LATEST}")),
    }
}

/// The configured model of this name, else the one with the longest pattern that the name fits; of equals the first.
pub(crate) fn find_model<'m>(
    models: impl Iterator<Item = (usize, &'m ModelConfig)> + Clone,
    name: &str,
) -> Option<(usize, &'m ModelConfig)> {
    let fits = |model: &ModelConfig| model.is_pattern() && matches_pattern(&model.id, name);
    models.clone().find(|(_, model)| model.id == name && !model.is_pattern()).or_else(|| {
        let fitting = models.filter(|(_, model)| fits(model));
        fitting.reduce(|best, next| if next.1.id.len() > best.1.id.len() { next } else { best })
    })
}

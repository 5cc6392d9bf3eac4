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
    let named = models.clone().find(|(_, model)| model.id == name && !model.is_pattern());
    named.or_else(|| nearest_pattern(models.filter(|(_, model)| model.is_pattern()), |(_, m)| &m.id, name))
}

/// What has the longest pattern that a name fits; of equals the first.
pub(super) fn nearest_pattern<T>(
    patterns: impl Iterator<Item = T>,
    pattern: impl Fn(&T) -> &str,
    name: &str,
) -> Option<T> {
    let fitting = patterns.filter(|one| matches_pattern(pattern(one), name));
    fitting.reduce(|best, next| if pattern(&next).len() > pattern(&best).len() { next } else { best })
}

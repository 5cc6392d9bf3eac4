//! The models that several targets serve: `[[model]]` sections, and models that several upstreams name, in; a model's targets out.

use super::configured_models::{SelectedUpstream, find_model, nearest_pattern, other_spelling};
use super::target_health::{TargetHealth, TargetRegistry};
use super::tracked_target::TrackedTarget;
use crate::config::{Affinity, Config, ModelConfig, Strategy, UpstreamConfig};
use openai_shim_core::Upstream;
use std::sync::Arc;

/// A model and its targets.
pub(crate) struct ModelTargets {
    /// The name that clients use, or a pattern of names.
    pub(super) name: String,
    pub(crate) targets: Vec<RoutedTarget>,
    pub(crate) strategy: Strategy,
    pub(crate) affinity: Affinity,
}

/// One target of a model.
pub(crate) struct RoutedTarget {
    /// The index of its upstream.
    pub(super) upstream: usize,
    /// The upstream's name for the model; `*` in it stands for the client's.
    pub(super) model: String,
    pub(crate) weight: u32,
    pub(crate) context: Option<u64>,
    pub(crate) health: Arc<TargetHealth>,
    /// Its upstream's transport, with what is recorded of the target.
    pub(crate) transport: Arc<dyn Upstream>,
}

impl RoutedTarget {
    /// The target for a model that the client calls `name`.
    pub(crate) fn select(&self, name: &str) -> SelectedUpstream {
        let model = if self.model.contains('*') { self.model.replace('*', name) } else { self.model.clone() };
        let model = Some(model).filter(|model| model != name);
        SelectedUpstream { upstream: self.upstream, model, health: Some(self.health.clone()) }
    }
}

/// All models that several targets serve.
#[derive(Default)]
pub(crate) struct Routes(Vec<Arc<ModelTargets>>);

impl Routes {
    /// The models of a configuration. `transport`: of the upstream with this index.
    pub(crate) fn new(
        config: &Config,
        transport: impl Fn(usize) -> Option<Arc<dyn Upstream>>,
        registry: &TargetRegistry,
    ) -> Self {
        let target = |upstream: &str, model: &str, weight: u32, context: Option<u64>| {
            let index = config.upstreams.iter().position(|served| served.name == upstream)?;
            let health = registry.target(upstream, model);
            let inner = transport(index)?;
            let transport = Arc::new(TrackedTarget { inner, health: health.clone() });
            Some(RoutedTarget {
                upstream: index,
                model: model.to_owned(),
                weight,
                context,
                health,
                transport,
            })
        };
        let configured = config.models.iter().map(|route| ModelTargets {
            name: route.name.clone(),
            targets: route
                .targets
                .iter()
                .filter_map(|t| target(&t.upstream, &t.model, t.weight, t.context))
                .collect(),
            strategy: route.strategy,
            affinity: route.affinity,
        });
        let mut routes: Vec<_> = configured.collect();
        for id in shared_ids(config) {
            if routes.iter().any(|route| route.name == id) {
                continue;
            }
            let serving = config.upstreams.iter().filter_map(|upstream| {
                let model = upstream.models.iter().find(|model| model.id == id)?;
                target(&upstream.name, name_at_upstream(model), 1, None)
            });
            routes.push(ModelTargets {
                name: id.to_owned(),
                targets: serving.collect(),
                strategy: Strategy::Ordered,
                affinity: Affinity::None,
            });
        }
        routes.retain(|route| !route.targets.is_empty());
        Self(routes.into_iter().map(Arc::new).collect())
    }

    /// The targets of a model. A name goes before a pattern, and a longer pattern before a shorter one, also where a single upstream
    /// names the model (`upstreams`).
    pub(crate) fn find(&self, name: &str, upstreams: &[UpstreamConfig]) -> Option<Arc<ModelTargets>> {
        if self.0.is_empty() {
            return None;
        }
        let exact = |name: &str| self.0.iter().find(|route| route.name == name && !route.is_pattern());
        if let Some(route) = exact(name).or_else(|| exact(&other_spelling(name)?)) {
            return Some(route.clone());
        }
        let names_upstream = name
            .split_once('/')
            .is_some_and(|(first, _)| upstreams.iter().any(|upstream| upstream.name == first));
        let patterns = self.0.iter().filter(|route| route.is_pattern());
        let longest = nearest_pattern(patterns, |route| &route.name, name)?;
        let served = upstreams.iter().enumerate();
        let models = served.flat_map(|(i, served)| served.models.iter().map(move |model| (i, model)));
        let is_nearer = |model: &ModelConfig| !model.is_pattern() || model.id.len() > longest.name.len();
        let is_served_elsewhere = find_model(models, name).is_some_and(|(_, model)| is_nearer(model));
        (!names_upstream && !is_served_elsewhere).then(|| longest.clone())
    }
}

impl ModelTargets {
    fn is_pattern(&self) -> bool {
        self.name.contains('*')
    }
}

/// A pattern itself stands for the client's name.
fn name_at_upstream(model: &ModelConfig) -> &str {
    if model.is_pattern() && model.upstream == model.id { "*" } else { &model.upstream }
}

/// The ids of models that more than one upstream names.
fn shared_ids(config: &Config) -> Vec<&str> {
    let all = || config.upstreams.iter().flat_map(|upstream| &upstream.models).map(|model| model.id.as_str());
    let mut shared: Vec<&str> = Vec::new();
    for id in all() {
        if !shared.contains(&id) && all().filter(|other| *other == id).count() > 1 {
            shared.push(id);
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, read};
    use crate::upstream::echo::Echo;

    fn routes(text: &str) -> (Routes, Vec<UpstreamConfig>) {
        let name = format!("openai-shim-routes-{}-{}.toml", std::process::id(), text.len());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).unwrap();
        let overrides = Overrides { config: Some(file.clone()), ..Overrides::default() };
        let config = read(&overrides).unwrap();
        std::fs::remove_file(file).unwrap();
        let echo = |_| Some(Arc::new(Echo) as Arc<dyn Upstream>);
        (Routes::new(&config, echo, &TargetRegistry::default()), config.upstreams)
    }

    #[test]
    fn a_name_goes_before_a_pattern_and_a_longer_pattern_before_a_shorter_one() {
        let (routes, upstreams) = routes(
            "[[upstream]]\nname = \"a\"\nbase_url = \"echo\"\nmodels = [\"claude-named\", \"claude-haiku-4*\"]\n\
             [[upstream]]\nname = \"b\"\nbase_url = \"echo\"\n\
             [[model]]\nname = \"*\"\ntargets = [\"b/all\"]\n[[model]]\nname = \"claude-haiku-*\"\ntargets = [\"b/anthropic/*\"]\n\
             [[model]]\nname = \"fast\"\ntargets = [\"a/one\", \"b/two\"]\n",
        );
        let found = |name: &str| {
            routes.find(name, &upstreams).map(|model| model.targets[0].select(name).model.unwrap_or_default())
        };
        assert_eq!(found("fast").as_deref(), Some("one"));
        assert_eq!(found("fast:latest").as_deref(), Some("one"));
        assert_eq!(found("other").as_deref(), Some("all"));
        assert_eq!(found("claude-haiku-3").as_deref(), Some("anthropic/claude-haiku-3"));
        // An upstream names these more closely, or is named itself.
        for name in ["claude-named", "claude-haiku-4-5", "a/x"] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn model_of_two_upstreams_has_both_as_targets_unless_a_section_says_otherwise() {
        let upstreams = "[[upstream]]\nname = \"a\"\nbase_url = \"echo\"\nmodels = [\"m\", \"x*\", \"alone\"]\n\
                         [[upstream]]\nname = \"b\"\nbase_url = \"echo\"\nmodels = [{ id = \"m\", upstream = \"n\" }, \"x*\"]\n";
        let (implied, configs) = routes(upstreams);
        let selected = |name: &str| {
            let model = implied.find(name, &configs)?;
            Some(
                model
                    .targets
                    .iter()
                    .map(|target| target.select(name))
                    .map(|s| (s.upstream, s.model))
                    .collect::<Vec<_>>(),
            )
        };
        let upstream = |upstream: usize, model: Option<&str>| (upstream, model.map(str::to_owned));
        assert_eq!(selected("m"), Some(vec![upstream(0, None), upstream(1, Some("n"))]));
        assert_eq!(selected("xyz"), Some(vec![upstream(0, None), upstream(1, None)]));
        assert_eq!(selected("alone"), None);
        let (stated, configs) = routes(&format!("{upstreams}[[model]]\nname = \"m\"\ntargets = [\"b/n\"]\n"));
        assert_eq!(stated.find("m", &configs).unwrap().targets.len(), 1);
    }
}

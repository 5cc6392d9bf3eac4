//! Tokens by model. A bounded number of models has a label of its own; the tokens of all others are counted as `other`.

use super::encode::write_family;
use openai_shim_core::canonical::Usage;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most models with a label of their own.
const MAX_MODELS: usize = 100;
/// The most bytes of a model's name that is a label.
const MAX_LABEL_BYTES: usize = 128;
/// The label of all other models.
const OTHER_MODELS: &str = "other";
/// The last use of a configured model: it is never the oldest, and so never loses its label.
const NEVER_EVICTED: u64 = u64::MAX;

/// Tokens as upstreams counted them.
#[derive(Debug, Default)]
pub(super) struct TokenCounters {
    tokens: BTreeMap<Arc<str>, BTreeMap<String, Tokens>>,
    /// The last use of each model with a label of its own; [`NEVER_EVICTED`] for configured models.
    models: BTreeMap<String, u64>,
    /// The number of the latest use.
    uses: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tokens {
    input: Option<u64>,
    output: Option<u64>,
}

impl TokenCounters {
    /// Gives configured models labels that they never lose. Those of an earlier configuration may lose theirs.
    pub(super) fn set_configured<'m>(&mut self, models: impl Iterator<Item = &'m str>) {
        let uses = self.uses;
        self.models.values_mut().filter(|used| **used == NEVER_EVICTED).for_each(|used| *used = uses);
        for model in models.take(MAX_MODELS) {
            self.make_room_for(model);
            self.models.insert(model.to_owned(), NEVER_EVICTED);
        }
    }

    /// Only a model for which an upstream reported tokens gets a label: clients cannot fill the table with invented names.
    pub(super) fn count(&mut self, upstream: &Arc<str>, model: &str, usage: Usage) {
        let model = self.label(model);
        let models = self.tokens.entry(upstream.clone()).or_default();
        // The name is copied only when it is new.
        match models.get_mut(model) {
            Some(tokens) => tokens.add(usage.input, usage.output),
            None => models.entry(model.to_owned()).or_default().add(usage.input, usage.output),
        }
    }

    /// The label of a model. When all labels are taken, the least recently counted model loses its label.
    fn label<'m>(&mut self, model: &'m str) -> &'m str {
        self.uses += 1;
        if let Some(used) = self.models.get_mut(model) {
            *used = if *used == NEVER_EVICTED { NEVER_EVICTED } else { self.uses };
            return model;
        }
        if model.len() > MAX_LABEL_BYTES {
            return OTHER_MODELS;
        }
        if !self.make_room_for(model) {
            return OTHER_MODELS;
        }
        self.models.insert(model.to_owned(), self.uses);
        model
    }

    /// Whether a model can have a label; the least recently counted one loses its own where all are taken.
    fn make_room_for(&mut self, model: &str) -> bool {
        if self.models.len() < MAX_MODELS || self.models.contains_key(model) {
            return true;
        }
        let oldest =
            self.models.iter().filter(|(_, used)| **used != NEVER_EVICTED).min_by_key(|(_, used)| **used);
        let Some(oldest) = oldest.map(|(model, _)| model.clone()) else { return false };
        self.models.remove(&oldest);
        self.count_as_other(&oldest);
        true
    }

    /// Moves a model's tokens to the label of all others.
    fn count_as_other(&mut self, model: &str) {
        for models in self.tokens.values_mut() {
            if let Some(tokens) = models.remove(model) {
                models.entry(OTHER_MODELS.to_owned()).or_default().add(tokens.input, tokens.output);
            }
        }
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let models = self.tokens.iter().flat_map(|(upstream, models)| {
            models.iter().map(move |(model, tokens)| (&**upstream, model.as_str(), tokens))
        });
        let samples = models.flat_map(|(upstream, model, tokens)| {
            [("input", tokens.input), ("output", tokens.output)].into_iter().filter_map(
                move |(kind, count)| {
                    let labels = [("upstream", upstream), ("model", model), ("kind", kind)];
                    Some((labels, ConstCounter::new(count?)))
                },
            )
        });
        write_family(encoder, "tokens", "Tokens as upstreams counted them.", samples)
    }
}

impl Tokens {
    fn add(&mut self, input: Option<u64>, output: Option<u64>) {
        for (sum, more) in [(&mut self.input, input), (&mut self.output, output)] {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(tokens: &mut TokenCounters, model: &str) {
        tokens.count(&"up".into(), model, Usage::new(1, 2));
    }

    fn input(tokens: &TokenCounters, model: &str) -> Option<u64> {
        tokens.tokens["up"].get(model)?.input
    }

    #[test]
    fn models_beyond_a_hundred_share_one_label() {
        let mut tokens = TokenCounters::default();
        for i in 0..1000 {
            count(&mut tokens, &format!("model {i}"));
        }
        count(&mut tokens, &"x".repeat(MAX_LABEL_BYTES + 1));
        assert_eq!(tokens.tokens["up"].len(), MAX_MODELS + 1);
        assert_eq!(input(&tokens, OTHER_MODELS), Some(901));
    }

    #[test]
    fn used_model_keeps_its_label_and_evicted_models_keep_their_tokens() {
        let mut tokens = TokenCounters::default();
        for i in 0..1100 {
            count(&mut tokens, &format!("invented {i}"));
            count(&mut tokens, "real");
        }
        assert_eq!(input(&tokens, "real"), Some(1100));
        assert_eq!(input(&tokens, OTHER_MODELS), Some(1001));
        assert_eq!(input(&tokens, "invented 1099"), Some(1));
    }

    #[test]
    fn configured_models_never_lose_their_labels() {
        let configured: Vec<_> = (0..MAX_MODELS).map(|i| format!("configured {i}")).collect();
        let mut tokens = TokenCounters::default();
        tokens.set_configured(configured.iter().map(String::as_str));
        for model in ["configured 7", "one", "two"] {
            count(&mut tokens, model);
        }
        assert_eq!((input(&tokens, "configured 7"), input(&tokens, OTHER_MODELS)), (Some(1), Some(2)));
    }
}

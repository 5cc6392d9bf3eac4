//! What is known of every dialect of this crate, also of those that this build lacks: their features, and where their
//! parameters stand. So a feature adds a dialect, and changes nothing for the others.

/// The dialects by name, each with the feature that turns it on.
const FEATURES: &[(&str, &str)] = &[
    ("openai-chat", "openai-chat"),
    ("openai-completions", "openai-completions"),
    ("openai-responses", "openai-responses"),
    ("anthropic-messages", "anthropic"),
    ("ollama-chat", "ollama"),
    ("ollama-generate", "ollama"),
    ("gemini", "gemini"),
];

/// The feature of a dialect; `None`: this crate has no such dialect.
pub(crate) fn feature_of(name: &str) -> Option<&'static str> {
    FEATURES.iter().find(|(known, _)| *known == name).map(|(_, feature)| *feature)
}

/// Whether some dialect of this crate has a parameter at that place; the tables of the dialects are sources of this one.
pub(super) fn is_param_place(path: &str) -> bool {
    PARAM_PLACES.binary_search(&path).is_ok()
}

/// In alphabetical order.
const PARAM_PLACES: &[&str] = &[
    "frequency_penalty",
    "generationConfig.candidateCount",
    "generationConfig.frequencyPenalty",
    "generationConfig.maxOutputTokens",
    "generationConfig.presencePenalty",
    "generationConfig.responseLogprobs",
    "generationConfig.seed",
    "generationConfig.stopSequences",
    "generationConfig.temperature",
    "generationConfig.topK",
    "generationConfig.topP",
    "include.message.output_text.logprobs",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "metadata",
    "metadata.user_id",
    "min_p",
    "moderation",
    "n",
    "options.frequency_penalty",
    "options.min_p",
    "options.num_predict",
    "options.presence_penalty",
    "options.repeat_penalty",
    "options.seed",
    "options.stop",
    "options.temperature",
    "options.top_k",
    "options.top_p",
    "output_config.effort",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning.effort",
    "reasoning_effort",
    "repetition_penalty",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "stop_sequences",
    "store",
    "suffix",
    "temperature",
    "text.verbosity",
    "think",
    "top_k",
    "top_p",
    "user",
    "verbosity",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;
    use std::collections::BTreeSet;

    /// Only a build with all of them can tell.
    fn has_all_dialects() -> bool {
        FEATURES.iter().all(|(name, _)| DIALECTS.iter().any(|dialect| dialect.name() == *name))
    }

    #[test]
    fn places_of_parameters_are_those_in_the_tables_of_the_dialects() {
        assert!(PARAM_PLACES.is_sorted());
        let built = DIALECTS.iter().filter(|dialect| feature_of(dialect.name()).is_some());
        let places: BTreeSet<&str> = built.flat_map(|dialect| dialect.params().places()).collect();
        assert!(places.iter().all(|place| is_param_place(place)), "{places:#?}");
        if has_all_dialects() {
            assert_eq!(Vec::from_iter(places), PARAM_PLACES);
        }
    }

    #[test]
    fn every_dialect_of_a_feature_is_on_or_its_feature_is_named() {
        for (name, feature) in FEATURES {
            if let Err(error) = crate::dialect(name) {
                assert!(error.to_string().contains(&format!("feature `{feature}`")), "{error}");
            }
        }
    }
}

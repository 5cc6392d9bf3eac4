//! Short forms for the literals of the table: profiles by how they are selected, and rules that many of them share.

use crate::profile::accepts::{
    MessageLayer, MessageRules, ParamLayer, ParamRules, ReasoningLayer, ReasoningParam, ReasoningRules,
    ToolChoiceSupport, ToolLayer, ToolRules,
};
use crate::profile::definition::{ModelOverride, Profile};
use std::collections::BTreeMap;

/// A layer that sets these rules.
macro_rules! layer {
    ($layer:ident { $($field:ident: $value:expr),* $(,)? }) => {
        $layer { $($field: Some($value),)* ..$layer::default() }
    };
    ($layer:ident { $($field:ident: $value:expr,)* ..$base:expr }) => {
        $layer { $($field: Some($value),)* ..$base }
    };
}
pub(super) use layer;

/// A profile that its name selects.
pub(super) fn named(name: &str) -> Profile {
    Profile { name: text(name), messages: developer_as_system(), ..Profile::default() }
}

/// A profile that the URL's host selects.
pub(super) fn at_host(name: &str, url: &str) -> Profile {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let host = address.split_once('/').map_or(address, |(host, _)| host);
    Profile { base_url: text(url), hosts: list(&[host]), ..named(name) }
}

/// A profile of a server that runs anywhere; the URL is the usual one.
pub(super) fn anywhere(name: &str, url: &str) -> Profile {
    Profile { base_url: text(url), ..named(name) }
}

/// The dialects of servers that also have OpenAI's older completions.
pub(super) fn also_completions() -> Vec<String> {
    list(&["openai-completions"])
}

/// Headers by which OpenAI's clients name the account and request features.
pub(super) fn openai_headers() -> Vec<String> {
    list(&["openai-organization", "openai-project", "openai-beta"])
}

/// An override for some models.
pub(super) fn for_models(names: &[&str]) -> ModelOverride {
    ModelOverride { matches: list(names), ..ModelOverride::default() }
}

/// Google's third generation refuses unsigned calls, and accepts this placeholder as the signature of a call that it did not
/// make: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
pub(super) fn gemini_3_placeholder_signature() -> ModelOverride {
    ModelOverride {
        messages: layer!(MessageLayer { placeholder_signature: text("skip_thought_signature_validator") }),
        ..for_models(&["*gemini-3*"])
    }
}

/// For servers that lack the role `developer`.
pub(super) fn developer_as_system() -> MessageRules {
    MessageRules { roles: map(&[("developer", "system")]), ..MessageRules::default() }
}

/// For servers that accept the token limit under its older name only.
pub(super) fn max_tokens_only() -> ParamRules {
    ParamRules { rename: map(&[("max_completion_tokens", "max_tokens")]), ..ParamRules::default() }
}

/// For servers that refuse some parameters.
pub(super) fn drop_params(names: &[&str]) -> ParamRules {
    ParamRules { drop: list(names), ..ParamRules::default() }
}

/// For models that refuse some parameters besides those that the profile drops.
pub(super) fn model_drop_params(names: &[&str]) -> ParamLayer {
    layer!(ParamLayer { drop: [list(&["..."]), list(names)].concat() })
}

/// For servers that cannot force a tool call.
pub(super) fn forced_choice_as_auto() -> ToolRules {
    ToolRules {
        required_choice: ToolChoiceSupport::Auto,
        named_choice: ToolChoiceSupport::Auto,
        ..ToolRules::default()
    }
}

/// For models that cannot be forced to call a tool.
pub(super) fn model_forced_choice_as_auto() -> ToolLayer {
    layer!(ToolLayer { required_choice: ToolChoiceSupport::Auto, named_choice: ToolChoiceSupport::Auto })
}

/// For servers that accept these efforts only.
pub(super) fn efforts(known: &[&str]) -> ReasoningRules {
    ReasoningRules { efforts: list(known), ..ReasoningRules::default() }
}

/// For models that accept these efforts only.
pub(super) fn model_efforts(known: &[&str]) -> ReasoningLayer {
    layer!(ReasoningLayer { efforts: list(known) })
}

/// For servers that take another parameter for reasoning.
pub(super) fn reasoning_by(param: ReasoningParam) -> ReasoningRules {
    ReasoningRules { param, ..ReasoningRules::default() }
}

/// For models that take another parameter for reasoning.
pub(super) fn model_reasoning_by(param: ReasoningParam) -> ReasoningLayer {
    layer!(ReasoningLayer { param: param })
}

pub(super) fn text(s: &str) -> String {
    s.to_owned()
}

pub(super) fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| text(s)).collect()
}

pub(super) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (text(k), text(v))).collect()
}

pub(super) fn ranges(pairs: &[(&str, [f64; 2])]) -> BTreeMap<String, [f64; 2]> {
    pairs.iter().map(|(k, v)| (text(k), *v)).collect()
}

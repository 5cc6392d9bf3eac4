//! Short forms for the literals of the table: profiles by how they are selected, and rules that many of them share.

pub(super) use crate::accepts::literals::{added, layer, list, map, ranges, text, text_values};
use crate::accepts::{
    MessageLayer, ParamLayer, ReasoningLayer, ReasoningParam, ToolChoiceSupport, ToolLayer,
};
use crate::profile::definition::{ModelOverride, Profile};

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
pub(super) fn developer_as_system() -> MessageLayer {
    layer!(MessageLayer { roles: map(&[("developer", "system")]) })
}

/// For servers that accept the token limit under its older name only.
pub(super) fn max_tokens_only() -> ParamLayer {
    layer!(ParamLayer { rename: map(&[("max_completion_tokens", "max_tokens")]) })
}

/// For servers and models that refuse some parameters.
pub(super) fn drop_params(names: &[&str]) -> ParamLayer {
    layer!(ParamLayer { drop: added(names) })
}

/// For servers that cannot force a tool call.
pub(super) fn forced_choice_as_auto() -> ToolLayer {
    layer!(ToolLayer { required_choice: ToolChoiceSupport::Auto, named_choice: ToolChoiceSupport::Auto })
}

/// For servers that accept these efforts only.
pub(super) fn efforts(known: &[&str]) -> ReasoningLayer {
    layer!(ReasoningLayer { efforts: list(known) })
}

/// For servers that take another parameter for reasoning.
pub(super) fn reasoning_by(param: ReasoningParam) -> ReasoningLayer {
    layer!(ReasoningLayer { param: param })
}

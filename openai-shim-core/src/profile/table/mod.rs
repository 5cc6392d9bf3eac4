//! The built-in rows, by kind. Adding an upstream is one literal.
//!
//! What no source says is not in a row: a row that leaves out or changes what an upstream takes does harm, and what a
//! row does not know is learnt from the upstream's own errors. So a row begins as `compatible`, which every server that
//! is not OpenAI's gets, and says only what is known to differ.

mod gateways;
mod inference_hosts;
mod model_vendors;
mod native_apis;
mod openai;
mod self_hosted;

use super::{
    MessageRules, ModelOverride, ParamRules, Profile, ReasoningParam, ReasoningRules, ToolChoiceSupport,
    ToolRules,
};
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) fn rows() -> &'static [Profile] {
    static ROWS: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for mut kind in [
            openai::rows(),
            model_vendors::rows(),
            inference_hosts::rows(),
            gateways::rows(),
            self_hosted::rows(),
            native_apis::rows(),
        ] {
            // Moved, not copied: there are hundreds of texts in them.
            all.reserve_exact(kind.len());
            all.append(&mut kind);
        }
        all
    });
    &ROWS
}

/// A row that its name selects.
fn row(name: &str) -> Profile {
    Profile { name: text(name), messages: no_developer(), ..Profile::default() }
}

/// A row that a URL's host selects.
fn at(name: &str, url: &str) -> Profile {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    Profile { base_url: text(url), hosts: list(&[host]), ..row(name) }
}

/// A row of a server that everybody runs where they like, usually there.
fn local(name: &str, url: &str) -> Profile {
    Profile { base_url: text(url), ..row(name) }
}

/// What servers that continue texts, too, speak besides.
fn prompts() -> Vec<String> {
    list(&["openai-completions"])
}

/// Headers by which OpenAI's clients say on whose account, and with which features.
fn openai_headers() -> Vec<String> {
    list(&["openai-organization", "openai-project", "openai-beta"])
}

/// Rules for some models.
fn models(names: &[&str]) -> ModelOverride {
    ModelOverride { matches: list(names), ..ModelOverride::default() }
}

/// Google's third generation refuses calls without a signature, and takes this word for the one of a call that it did not
/// make: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
fn signing_unsigned() -> ModelOverride {
    ModelOverride {
        messages: MessageRules {
            placeholder_signature: text("skip_thought_signature_validator"),
            ..MessageRules::default()
        },
        ..models(&["*gemini-3*"])
    }
}

/// Messages for servers that only know the role `system`.
fn no_developer() -> MessageRules {
    MessageRules { roles: map(&[("developer", "system")]), ..MessageRules::default() }
}

/// Parameters for servers that only know the limit's old name.
fn old_limit() -> ParamRules {
    ParamRules { rename: map(&[("max_completion_tokens", "max_tokens")]), ..ParamRules::default() }
}

/// Parameters without some.
fn without(names: &[&str]) -> ParamRules {
    ParamRules { drop: list(names), ..ParamRules::default() }
}

/// Tools where no choice among them can be demanded.
fn never_forced() -> ToolRules {
    ToolRules {
        required_choice: ToolChoiceSupport::Auto,
        named_choice: ToolChoiceSupport::Auto,
        ..ToolRules::default()
    }
}

/// Thinking that knows these efforts.
fn efforts(known: &[&str]) -> ReasoningRules {
    ReasoningRules { efforts: list(known), ..ReasoningRules::default() }
}

/// Thinking under another name.
fn thinking(switch: ReasoningParam) -> ReasoningRules {
    ReasoningRules { param: switch, ..ReasoningRules::default() }
}

fn text(s: &str) -> String {
    s.to_owned()
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| text(s)).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (text(k), text(v))).collect()
}

fn ranges(of: &[(&str, [f64; 2])]) -> BTreeMap<String, [f64; 2]> {
    of.iter().map(|(k, v)| (text(k), *v)).collect()
}

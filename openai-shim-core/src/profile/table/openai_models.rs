//! Which reasoning efforts OpenAI's models accept, whichever service has them.
//!
//! <https://platform.openai.com/docs/guides/reasoning>

use super::helpers::{efforts, layer, reasoning_by};
use crate::accepts::{ReasoningDefault, ReasoningLayer, ReasoningParam};
use crate::profile::definition::ModelOverride;

/// One family: its names, and its efforts from least to most.
type Family = (&'static [&'static str], &'static [&'static str]);

/// A later family lies over an earlier one.
const FAMILIES: [Family; 12] = [
    (&["o1*", "o3*", "o4*"], &["low", "medium", "high"]),
    (&["gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*"], &["minimal", "low", "medium", "high"]),
    (&["gpt-5-pro*"], &["high"]),
    (&["gpt-5-codex*"], &["low", "medium", "high"]),
    (&["gpt-5.1", "gpt-5.1-20*"], &["none", "low", "medium", "high"]),
    (&["gpt-5.2*", "gpt-5.3*", "gpt-5.4*", "gpt-5.5*"], &["none", "low", "medium", "high", "xhigh"]),
    (&["gpt-5.*-pro*"], &["medium", "high", "xhigh"]),
    (&["gpt-5.*-codex*"], &["low", "medium", "high", "xhigh"]),
    (&["gpt-5.*-chat*"], &["medium"]),
    (&["gpt-5.6*"], &["none", "low", "medium", "high", "xhigh", "max"]),
    (&["gpt-6*"], &["low", "medium", "high", "xhigh", "max"]),
    (&["gpt-6-sol*", "gpt-6-luna*", "gpt-6.1-terra*"], &["none", "low", "medium", "high", "xhigh", "max"]),
];

/// Models that do not reason, and refuse every parameter for it.
const WITHOUT_REASONING: [&str; 6] =
    ["gpt-3.5*", "gpt-4*", "chatgpt-4o*", "gpt-5-chat*", "o1-mini*", "o1-preview*"];

/// `prefix` precedes the models' names.
pub(super) fn reasoning(prefix: &str) -> Vec<ModelOverride> {
    let named = |names: &[&str], reasoning| ModelOverride {
        matches: names.iter().map(|name| format!("{prefix}{name}")).collect(),
        reasoning,
        ..ModelOverride::default()
    };
    let default = |accepted: &[&str]| match accepted.first() {
        // `none` is the default of gpt-5.1 to 5.4, and `medium` of the later ones.
        Some(&"none") => ReasoningDefault::Unknown,
        _ => ReasoningDefault::On,
    };
    let family = |(names, accepted): &Family| {
        named(names, layer!(ReasoningLayer { default: default(accepted), ..efforts(accepted) }))
    };
    let mut all: Vec<ModelOverride> = FAMILIES.iter().map(family).collect();
    all.push(named(
        &WITHOUT_REASONING,
        layer!(ReasoningLayer {
            default: ReasoningDefault::Off,
            ..reasoning_by(ReasoningParam::Unsupported)
        }),
    ));
    all
}

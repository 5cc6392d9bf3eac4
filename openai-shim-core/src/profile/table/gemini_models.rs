//! What Gemini models accept: token budgets up to 2.5, levels from 3 on.
//!
//! <https://ai.google.dev/gemini-api/docs/thinking>

use super::helpers::{efforts, for_models, layer, list, numbers, reasoning_by};
use crate::accepts::{ReasoningAmount, ReasoningDefault, ReasoningLayer, ReasoningParam};
use crate::profile::definition::ModelOverride;
use std::collections::BTreeMap;

/// Models that can think more than those of which only the family is known.
const MEDIUM: [&str; 7] = [
    "*gemini-3.1-pro*",
    "*gemini-3-flash*",
    "*gemini-3.1-flash*",
    "*gemini-3.5-flash*",
    "*gemini-3.7-flash*",
    "*gemini-3.8-flash*",
    "*gemini-4*",
];
const MINIMAL: [&str; 3] = ["*gemini-3-flash*", "*gemini-3.1-flash-lite*", "*gemini-3.5-flash*"];

/// What the models accept in Google's own dialect.
pub(super) fn in_own_dialect() -> Vec<ModelOverride> {
    let thinks = |names: &[&str], reasoning| ModelOverride { reasoning, ..for_models(names) };
    vec![
        thinks(
            &["*gemini-2.5-pro*"],
            layer!(ReasoningLayer {
                amount: ReasoningAmount::Budget,
                budgets: numbers(&[("xhigh", 32_768), ("max", 32_768)]),
                min_budget: Some(128),
                max_budget: Some(32_768),
                modes: list(&["enabled"]),
                default: ReasoningDefault::On,
            }),
        ),
        thinks(
            &["*gemini-2.5-flash*"],
            layer!(ReasoningLayer {
                amount: ReasoningAmount::Budget,
                max_budget: Some(24_576),
                default: ReasoningDefault::On,
            }),
        ),
        thinks(
            &["*gemini-2.5-flash-lite*"],
            layer!(ReasoningLayer { min_budget: Some(512), default: ReasoningDefault::Off }),
        ),
        thinks(&["*gemini-2.5-flash-image*"], reasoning_by(ReasoningParam::Unsupported)),
        thinks(
            &["*gemini-3*", "*gemini-4*"],
            layer!(ReasoningLayer {
                efforts: list(&["low", "high"]),
                budgets: BTreeMap::new(),
                modes: list(&["enabled"]),
                default: ReasoningDefault::On,
            }),
        ),
        thinks(&MEDIUM, efforts(&["low", "medium", "high"])),
        thinks(&MINIMAL, efforts(&["minimal", "low", "medium", "high"])),
        thinks(&["*gemini-3.1-flash-image*", "*gemini-3.1-flash-lite-image*"], efforts(&["minimal", "high"])),
    ]
}

/// Which efforts the models accept by an API like OpenAI's, which itself translates them to budgets and levels.
pub(super) fn as_chat() -> Vec<ModelOverride> {
    let thinks = |names: &[&str], accepted: &[&str]| ModelOverride {
        reasoning: layer!(ReasoningLayer { default: ReasoningDefault::On, ..efforts(accepted) }),
        ..for_models(names)
    };
    vec![
        thinks(&["*gemini-2.5-pro*"], &["minimal", "low", "medium", "high"]),
        thinks(&["*gemini-3*", "*gemini-4*"], &["low", "medium", "high"]),
        thinks(&MINIMAL, &["minimal", "low", "medium", "high"]),
    ]
}

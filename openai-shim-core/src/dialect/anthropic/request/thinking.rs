//! `thinking` and `output_config.effort`: JSON to [`Reasoning`] and back.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>,
//! <https://platform.claude.com/docs/en/build-with-claude/effort>

use crate::canonical::{Reasoning, ReasoningDisplay, ReasoningMode, ReasoningParam};
use crate::json::{Object, encode_string};
use std::borrow::Cow;

/// The values of `thinking.type`.
const TYPES: [(&str, ReasoningMode); 4] = [
    ("enabled", ReasoningMode::On),
    ("disabled", ReasoningMode::Off),
    ("adaptive", ReasoningMode::Adaptive),
    ("between_tools", ReasoningMode::BetweenTools),
];

/// Reads `thinking`, and removes what has a place in our model.
pub(super) fn decode(thinking: &mut Object<'_>, reasoning: &mut Reasoning) {
    mark(reasoning, "thinking");
    let kind = thinking.str("type").and_then(|kind| TYPES.iter().find(|(known, _)| *known == kind));
    if let Some((_, mode)) = kind {
        reasoning.mode = Some(*mode);
        thinking.remove("type");
    }
    reasoning.budget = thinking.u64("budget_tokens").filter(|_| reasoning.mode == Some(ReasoningMode::On));
    if reasoning.budget.is_some() {
        thinking.remove("budget_tokens");
    }
    reasoning.display = match thinking.str("display").as_deref() {
        Some("summarized") => Some(ReasoningDisplay::Auto),
        Some("omitted") => Some(ReasoningDisplay::Omitted),
        _ => None,
    };
    if reasoning.display.is_some() {
        thinking.remove("display");
    }
}

/// Reads the effort, and removes it.
pub(super) fn decode_effort(config: &mut Object<'_>, reasoning: &mut Reasoning) {
    if let Some(effort) = config.str("effort").map(Cow::into_owned) {
        set_effort(effort, reasoning);
        config.remove("effort");
    }
}

/// Sets the effort, which is that of the whole response.
pub(super) fn set_effort(effort: String, reasoning: &mut Reasoning) {
    if reasoning.field.is_empty() {
        mark(reasoning, "output_config.effort");
    }
    reasoning.effort_of_response = true;
    reasoning.effort = Some(effort);
}

fn mark(reasoning: &mut Reasoning, field: &'static str) {
    reasoning.params.insert(ReasoningParam::OwnBudget);
    reasoning.field = field;
    reasoning.shown_by_default = true;
}

/// Writes reasoning into `thinking` and `output_config`.
pub(super) fn encode(reasoning: &Reasoning, thinking: &mut Object<'_>, config: &mut Object<'_>) {
    let kind = TYPES.iter().find(|(_, mode)| Some(*mode) == reasoning.mode);
    let display = reasoning.display.filter(|_| kind.is_some() && !reasoning.is_off());
    if let Some(display) = display {
        let is_omitted = display == ReasoningDisplay::Omitted;
        thinking.set_first("display", if is_omitted { "\"omitted\"" } else { "\"summarized\"" });
    }
    if let Some(budget) = reasoning.budget {
        thinking.set_first("budget_tokens", budget.to_string());
    }
    if let Some((kind, _)) = kind {
        thinking.set_first("type", encode_string(kind));
    }
    if let Some(effort) = &reasoning.effort {
        config.set("effort", encode_string(effort));
    }
}

/// Writes reasoning that was changed into a client's own body.
pub(super) fn encode_changed(reasoning: &Reasoning, body: &mut Object<'_>) {
    let edited = |key: &str, body: &Object<'_>, written: &[&str]| {
        let mut object = body.object(key).map(Object::into_owned).unwrap_or_default();
        object.retain(|key, _| !written.contains(&key));
        object
    };
    let mut thinking = edited("thinking", body, &["type", "budget_tokens", "display"]);
    let mut config = edited("output_config", body, &["effort"]);
    encode(reasoning, &mut thinking, &mut config);
    for (key, object) in [("thinking", thinking), ("output_config", config)] {
        if !object.is_empty() {
            body.set(key, object.to_json());
        } else if body.get(key).is_some() {
            body.remove(key);
        }
    }
}

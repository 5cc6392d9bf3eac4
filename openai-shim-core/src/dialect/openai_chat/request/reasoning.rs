//! The parameters by which chat clients and servers request reasoning: JSON to [`Reasoning`] and back.
//!
//! OpenAI's is `reasoning_effort`; other servers read `reasoning`, `thinking`, `enable_thinking` or `chat_template_kwargs`.

use crate::canonical::{
    DiagnosticCode, Diagnostics, Reasoning, ReasoningDisplay, ReasoningMode, ReasoningParam,
    report_lost_field,
};
use crate::json::{Object, decode_string, encode_string, natural};
use std::borrow::Cow;

const EFFORT: &str = "reasoning_effort";
const KWARGS: &str = "chat_template_kwargs";
/// The parameter of Qwen, and the argument of its chat template.
const SWITCH: &str = "enable_thinking";
/// The arguments of chat templates that switch reasoning on and off.
const SWITCHES: [&str; 2] = [SWITCH, "thinking"];

const PARAMS: [&str; 8] = [
    EFFORT,
    KWARGS,
    "reasoning",
    "thinking",
    SWITCH,
    "thinking_budget",
    "include_reasoning",
    "reasoning_format",
];

/// The name of a parameter that [`decode`] reads.
pub(super) fn param(key: &str) -> Option<&'static str> {
    PARAMS.into_iter().find(|param| *param == key)
}

/// Reads a parameter. Returns whether all of it has a place in `reasoning`.
pub(super) fn decode(key: &'static str, value: &str, reasoning: &mut Reasoning) -> bool {
    let flag = match value.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    let object = || Object::parse(value.as_bytes()).ok();
    match key {
        EFFORT => decode_string(value).is_some_and(|effort| {
            reasoning.set_effort(effort.into_owned());
            mark(reasoning, ReasoningParam::ReasoningEffort, key)
        }),
        SWITCH => flag.is_some_and(|is_enabled| {
            reasoning.set_enabled(is_enabled);
            mark(reasoning, ReasoningParam::EnableThinking, key)
        }),
        "thinking_budget" => natural(value).is_some_and(|budget| {
            reasoning.budget.get_or_insert(budget);
            mark(reasoning, ReasoningParam::EnableThinking, key)
        }),
        KWARGS => object().is_some_and(|kwargs| decode_kwargs(&kwargs, reasoning)),
        "reasoning" => object().is_some_and(|options| decode_options(&options, reasoning)),
        "thinking" => object().is_some_and(|thinking| decode_thinking(&thinking, reasoning)),
        // They hide reasoning; what shows it is the default.
        "include_reasoning" if flag == Some(false) => hide(reasoning),
        "reasoning_format" if decode_string(value).as_deref() == Some("hidden") => hide(reasoning),
        _ => flag == Some(true),
    }
}

fn mark(reasoning: &mut Reasoning, param: ReasoningParam, field: &'static str) -> bool {
    reasoning.params.insert(param);
    if reasoning.field.is_empty() || field == EFFORT {
        reasoning.field = field;
    }
    true
}

/// Reads arguments of the chat template; returns whether there are no others than those that switch reasoning.
fn decode_kwargs(kwargs: &Object<'_>, reasoning: &mut Reasoning) -> bool {
    let Some(switch) = SWITCHES.iter().find_map(|key| kwargs.bool(key)) else { return false };
    reasoning.set_enabled(switch);
    mark(reasoning, ReasoningParam::ChatTemplateKwargs, KWARGS);
    kwargs.iter().all(|(key, _)| SWITCHES.contains(&key))
}

fn hide(reasoning: &mut Reasoning) -> bool {
    reasoning.display = Some(ReasoningDisplay::Omitted);
    true
}

/// Reads OpenRouter's `reasoning`; returns whether it has known fields only.
fn decode_options(options: &Object<'_>, reasoning: &mut Reasoning) -> bool {
    mark(reasoning, ReasoningParam::Reasoning, "reasoning");
    options.iter().fold(true, |is_all, (key, value)| {
        let is_known = match key {
            "effort" => decode_string(value).map(|word| reasoning.set_effort(word.into_owned())).is_some(),
            "enabled" => options.bool(key).map(|on| reasoning.set_enabled(on)).is_some(),
            "max_tokens" => natural(value).map(|budget| reasoning.budget = Some(budget)).is_some(),
            "exclude" => options.bool(key).map(|hidden| hidden && hide(reasoning)).is_some(),
            _ => false,
        };
        (is_known || value.trim() == "null") && is_all
    })
}

/// Reads `thinking`; returns whether it has known fields only.
fn decode_thinking(thinking: &Object<'_>, reasoning: &mut Reasoning) -> bool {
    mark(reasoning, ReasoningParam::Thinking, "thinking");
    thinking.iter().fold(true, |is_all, (key, value)| {
        let is_known = match (key, decode_string(value).as_deref()) {
            ("type", Some("disabled")) => {
                reasoning.set_enabled(false);
                true
            }
            ("type", Some("enabled")) => {
                reasoning.set_enabled(true);
                true
            }
            ("type", Some("adaptive" | "auto")) => {
                reasoning.mode = reasoning.mode.or(Some(ReasoningMode::Adaptive));
                true
            }
            ("budget_tokens", _) => natural(value).map(|budget| reasoning.budget = Some(budget)).is_some(),
            _ => false,
        };
        is_known && is_all
    })
}

/// Writes reasoning in the upstream's parameter, and removes all others.
pub(super) fn encode(reasoning: &Reasoning, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let param = reasoning.param;
    let word = if reasoning.is_off() { Some("none") } else { reasoning.effort.as_deref() };
    let effort = match param {
        ReasoningParam::Any | ReasoningParam::ReasoningEffort => word,
        ReasoningParam::Reasoning => None,
        _ => reasoning.effort.as_deref(),
    };
    set_or_remove(body, EFFORT, effort.map(encode_string));
    let edited = |key: &str, is_used: bool, body: &Object<'_>| {
        if is_used { body.object(key).map(Object::into_owned).unwrap_or_default() } else { Object::new() }
    };
    let is_options = param == ReasoningParam::Reasoning;
    let is_thinking = param == ReasoningParam::Thinking;
    for (key, is_used) in [("reasoning", is_options), ("thinking", is_thinking)] {
        if !is_used {
            report_lost_members(key, body, diagnostics);
        }
    }
    let mut options = edited("reasoning", is_options, body);
    if is_options {
        encode_options(reasoning, word, &mut options);
    }
    set_or_remove(body, "reasoning", (!options.is_empty()).then(|| options.to_json()));
    let mut thinking = edited("thinking", is_thinking, body);
    if is_thinking {
        let mode = reasoning.mode.map(|mode| match mode {
            ReasoningMode::Off => "\"disabled\"",
            ReasoningMode::Adaptive => "\"adaptive\"",
            ReasoningMode::BetweenTools => "\"between_tools\"",
            ReasoningMode::On => "\"enabled\"",
        });
        thinking.remove("budget_tokens");
        set_or_remove(&mut thinking, "type", mode.map(str::to_owned));
    }
    set_or_remove(body, "thinking", (!thinking.is_empty()).then(|| thinking.to_json()));
    let switch = reasoning.mode.map(|mode| (mode != ReasoningMode::Off).to_string());
    let is_switch = param == ReasoningParam::EnableThinking;
    set_or_remove(body, SWITCH, switch.clone().filter(|_| is_switch));
    let budget = reasoning.budget.filter(|_| is_switch).map(|budget| budget.to_string());
    set_or_remove(body, "thinking_budget", budget);
    let mut kwargs = edited(KWARGS, true, body);
    for switch in SWITCHES {
        kwargs.remove(switch);
    }
    if let Some(switch) = switch.filter(|_| param == ReasoningParam::ChatTemplateKwargs) {
        kwargs.set(SWITCH, switch);
    }
    if kwargs.is_changed() {
        set_or_remove(body, KWARGS, (!kwargs.is_empty()).then(|| kwargs.to_json()));
    }
}

/// Reports the members of a parameter for which [`Reasoning`] has no place.
fn report_lost_members(key: &'static str, body: &Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(value) = body.non_null(key) else { return };
    let is_read = |json: &str| decode(key, json, &mut Reasoning::default());
    let Ok(object) = Object::parse(value.as_bytes()) else {
        if !is_read(value) {
            report_lost_field(DiagnosticCode::ParamDropped, key, value, "", diagnostics);
        }
        return;
    };
    for (name, value) in object.iter() {
        let mut alone = Object::new();
        alone.set(name.to_owned(), value.to_owned());
        if !is_read(&alone.to_json()) {
            let path = format!("{key}.{name}");
            report_lost_field(DiagnosticCode::ParamDropped, &path, value, "", diagnostics);
        }
    }
}

fn encode_options(reasoning: &Reasoning, word: Option<&str>, options: &mut Object<'_>) {
    let is_switch = word.is_none() && reasoning.budget.is_none() && reasoning.mode.is_some();
    let is_hidden = reasoning.display == Some(ReasoningDisplay::Omitted);
    set_or_remove(options, "effort", word.map(encode_string));
    set_or_remove(options, "max_tokens", reasoning.budget.map(|budget| budget.to_string()));
    set_or_remove(options, "enabled", is_switch.then(|| String::from("true")));
    set_or_remove(options, "exclude", is_hidden.then(|| String::from("true")));
}

fn set_or_remove(object: &mut Object<'_>, key: &'static str, value: Option<String>) {
    match value {
        Some(value) => object.set(Cow::Borrowed(key), value),
        None if object.get(key).is_some() => drop(object.remove(key)),
        None => {}
    }
}

//! Parameters that are said in another way elsewhere: thinking, the form of the answer, the user, and what is not said
//! here at all.

use super::super::NAME;
use crate::canonical::{Code, Diagnostics, Reasoning, Request, ResponseFormat, ToolChoice};
use crate::json::{Object, quote, raw};
use std::borrow::Cow;

/// Models that are told how much to think in tokens. Newer ones are told in words.
const BUDGETED: [&str; 9] = [
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-opus-4-2025",
    "claude-sonnet-4-0",
    "claude-sonnet-4-5",
    "claude-sonnet-4-2025",
    "claude-haiku-4",
];

/// The fewest tokens that thinking may be given.
const LEAST: u64 = 1024;

/// Takes what a parameter says into the request; it is kept as it came besides.
pub(super) fn read(key: &str, value: &str, request: &mut Request) {
    if key == "tool_choice" {
        super::tools::read_choice(value, request);
        return;
    }
    let Ok(object) = Object::parse(value.as_bytes()) else { return };
    match key {
        "thinking" => read_thinking(&object, &mut request.reasoning),
        "output_config" => {
            request.reasoning.effort = object.str("effort").map(Cow::into_owned);
            if let Some(format) = object.object("format") {
                request.response_format = read_format(&format);
            }
        }
        "output_format" => request.response_format = read_format(&object),
        "metadata" => request.user = object.str("user_id").map(Cow::into_owned),
        _ => {}
    }
}

fn read_thinking(thinking: &Object<'_>, reasoning: &mut Reasoning) {
    reasoning.enabled = thinking.str("type").map(|word| word != "disabled");
    reasoning.budget = thinking.u64("budget_tokens");
}

fn read_format(format: &Object<'_>) -> Option<ResponseFormat> {
    if format.str("type").as_deref() != Some("json_schema") {
        return None;
    }
    Some(ResponseFormat::JsonSchema {
        // Nobody sees the name, but elsewhere there must be one.
        name: String::from("output"),
        schema: format.non_null("schema").map(raw),
        strict: Some(true),
        extra: super::super::block::leftovers(format, &["type", "schema"]),
    })
}

/// Writes the parameters of a request that came without this dialect's own bytes.
pub(super) fn write(request: &Request, own: bool, body: &mut Object<'_>, notes: &mut Diagnostics) {
    let stops: Vec<_> =
        request.stop.iter().filter(|stop| own || !stop.trim().is_empty()).map(|s| quote(s)).collect();
    if stops.len() < request.stop.len() {
        notes.note(Code::ParamDropped, "stop", "a stop sequence of white space only");
    }
    if !stops.is_empty() {
        body.set("stop_sequences", format!("[{}]", stops.join(",")));
    }
    let mut temperature = request.temperature;
    if own {
        // Thinking, forms and the user are written as they came, with the other leftovers.
        number("temperature", temperature, body);
        number("top_p", request.top_p, body);
        number("top_k", request.top_k, body);
        return;
    }
    if let Some(hot) = temperature.filter(|t| *t > 1.0) {
        temperature = Some(1.0);
        notes.note(Code::ParamClamped, "temperature", &format!("{hot} to 1"));
    }
    if let Some(user) = &request.user {
        body.set("metadata", format!("{{\"user_id\":{}}}", quote(user)));
    }
    let mut config = Object::new();
    let thinks = write_thinking(request, body, &mut config, notes);
    write_format(request.response_format.as_ref(), &mut config, notes);
    if !config.is_empty() {
        body.set("output_config", config.to_json());
    }
    if thinks && temperature.is_some_and(|t| (t - 1.0).abs() > f64::EPSILON) {
        temperature = None;
        notes.note(Code::ParamDropped, "temperature", "not while thinking");
    }
    number("temperature", temperature, body);
    number("top_p", request.top_p, body);
    if thinks && request.top_k.is_some() {
        notes.note(Code::ParamDropped, "top_k", "not while thinking");
    } else {
        number("top_k", request.top_k, body);
    }
    unsaid(request, notes);
}

fn number<T: std::fmt::Display>(key: &'static str, value: Option<T>, body: &mut Object<'_>) {
    if let Some(value) = value {
        body.set(key, value.to_string());
    }
}

/// What this dialect has no parameter for.
fn unsaid(request: &Request, notes: &mut Diagnostics) {
    let mut lost = |key: &str, said: bool| {
        if said {
            notes.note(Code::ParamDropped, key, "");
        }
    };
    lost("n", request.n.is_some_and(|n| n != 1));
    lost("frequency_penalty", request.frequency_penalty.is_some_and(|p| p != 0.0));
    lost("presence_penalty", request.presence_penalty.is_some_and(|p| p != 0.0));
    lost("seed", request.seed.is_some());
    for (key, value) in &request.extra.members {
        lost(key, value.get().trim() != "null");
    }
}

/// Whether thinking is on; how much is said in the words of the model's generation.
fn write_thinking(
    request: &Request,
    body: &mut Object<'_>,
    config: &mut Object<'_>,
    notes: &mut Diagnostics,
) -> bool {
    let wish = &request.reasoning;
    if wish.enabled == Some(false) || wish.effort.as_deref() == Some("none") {
        body.set("thinking", r#"{"type":"disabled"}"#);
        return false;
    }
    if *wish == Reasoning::default() {
        return false;
    }
    if matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_))) {
        notes.note(Code::ParamDropped, "reasoning", "not while a tool is demanded");
        return false;
    }
    let name = request.model.rsplit('/').next().unwrap_or_default();
    if !BUDGETED.iter().any(|old| name.starts_with(old)) {
        body.set("thinking", r#"{"type":"adaptive"}"#);
        match wish.as_effort() {
            Some("minimal") => {
                notes.note(Code::ParamClamped, "reasoning", "minimal to low");
                config.set("effort", "\"low\"");
            }
            Some(effort) => config.set("effort", quote(effort)),
            None => {}
        }
        return true;
    }
    if super::turns::calls_without_thinking(&request.messages) {
        notes.note(
            Code::ParamDropped,
            "reasoning",
            "the thinking before the last tool call did not come back",
        );
        return false;
    }
    let longest = body.u64("max_tokens").unwrap_or_default();
    let budget = wish.as_budget(longest).unwrap_or(longest / 2).max(LEAST);
    let budget = budget.min(longest.saturating_sub(1));
    if budget < LEAST {
        notes.note(Code::ParamDropped, "reasoning", "max_tokens leaves no room for thinking");
        return false;
    }
    body.set("thinking", format!("{{\"type\":\"enabled\",\"budget_tokens\":{budget}}}"));
    true
}

fn write_format(format: Option<&ResponseFormat>, config: &mut Object<'_>, notes: &mut Diagnostics) {
    match format {
        Some(ResponseFormat::JsonSchema { schema: Some(schema), .. }) => {
            let schema = schema.get();
            config.set("format", format!("{{\"type\":\"json_schema\",\"schema\":{schema}}}"));
            notes.note(Code::ParamRenamed, "response_format", "output_config.format");
        }
        Some(ResponseFormat::Native { dialect: NAME, .. } | ResponseFormat::Text) | None => {}
        Some(_) => notes.note(Code::FeatureUnsupported, "response_format", "JSON without a schema"),
    }
}

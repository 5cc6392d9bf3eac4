//! Echoed parameters: what a response repeats of its request.
//!
//! <https://platform.openai.com/docs/api-reference/responses/object>

use super::extra_fields::parse_or_empty;
use super::names::NAME;
use crate::canonical::ResponseSpec;
use crate::json::{ValueKind, value_kind};

/// The parameters of a request that its response repeats, in OpenAI's order, with the types that are repeated.
pub(super) const ECHOED_PARAMS: &[(&str, &[ValueKind])] = &[
    ("background", &[ValueKind::Bool]),
    ("instructions", &[ValueKind::String]),
    ("max_output_tokens", &[ValueKind::Number]),
    ("max_tool_calls", &[ValueKind::Number]),
    ("metadata", &[ValueKind::Object]),
    ("parallel_tool_calls", &[ValueKind::Bool]),
    ("previous_response_id", &[ValueKind::String]),
    ("prompt_cache_key", &[ValueKind::String]),
    ("reasoning", &[ValueKind::Object]),
    ("safety_identifier", &[ValueKind::String]),
    ("store", &[ValueKind::Bool]),
    ("temperature", &[ValueKind::Number]),
    ("text", &[ValueKind::Object]),
    ("tool_choice", &[ValueKind::String, ValueKind::Object]),
    ("tools", &[ValueKind::Array]),
    ("top_logprobs", &[ValueKind::Number]),
    ("top_p", &[ValueKind::Number]),
    ("truncation", &[ValueKind::String]),
    ("user", &[ValueKind::String]),
];

/// The parameters that a response always has, with their values if the request does not set them.
const DEFAULTS: &[(&str, &str)] = &[
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("temperature", "null"),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("metadata", "{}"),
];

/// The values of `reasoning.effort` and `reasoning.summary` that a response may repeat: the types of the SDKs have no others.
const REASONING_LEVELS: [&str; 10] =
    ["none", "minimal", "low", "medium", "high", "xhigh", "max", "auto", "concise", "detailed"];

/// Returns the JSON that a response has for one parameter; `None` leaves the parameter out.
pub(super) fn echoed_param(spec: &ResponseSpec, key: &str) -> Option<String> {
    let sent = spec.echoed_params.of(NAME).iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    match (key, sent) {
        ("reasoning", sent) => {
            let mut object = sent.map(parse_or_empty).unwrap_or_default();
            for key in ["effort", "summary"] {
                let is_known =
                    object.str(key).is_some_and(|level| REASONING_LEVELS.contains(&level.as_ref()));
                if !is_known {
                    object.set(key, "null");
                }
            }
            Some(object.to_json())
        }
        ("text", sent) => {
            let mut object = sent.map(parse_or_empty).unwrap_or_default();
            if object.non_null("format").is_none() {
                object.set("format", r#"{"type":"text"}"#);
            }
            Some(object.to_json())
        }
        ("tools", Some(sent)) => Some(complete_tools(sent)),
        ("tool_choice", Some(sent)) if value_kind(sent) == ValueKind::String => {
            let is_known = ["\"auto\"", "\"none\"", "\"required\""].contains(&sent.trim());
            Some(String::from(if is_known { sent } else { "\"auto\"" }))
        }
        (_, Some(sent)) => Some(sent.to_owned()),
        (key, None) => DEFAULTS.iter().find(|(k, _)| *k == key).map(|(_, value)| (*value).to_owned()),
    }
}

/// Returns the tools as a response lists them: a function has all its fields there. Functions in the form of chat completions
/// are left out.
fn complete_tools(sent: &str) -> String {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(sent).unwrap_or_default();
    let mut out = Vec::new();
    for item in items {
        let mut tool = parse_or_empty(item.get());
        match tool.str("type").as_deref() {
            Some("function") | None if tool.str("name").is_some() => {
                tool.set("type", "\"function\"");
                for key in ["parameters", "strict"] {
                    if tool.get(key).is_none() {
                        tool.set(key, "null");
                    }
                }
            }
            Some("function") | None => continue,
            Some(_) => {}
        }
        out.push(tool.to_json());
    }
    format!("[{}]", out.join(","))
}

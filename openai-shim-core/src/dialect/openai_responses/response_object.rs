//! The response object: what it says of itself, and the request's parameters that it repeats.

use super::NAME;
use super::content_part::object_of;
use super::request::ECHOED;
use crate::canonical::{ResponseSpec, Usage};
use crate::json::{Object, ValueKind, encode_string, value_kind};

/// A response object, but for what becomes known while it is made.
#[derive(Debug, Clone)]
pub(super) struct ResponseSkeleton {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: u64,
    /// The repeated parameters, in the order in which OpenAI sends them.
    repeated: Vec<(&'static str, String)>,
}

/// How far a response has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ResponseStatus<'s> {
    pub(super) status: &'s str,
    pub(super) output: &'s str,
    pub(super) usage: Option<&'s Usage>,
    /// Why it is incomplete.
    pub(super) reason: Option<&'s str>,
    /// The error that ended it: code and message.
    pub(super) error: Option<(&'s str, &'s str)>,
}

/// Members that a response always has, with what they are where the request said nothing.
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

impl ResponseSkeleton {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let repeated = ECHOED.iter().filter_map(|(key, _)| Some((*key, echoed_param(spec, key)?))).collect();
        Self { id: String::new(), model: spec.model.clone(), created: spec.created, repeated }
    }

    /// The object as JSON.
    pub(super) fn write(&self, state: ResponseStatus<'_>) -> String {
        let mut object = Object::new();
        object.set("id", encode_string(&self.id));
        object.set("object", "\"response\"");
        object.set("created_at", self.created.to_string());
        object.set("status", encode_string(state.status));
        let error = state.error.map(|(code, message)| {
            format!(r#"{{"code":{},"message":{}}}"#, encode_string(code), encode_string(message))
        });
        object.set("error", error.unwrap_or_else(|| String::from("null")));
        let reason = state.reason.map(|reason| format!(r#"{{"reason":{}}}"#, encode_string(reason)));
        object.set("incomplete_details", reason.unwrap_or_else(|| String::from("null")));
        object.set("model", encode_string(&self.model));
        object.set("output", state.output);
        for (key, value) in &self.repeated {
            object.set(*key, value.as_str());
        }
        object.set("usage", state.usage.map_or_else(|| String::from("null"), super::usage::write));
        object.to_json()
    }
}

/// The words that a response may repeat of `reasoning`: clients' types know no others.
const LEVELS: [&str; 10] =
    ["none", "minimal", "low", "medium", "high", "xhigh", "max", "auto", "concise", "detailed"];

/// What a response repeats of one parameter; `None` leaves it out.
pub(super) fn echoed_param(spec: &ResponseSpec, key: &str) -> Option<String> {
    let said = spec.echoed_params.of(NAME).iter().find(|(k, _)| k == key).map(|(_, value)| value.get());
    match (key, said) {
        ("reasoning", said) => {
            let mut object = said.map(object_of).unwrap_or_default();
            for key in ["effort", "summary"] {
                let known = object.str(key).is_some_and(|said| LEVELS.contains(&said.as_ref()));
                if !known {
                    object.set(key, "null");
                }
            }
            Some(object.to_json())
        }
        ("text", said) => {
            let mut object = said.map(object_of).unwrap_or_default();
            if object.non_null("format").is_none() {
                object.set("format", r#"{"type":"text"}"#);
            }
            Some(object.to_json())
        }
        ("tools", Some(said)) => Some(tools(said)),
        ("tool_choice", Some(said)) if value_kind(said) == ValueKind::String => {
            let known = ["\"auto\"", "\"none\"", "\"required\""].contains(&said.trim());
            Some(String::from(if known { said } else { "\"auto\"" }))
        }
        (_, Some(said)) => Some(said.to_owned()),
        (key, None) => DEFAULTS.iter().find(|(k, _)| *k == key).map(|(_, value)| (*value).to_owned()),
    }
}

/// The tools as answers list them: a function has all its members there.
fn tools(said: &str) -> String {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(said).unwrap_or_default();
    let mut out = Vec::new();
    for item in items {
        let mut tool = object_of(item.get());
        match tool.str("type").as_deref() {
            Some("function") | None if tool.str("name").is_some() => {
                tool.set("type", "\"function\"");
                for key in ["parameters", "strict"] {
                    if tool.get(key).is_none() {
                        tool.set(key, "null");
                    }
                }
            }
            // A function in the older API's form, or no tool.
            Some("function") | None => continue,
            Some(_) => {}
        }
        out.push(tool.to_json());
    }
    format!("[{}]", out.join(","))
}

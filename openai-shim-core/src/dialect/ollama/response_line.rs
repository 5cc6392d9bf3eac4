//! One line of a stream, or a whole answer: what it says, in either form.

use super::FAMILY;
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Usage};
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};
use std::borrow::Cow;

/// A call as it was read.
pub(super) struct LineToolCall {
    /// The call's id; newer versions give one.
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// JSON text.
    pub(super) arguments: String,
    pub(super) extra: ExtraFields,
}

/// What one line says.
#[derive(Default)]
pub(super) struct ResponseLine {
    pub(super) thinking: String,
    pub(super) content: String,
    pub(super) calls: Vec<LineToolCall>,
    pub(super) done: bool,
    pub(super) done_reason: Option<String>,
    pub(super) usage: Option<Usage>,
    /// Members of the message without a place.
    pub(super) message: Vec<(String, Box<serde_json::value::RawValue>)>,
    /// Members of the line without a place: durations, `context` and what is new.
    pub(super) extra: Vec<(String, Box<serde_json::value::RawValue>)>,
}

const KNOWN: [&str; 11] = [
    "model",
    "created_at",
    "message",
    "response",
    "thinking",
    "tool_calls",
    "done",
    "done_reason",
    "prompt_eval_count",
    "eval_count",
    "error",
];

/// Whether an object is a line of an answer at all.
pub(super) fn is_answer(object: &Object<'_>) -> bool {
    ["message", "response", "done"].iter().any(|key| object.non_null(key).is_some())
}

impl ResponseLine {
    /// Reads a line of either form.
    pub(super) fn read(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut line = Self::default();
        if let Some(message) = object.object("message") {
            line.said(&message, "content", "message.", diagnostics);
            let known = ["role", "content", "thinking", "tool_calls"];
            line.message = leftovers(&message, &known);
        }
        line.said(object, "response", "", diagnostics);
        line.done_reason = object.str("done_reason").filter(|r| !r.is_empty()).map(Cow::into_owned);
        line.done = object.bool("done").unwrap_or(line.done_reason.is_some());
        let (input, output) = (object.u64("prompt_eval_count"), object.u64("eval_count"));
        if input.is_some() || output.is_some() {
            // A prompt that was in the cache is not counted, and not mentioned.
            let (mut usage, input) = (Usage::default(), input.or(Some(0)));
            (usage.input, usage.output) = (input, output.or(Some(0)));
            line.usage = Some(usage);
        }
        line.extra = leftovers(object, &KNOWN);
        line
    }

    fn said(&mut self, object: &Object<'_>, content: &str, at: &str, diagnostics: &mut Diagnostics) {
        if let Some(words) = object.non_null(content) {
            if value_kind(words) != ValueKind::String {
                diagnostics.record(DiagnosticCode::ContentJoined, &format!("{at}{content}"), "");
            }
            self.content.push_str(&string_or_json(words));
        }
        if let Some(thoughts) = object.non_null("thinking") {
            self.thinking.push_str(&string_or_json(thoughts));
        }
        for call in object.array("tool_calls").unwrap_or_default() {
            self.calls.push(read_call(call, &format!("{at}tool_calls[]"), diagnostics));
        }
    }

    /// Why the answer ended.
    pub(super) fn finish(&self, calls: bool, diagnostics: &mut Diagnostics) -> FinishReason {
        let derived = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
        match self.done_reason.as_deref() {
            Some("length") => FinishReason::Length,
            Some("content_filter") => FinishReason::ContentFilter,
            Some("stop" | "load" | "unload" | "tool_calls") => derived,
            Some(word) => {
                diagnostics.record(DiagnosticCode::FinishReasonMapped, "done_reason", word);
                derived
            }
            None => {
                diagnostics.record(DiagnosticCode::FinishReasonDerived, "done_reason", "");
                derived
            }
        }
    }

    /// A reason that says more than the canonical one does.
    pub(super) fn odd_reason(&self) -> Option<(String, Box<serde_json::value::RawValue>)> {
        let word = self.done_reason.as_deref()?;
        let plain = ["stop", "length", "content_filter"].contains(&word);
        (!plain).then(|| (String::from("done_reason"), raw(encode_string(word))))
    }
}

/// Reads a call; its arguments are an object, or with careless servers JSON text.
pub(super) fn read_call(call: &str, at: &str, diagnostics: &mut Diagnostics) -> LineToolCall {
    let object = Object::parse(call.as_bytes()).unwrap_or_default();
    let function = object.object("function").unwrap_or_default();
    let given = function.non_null("arguments");
    let arguments = match given.map(value_kind) {
        Some(ValueKind::Object) => given.unwrap_or_default().trim().to_owned(),
        Some(_) => {
            let path = format!("{at}.function.arguments");
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, &path, "no object");
            let text = string_or_json(given.unwrap_or_default()).into_owned();
            if text.trim().is_empty() {
                String::from("{}")
            } else {
                if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
                    diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, &path, "");
                }
                text
            }
        }
        None => String::from("{}"),
    };
    let name = function.str("name").unwrap_or_default().into_owned();
    if name.is_empty() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, at, "");
    }
    let members = leftovers(&object, &["id", "type", "function"]);
    let extra = if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(FAMILY, members) };
    let id = object.str("id").filter(|id| !id.is_empty()).map(Cow::into_owned);
    LineToolCall { id, name, arguments, extra }
}

/// Members that have no place in the canonical model; `null` says nothing.
pub(super) fn leftovers(
    object: &Object<'_>,
    known: &[&str],
) -> Vec<(String, Box<serde_json::value::RawValue>)> {
    let others = object.iter().filter(|(k, v)| !known.contains(k) && v.trim() != "null");
    others.map(|(k, v)| (k.to_owned(), raw(v))).collect()
}

/// Arguments as the object that they must be here. What is none is wrapped: clients fail on anything else.
pub(super) fn arguments(json: &str, at: &str, diagnostics: &mut Diagnostics) -> String {
    let trimmed = json.trim();
    if trimmed.is_empty() {
        return String::from("{}");
    }
    if Object::parse(trimmed.as_bytes()).is_ok() {
        return trimmed.to_owned();
    }
    diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, at, "no JSON object: sent as its member _raw");
    format!(r#"{{"_raw":{}}}"#, encode_string(json))
}

/// Writes one line, whose JSON `write` appends.
pub(super) fn write_line(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    // Between JSON's tokens a line break is a space; inside its strings there is none.
    let line = out.get_mut(start..).unwrap_or_default();
    line.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
    out.push(b'\n');
}

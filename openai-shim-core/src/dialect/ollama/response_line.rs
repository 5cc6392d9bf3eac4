//! One line of a stream, or a non-streaming response, in either dialect, to `ResponseLine`.

use super::extra_fields;
use super::tool_call::{self, LineToolCall};
use crate::canonical::{DiagnosticCode, Diagnostics, FinishReason, Logprobs, Usage};
use crate::dialect::listed_objects::{TOOL_CALL, list_object};
use crate::extract::TextEnd;
use crate::json::{
    Object, RawJson, ValueKind, encode_string, raw, reported_count, string_or_json, value_kind,
};
use std::borrow::Cow;

/// The content of one line.
#[derive(Default)]
pub(super) struct ResponseLine {
    pub(super) thinking: String,
    pub(super) text: String,
    pub(super) tool_calls: Vec<LineToolCall>,
    pub(super) is_done: bool,
    pub(super) done_reason: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) logprobs: Logprobs,
    /// Fields of the message without a place in our model.
    pub(super) message_extra: Vec<(String, RawJson)>,
    /// Fields of the line without a place in our model: durations, `context` and new ones.
    pub(super) extra: Vec<(String, RawJson)>,
}

/// The fields of a line that our model has a place for.
const MAPPED_FIELDS: [&str; 12] = [
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
    "logprobs",
];

/// The counts of a line: of the prompt, of the response.
pub(super) const TOKEN_COUNTS: [&str; 2] = ["prompt_eval_count", "eval_count"];

/// The names that servers with OpenAI's routes, too, give to thinking.
const FOREIGN_THINKING: [&str; 2] = ["reasoning_content", "reasoning"];

fn is_thinking(key: &str, value: &str) -> bool {
    FOREIGN_THINKING.contains(&key) && value_kind(value) == ValueKind::String
}

/// Returns thinking under the name of another API, and that name.
pub(super) fn foreign_thinking<'o>(object: &'o Object<'_>) -> Option<(&'static str, Cow<'o, str>)> {
    FOREIGN_THINKING
        .into_iter()
        .find_map(|key| Some((key, object.str(key)?)))
        .filter(|(_, text)| !text.is_empty())
}

/// Whether an object is a line of a response.
pub(super) fn is_response(object: &Object<'_>) -> bool {
    // In other APIs' errors a message is a text, and a response an object.
    let kind = |key: &str| object.non_null(key).map(value_kind);
    kind("message").is_some_and(|kind| kind == ValueKind::Object)
        || kind("response").is_some_and(|kind| kind != ValueKind::Object)
        || kind("done").is_some()
}

impl ResponseLine {
    /// Reads a line of either dialect.
    pub(super) fn read(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut line = Self::default();
        if let Some(message) = object.object("message") {
            line.read_content(&message, "content", "message.", diagnostics);
            let mapped = ["role", "content", "thinking", "tool_calls"];
            line.message_extra = extra_fields::read_non_null(&message, &mapped);
            if message.non_null("thinking").is_none() {
                line.message_extra.retain(|(key, value)| !is_thinking(key, value.as_str()));
            }
        }
        line.read_content(object, "response", "", diagnostics);
        line.done_reason = object.str("done_reason").filter(|r| !r.is_empty()).map(Cow::into_owned);
        line.is_done = object.bool("done").unwrap_or(line.done_reason.is_some());
        let [input, output] = TOKEN_COUNTS.map(|key| object.get(key).and_then(reported_count));
        if input.is_some() || output.is_some() {
            // A prompt that was in the cache has no count.
            let (mut usage, input) = (Usage::default(), input.or(Some(0)));
            (usage.input, usage.output) = (input, output.or(Some(0)));
            line.usage = Some(usage);
        }
        line.logprobs = object.array("logprobs").map(Logprobs::of_entries).unwrap_or_default();
        line.extra = extra_fields::read_non_null(object, &MAPPED_FIELDS);
        if object.non_null("thinking").is_none() {
            line.extra.retain(|(key, value)| !is_thinking(key, value.as_str()));
        }
        line
    }

    /// Adds the text, thinking and tool calls of an object; the text stands under `text_key`.
    fn read_content(
        &mut self,
        object: &Object<'_>,
        text_key: &str,
        path_prefix: &str,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(text) = object.non_null(text_key) {
            if value_kind(text) != ValueKind::String {
                let path = format!("{path_prefix}{text_key}");
                diagnostics.record(DiagnosticCode::ContentJoined, &path, "");
            }
            self.text.push_str(&string_or_json(text));
        }
        if let Some(thinking) = object.non_null("thinking") {
            self.thinking.push_str(&string_or_json(thinking));
        } else if let Some((key, thinking)) = foreign_thinking(object) {
            diagnostics.record(DiagnosticCode::ReasoningRenamed, &format!("{path_prefix}{key}"), "");
            self.thinking.push_str(&thinking);
        }
        let Some(calls) = object.get("tool_calls") else { return };
        let path = format!("{path_prefix}tool_calls[]");
        let mut holder = Object::new();
        holder.set("tool_calls", calls);
        list_object(&mut holder, "tool_calls", TOOL_CALL, &path, diagnostics);
        for call in holder.array("tool_calls").unwrap_or_default() {
            self.tool_calls.push(tool_call::read(call, &path, diagnostics));
        }
    }

    /// What ends the text behind the line's.
    pub(super) fn text_end(&self) -> TextEnd {
        match self.done_reason.as_deref() {
            _ if !self.is_done => TextEnd::Open,
            Some("stop") | None => TextEnd::Complete,
            Some(_) => TextEnd::Cut,
        }
    }

    /// Returns the finish reason. `has_tool_calls`: any line of the response has a tool call.
    pub(super) fn finish_reason(&self, has_tool_calls: bool, diagnostics: &mut Diagnostics) -> FinishReason {
        let derived = if has_tool_calls { FinishReason::ToolCalls } else { FinishReason::Stop };
        let path = "done_reason";
        let Some(word) = self.done_reason.as_deref() else {
            diagnostics.record(DiagnosticCode::FinishReasonDerived, path, "");
            return derived;
        };
        if ["stop", "load", "unload"].contains(&word) {
            return derived;
        }
        let reason = FinishReason::read(word).unwrap_or_else(|| FinishReason::Unknown(word.to_owned()));
        match reason {
            FinishReason::Length | FinishReason::ContentFilter if self.unmapped_reason().is_none() => {}
            FinishReason::Failed { .. } => {
                diagnostics.record(DiagnosticCode::FinishReasonFailed, path, word);
            }
            FinishReason::Unknown(_) => diagnostics.record(DiagnosticCode::FinishReasonUnknown, path, word),
            FinishReason::ToolCalls if !has_tool_calls => {
                diagnostics.record(DiagnosticCode::ToolCallsMissing, path, word);
            }
            FinishReason::ToolCalls => {}
            _ => diagnostics.record(DiagnosticCode::FinishReasonMapped, path, word),
        }
        if reason == FinishReason::Stop { derived } else { reason }
    }

    /// Returns `done_reason` as an extra field, if our finish reason does not stand for exactly this one.
    pub(super) fn unmapped_reason(&self) -> Option<(String, RawJson)> {
        let reason = self.done_reason.as_deref()?;
        let is_mapped = ["stop", "length", "content_filter"].contains(&reason);
        (!is_mapped).then(|| (String::from("done_reason"), raw(encode_string(reason))))
    }
}

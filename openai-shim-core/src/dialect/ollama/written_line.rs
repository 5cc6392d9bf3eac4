//! The content and the end of a response to the fields of a line, which is also a non-streaming response.

use super::names::{FAMILY, OllamaApi};
use super::tool_call::arguments_object;
use crate::canonical::{DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Logprobs, Usage, time};
use crate::json::{Object, RawJson, encode_array, encode_string};
use std::time::Duration;

/// The content of one line.
#[derive(Default)]
pub(super) struct WrittenContent {
    pub(super) text: String,
    pub(super) thinking: String,
    /// The JSON of each tool call.
    pub(super) tool_calls: Vec<String>,
    pub(super) logprobs: Logprobs,
    /// Further fields of the message.
    pub(super) extra: Vec<(String, String)>,
}

impl WrittenContent {
    /// Adds a tool call.
    pub(super) fn push_tool_call(
        &mut self,
        call: WrittenToolCall<'_>,
        extra: &ExtraFields,
        diagnostics: &mut Diagnostics,
    ) {
        let extra = extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.as_str().to_owned()));
        self.tool_calls.push(call.into_json(self.tool_calls.len(), extra, diagnostics));
    }

    /// Writes the content into a line of one of the two dialects.
    pub(super) fn write(self, api: OllamaApi, line: &mut Object<'_>) {
        let mut message = Object::new();
        if api == OllamaApi::Chat {
            message.set("role", "\"assistant\"");
        }
        let text_key = if api == OllamaApi::Chat { "content" } else { "response" };
        message.set(text_key, encode_string(&self.text));
        if !self.thinking.is_empty() {
            message.set("thinking", encode_string(&self.thinking));
        }
        if !self.tool_calls.is_empty() {
            message.set("tool_calls", format!("[{}]", self.tool_calls.join(",")));
        }
        for (key, value) in self.extra {
            message.set(key, value);
        }
        match api {
            OllamaApi::Chat => line.set("message", message.to_json()),
            OllamaApi::Generate => message.iter().for_each(|(k, v)| line.set(k.to_owned(), v.to_owned())),
        }
        if !self.logprobs.is_empty() {
            // A refusal is text here.
            let Logprobs { content, refusal } = &self.logprobs;
            let tokens: Vec<&str> = content.iter().chain(refusal).map(RawJson::as_str).collect();
            line.set("logprobs", encode_array(&tokens));
        }
    }
}

/// A tool call that is ready to be written.
pub(super) struct WrittenToolCall<'c> {
    /// Empty if there is none.
    pub(super) id: &'c str,
    pub(super) name: &'c str,
    /// JSON text.
    pub(super) arguments: &'c str,
}

impl WrittenToolCall<'_> {
    /// Returns the JSON of the response's tool call of this index.
    pub(super) fn into_json(
        self,
        index: usize,
        extra: impl Iterator<Item = (String, String)>,
        diagnostics: &mut Diagnostics,
    ) -> String {
        let mut call = Object::new();
        if !self.id.is_empty() {
            call.set("id", encode_string(self.id));
        }
        let path = "message.tool_calls[].function.arguments";
        let arguments = arguments_object(self.arguments, path, diagnostics);
        let name = encode_string(self.name);
        call.set("function", format!(r#"{{"index":{index},"name":{name},"arguments":{arguments}}}"#));
        for (key, value) in extra {
            call.set(key, value);
        }
        call.to_json()
    }
}

/// Returns a line with model and time, which all lines have.
pub(super) fn new_line(model: &str, created: u64) -> Object<'static> {
    let mut line = Object::new();
    line.set("model", encode_string(model));
    line.set("created_at", encode_string(&time::rfc3339(created)));
    line
}

/// What only the last line of a response has.
pub(super) struct ResponseEnd {
    pub(super) done_reason: String,
    pub(super) usage: Option<Usage>,
    pub(super) timing: Option<Timing>,
    /// Further fields of the line.
    pub(super) extra: Vec<(String, String)>,
}

/// Durations by the caller's clock, since the request was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) total: Duration,
    /// Until the first content was written, if that is known.
    pub(super) first_content: Option<Duration>,
}

impl ResponseEnd {
    /// Writes the end into a line. Unknown counts and durations are left out, as the official types allow.
    pub(super) fn write(self, line: &mut Object<'_>, diagnostics: &mut Diagnostics) {
        line.set("done", "true");
        line.set("done_reason", encode_string(&self.done_reason));
        let mut set_number = |key: &'static str, value: Option<u64>| {
            if let Some(value) = value {
                line.set(key, value.to_string());
            }
        };
        let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        let usage = self.usage.unwrap_or_default();
        let prompt_time = self.timing.and_then(|timing| timing.first_content);
        let response_time =
            self.timing.and_then(|timing| Some(timing.total.saturating_sub(timing.first_content?)));
        set_number("total_duration", self.timing.map(|timing| nanos(timing.total)));
        set_number("prompt_eval_count", usage.input);
        set_number("prompt_eval_duration", prompt_time.map(nanos));
        set_number("eval_count", usage.output);
        set_number("eval_duration", response_time.map(nanos));
        if [usage.cached, usage.cache_written, usage.reasoning].iter().any(|n| n.is_some_and(|n| n > 0)) {
            diagnostics.record(DiagnosticCode::ExtraDropped, "usage", "details");
        }
        for (key, value) in self.extra {
            line.set(key, value);
        }
    }
}

/// Returns the `done_reason` of a finish reason. Any word is allowed: Ollama's own server has none for a content filter, which
/// must not look like a regular end.
pub(super) fn done_reason(finish_reason: &FinishReason) -> &str {
    match finish_reason {
        FinishReason::Length => "length",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        FinishReason::Failed { word, .. } | FinishReason::Unknown(word) => word,
        FinishReason::Stop | FinishReason::StopSequence(_) | FinishReason::ToolCalls => "stop",
    }
}

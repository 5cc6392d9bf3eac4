//! Why an answer ended: every word that upstreams use, mapped to OpenAI's.

use crate::canonical::FinishReason;

/// OpenAI's words, and what they mean.
const OPENAI: &[(&str, FinishReason)] = &[
    ("stop", FinishReason::Stop),
    ("length", FinishReason::Length),
    ("tool_calls", FinishReason::ToolCalls),
    ("content_filter", FinishReason::ContentFilter),
    ("function_call", FinishReason::ToolCalls),
];

/// Other words, in lower case.
const OTHERS: &[(&str, &str)] = &[
    ("eos", "stop"),
    ("eos_token", "stop"),
    ("end", "stop"),
    ("end_turn", "stop"),
    ("complete", "stop"),
    ("completed", "stop"),
    ("done", "stop"),
    ("stop_sequence", "stop"),
    ("stop_token", "stop"),
    ("max_tokens", "length"),
    ("max_output_tokens", "length"),
    ("max_length", "length"),
    ("model_length", "length"),
    ("model_context_window_exceeded", "length"),
    ("tool_use", "tool_calls"),
    ("tool_call", "tool_calls"),
    ("sensitive", "content_filter"),
    ("safety", "content_filter"),
    ("content_filtered", "content_filter"),
    ("prohibited_content", "content_filter"),
    ("blocklist", "content_filter"),
    ("recitation", "content_filter"),
    ("refusal", "content_filter"),
];

/// What an upstream's word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReasonClass {
    /// One of OpenAI's.
    Known(&'static str),
    /// Another one, with OpenAI's for it.
    Mapped(&'static str),
    /// The upstream failed.
    Failure,
}

pub(super) fn word(given: &str) -> ReasonClass {
    if let Some((word, _)) = OPENAI.iter().find(|(word, _)| *word == given) {
        return ReasonClass::Known(word);
    }
    let lower = given.to_ascii_lowercase();
    if lower == "error" || lower == "network_error" {
        return ReasonClass::Failure;
    }
    let openai = OPENAI.iter().map(|(word, _)| (*word, *word));
    let found = OTHERS.iter().copied().chain(openai).find(|(word, _)| *word == lower);
    ReasonClass::Mapped(found.map_or("stop", |(_, openai)| openai))
}

/// The meaning of one of OpenAI's words.
pub(super) fn reason(word: &str) -> FinishReason {
    OPENAI.iter().find(|(w, _)| *w == word).map_or(FinishReason::Stop, |(_, reason)| reason.clone())
}

/// What an answer's parts make of its finish reason: calls end with `tool_calls` and nothing else does.
pub(super) fn reconcile(word: &'static str, calls: bool, named_tool: bool) -> &'static str {
    match (word, calls) {
        // With a function demanded by name OpenAI itself says `stop`.
        ("stop", true) if !named_tool => "tool_calls",
        ("function_call", true) => "tool_calls",
        ("tool_calls", false) => "stop",
        _ => word,
    }
}

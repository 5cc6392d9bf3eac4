//! Finish reasons: an upstream's name for why a choice ended in, OpenAI's name out.

/// OpenAI's names.
const OPENAI_NAMES: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// Other names, in lower case, and OpenAI's for each.
const OTHER_NAMES: &[(&str, &str)] = &[
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

/// What an upstream's name for a finish reason is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReasonClass {
    /// One of OpenAI's names.
    Known(&'static str),
    /// Another name, with OpenAI's for it; an unknown name becomes `stop`.
    Mapped(&'static str),
    /// A name for a failure of the upstream.
    Failure,
}

/// Classifies an upstream's name for a finish reason.
pub(super) fn classify(upstream_name: &str) -> ReasonClass {
    if let Some(name) = OPENAI_NAMES.iter().find(|name| **name == upstream_name) {
        return ReasonClass::Known(name);
    }
    let lower = upstream_name.to_ascii_lowercase();
    if lower == "error" || lower == "network_error" {
        return ReasonClass::Failure;
    }
    let openai = OPENAI_NAMES.iter().map(|name| (*name, *name));
    let found = OTHER_NAMES.iter().copied().chain(openai).find(|(name, _)| *name == lower);
    ReasonClass::Mapped(found.map_or("stop", |(_, openai)| openai))
}

/// Fits a finish reason to the choice's content: a choice with tool calls ends with `tool_calls`, one without them does not.
pub(super) fn reconcile(reason: &'static str, has_tool_calls: bool, named_tool: bool) -> &'static str {
    match (reason, has_tool_calls) {
        // Where the client's tool choice names a function OpenAI itself sends `stop`.
        ("stop", true) if !named_tool => "tool_calls",
        ("function_call", true) => "tool_calls",
        ("tool_calls", false) => "stop",
        _ => reason,
    }
}

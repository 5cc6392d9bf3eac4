//! `Usage` to the `usage` object that OpenAI's chat and text completions share.

use crate::canonical::Usage;
use crate::json::Object;

/// Writes a `usage` object of OpenAI's shape.
pub(super) fn write(usage: Usage) -> String {
    let usage = usage.with_consistent_parts();
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let mut object = Object::new();
    object.set("prompt_tokens", input.to_string());
    object.set("completion_tokens", output.to_string());
    object.set("total_tokens", usage.total().to_string());
    let details = [("cached_tokens", usage.cached), ("cache_write_tokens", usage.cache_written)];
    let details: Vec<_> = details.iter().filter_map(|(key, n)| n.map(|n| format!("\"{key}\":{n}"))).collect();
    if !details.is_empty() {
        object.set("prompt_tokens_details", format!("{{{}}}", details.join(",")));
    }
    if let Some(reasoning) = usage.reasoning {
        object.set("completion_tokens_details", format!("{{\"reasoning_tokens\":{reasoning}}}"));
    }
    object.to_json()
}

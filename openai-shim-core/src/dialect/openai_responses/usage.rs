//! `usage` objects to `Usage` and back.

use crate::canonical::Usage;
use crate::json::{Object, reported_count};

/// Decodes token counts; `None` if there is none.
pub(super) fn decode(raw: &str) -> Option<Usage> {
    let object = Object::parse(raw.as_bytes()).ok()?;
    let input = object.object("input_tokens_details").unwrap_or_default();
    let output = object.object("output_tokens_details").unwrap_or_default();
    let count = |object: &Object<'_>, key: &str| object.get(key).and_then(reported_count);
    let mut usage = Usage::default();
    // Some servers use the names of chat completions.
    usage.input = count(&object, "input_tokens").or_else(|| count(&object, "prompt_tokens"));
    usage.output = count(&object, "output_tokens").or_else(|| count(&object, "completion_tokens"));
    usage.total = count(&object, "total_tokens");
    usage.cached = count(&input, "cached_tokens");
    usage.cache_written = count(&input, "cache_write_tokens");
    usage.reasoning = count(&output, "reasoning_tokens");
    // A total that is the sum is not kept.
    if usage.total == Some(usage.input.unwrap_or(0).saturating_add(usage.output.unwrap_or(0))) {
        usage.total = None;
    }
    (usage.input.is_some() || usage.output.is_some() || usage.total.is_some()).then_some(usage)
}

/// Encodes token counts: the API requires all of them.
pub(super) fn encode(usage: &Usage) -> String {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let usage = usage.with_consistent_parts();
    format!(
        r#"{{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{},"cache_write_tokens":{}}},"output_tokens":{},"output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}}"#,
        count(usage.input),
        count(usage.cached),
        count(usage.cache_written),
        count(usage.output),
        count(usage.reasoning),
        usage.total()
    )
}

//! Whether a message, a content block or a usage object has the fields that the API's types require.

use crate::json::{Object, ValueKind, value_kind};

/// Whether a message has the fields that the API's types require, whatever its blocks are.
pub(super) fn is_message(object: &Object<'_>) -> bool {
    let has_texts = ["id", "model"].iter().all(|key| object.str(key).is_some_and(|text| !text.is_empty()));
    let has_constants = object.str("type").as_deref() == Some("message")
        && object.str("role").as_deref() == Some("assistant");
    let is_string_or_null = |key: &str| {
        object.get(key).is_some_and(|r| matches!(value_kind(r), ValueKind::String | ValueKind::Null))
    };
    let usage = object.object("usage").unwrap_or_default();
    let has_usage = usage.u64("input_tokens").is_some() && is_delta_usage(&usage);
    let has_list = object.get("content").is_some_and(|content| value_kind(content) == ValueKind::Array);
    has_texts
        && has_constants
        && has_usage
        && has_list
        && is_string_or_null("stop_reason")
        && is_string_or_null("stop_sequence")
}

/// Whether a usage object has `output_tokens`, which a `message_delta` requires too, and all its counts are numbers.
pub(super) fn is_delta_usage(usage: &Object<'_>) -> bool {
    usage.u64("output_tokens").is_some()
        && usage
            .iter()
            .filter(|(key, _)| key.ends_with("_tokens"))
            .all(|(key, count)| usage.u64(key).is_some() || value_kind(count) == ValueKind::Null)
}

/// Whether a block has the fields that the API's types require.
pub(super) fn is_block(block: &Object<'_>) -> bool {
    let has_text = |key: &str| block.str(key).is_some();
    match block.str("type").as_deref() {
        Some("text") => has_text("text"),
        Some("thinking") => has_text("thinking") && has_text("signature"),
        Some("redacted_thinking") => has_text("data"),
        Some("tool_use") => {
            block.str("id").is_some_and(|id| !id.is_empty())
                && has_text("name")
                && block.get("input").is_some_and(|input| value_kind(input) == ValueKind::Object)
        }
        other => other.is_some(),
    }
}

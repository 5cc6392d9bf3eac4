//! Token counts: a `usage` object to [`Usage`] and back.

pub(super) use super::super::openai_usage::write;
use crate::canonical::Usage;
use crate::json::{Object, ValueKind, reported_count, value_kind};

/// Reads a `usage` object; `None` if it has not even one count.
pub(super) fn read(raw: &str) -> Option<Usage> {
    let object = Object::parse(raw.as_bytes()).ok()?;
    let prompt = object.object("prompt_tokens_details").unwrap_or_default();
    let completion = object.object("completion_tokens_details").unwrap_or_default();
    let count = |key: &str| object.get(key).and_then(reported_count);
    let mut usage = Usage::default();
    usage.input = count("prompt_tokens").or_else(|| count("input_tokens"));
    usage.output = count("completion_tokens").or_else(|| count("output_tokens"));
    usage.total = count("total_tokens");
    usage.cached = prompt.get("cached_tokens").and_then(reported_count);
    usage.cache_written = prompt.get("cache_write_tokens").and_then(reported_count);
    usage.reasoning = completion.get("reasoning_tokens").and_then(reported_count);
    if usage.input.is_none() && usage.output.is_none() && usage.total.is_none() {
        return None;
    }
    if usage.total == Some(usage.input.unwrap_or(0).saturating_add(usage.output.unwrap_or(0))) {
        usage.total = None;
    }
    Some(usage)
}

/// Whether a `usage` object matches OpenAI's types: all three counts, and details that are objects of counts.
pub(super) fn is_strict(raw: &str) -> bool {
    let Ok(object) = Object::parse(raw.as_bytes()) else { return false };
    let has_counts = |object: &Object<'_>| object.iter().all(|(_, v)| v.trim().parse::<u64>().is_ok());
    let are_details_strict =
        ["prompt_tokens_details", "completion_tokens_details"].into_iter().all(|key| match object.get(key) {
            None => true,
            Some(value) if value_kind(value) == ValueKind::Null => true,
            Some(_) => object.object(key).is_some_and(|details| has_counts(&details)),
        });
    are_details_strict
        && ["prompt_tokens", "completion_tokens", "total_tokens"].iter().all(|key| object.u64(key).is_some())
}

//! Token counts: a `usage` object to [`Usage`] and back.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage>

pub(super) use super::super::openai_usage::write;
use crate::canonical::Usage;
use crate::json::{Object, reported_count};

/// Reads a `usage` object; `None` if it has not even one count.
pub(super) fn read(raw: &str) -> Option<Usage> {
    read_object(&Object::parse(raw.as_bytes()).ok()?)
}

/// The extra field of a response for the cost that gateways state in its usage.
pub(super) const COST: &str = "usage.cost";

/// Returns the cost that a `usage` object states, as JSON.
pub(super) fn cost(usage: &str) -> Option<String> {
    Object::parse(usage.as_bytes()).ok()?.non_null("cost").map(str::to_owned)
}

/// Returns the JSON of the usage that Groq's last chunk has in its own object: <https://console.groq.com/docs/api-reference>.
pub(super) fn in_vendor_object(response: &Object<'_>) -> Option<String> {
    let usage = response.object("x_groq")?.non_null("usage")?.to_owned();
    read(&usage).map(|_| usage)
}

/// Reads the fields of a `usage` object under the names that servers use; `None` if it has not even one count.
pub(super) fn read_object(object: &Object<'_>) -> Option<Usage> {
    let count = |object: &Object<'_>, key: &str| object.get(key).and_then(reported_count);
    let prompt = object.object("prompt_tokens_details").unwrap_or_default();
    let completion = object.object("completion_tokens_details").unwrap_or_default();
    let mut usage = Usage::default();
    usage.input = count(object, "prompt_tokens").or_else(|| count(object, "input_tokens"));
    usage.output = count(object, "completion_tokens").or_else(|| count(object, "output_tokens"));
    usage.total = count(object, "total_tokens");
    usage.cached = count(&prompt, "cached_tokens")
        .or_else(|| count(object, "prompt_cache_hit_tokens"))
        .or_else(|| count(object, "cached_tokens"))
        .or_else(|| count(object, "num_cached_tokens"))
        .or_else(|| count(object, "cache_read_input_tokens"));
    usage.cache_written =
        count(&prompt, "cache_write_tokens").or_else(|| count(object, "cache_creation_input_tokens"));
    usage.reasoning = count(&completion, "reasoning_tokens").or_else(|| count(object, "reasoning_tokens"));
    // Some servers count reasoning apart from the output and include it only in the total; OpenAI counts it as output.
    if let (Some(input), Some(output), Some(reasoning), Some(total)) =
        (usage.input, usage.output, usage.reasoning, usage.total)
        && reasoning > 0
        && input.saturating_add(output).saturating_add(reasoning) == total
    {
        usage.output = Some(output + reasoning);
    }
    if usage.total == Some(usage.input.unwrap_or(0).saturating_add(usage.output.unwrap_or(0))) {
        usage.total = None;
    }
    (usage.input.is_some() || usage.output.is_some() || usage.total.is_some()).then_some(usage)
}

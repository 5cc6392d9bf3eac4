//! Token counts in OpenAI's shape.

use crate::canonical::DiagnosticCode;
use crate::canonical::{Diagnostics, Usage};
use crate::json::{Object, ValueKind, value_kind};

/// Reads token counts; `None` if there is not even one.
pub(in super::super) fn read(raw: &str) -> Option<Usage> {
    counts(&Object::parse(raw.as_bytes()).ok()?)
}

fn counts(object: &Object<'_>) -> Option<Usage> {
    let count = |object: &Object<'_>, key: &str| object.get(key).and_then(number);
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
    // Some count reasoning beside the answer, and show it only in the total; OpenAI counts it as part of the answer.
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

/// A count, also where it was written as `12.0`.
fn number(raw: &str) -> Option<u64> {
    let raw = raw.trim();
    raw.parse().ok().or_else(|| {
        let float: f64 = raw.parse().ok()?;
        (0.0..1e15).contains(&float).then(|| format!("{:.0}", float.trunc()).parse().ok()).flatten()
    })
}

/// Puts a usage object right; the new one, if it was not.
pub(super) fn mend(raw: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    settle(raw, diagnostics).1
}

/// What a usage object says; and as it should be, if it was not.
pub(super) fn settle(raw: &str, diagnostics: &mut Diagnostics) -> (Option<Usage>, Option<String>) {
    let Ok(mut object) = Object::parse(raw.as_bytes()) else { return (None, None) };
    let counted = counts(&object);
    let usage = counted.unwrap_or_default();
    let want = [
        ("prompt_tokens", usage.input.unwrap_or(0)),
        ("completion_tokens", usage.output.unwrap_or(0)),
        ("total_tokens", usage.total()),
    ];
    for (key, value) in want {
        let given = object.u64(key);
        if given.is_none() || (key == "completion_tokens" && given != Some(value)) {
            object.set(key, value.to_string());
        }
    }
    for key in ["prompt_tokens_details", "completion_tokens_details"] {
        let Some(value) = object.get(key) else { continue };
        match value_kind(value) {
            ValueKind::Null => {}
            ValueKind::Object => {
                let Some(mut details) = object.inner(key) else { continue };
                let wrong = details
                    .iter()
                    .filter(|(k, v)| k.ends_with("_tokens") && v.trim().parse::<u64>().is_err())
                    .map(|(k, _)| k.to_owned());
                let wrong: Vec<String> = wrong.collect();
                if wrong.is_empty() {
                    continue;
                }
                for member in wrong {
                    details.remove(&member);
                }
                object.set(key, details.to_json());
            }
            _ => {
                object.remove(key);
            }
        }
    }
    let mended = object.is_changed().then(|| {
        diagnostics.record(DiagnosticCode::UsageShaped, "usage", "");
        object.to_json()
    });
    (counted, mended)
}

/// Writes token counts in OpenAI's shape.
pub(in super::super) fn write(usage: Usage) -> String {
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

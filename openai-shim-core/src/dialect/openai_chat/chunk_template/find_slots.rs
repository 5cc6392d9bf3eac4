//! A chunk in, its slots out: the places of strings and counts that may differ in the next chunk.

use super::template_text::{MAX_COUNT_DIGITS, Slot, SlotSpan};
use crate::dialect::openai_chat::repair::REASONING_FIELDS;
use crate::dialect::openai_chat::usage;
use crate::json::{Object, ValueKind, items, range_in, scan, value_kind};
use std::ops::Range;

/// Fields that servers add against guessing a text from the chunk's length; their values mean nothing.
const PADDING_FIELDS: [&str; 2] = ["obfuscation", "p"];

/// The slots of a chunk, in the order of its text.
pub(super) struct ChunkSlots {
    pub(super) spans: Vec<SlotSpan>,
    pub(super) usage: Option<UsageSpan>,
}

/// The place of the token counts: the numbers of their first and last slot, and the bytes before and after these.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsageSpan {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) before: usize,
    pub(super) after: usize,
}

impl ChunkSlots {
    /// Finds the slots of a chunk with one choice. `None` if it has anything that a template cannot stand for.
    pub(super) fn find(text: &str) -> Option<Self> {
        let (chunk, choices) = Object::parse_with_items(text.as_bytes(), "choices", "delta").ok()?;
        let [choice] = <[_; 1]>::try_from(choices).ok()?;
        let mut spans = find_delta_slots(text, &choice.inner?)?;
        if spans.is_empty() {
            return None;
        }
        for key in PADDING_FIELDS {
            if chunk.get(key).is_some_and(|v| value_kind(v) == ValueKind::String) {
                spans.push(string_slot(text, chunk.original(key)?, Slot::Padding(key))?);
            }
        }
        let mut counts = Vec::new();
        if chunk.non_null("usage").is_some() {
            counts = find_counts(text, chunk.original("usage")?)?;
            spans.extend(counts.iter().cloned());
        }
        spans.sort_by_key(|span| span.range.start);
        let usage = match (counts.first(), counts.last()) {
            (Some(first), Some(last)) => {
                let usage = range_in(text.as_bytes(), chunk.original("usage")?)?;
                let number = |span: &SlotSpan| spans.iter().position(|other| other == span);
                Some(UsageSpan {
                    first: number(first)?,
                    last: number(last)?,
                    before: first.range.start - usage.start,
                    after: usage.end - last.range.end,
                })
            }
            _ => None,
        };
        Some(Self { spans, usage })
    }
}

/// Finds the slots of a delta.
fn find_delta_slots(text: &str, delta: &Object<'_>) -> Option<Vec<SlotSpan>> {
    if delta.non_null("function_call").is_some() {
        return None;
    }
    let mut spans: Vec<SlotSpan> = Vec::new();
    let mut push_text = |key: &str, slot| {
        match delta.non_null(key) {
            None | Some("\"\"") => {}
            Some(raw) if value_kind(raw) == ValueKind::String => {
                spans.push(string_slot(text, delta.original(key)?, slot)?);
            }
            Some(_) => return None,
        }
        Some(())
    };
    push_text("content", Slot::Content)?;
    // With several reasoning fields the repair depends on whether their values are the same.
    let reasoning: Vec<_> =
        REASONING_FIELDS.into_iter().filter(|name| delta.non_null(name).is_some()).collect();
    match reasoning.as_slice() {
        [] => {}
        [name] => push_text(name, Slot::Reasoning)?,
        _ => return None,
    }
    if delta.non_null("reasoning_details").is_some_and(|details| details != "[]") {
        // The text of the reasoning field is the one that is read.
        spans.iter().find(|span| span.slot == Slot::Reasoning)?;
        let [detail] = items(delta.original("reasoning_details")?)?.try_into().ok()?;
        let detail = Object::parse(detail.as_bytes()).ok()?;
        let value = ["text", "summary"].into_iter().find_map(|key| detail.original(key))?;
        (value_kind(value) == ValueKind::String).then_some(())?;
        spans.push(string_slot(text, value, Slot::Details)?);
    }
    if delta.non_null("tool_calls").is_some_and(|calls| calls != "[]") {
        // With content beside a call, the content may turn out not to match after the arguments were appended.
        spans.iter().all(|span| span.slot != Slot::Content).then_some(())?;
        spans.push(string_slot(text, find_arguments(delta.original("tool_calls")?)?, Slot::Arguments)?);
    }
    Some(spans)
}

/// Returns the arguments of a delta with one call that has nothing else which may differ.
fn find_arguments(calls: &str) -> Option<&str> {
    let [call] = items(calls)?.try_into().ok()?;
    let call = Object::parse(call.as_bytes()).ok()?;
    let function = Object::parse(call.original("function")?.as_bytes()).ok()?;
    // With a name a call may begin.
    let has_name = function.non_null("name").is_some_and(|name| name != "\"\"");
    let arguments = function
        .original("arguments")
        .filter(|arguments| value_kind(arguments) == ValueKind::String && *arguments != "\"\"")?;
    (!has_name && call.get("custom").is_none()).then_some(arguments)
}

/// Returns the numbers in the token counts. `None` if one of them is no plain count, such as a cost.
fn find_counts(text: &str, usage: &str) -> Option<Vec<SlotSpan>> {
    usage::read(usage)?;
    let start = range_in(text.as_bytes(), usage)?.start;
    let (mut found, mut at) = (Vec::new(), 0);
    let bytes = usage.as_bytes();
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => scan::skip_string(bytes, at + 1)?,
            b'0'..=b'9' => {
                let end = scan::skip_digits(bytes, at)?;
                if end - at > MAX_COUNT_DIGITS || matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
                    return None;
                }
                found.push(SlotSpan { range: start + at..start + end, slot: Slot::Count });
                end
            }
            b'-' => return None,
            _ => at + 1,
        };
    }
    (!found.is_empty()).then_some(found)
}

/// The slot of a raw string that is a part of the text; its range is inside the quotes.
fn string_slot(text: &str, raw: &str, slot: Slot) -> Option<SlotSpan> {
    let Range { start, end } = range_in(text.as_bytes(), raw)?;
    Some(SlotSpan { range: start + 1..end.checked_sub(1)?, slot })
}

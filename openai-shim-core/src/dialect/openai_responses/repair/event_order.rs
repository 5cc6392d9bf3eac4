//! The order of events: an event's item and part have begun before it, and its item has an index and an id.

use super::super::extra_fields::parse_or_empty;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext};
use crate::json::{Object, decode_string, encode_string};
use std::borrow::Cow;

/// The limit of the items that are followed.
const MAX_ITEMS: usize = 4096;

/// The beginnings of the types of events about items, without `response.`.
const ITEM_EVENTS: [&str; 8] = [
    "output_item.",
    "content_part.",
    "output_text.",
    "refusal.",
    "reasoning_summary_",
    "reasoning_text.",
    "function_call_",
    "custom_tool_",
];

/// The items and parts that have begun.
#[derive(Debug, Default)]
pub(super) struct EventOrder {
    items: Vec<KnownItem>,
}

/// An item that has begun.
#[derive(Debug)]
struct KnownItem {
    output_index: u64,
    id: String,
    /// The id that the result of a call names; some servers give calls no other.
    call_id: String,
    /// The upstream's `content_index` of each part that has begun.
    parts: Vec<u64>,
}

/// An event that is missing in the upstream's stream.
pub(super) struct MissingEvent {
    pub(super) kind: &'static str,
    /// All fields but type and sequence number.
    pub(super) fields: Object<'static>,
}

impl EventOrder {
    /// Fills in which item an event is about, and returns the events that are missing before it.
    pub(super) fn repair(
        &mut self,
        kind: &str,
        event: &mut Object<'_>,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<MissingEvent> {
        let step = kind.strip_prefix("response.").unwrap_or_default();
        if !ITEM_EVENTS.iter().any(|prefix| step.starts_with(prefix)) || self.items.len() > MAX_ITEMS {
            return Vec::new();
        }
        let output_index = self.fill_output_index(event, step, diagnostics);
        let known = self.items.iter().position(|item| item.output_index == output_index);
        let known_id = known.and_then(|position| self.items.get(position)).map(|item| item.id.as_str());
        let id = fill_item_id(event, step, known_id, context, diagnostics);
        let mut missing = Vec::new();
        let position = known.unwrap_or_else(|| {
            if step != "output_item.added"
                && let Some(item) = begun_item(event, step, &id)
            {
                let mut fields = Object::new();
                fields.set("output_index", output_index.to_string());
                fields.set("item", item);
                missing.push(MissingEvent { kind: "response.output_item.added", fields });
            }
            let call_id = event.object("item").and_then(|item| item.str("call_id").map(Cow::into_owned));
            let call_id = call_id.unwrap_or_default();
            self.items.push(KnownItem { output_index, id, call_id, parts: Vec::new() });
            self.items.len() - 1
        });
        let Some(item) = self.items.get_mut(position) else { return missing };
        missing.extend(item.begin_part(event, step));
        item.number_part(event, step, diagnostics);
        for event in &missing {
            diagnostics.record(DiagnosticCode::FieldFilled, event.kind, "an event");
        }
        missing
    }

    /// Returns the index of an event's item. A missing one is filled in: by the item's id, or as that of the last item, or
    /// of a new one.
    fn fill_output_index(&self, event: &mut Object<'_>, step: &str, diagnostics: &mut Diagnostics) -> u64 {
        if let Some(index) = event.u64("output_index") {
            return index;
        }
        let id = event.str("item_id").map(Cow::into_owned);
        let id = id.or_else(|| {
            let item = event.object("item")?;
            let id = item.str("id").filter(|id| !id.is_empty());
            id.or_else(|| item.str("call_id")).map(Cow::into_owned)
        });
        let id = id.unwrap_or_default();
        let with_id = self.items.iter().find(|item| !id.is_empty() && (item.id == id || item.call_id == id));
        // Arguments with an unknown id belong to the call that began last.
        let is_unnamed =
            id.is_empty() || step.starts_with("function_call_") || step.starts_with("custom_tool_");
        let last = || self.items.last().filter(|_| is_unnamed && step != "output_item.added");
        let index = with_id.or_else(last).map_or(self.items.len() as u64, |item| item.output_index);
        event.set("output_index", index.to_string());
        diagnostics.record(DiagnosticCode::FieldFilled, "output_index", "");
        index
    }
}

impl KnownItem {
    /// Begins the part that an event is about. Returns the event that is missing if the part did not begin before.
    fn begin_part(&mut self, event: &Object<'_>, step: &str) -> Option<MissingEvent> {
        let content_index = event.u64("content_index").unwrap_or(0);
        if step == "content_part.added" {
            self.parts.push(content_index);
            return None;
        }
        let empty_part = if step.starts_with("refusal.") {
            r#"{"type":"refusal","refusal":""}"#
        } else if step.starts_with("output_text.") {
            r#"{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#
        } else {
            return None;
        };
        if self.parts.contains(&content_index) {
            return None;
        }
        self.parts.push(content_index);
        let mut fields = Object::new();
        fields.set("item_id", encode_string(&self.id));
        fields.set("output_index", self.output_index.to_string());
        fields.set("content_index", (self.parts.len() - 1).to_string());
        fields.set("part", empty_part);
        Some(MissingEvent { kind: "response.content_part.added", fields })
    }
}

impl KnownItem {
    /// Numbers the part of a message that an event is about: parts are counted from 0, in the item, too.
    fn number_part(&self, event: &mut Object<'_>, step: &str, diagnostics: &mut Diagnostics) {
        let is_text = ["content_part.", "output_text.", "refusal."].iter().any(|kind| step.starts_with(kind));
        let Some(content_index) = event.u64("content_index").filter(|_| is_text) else { return };
        let position = self.parts.iter().position(|part| *part == content_index).map(|at| at as u64);
        if let Some(position) = position.filter(|position| *position != content_index) {
            event.set("content_index", position.to_string());
            diagnostics.record(
                DiagnosticCode::FieldFilled,
                "content_index",
                "another number than in the item",
            );
        }
    }
}

/// Returns the id of an event's item. A missing one is filled in, and a changed one is set back to the item's first id: one
/// server has a new id for an item in every event.
fn fill_item_id(
    event: &mut Object<'_>,
    step: &str,
    known_id: Option<&str>,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> String {
    let has_item = matches!(step, "output_item.added" | "output_item.done");
    let mut item = event.object("item").map(Object::into_owned).unwrap_or_default();
    let item_id = if has_item { item.get("id") } else { event.get("item_id") };
    let item_id = item_id.and_then(decode_string).filter(|id| !id.is_empty()).map(Cow::into_owned);
    let code = match (item_id, known_id) {
        (Some(item_id), None) => return item_id,
        (Some(item_id), Some(known)) if item_id == known => return item_id,
        (Some(_), Some(_)) => DiagnosticCode::IdPinned,
        (None, _) => DiagnosticCode::IdSynthesized,
    };
    let item_type = item.str("type").map(Cow::into_owned).unwrap_or_default();
    let id = known_id
        .map_or_else(|| context.new_id(id_prefix(if has_item { &item_type } else { step })), str::to_owned);
    if has_item {
        item.set("id", encode_string(&id));
        event.set("item", item.to_json());
    } else {
        event.set("item_id", encode_string(&id));
    }
    diagnostics.record(code, "item_id", "");
    id
}

/// Returns the prefix of an item's id, by the item's type or the type of an event about it.
pub(super) fn id_prefix(kind: &str) -> &'static str {
    match kind {
        kind if kind.starts_with("reasoning") => "rs_",
        kind if kind.starts_with("function_call") => "fc_",
        kind if kind.starts_with("custom_tool") => "ctc_",
        _ => "msg_",
    }
}

/// Returns the item of an event as it was when it began; `None` if the event does not tell.
fn begun_item(event: &Object<'_>, step: &str, id: &str) -> Option<String> {
    let mut item = event.get("item").map(parse_or_empty).unwrap_or_default();
    item.set("id", encode_string(id));
    let item_type = item.str("type").map(Cow::into_owned);
    match item_type.as_deref() {
        Some("message") => item.set("content", "[]"),
        Some("reasoning") => item.set("summary", "[]"),
        Some("function_call") => item.set("arguments", "\"\""),
        Some("custom_tool_call") => item.set("input", "\"\""),
        Some(_) => {}
        None if step.starts_with("reasoning_") => {
            item.set("type", "\"reasoning\"");
            item.set("summary", "[]");
            return Some(item.to_json());
        }
        None if step.starts_with("function_call_") || step.starts_with("custom_tool_") => return None,
        None => {
            item.set("type", "\"message\"");
            item.set("role", "\"assistant\"");
            item.set("content", "[]");
        }
    }
    item.set("status", "\"in_progress\"");
    Some(item.to_json())
}

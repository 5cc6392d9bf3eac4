//! The order of a stream's events: what they are about was begun before, and has an id.

use super::super::content_part::object_of;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext};
use crate::json::{Object, decode_string, encode_string};
use std::borrow::Cow;

/// The most items that are followed.
const MOST: usize = 4096;

/// Which items and parts were begun.
#[derive(Debug, Default)]
pub(super) struct EventOrder {
    items: Vec<KnownItem>,
}

#[derive(Debug)]
struct KnownItem {
    index: u64,
    id: String,
    parts: Vec<u64>,
}

/// An event that was missing: its kind, and its members but for its number.
pub(super) type Missing = (&'static str, Object<'static>);

impl EventOrder {
    /// Fills in which item an event is about, and says what should have come before it.
    pub(super) fn before(
        &mut self,
        kind: &str,
        event: &mut Object<'_>,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Missing> {
        let about = [
            "output_item.",
            "content_part.",
            "output_text.",
            "refusal.",
            "reasoning_summary_",
            "reasoning_text.",
            "function_call_",
            "custom_tool_",
        ];
        let step = kind.strip_prefix("response.").unwrap_or_default();
        if !about.iter().any(|prefix| step.starts_with(prefix)) || self.items.len() > MOST {
            return Vec::new();
        }
        let begins = step == "output_item.added";
        let whole = begins || step == "output_item.done";
        let index = self.place(event, begins, diagnostics);
        let known = self.items.iter().position(|item| item.index == index);
        let id = self.name(event, whole, known, step, context, diagnostics);
        let mut missing = Vec::new();
        let at = match known {
            Some(at) => at,
            None => {
                if !begins && let Some(item) = begun(event, step, &id) {
                    let mut added = Object::new();
                    added.set("output_index", index.to_string());
                    added.set("item", item);
                    missing.push(("response.output_item.added", added));
                }
                self.items.push(KnownItem { index, id, parts: Vec::new() });
                self.items.len() - 1
            }
        };
        let Some(item) = self.items.get_mut(at) else { return missing };
        let part = event.u64("content_index").unwrap_or(0);
        let refusal = step.starts_with("refusal.");
        if step == "content_part.added" {
            item.parts.push(part);
        } else if (refusal || step.starts_with("output_text.")) && !item.parts.contains(&part) {
            item.parts.push(part);
            let mut added = Object::new();
            added.set("item_id", encode_string(&item.id));
            added.set("output_index", index.to_string());
            added.set("content_index", part.to_string());
            let empty = if refusal {
                r#"{"type":"refusal","refusal":""}"#
            } else {
                r#"{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#
            };
            added.set("part", empty);
            missing.push(("response.content_part.added", added));
        }
        for (kind, _) in &missing {
            diagnostics.record(DiagnosticCode::FieldFilled, kind, "an event");
        }
        missing
    }

    /// Which item: by its place, or by its id, or the last one.
    fn place(&self, event: &mut Object<'_>, begins: bool, diagnostics: &mut Diagnostics) -> u64 {
        if let Some(index) = event.u64("output_index") {
            return index;
        }
        let id = event.str("item_id").map(Cow::into_owned);
        let id = id.or_else(|| event.object("item")?.str("id").map(Cow::into_owned)).unwrap_or_default();
        let named = self.items.iter().find(|item| !id.is_empty() && item.id == id);
        let next = self.items.len() as u64;
        let index = match named.or_else(|| self.items.last().filter(|_| id.is_empty() && !begins)) {
            Some(item) => item.index,
            None => next,
        };
        event.set("output_index", index.to_string());
        diagnostics.record(DiagnosticCode::FieldFilled, "output_index", "");
        index
    }

    /// The id of the item: filled in where it is missing, and held at its first value.
    fn name(
        &self,
        event: &mut Object<'_>,
        whole: bool,
        known: Option<usize>,
        step: &str,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> String {
        let mut item = event.object("item").map(Object::into_owned).unwrap_or_default();
        let said = if whole { item.get("id") } else { event.get("item_id") };
        let said = said.and_then(decode_string).filter(|id| !id.is_empty()).map(Cow::into_owned);
        let known = known.and_then(|at| self.items.get(at)).map(|item| item.id.clone());
        let code = match (&said, &known) {
            (Some(said), None) => return said.clone(),
            (Some(said), Some(known)) if said == known => return said.clone(),
            // One server has a new id for an item in every event.
            (Some(_), Some(_)) => DiagnosticCode::IdPinned,
            (None, _) => DiagnosticCode::IdSynthesized,
        };
        let kind = item.str("type").map(Cow::into_owned).unwrap_or_default();
        let id = known.unwrap_or_else(|| context.new_id(prefix(if whole { &kind } else { step })));
        if whole {
            item.set("id", encode_string(&id));
            event.set("item", item.to_json());
        } else {
            event.set("item_id", encode_string(&id));
        }
        diagnostics.record(code, "item_id", "");
        id
    }
}

/// What ids of such items begin with.
pub(super) fn prefix(kind: &str) -> &'static str {
    match kind {
        kind if kind.starts_with("reasoning") => "rs_",
        kind if kind.starts_with("function_call") => "fc_",
        kind if kind.starts_with("custom_tool") => "ctc_",
        _ => "msg_",
    }
}

/// The item of an event, as it was when it began; `None` where that cannot be known.
fn begun(event: &Object<'_>, step: &str, id: &str) -> Option<String> {
    let mut item = event.get("item").map(object_of).unwrap_or_default();
    item.set("id", encode_string(id));
    let kind = item.str("type").map(Cow::into_owned);
    match kind.as_deref() {
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

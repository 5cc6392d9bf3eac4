//! The items of a stream to events: deltas and complete items become blocks.
//!
//! The deltas of a complete item are compared with it: text that did not stream is emitted when the item is complete.

mod block_writer;
mod item;
mod item_list;

use super::content_part;
use super::tool_call::ToolCallKind;
use super::{encrypted_content, extra_fields, output_item, reasoning_item};
use crate::canonical::{Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, INPUT_END, input_part};
use crate::json::Object;
use block_writer::{BlockWriter, native};
pub(super) use item::PartKind;
use item::{CallPhase, StreamedPart};
use item_list::ItemList;

/// The limits of one stream.
const MAX_ITEMS: usize = 4096;
const MAX_PARTS: usize = 4096;
const MAX_WAITING_BYTES: usize = 16 << 20;

/// All items of a stream.
#[derive(Debug, Default)]
pub(super) struct DecodedItems {
    /// The names of the tools that the model may call; empty if they are not known.
    tools: Vec<String>,
    items: ItemList,
    blocks: BlockWriter,
    /// How many parts streamed.
    parts: usize,
    /// The size of arguments that wait for the names of their calls.
    unnamed_bytes: usize,
}

impl DecodedItems {
    pub(super) fn new(tools: &[String]) -> Self {
        Self { tools: tools.to_vec(), ..Self::default() }
    }

    /// Returns whether the stream has more items, parts or waiting bytes than are held.
    pub(super) fn exceeds_limits(&self) -> bool {
        let waiting_bytes = self.unnamed_bytes.saturating_add(self.blocks.queued_bytes());
        self.items.len() > MAX_ITEMS || self.parts > MAX_PARTS || waiting_bytes > MAX_WAITING_BYTES
    }

    /// Returns whether there was a tool call.
    pub(super) fn has_calls(&self) -> bool {
        self.blocks.has_calls()
    }

    /// Begins an item.
    pub(super) fn item_added(&mut self, event: &Object<'_>, item: &Object<'_>, out: &mut Vec<Event>) {
        let position = self.items.of_added(event, item);
        if let Some(kind) = item.str("type").as_deref().and_then(ToolCallKind::of_item) {
            self.begin_call(position, item, kind, false, out);
        }
    }

    /// Whether a name is that of a tool: some servers begin with a part of it.
    fn is_certain(&self, name: &str) -> bool {
        !name.is_empty() && (self.tools.is_empty() || self.tools.iter().any(|tool| tool == name))
    }

    /// Takes the kind of a call, and opens its block if its name is certain. `is_complete`: it never will be more certain.
    fn begin_call(
        &mut self,
        position: usize,
        item: &Object<'_>,
        kind: ToolCallKind,
        is_complete: bool,
        out: &mut Vec<Event>,
    ) {
        let decoded = output_item::decode_call(item, kind, &mut Diagnostics::default());
        let Block::ToolCall { id, name, extra, .. } = decoded else { return };
        let has_name = item.str("name").is_some_and(|name| !name.is_empty());
        let can_open = is_complete || (has_name && self.is_certain(&name));
        let Some(known) = self.items.get_mut(position) else { return };
        let is_done = known.is_done;
        let call = known.call.get_or_insert_default();
        call.kind = kind;
        let CallPhase::Unnamed { arguments } = &mut call.phase else { return };
        if is_done || !can_open {
            call.begun = Some(item.clone().into_owned());
            return;
        }
        let arguments = std::mem::take(arguments);
        let block = self.blocks.open_call(id, name, out);
        call.phase = CallPhase::Open { block, has_arguments: false };
        for key in [".namespace", ".name"] {
            if let Some(value) = extra_fields::get(&extra, key) {
                out.push(Event::Delta { choice: 0, block, delta: native(key, value) });
            }
        }
        if !arguments.is_empty() {
            self.unnamed_bytes = self.unnamed_bytes.saturating_sub(arguments.len());
            self.push_arguments(position, &arguments, out);
        }
    }

    fn push_arguments(&mut self, position: usize, text: &str, out: &mut Vec<Event>) {
        let Some(call) = self.items.get_mut(position).and_then(|item| item.call.as_mut()) else { return };
        match &mut call.phase {
            CallPhase::Unnamed { arguments } => {
                arguments.push_str(text);
                self.unnamed_bytes = self.unnamed_bytes.saturating_add(text.len());
            }
            CallPhase::Open { block, has_arguments } => {
                let is_first = !std::mem::replace(has_arguments, true);
                let text = match call.kind {
                    ToolCallKind::Function | ToolCallKind::Client(_) => text.to_owned(),
                    // The input of a custom tool becomes a string in a JSON object.
                    ToolCallKind::Custom => input_part(text, is_first),
                };
                out.push(Event::Delta { choice: 0, block: *block, delta: Delta::Text(text) });
            }
            CallPhase::Closed => {}
        }
    }

    /// Takes a delta of a call's arguments.
    pub(super) fn arguments_delta(&mut self, event: &Object<'_>, text: &str, out: &mut Vec<Event>) {
        let position = self.items.of_arguments(event);
        let Some(item) = self.items.get_mut(position) else { return };
        if item.is_done || text.is_empty() {
            return;
        }
        item.call.get_or_insert_default();
        self.push_arguments(position, text, out);
    }

    /// Takes the complete arguments of a call; they count only if no delta came before.
    pub(super) fn arguments_done(&mut self, event: &Object<'_>, text: &str, out: &mut Vec<Event>) {
        let position = self.items.of_arguments(event);
        let call = self.items.get(position).filter(|item| !item.is_done).and_then(|item| item.call.as_ref());
        let Some(call) = call else { return };
        let is_missing = match &call.phase {
            CallPhase::Unnamed { arguments } => arguments.is_empty(),
            CallPhase::Open { has_arguments, .. } => !has_arguments,
            CallPhase::Closed => false,
        };
        if is_missing && !text.is_empty() {
            self.push_arguments(position, text, out);
        }
    }

    /// Takes a delta of a part's text.
    pub(super) fn text_delta(
        &mut self,
        event: &Object<'_>,
        part: PartKind,
        text: &str,
        out: &mut Vec<Event>,
    ) {
        let position = self.items.of_event(event);
        self.push(position, part, Delta::Text(text.to_owned()), out);
    }

    /// Takes the complete text of a part, and emits what of it did not stream.
    pub(super) fn text_done(&mut self, event: &Object<'_>, part: PartKind, text: &str, out: &mut Vec<Event>) {
        let position = self.items.of_event(event);
        let kind = part.block_kind();
        let missing = self.items.get(position).and_then(|item| item.strip_streamed(kind.clone(), text));
        match missing.map(str::to_owned) {
            Some(missing) => {
                let last = self.items.get(position).and_then(|item| item.last_part(&kind)).unwrap_or(part);
                self.push(position, last, Delta::Text(missing), out);
            }
            None => self.push_missing_text(position, part, text, out),
        }
        if let Some(item) = self.items.get_mut(position) {
            item.set_complete(kind);
        }
    }

    fn push_missing_text(&mut self, position: usize, part: PartKind, text: &str, out: &mut Vec<Event>) {
        let Some(item) = self.items.get(position) else { return };
        let missing = item.part(part).map_or(text, |streamed| streamed.missing_suffix(text));
        self.push(position, part, Delta::Text(missing.to_owned()), out);
    }

    /// Takes a delta of reasoning. Some servers send a summary and the reasoning itself, and some one text as both: only the
    /// kind that comes first counts.
    pub(super) fn reasoning_delta(
        &mut self,
        event: &Object<'_>,
        part: PartKind,
        text: &str,
        diagnostics: &mut Diagnostics,
        out: &mut Vec<Event>,
    ) {
        let position = self.items.of_event(event);
        let Some(item) = self.items.get(position) else { return };
        let is_other_kind = |streamed: &StreamedPart| {
            matches!(
                (streamed.kind, part),
                (PartKind::Summary(_), PartKind::Reasoning(_))
                    | (PartKind::Reasoning(_), PartKind::Summary(_))
            )
        };
        if item.parts.iter().any(is_other_kind) {
            diagnostics.record(DiagnosticCode::ReasoningDuplicate, "output[]", "");
            return;
        }
        let is_next_section = !item.parts.is_empty() && item.part(part).is_none();
        if is_next_section && !text.is_empty() {
            self.push(position, part, Delta::Text(String::from("\n\n")), out);
        }
        self.push(position, part, Delta::Text(text.to_owned()), out);
    }

    /// Takes a field of a part that only this dialect has.
    pub(super) fn part_field(
        &mut self,
        event: &Object<'_>,
        part: PartKind,
        key: &str,
        value: &str,
        out: &mut Vec<Event>,
    ) {
        let position = self.items.of_event(event);
        self.push(position, part, native(key, value), out);
    }

    fn push(&mut self, position: usize, part: PartKind, delta: Delta, out: &mut Vec<Event>) {
        let Some(item) = self.items.get_mut(position) else { return };
        let is_empty = matches!(&delta, Delta::Text(text) if text.is_empty());
        if is_empty || item.is_done {
            return;
        }
        if item.part(part).is_none() {
            item.parts.push(StreamedPart::new(part));
            self.parts += 1;
        }
        if let (Delta::Text(text), Some(streamed)) =
            (&delta, item.parts.iter_mut().find(|streamed| streamed.kind == part))
        {
            streamed.push(text);
        }
        self.blocks.push(position, part, delta, out);
    }

    /// Returns whether an item of the final output was complete before.
    pub(super) fn is_output_done(&self, output_index: u64, item: &Object<'_>) -> bool {
        self.items.is_output_done(output_index, item)
    }

    /// Completes an item that only this dialect has. Returns whether it was not complete before.
    pub(super) fn native_item_done(
        &mut self,
        event: &Object<'_>,
        item: &Object<'_>,
        out: &mut Vec<Event>,
    ) -> bool {
        let position = self.items.of_item(event, item);
        let is_first = !self.items.is_done(position);
        if is_first {
            self.complete(position, out);
        }
        is_first
    }

    /// Completes a message, reasoning or call: emits what did not stream, and closes the item's blocks.
    pub(super) fn item_done(
        &mut self,
        event: &Object<'_>,
        item: &Object<'_>,
        diagnostics: &mut Diagnostics,
        out: &mut Vec<Event>,
    ) {
        let position = self.items.of_complete(event, item);
        if self.items.is_done(position) {
            return;
        }
        let item_type = item.str("type").unwrap_or_default();
        match (item_type.as_ref(), ToolCallKind::of_item(&item_type)) {
            ("reasoning", _) => self.finish_reasoning(position, item, out),
            (_, Some(kind)) => self.finish_call(position, item, kind, diagnostics, out),
            _ => self.finish_message(position, item, out),
        }
        self.complete(position, out);
    }

    fn finish_message(&mut self, position: usize, item: &Object<'_>, out: &mut Vec<Event>) {
        self.finish_parts(position, item, out);
        let has_text = self.items.get(position).is_some_and(|known| known.part(PartKind::Text(0)).is_some());
        if let Some(phase) = item.non_null("phase").filter(|_| has_text) {
            self.push(position, PartKind::Text(0), native("phase", phase), out);
        }
    }

    fn finish_parts(&mut self, position: usize, item: &Object<'_>, out: &mut Vec<Event>) {
        let parts: Vec<String> = match item.array("content") {
            Some(parts) => parts.into_iter().map(str::to_owned).collect(),
            None => item.get("content").map(str::to_owned).into_iter().collect(),
        };
        let parts: Vec<_> = (0..)
            .zip(&parts)
            .filter_map(|(index, json)| match content_part::decode(json) {
                Some(Block::Text { text, .. }) => Some((PartKind::Text(index), text)),
                Some(Block::Refusal(text)) => Some((PartKind::Refusal(index), text)),
                _ => None,
            })
            .collect();
        let Some(known) = self.items.get_mut(position) else { return };
        if known.parts_differ(parts.iter().map(|(part, _)| *part)) {
            let all: String = parts
                .iter()
                .filter(|(part, _)| part.block_kind() == BlockKind::Text)
                .map(|(_, text)| &**text)
                .collect();
            known.parts.iter_mut().for_each(|part| part.is_complete = false);
            if let (Some(missing), Some(last)) = (
                known.strip_streamed(BlockKind::Text, &all).map(str::to_owned),
                known.last_part(&BlockKind::Text),
            ) {
                self.push(position, last, Delta::Text(missing), out);
                return;
            }
            // The item's text is not what streamed, which went out.
            if self.items.get(position).is_some_and(|item| item.parts.len() >= parts.len()) {
                return;
            }
        }
        for (part, text) in parts {
            self.push_missing_text(position, part, &text, out);
        }
    }

    fn finish_reasoning(&mut self, position: usize, item: &Object<'_>, out: &mut Vec<Event>) {
        let has_text = |items: &ItemList| items.get(position).is_some_and(|item| !item.parts.is_empty());
        if !has_text(&self.items) {
            self.push(position, PartKind::Summary(0), Delta::Text(reasoning_item::text(item)), out);
        }
        let Some(signature) = item.str("encrypted_content").filter(|content| !content.is_empty()) else {
            return;
        };
        let last_part = self.items.get(position).and_then(|item| item.parts.last());
        let part = last_part.map_or(PartKind::Summary(0), |part| part.kind);
        let details = encrypted_content::details(item.get("id"), !has_text(&self.items));
        let dialect = details.dialect;
        for (key, raw) in details.into_members() {
            self.push(position, part, Delta::Native { dialect, key, raw }, out);
        }
        self.push(position, part, Delta::Signature(signature.into_owned()), out);
    }

    fn finish_call(
        &mut self,
        position: usize,
        item: &Object<'_>,
        kind: ToolCallKind,
        diagnostics: &mut Diagnostics,
        out: &mut Vec<Event>,
    ) {
        let begun = self.items.get_mut(position).and_then(|item| item.call.as_mut()?.begun.take());
        let item = &begun.map_or_else(|| item.clone(), |begun| with_begun(item, &begun));
        if item.str("name").is_none_or(|name| name.is_empty()) {
            diagnostics.record(DiagnosticCode::ToolNameMissing, "output[].name", "");
        }
        self.begin_call(position, item, kind, true, out);
        let Some(call) = self.items.get(position).and_then(|item| item.call.as_ref()) else { return };
        if let CallPhase::Open { block, has_arguments: false } = call.phase {
            let arguments = kind.arguments(item);
            if !arguments.is_empty() {
                out.push(Event::Delta { choice: 0, block, delta: Delta::Text(arguments) });
            }
        }
    }

    /// Closes the blocks of an item, whatever it was when it began, and marks it as done.
    fn complete(&mut self, position: usize, out: &mut Vec<Event>) {
        self.close_call(position, out);
        if let Some(item) = self.items.get_mut(position) {
            item.is_done = true;
        }
        self.blocks.close_item(position, out);
        self.blocks.flush(|item| self.items.is_done(item), out);
    }

    /// Closes the block of a call, if that is open.
    fn close_call(&mut self, position: usize, out: &mut Vec<Event>) {
        let Some(call) = self.items.get_mut(position).and_then(|item| item.call.as_mut()) else { return };
        let CallPhase::Open { block, has_arguments } = call.phase else { return };
        call.phase = CallPhase::Closed;
        if call.kind == ToolCallKind::Custom && has_arguments {
            out.push(Event::Delta { choice: 0, block, delta: Delta::Text(INPUT_END.to_owned()) });
        }
        self.blocks.close_call(block, out);
    }

    /// Completes all items.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        for position in 0..self.items.len() {
            let call = self.items.get_mut(position).and_then(|item| item.call.as_mut());
            let begun = call.and_then(|call| Some((call.begun.take()?, call.kind)));
            if let Some((item, kind)) =
                begun.filter(|(item, _)| item.str("name").is_some_and(|n| !n.is_empty()))
            {
                self.begin_call(position, &item, kind, true, out);
            }
            self.close_call(position, out);
        }
        self.items.set_all_done();
        self.blocks.flush(|item| self.items.is_done(item), out);
        self.blocks.close_open(out);
    }
}

/// Returns a complete call with what only its beginning had.
fn with_begun<'a>(item: &Object<'a>, begun: &Object<'static>) -> Object<'a> {
    let mut merged = item.clone();
    for (key, value) in begun.iter() {
        let is_missing = |value: &str| matches!(value.trim(), "null" | "\"\"");
        if merged.get(key).is_none_or(is_missing) && !is_missing(value) {
            merged.set(key.to_owned(), value.to_owned());
        }
    }
    merged
}

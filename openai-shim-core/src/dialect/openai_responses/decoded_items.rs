//! The items of a stream and the blocks that they became.
//!
//! Of text, reasoning and refusal one block is open at a time; calls may be open side by side, but not beside those. Items
//! that are interleaved otherwise wait for their turn.

use super::content_part::{arguments, is_call, own, part, thoughts};
use super::response::call;
use super::tools::arguments_of;
use super::{NAME, encrypted_content};
use crate::canonical::{Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event};
use crate::json::{Object, encode_string, raw, string_or_json};
use std::borrow::Cow;
use std::collections::BTreeMap;

mod streamed_part;

pub(super) use streamed_part::PartKind;
use streamed_part::StreamedPart;

/// The most items and parts of one stream, and the most bytes that wait.
const MOST: usize = 4096;
const MOST_WAITING: usize = 16 << 20;

/// Everything of a stream's output.
#[derive(Debug, Default)]
pub(super) struct DecodedItems {
    list: Vec<DecodedItem>,
    /// The first item of each place, and the items of each id.
    by_index: BTreeMap<u64, usize>,
    by_id: BTreeMap<String, Vec<usize>>,
    /// How many items without a place are complete.
    placeless: usize,
    next: u32,
    /// The open block of text, reasoning or refusal: its piece, what of it, its number.
    open: Option<(usize, PartKind, u32)>,
    /// What was said of texts while calls were open.
    waiting: Vec<(usize, PartKind, Delta)>,
    waiting_bytes: usize,
    parts: usize,
    calls: bool,
    /// How many calls are open.
    open_calls: usize,
}

/// One item.
#[derive(Debug, Default)]
struct DecodedItem {
    index: Option<u64>,
    id: String,
    /// Parts of which something streamed.
    said: Vec<StreamedPart>,
    call: Option<ItemToolCall>,
    done: bool,
}

#[derive(Debug, Default)]
struct ItemToolCall {
    custom: bool,
    /// Its block, once its name is known.
    block: Option<u32>,
    /// Its block was closed.
    closed: bool,
    /// Arguments that came before the name.
    early: String,
    said: bool,
}

impl DecodedItems {
    pub(super) fn too_much(&self) -> bool {
        self.list.len() > MOST || self.parts > MOST || self.waiting_bytes > MOST_WAITING
    }

    /// Whether a tool was called.
    pub(super) fn calls(&self) -> bool {
        self.calls
    }

    /// Which item an event is about: by its place, or by its id where the place is missing.
    fn find(&mut self, event: &Object<'_>, id: &str) -> usize {
        let index = event.u64("output_index");
        let known = match index {
            Some(index) => self.by_index.get(&index).copied(),
            None => self.of_id(id).first().copied(),
        };
        match known {
            Some(at) => at,
            // What names no item is about the last one.
            None if index.is_none() && id.is_empty() && !self.list.is_empty() => self.list.len() - 1,
            None => {
                let at = self.list.len();
                self.list.push(DecodedItem { index, id: id.to_owned(), ..DecodedItem::default() });
                self.by_index.extend(index.map(|index| (index, at)));
                if !id.is_empty() {
                    self.by_id.entry(id.to_owned()).or_default().push(at);
                }
                at
            }
        }
    }

    /// The items of an id; none of an empty one.
    fn of_id(&self, id: &str) -> &[usize] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    fn at(&mut self, event: &Object<'_>) -> usize {
        let id = event.str("item_id").map(Cow::into_owned).unwrap_or_default();
        self.find(event, &id)
    }

    /// An item begins.
    pub(super) fn added(&mut self, event: &Object<'_>, item: &Object<'_>, out: &mut Vec<Event>) {
        let id = item.str("id").map(Cow::into_owned).unwrap_or_default();
        let at = if event.u64("output_index").is_none() && id.is_empty() {
            // Nothing says which item it is: it is a new one.
            self.list.push(DecodedItem::default());
            self.list.len() - 1
        } else {
            self.find(event, &id)
        };
        if let Some(custom) = item.str("type").as_deref().and_then(is_call) {
            self.begin_call(at, item, custom, false, out);
        }
    }

    /// Opens a call's block, as soon as its name is known, or will not be.
    fn begin_call(&mut self, at: usize, item: &Object<'_>, custom: bool, last: bool, out: &mut Vec<Event>) {
        let Some(piece) = self.list.get_mut(at) else { return };
        let known = piece.call.get_or_insert_with(ItemToolCall::default);
        known.custom = custom;
        let named = item.str("name").is_some_and(|name| !name.is_empty());
        if known.block.is_some() || piece.done || !(named || last) {
            return;
        }
        let Block::ToolCall { id, name, extra, .. } = call(item, custom, &mut Diagnostics::default()) else {
            return;
        };
        self.close_open(out);
        let block = self.next;
        self.next += 1;
        self.calls = true;
        out.push(Event::Open { choice: 0, block, kind: BlockKind::ToolCall { id, name, signature: None } });
        for key in [".namespace", ".name"] {
            if let Some(value) = own(&extra, key) {
                out.push(native(block, key, value));
            }
        }
        let early = match self.list.get_mut(at).and_then(|p| p.call.as_mut()) {
            Some(known) => {
                known.block = Some(block);
                std::mem::take(&mut known.early)
            }
            None => return,
        };
        self.open_calls += 1;
        if !early.is_empty() {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(early.len());
            self.say_arguments(at, &early, out);
        }
    }

    fn say_arguments(&mut self, at: usize, text: &str, out: &mut Vec<Event>) {
        let Some(known) = self.list.get_mut(at).and_then(|p| p.call.as_mut()) else { return };
        let Some(block) = known.block else {
            known.early.push_str(text);
            self.waiting_bytes = self.waiting_bytes.saturating_add(text.len());
            return;
        };
        let first = !std::mem::replace(&mut known.said, true);
        let text = if known.custom {
            // A custom tool's input is text; as arguments it stands in a string.
            let quoted = encode_string(text);
            let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
            if first { format!("{{\"input\":\"{inner}") } else { inner }
        } else {
            text.to_owned()
        };
        out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
    }

    /// A fragment of a call's arguments.
    pub(super) fn arguments(&mut self, event: &Object<'_>, text: &str, out: &mut Vec<Event>) {
        let at = self.at(event);
        let Some(piece) = self.list.get_mut(at) else { return };
        if piece.done || text.is_empty() {
            return;
        }
        piece.call.get_or_insert_with(ItemToolCall::default);
        self.say_arguments(at, text, out);
    }

    /// All of a call's arguments: they count if none came before.
    pub(super) fn whole_arguments(&mut self, event: &Object<'_>, text: &str, out: &mut Vec<Event>) {
        let at = self.at(event);
        if let Some(known) = self.list.get_mut(at).filter(|piece| !piece.done).and_then(|p| p.call.as_mut())
            && !known.said
            && known.early.is_empty()
            && !text.is_empty()
        {
            self.say_arguments(at, text, out);
        }
    }

    /// Words of a part.
    pub(super) fn words(&mut self, event: &Object<'_>, kind: PartKind, text: &str, out: &mut Vec<Event>) {
        let at = self.at(event);
        self.say(at, kind, Delta::Text(text.to_owned()), out);
    }

    /// All words of a part: what did not stream of them is said.
    pub(super) fn rest(&mut self, event: &Object<'_>, kind: PartKind, text: &str, out: &mut Vec<Event>) {
        let at = self.at(event);
        self.say_rest(at, kind, text, out);
    }

    fn say_rest(&mut self, at: usize, kind: PartKind, text: &str, out: &mut Vec<Event>) {
        let Some(piece) = self.list.get(at) else { return };
        let rest = match piece.said.iter().find(|part| part.kind == kind) {
            Some(part) => part.rest(text),
            None => text,
        };
        self.say(at, kind, Delta::Text(rest.to_owned()), out);
    }

    /// Thinking, of which some servers send a summary and the text itself, and some one text as both: the first counts.
    pub(super) fn thoughts(
        &mut self,
        event: &Object<'_>,
        kind: PartKind,
        text: &str,
        diagnostics: &mut Diagnostics,
        out: &mut Vec<Event>,
    ) {
        let at = self.at(event);
        let Some(piece) = self.list.get(at) else { return };
        let other = |said: &StreamedPart| {
            matches!(
                (said.kind, kind),
                (PartKind::Summary(_), PartKind::Thinking(_)) | (PartKind::Thinking(_), PartKind::Summary(_))
            )
        };
        if piece.said.iter().any(other) {
            diagnostics.record(DiagnosticCode::ReasoningDuplicate, "output[]", "");
            return;
        }
        let next_section = !piece.said.is_empty() && piece.said.iter().all(|part| part.kind != kind);
        if next_section && !text.is_empty() {
            self.say(at, kind, Delta::Text(String::from("\n\n")), out);
        }
        self.say(at, kind, Delta::Text(text.to_owned()), out);
    }

    /// A member of a part that only this dialect has.
    pub(super) fn member(
        &mut self,
        event: &Object<'_>,
        kind: PartKind,
        key: &str,
        value: &str,
        out: &mut Vec<Event>,
    ) {
        let at = self.at(event);
        let delta = Delta::Native { dialect: NAME, key: key.to_owned(), raw: raw(value) };
        self.say(at, kind, delta, out);
    }

    fn say(&mut self, at: usize, kind: PartKind, delta: Delta, out: &mut Vec<Event>) {
        let Some(piece) = self.list.get_mut(at) else { return };
        let silent = matches!(&delta, Delta::Text(text) if text.is_empty());
        if silent || piece.done {
            return;
        }
        if piece.said.iter().all(|part| part.kind != kind) {
            piece.said.push(StreamedPart::new(kind));
            self.parts += 1;
        }
        if let (Delta::Text(text), Some(part)) = (&delta, piece.said.iter_mut().find(|p| p.kind == kind)) {
            part.add(text);
        }
        if self.open_calls > 0 {
            self.waiting_bytes = self.waiting_bytes.saturating_add(match &delta {
                Delta::Text(text) | Delta::Signature(text) => text.len(),
                Delta::Native { raw, .. } => raw.get().len(),
            });
            self.waiting.push((at, kind, delta));
            return;
        }
        let block = self.block(at, kind, out);
        out.push(Event::Delta { choice: 0, block, delta });
    }

    /// The open block of this part, or a new one. Sections of one thinking are one block.
    fn block(&mut self, at: usize, kind: PartKind, out: &mut Vec<Event>) -> u32 {
        if let Some((piece, open, block)) = self.open
            && piece == at
            && (open == kind
                || (open.block() == BlockKind::Reasoning && kind.block() == BlockKind::Reasoning))
        {
            return block;
        }
        self.close_open(out);
        let block = self.next;
        self.next += 1;
        self.open = Some((at, kind, block));
        out.push(Event::Open { choice: 0, block, kind: kind.block() });
        block
    }

    fn close_open(&mut self, out: &mut Vec<Event>) {
        if let Some((_, _, block)) = self.open.take() {
            out.push(Event::Close { choice: 0, block });
        }
    }

    /// Whether an item was complete before.
    pub(super) fn is_done(&self, event: &Object<'_>, item: &Object<'_>) -> bool {
        let id = item.str("id").unwrap_or_default();
        match self.of_id(&id).first().and_then(|at| self.list.get(*at)) {
            Some(piece) => piece.done,
            None => {
                let index = event.u64("output_index");
                let by_place = match index {
                    Some(index) => {
                        self.by_index.get(&index).and_then(|at| self.list.get(*at)).is_some_and(|p| p.done)
                    }
                    None => self.placeless > 0,
                };
                // Where nothing says which item is which, their order does.
                let nth = index.and_then(|index| self.list.get(usize::try_from(index).ok()?));
                by_place
                    || nth.is_some_and(|p| p.index.is_none() && p.done && (p.id.is_empty() || id.is_empty()))
            }
        }
    }

    /// Marks an item as complete; false if it was.
    pub(super) fn first_time(&mut self, event: &Object<'_>, item: &Object<'_>, out: &mut Vec<Event>) -> bool {
        let id = item.str("id").map(Cow::into_owned).unwrap_or_default();
        let at = self.find(event, &id);
        let first = self.list.get(at).is_some_and(|piece| !piece.done);
        if first {
            self.complete(at, out);
        }
        first
    }

    /// An item is complete: nothing of it stays open, whatever it was when it began.
    fn complete(&mut self, at: usize, out: &mut Vec<Event>) {
        self.close_call(at, out);
        if let Some(piece) = self.list.get_mut(at).filter(|piece| !piece.done) {
            piece.done = true;
            self.placeless += usize::from(piece.index.is_none());
        }
        if self.open.is_some_and(|(piece, ..)| piece == at) {
            self.close_open(out);
        }
        self.flush(out);
    }

    /// Closes the block of a call, if that is open.
    fn close_call(&mut self, at: usize, out: &mut Vec<Event>) {
        let Some(call) = self.list.get_mut(at).and_then(|piece| piece.call.as_mut()) else { return };
        let Some(block) = call.block.filter(|_| !call.closed) else { return };
        call.closed = true;
        self.open_calls = self.open_calls.saturating_sub(1);
        if call.custom && call.said {
            // The end of the string that a custom tool's input is, as arguments.
            out.push(Event::Delta { choice: 0, block, delta: Delta::Text(String::from("\"}")) });
        }
        out.push(Event::Close { choice: 0, block });
    }

    /// A whole item: says what did not stream, and closes its blocks.
    pub(super) fn done(
        &mut self,
        event: &Object<'_>,
        item: &Object<'_>,
        diagnostics: &mut Diagnostics,
        out: &mut Vec<Event>,
    ) {
        let id = item.str("id").map(Cow::into_owned).unwrap_or_default();
        // Some servers change an item's id on the way; its place holds then.
        let open = |at: &usize| self.list.get(*at).is_some_and(|piece| !piece.done);
        let known = self.of_id(&id).iter().copied().find(open);
        let at = known.unwrap_or_else(|| self.find(event, &id));
        if self.list.get(at).is_none_or(|piece| piece.done) {
            return;
        }
        match item.str("type").as_deref() {
            Some("reasoning") => self.reasoning_done(at, item, out),
            Some(kind) if is_call(kind).is_some() => {
                self.call_done(at, item, kind == "custom_tool_call", diagnostics, out);
            }
            _ => self.message_done(at, item, out),
        }
        self.complete(at, out);
    }

    fn message_done(&mut self, at: usize, item: &Object<'_>, out: &mut Vec<Event>) {
        let parts: Vec<String> = match item.array("content") {
            Some(parts) => parts.into_iter().map(str::to_owned).collect(),
            None => item.get("content").map(str::to_owned).into_iter().collect(),
        };
        for (n, json) in (0..).zip(&parts) {
            let (kind, text) = match part(json) {
                Some(Block::Text { text, .. }) => (PartKind::Text(n), text),
                Some(Block::Refusal(text)) => (PartKind::Refusal(n), text),
                _ => continue,
            };
            self.say_rest(at, kind, &text, out);
        }
    }

    fn reasoning_done(&mut self, at: usize, item: &Object<'_>, out: &mut Vec<Event>) {
        if self.list.get(at).is_some_and(|piece| piece.said.is_empty()) {
            self.say(at, PartKind::Summary(0), Delta::Text(thoughts(item)), out);
        }
        if let Some(sealed) = item.str("encrypted_content").filter(|sealed| !sealed.is_empty()) {
            let kind =
                self.list.get(at).and_then(|p| p.said.last()).map_or(PartKind::Summary(0), |part| part.kind);
            let silent = self.list.get(at).is_some_and(|piece| piece.said.is_empty());
            let marks = encrypted_content::marks(item.get("id"), silent);
            let dialect = marks.dialect;
            for (key, raw) in marks.into_members() {
                self.say(at, kind, Delta::Native { dialect, key, raw }, out);
            }
            self.say(at, kind, Delta::Signature(sealed.into_owned()), out);
        }
    }

    fn call_done(
        &mut self,
        at: usize,
        item: &Object<'_>,
        custom: bool,
        diagnostics: &mut Diagnostics,
        out: &mut Vec<Event>,
    ) {
        if item.str("name").is_none_or(|name| name.is_empty()) {
            diagnostics.record(DiagnosticCode::ToolNameMissing, "output[].name", "");
        }
        self.begin_call(at, item, custom, true, out);
        let Some(known) = self.list.get_mut(at).and_then(|p| p.call.as_mut()) else { return };
        let Some(block) = known.block else { return };
        if !known.said {
            let all = if custom {
                arguments_of(&item.get("input").map(string_or_json).unwrap_or_default())
            } else {
                arguments(item, false)
            };
            if !all.is_empty() {
                out.push(Event::Delta { choice: 0, block, delta: Delta::Text(all) });
            }
        }
    }

    /// Says what waited for calls to be complete.
    fn flush(&mut self, out: &mut Vec<Event>) {
        if self.open_calls > 0 {
            return;
        }
        self.waiting_bytes = 0;
        for (at, kind, delta) in std::mem::take(&mut self.waiting) {
            let block = self.block(at, kind, out);
            out.push(Event::Delta { choice: 0, block, delta });
        }
        // A block of a complete item has nothing to wait for.
        if self.open.is_some_and(|(at, ..)| self.list.get(at).is_some_and(|p| p.done)) {
            self.close_open(out);
        }
    }

    /// The answer is complete: so are its items.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        for at in 0..self.list.len() {
            self.close_call(at, out);
        }
        self.list.iter_mut().for_each(|piece| piece.done = true);
        self.flush(out);
        self.close_open(out);
    }
}

fn native(block: u32, key: &str, value: &str) -> Event {
    let delta = Delta::Native { dialect: NAME, key: key.to_owned(), raw: raw(value) };
    Event::Delta { choice: 0, block, delta }
}

//! The blocks of a stream: which are open, and what is said in them.

use super::super::{FORMAT, NAME, content_block, response};
use super::MessagesDecoder;
use crate::canonical::{BlockKind, Delta, DiagnosticCode, Event, REASONING_DETAILS, WHOLE_BLOCK};
use crate::json::{Object, encode_string, raw, string_or_json};
use std::borrow::Cow;

/// The most blocks of one answer.
const MOST_BLOCKS: u32 = 4096;
/// The most bytes of blocks that are read whole.
const MOST_BYTES: usize = 16 << 20;

/// A block that is open.
pub(super) struct OpenBlock {
    index: u64,
    /// Its number in events.
    pub(super) block: u32,
    pub(super) kind: OpenKind,
    /// Arguments came; or the client has the block already.
    pub(super) said: bool,
}

impl OpenBlock {
    /// Whether it is a block that only this dialect knows.
    pub(super) fn is_native(&self) -> bool {
        matches!(self.kind, OpenKind::Native(..))
    }
}

pub(super) enum OpenKind {
    Text,
    Thinking,
    /// Encrypted thinking is complete when it begins.
    Redacted,
    /// With the input that stood in its beginning.
    Call(Option<String>),
    /// A block that only this dialect knows, and its input so far.
    Native(Object<'static>, String),
}

impl MessagesDecoder {
    pub(super) fn block_start(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.begin(out);
        let index = object.u64("index").unwrap_or(u64::from(self.begun));
        if !self.open.is_empty() || index != u64::from(self.begun) || self.finish.is_some() {
            self.diagnostics.record(
                DiagnosticCode::FieldFilled,
                "index",
                "blocks that do not follow one another",
            );
            self.mark_deviant();
        }
        self.begun += 1;
        if self.begun > MOST_BLOCKS {
            return self.too_large("blocks", out);
        }
        let start = object.object("content_block").unwrap_or_default();
        if object.u64("index").is_none() || !response::is_block(&start) {
            self.mark_deviant();
        }
        let of = |key: &str| start.get(key).map(string_or_json).unwrap_or_default().into_owned();
        let kind = start.str("type").map(Cow::into_owned).or_else(|| {
            let told = [("text", "text"), ("thinking", "thinking"), ("name", "tool_use")];
            told.iter().find(|(key, _)| start.get(key).is_some()).map(|(_, kind)| String::from(*kind))
        });
        let said = match kind.as_deref() {
            Some("text") => {
                let block = self.open_block(index, OpenKind::Text, out);
                (block, of("text"), response::rest(&start, &["type", "text", "citations"]))
            }
            Some("thinking") => {
                let block = self.open_thinking(index, out);
                (block, of("thinking"), response::rest(&start, &["type", "thinking", "signature"]))
            }
            Some("redacted_thinking") => {
                let block = self.open_block(index, OpenKind::Redacted, out);
                let details = content_block::encrypted().into_iter();
                let delta = |(key, raw)| Delta::Native { dialect: REASONING_DETAILS, key, raw };
                out.extend(details.map(|d| Event::Delta { choice: 0, block, delta: delta(d) }));
                out.push(Event::Delta { choice: 0, block, delta: Delta::Signature(of("data")) });
                (block, String::new(), Vec::new())
            }
            Some("tool_use") => {
                let input = start.non_null("input").filter(|v| !matches!(v.trim(), "{}" | "\"\""));
                let input = input.map(|input| string_or_json(input).into_owned());
                let (id, name) = (of("id"), of("name"));
                if id.is_empty() {
                    self.diagnostics.record(DiagnosticCode::ToolIdSynthesized, "content_block.id", "");
                }
                if name.is_empty() {
                    self.diagnostics.record(DiagnosticCode::ToolNameMissing, "content_block.name", "");
                }
                let kind = BlockKind::ToolCall { id, name, signature: None };
                let block = self.open_as(index, OpenKind::Call(input), kind, out);
                (block, String::new(), response::rest(&start, &["type", "id", "name", "input"]))
            }
            None => {
                self.diagnostics.record(DiagnosticCode::FrameCorrupt, "content_block", "no type");
                self.begun -= 1;
                self.ignore();
                return;
            }
            Some(_) => {
                let kind = OpenKind::Native(start.into_owned(), String::new());
                self.open.push(OpenBlock { index, block: self.next, kind, said: false });
                return;
            }
        };
        let (block, text, extra) = said;
        for (key, raw) in extra {
            let delta = Delta::Native { dialect: NAME, key, raw };
            out.push(Event::Delta { choice: 0, block, delta });
        }
        if !text.is_empty() {
            out.push(Event::Delta { choice: 0, block, delta: Delta::Text(text) });
        }
    }

    fn open_block(&mut self, index: u64, kind: OpenKind, out: &mut Vec<Event>) -> u32 {
        let event = if matches!(kind, OpenKind::Text) { BlockKind::Text } else { BlockKind::Reasoning };
        self.open_as(index, kind, event, out)
    }

    /// Opens a block of thinking, which this API always signs.
    fn open_thinking(&mut self, index: u64, out: &mut Vec<Event>) -> u32 {
        let block = self.open_block(index, OpenKind::Thinking, out);
        let (key, raw) = (String::from("format"), raw(encode_string(FORMAT)));
        let delta = Delta::Native { dialect: REASONING_DETAILS, key, raw };
        out.push(Event::Delta { choice: 0, block, delta });
        block
    }

    /// Opens a block. Only calls may be open side by side.
    fn open_as(&mut self, index: u64, kind: OpenKind, event: BlockKind, out: &mut Vec<Event>) -> u32 {
        let call = matches!(kind, OpenKind::Call(_));
        self.calls |= call;
        self.meaningful |= call;
        let stays = |open: &OpenBlock| call && open.index != index && matches!(open.kind, OpenKind::Call(_));
        if !self.open.iter().all(stays) {
            let (stay, close): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(stays);
            for open in close {
                self.close(open, out);
            }
            self.open = stay;
        }
        let block = self.next;
        self.next += 1;
        self.open.push(OpenBlock { index, block, kind, said: false });
        out.push(Event::Open { choice: 0, block, kind: event });
        block
    }

    pub(super) fn block_delta(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        self.begin(out);
        let last = self.open.last().map_or(0, |open| open.index);
        let index = object.u64("index").unwrap_or(last);
        let delta = object.object("delta").unwrap_or_default();
        let told = DELTAS.iter().find(|(_, key)| delta.get(key).is_some());
        let told = told.map(|(kind, _)| Cow::Borrowed(*kind)).unwrap_or_default();
        let kind = delta.str("type").unwrap_or(told).into_owned();
        let of = |key: &str| delta.get(key).map(string_or_json).unwrap_or_default().into_owned();
        if object.u64("index").is_none() || !is_delta(&delta) {
            self.mark_deviant();
        }
        let wanted = match kind.as_str() {
            "text_delta" => Some(OpenKind::Text),
            "thinking_delta" | "signature_delta" => Some(OpenKind::Thinking),
            _ => None,
        };
        let at = self.open.iter().position(|open| open.index == index);
        let fits = at.and_then(|at| self.open.get(at)).is_some_and(|open| {
            matches!(
                (&open.kind, kind.as_str()),
                (OpenKind::Text, "text_delta" | "citations_delta")
                    | (OpenKind::Thinking, "thinking_delta" | "signature_delta")
                    | (OpenKind::Call(_), "input_json_delta")
                    | (OpenKind::Native(..), _)
            )
        });
        let at = match (fits, wanted) {
            (true, _) => at,
            (false, Some(kind)) => {
                // Said into a block of another kind, or into none: it opens its own.
                self.diagnostics.record(DiagnosticCode::FieldFilled, "content_block_start", "");
                self.mark_deviant();
                match kind {
                    OpenKind::Thinking => self.open_thinking(index, out),
                    kind => self.open_block(index, kind, out),
                };
                Some(self.open.len() - 1)
            }
            (false, None) => {
                self.diagnostics.record(DiagnosticCode::FrameForeign, "delta", &kind);
                // A newer kind of delta passes where it is one; input of what is no call does not.
                if at.is_none() || kind.is_empty() || kind == "input_json_delta" {
                    self.ignore();
                }
                return;
            }
        };
        let Some(open) = at.and_then(|at| self.open.get_mut(at)) else { return };
        let block = open.block;
        let said = match (&mut open.kind, kind.as_str()) {
            (OpenKind::Native(start, input), _) => {
                self.bytes += absorb(start, input, &kind, &delta);
                if self.bytes > MOST_BYTES {
                    self.too_large("block", out);
                }
                return;
            }
            (_, "citations_delta") => {
                let Some(citation) = delta.non_null("citation") else { return };
                let (key, raw) = (String::from("citation"), raw(citation));
                Delta::Native { dialect: NAME, key, raw }
            }
            (_, "signature_delta") => Delta::Signature(of("signature")),
            (_, "thinking_delta") => Delta::Text(of("thinking")),
            (_, "text_delta") => Delta::Text(of("text")),
            _ => {
                let partial = of("partial_json");
                open.said |= !partial.is_empty();
                Delta::Text(partial)
            }
        };
        if !matches!(&said, Delta::Text(text) | Delta::Signature(text) if text.is_empty()) {
            self.meaningful = true;
            out.push(Event::Delta { choice: 0, block, delta: said });
        }
    }

    pub(super) fn block_stop(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if object.u64("index").is_none() {
            self.mark_deviant();
        }
        let index = object.u64("index").or(self.open.last().map(|open| open.index));
        match self.open.iter().position(|open| Some(open.index) == index) {
            Some(at) => {
                let open = self.open.remove(at);
                self.close(open, out);
            }
            None => {
                self.diagnostics.record(
                    DiagnosticCode::FrameForeign,
                    "",
                    "the end of a block that is not open",
                );
                self.mark_deviant();
            }
        }
    }

    pub(super) fn close(&mut self, open: OpenBlock, out: &mut Vec<Event>) {
        let block = open.block;
        match open.kind {
            OpenKind::Native(..) if open.said => return,
            OpenKind::Native(mut start, input) => {
                if !input.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&input).is_ok() {
                    start.set("input", input);
                }
                // It stands between other blocks: what is open beside it is closed before it.
                for other in std::mem::take(&mut self.open) {
                    self.close(other, out);
                }
                let block = self.next;
                self.next += 1;
                self.meaningful = true;
                let (key, raw) = (WHOLE_BLOCK.to_owned(), raw(start.to_json()));
                out.push(Event::Open { choice: 0, block, kind: BlockKind::Text });
                let delta = Delta::Native { dialect: NAME, key, raw };
                out.push(Event::Delta { choice: 0, block, delta });
                out.push(Event::Close { choice: 0, block });
                return;
            }
            OpenKind::Call(input) if !open.said => {
                let input = input.unwrap_or_else(|| String::from("{}"));
                out.push(Event::Delta { choice: 0, block, delta: Delta::Text(input) });
            }
            _ => {}
        }
        out.push(Event::Close { choice: 0, block });
    }
}

/// The kinds of deltas, and what each brings.
const DELTAS: [(&str, &str); 4] = [
    ("text_delta", "text"),
    ("input_json_delta", "partial_json"),
    ("thinking_delta", "thinking"),
    ("signature_delta", "signature"),
];

/// Whether a delta has what the API's types demand.
fn is_delta(delta: &Object<'_>) -> bool {
    let Some(kind) = delta.str("type") else { return false };
    DELTAS.iter().find(|(of, _)| *of == kind).is_none_or(|(_, key)| delta.str(key).is_some())
}

/// Takes a delta into a block of which nothing else is known: text grows, all else is replaced. How many bytes that moved.
fn absorb(start: &mut Object<'static>, input: &mut String, kind: &str, delta: &Object<'_>) -> usize {
    if kind == "input_json_delta" {
        let partial = delta.get("partial_json").map(string_or_json).unwrap_or_default();
        input.push_str(&partial);
        return partial.len();
    }
    let mut moved = 0;
    for (key, value) in delta.iter().filter(|(key, _)| *key != "type") {
        let grown = match (start.str(key), crate::json::decode_string(value)) {
            (Some(old), Some(new)) => encode_string(&format!("{old}{new}")),
            _ => value.to_owned(),
        };
        moved += key.len() + grown.len();
        start.set(key.to_owned(), grown);
    }
    moved
}

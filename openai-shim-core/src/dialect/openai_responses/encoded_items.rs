//! Blocks to output items: each step of a block becomes an event, and each closed block an item of the response object.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>
//!
//! Reasoning goes out as a summary (`response.reasoning_summary_text.*`), not as raw reasoning: Codex shows the summary by
//! default, and OpenAI's SDKs and the clients built on them display it; OpenAI itself sends nothing else.

mod open_item;

use super::super::cited;
use super::names::NAME;
use super::sse;
use super::tool_call::ToolCallKind;
use super::tool_names::ToolNameMap;
use super::{annotations, logprobs};
use crate::canonical::{
    BlockKind, Citation, CitedSources, Delta, DiagnosticCode, Diagnostics, ExtraFields, REASONING_DETAILS,
    ResponseContext, TextLength, arguments_to_input, code_of_loss, input_so_far,
};
use crate::json::{Object, RawJson, encode_array, encode_string};
use open_item::{ItemKind, OpenItem};
use std::collections::{BTreeMap, BTreeSet};

/// The limit of the content that is held for the response object at the end.
const MAX_CONTENT_BYTES: usize = 64 << 20;

/// What becomes of the events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum EventOutput {
    /// They are written.
    #[default]
    Write,
    /// They are not made: only the response object at the end is wanted.
    Discard,
}

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemEnd {
    Complete,
    /// The response ended before the item was complete.
    Cut,
}

/// The output items of a response, closed and open.
#[derive(Debug, Default)]
pub(super) struct EncodedItems {
    output: EventOutput,
    next_sequence_number: u64,
    /// The items by their index, as JSON; `None` while they are open.
    items: Vec<Option<String>>,
    open: BTreeMap<u32, OpenItem>,
    /// The block that closed last. Whether its item is complete is known when another one begins, or the response ends.
    closing: Option<u32>,
    /// Open text blocks without content. Their item begins with the first content: a block in which another dialect only
    /// keeps its own fields never becomes an item.
    empty_texts: BTreeSet<u32>,
    tool_names: ToolNameMap,
    content_bytes: usize,
    /// The log probabilities of the next text, each as JSON.
    pending_logprobs: Vec<String>,
    /// Sources of the response that are cited in the next text.
    pending_citations: Vec<Citation>,
}

impl EncodedItems {
    pub(super) fn new(tool_names: ToolNameMap, output: EventOutput) -> Self {
        Self { output, tool_names, ..Self::default() }
    }

    /// Writes one event; `set_fields` sets all fields but type and sequence number.
    pub(super) fn write_event(
        &mut self,
        kind: &str,
        set_fields: impl FnOnce(&mut Object<'_>),
        out: &mut Vec<u8>,
    ) {
        if self.output == EventOutput::Discard {
            return;
        }
        let mut event = Object::new();
        event.set("type", format!("\"{kind}\""));
        event.set("sequence_number", self.take_sequence_number().to_string());
        set_fields(&mut event);
        sse::write_event(kind, &event.to_json(), out);
    }

    /// Returns the next sequence number, and counts on.
    pub(super) fn take_sequence_number(&mut self) -> u64 {
        self.next_sequence_number += 1;
        self.next_sequence_number - 1
    }

    /// Returns the closed items as a JSON array.
    pub(super) fn to_json(&self) -> String {
        let items: Vec<&str> = self.items.iter().flatten().map(String::as_str).collect();
        format!("[{}]", items.join(","))
    }

    /// Returns whether there is more content than can be held.
    pub(super) fn is_full(&self) -> bool {
        self.content_bytes > MAX_CONTENT_BYTES
    }

    /// Cites sources in the next text that is closed.
    pub(super) fn cite_in_next_text(&mut self, mut citations: Vec<Citation>) {
        self.pending_citations.append(&mut citations);
    }

    /// Takes the log probabilities of the text that comes next.
    pub(super) fn logprobs_of_next_text(&mut self, tokens: Vec<RawJson>) {
        for token in tokens {
            let token = logprobs::with_bytes(token.as_str());
            self.content_bytes = self.content_bytes.saturating_add(token.len());
            self.pending_logprobs.push(token);
        }
    }

    /// Writes a complete item that only this dialect has.
    pub(super) fn native_item(&mut self, item: &str, out: &mut Vec<u8>) {
        let index = self.items.len();
        self.content_bytes = self.content_bytes.saturating_add(item.len());
        for kind in ["response.output_item.added", "response.output_item.done"] {
            self.write_item_event(kind, index, item.to_owned(), out);
        }
        self.items.push(Some(item.to_owned()));
    }

    fn write_item_event(&mut self, kind: &str, index: usize, item: String, out: &mut Vec<u8>) {
        self.write_event(
            kind,
            |event| {
                event.set("output_index", index.to_string());
                event.set("item", item);
            },
            out,
        );
    }

    /// Opens a block. The item of a text begins with its first content.
    pub(super) fn open(
        &mut self,
        block: u32,
        kind: &BlockKind,
        context: &mut ResponseContext,
        out: &mut Vec<u8>,
    ) {
        if *kind == BlockKind::Text {
            self.empty_texts.insert(block);
        } else {
            self.begin_item(block, kind, context, out);
        }
    }

    /// Begins the item of a text block if the delta is its first content.
    pub(super) fn begin_text(
        &mut self,
        block: u32,
        delta: &Delta,
        context: &mut ResponseContext,
        out: &mut Vec<u8>,
    ) {
        let has_content = match delta {
            Delta::Text(text) => !text.is_empty(),
            Delta::Native { dialect, .. } => *dialect == NAME,
            Delta::Signature(_) => false,
        };
        if has_content && self.empty_texts.remove(&block) {
            self.begin_item(block, &BlockKind::Text, context, out);
        }
    }

    fn begin_item(&mut self, block: u32, kind: &BlockKind, context: &mut ResponseContext, out: &mut Vec<u8>) {
        let (id, kind) = match kind {
            BlockKind::Text => (context.new_id("msg_"), ItemKind::Text),
            BlockKind::Refusal => (context.new_id("msg_"), ItemKind::Refusal),
            BlockKind::Reasoning => (context.new_id("rs_"), ItemKind::Reasoning),
            BlockKind::ToolCall { id, name, .. } => {
                let tool = self.tool_names.find(name);
                let call_id = if id.is_empty() { context.new_id("call_") } else { id.clone() };
                (context.new_id(tool.kind.id_prefix()), ItemKind::ToolCall { call_id, tool })
            }
        };
        let mut open = OpenItem {
            index: 0,
            id,
            kind,
            text: String::new(),
            signature: String::new(),
            signature_details: ExtraFields::new(REASONING_DETAILS, Vec::new()),
            native_fields: Vec::new(),
            annotations: 0,
            has_part: false,
            logprobs: Vec::new(),
            citations: Vec::new(),
            section_start: 0,
        };
        // The call of a client-run tool is known when its arguments are complete.
        if !open.is_client_run() {
            self.add_item(&mut open, out);
        }
        if matches!(open.kind, ItemKind::Text | ItemKind::Refusal) {
            self.begin_part(&mut open, out);
        }
        self.open.insert(block, open);
    }

    /// Gives an item the next index, and writes the event of its beginning.
    fn add_item(&mut self, open: &mut OpenItem, out: &mut Vec<u8>) {
        open.index = self.items.len();
        self.items.push(None);
        let text = if open.is_client_run() { open.text.as_str() } else { "" };
        let item = open.item_json("in_progress", "[]", text);
        self.write_item_event("response.output_item.added", open.index, item, out);
    }

    fn begin_part(&mut self, open: &mut OpenItem, out: &mut Vec<u8>) {
        open.has_part = true;
        let (kind, index_key) = match open.kind {
            ItemKind::Reasoning => ("response.reasoning_summary_part.added", "summary_index"),
            _ => ("response.content_part.added", "content_index"),
        };
        let part = open.part_json("");
        self.write_event(
            kind,
            |event| {
                open.set_location(event, Some(index_key));
                event.set("part", part);
            },
            out,
        );
    }

    /// Takes a delta of a block.
    pub(super) fn delta(
        &mut self,
        block: u32,
        delta: &Delta,
        out: &mut Vec<u8>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(mut open) = self.open.remove(&block) else {
            return self.take_foreign_field(delta, diagnostics);
        };
        match delta {
            Delta::Text(text) if !text.is_empty() => self.text(&mut open, text, out),
            Delta::Text(_) => {}
            Delta::Signature(_) if matches!(open.kind, ItemKind::ToolCall { .. }) => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, "output[]", "the signature of a call");
            }
            Delta::Signature(text) => {
                self.content_bytes = self.content_bytes.saturating_add(text.len());
                open.signature.push_str(text);
            }
            Delta::Native { dialect: NAME, key, raw } => {
                self.content_bytes = self.content_bytes.saturating_add(raw.as_str().len());
                if key == "annotation" {
                    self.annotation(&mut open, raw.as_str(), out);
                }
                open.native_fields.push((key.clone(), raw.as_str().to_owned()));
            }
            Delta::Native { dialect: REASONING_DETAILS, key, raw } => {
                if !open.signature_details.set_detail(key, raw) {
                    diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
            }
            Delta::Native { key, .. } if key.starts_with('.') => {}
            Delta::Native { .. } => {
                self.take_foreign_field(delta, diagnostics);
                open.citations.append(&mut self.pending_citations);
            }
        }
        self.open.insert(block, open);
    }

    /// Takes the sources from a field that another dialect has: they belong to the open or the next text. What else is in the
    /// field is dropped.
    fn take_foreign_field(&mut self, delta: &Delta, diagnostics: &mut Diagnostics) {
        let Delta::Native { dialect, key, raw } = delta else { return };
        let CitedSources { list, rest } = cited(&ExtraFields::new(dialect, vec![(key.clone(), raw.clone())]));
        self.cite_in_next_text(list);
        if !rest.is_empty() && !key.starts_with('.') {
            diagnostics.record(code_of_loss(key), "output[]", key);
        }
    }

    fn text(&mut self, open: &mut OpenItem, text: &str, out: &mut Vec<u8>) {
        self.content_bytes = self.content_bytes.saturating_add(text.len());
        if !open.has_part && matches!(open.kind, ItemKind::Reasoning) {
            self.begin_part(open, out);
        }
        open.text.push_str(text);
        let (kind, index_key) = match &open.kind {
            ItemKind::Text => ("response.output_text.delta", Some("content_index")),
            ItemKind::Refusal => ("response.refusal.delta", Some("content_index")),
            ItemKind::Reasoning => ("response.reasoning_summary_text.delta", Some("summary_index")),
            ItemKind::ToolCall { tool, .. } => match tool.kind {
                ToolCallKind::Function => ("response.function_call_arguments.delta", None),
                // These are known when the arguments are complete.
                ToolCallKind::Custom | ToolCallKind::Client(_) => return,
            },
        };
        let logprobs = matches!(open.kind, ItemKind::Text).then(|| {
            let tokens = std::mem::take(&mut self.pending_logprobs);
            let json = encode_array(&tokens);
            open.logprobs.extend(tokens);
            json
        });
        self.write_event(
            kind,
            |event| {
                open.set_location(event, index_key);
                event.set("delta", encode_string(text));
                if let Some(logprobs) = logprobs {
                    event.set("logprobs", logprobs);
                }
            },
            out,
        );
    }

    fn annotation(&mut self, open: &mut OpenItem, annotation: &str, out: &mut Vec<u8>) {
        let index = open.annotations;
        open.annotations += 1;
        self.write_event(
            "response.output_text.annotation.added",
            |event| {
                open.set_location(event, Some("content_index"));
                event.set("annotation_index", index.to_string());
                event.set("annotation", annotation.to_owned());
            },
            out,
        );
    }

    /// Writes the citations of a text as annotations; their offsets are counted in the text.
    fn write_citations(&mut self, open: &mut OpenItem, out: &mut Vec<u8>) {
        let (before, section) = open.text.split_at_checked(open.section_start).unwrap_or_default();
        let mut start = TextLength::default();
        start.add(before);
        let mut length = start;
        length.add(section);
        if !open.text.is_empty() {
            open.citations.append(&mut self.pending_citations);
        }
        for citation in std::mem::take(&mut open.citations) {
            let annotation = annotations::encode(&citation, start, length);
            self.annotation(open, &annotation, out);
            open.native_fields.push((String::from("annotation"), annotation));
        }
    }

    /// Notes that a block closed; the one that closed before it is complete.
    pub(super) fn close_later(&mut self, block: u32, out: &mut Vec<u8>, diagnostics: &mut Diagnostics) {
        self.settle(ItemEnd::Complete, out, diagnostics);
        self.closing = Some(block);
    }

    /// Closes the block that closed last, whose `end` is known now.
    pub(super) fn settle(&mut self, end: ItemEnd, out: &mut Vec<u8>, diagnostics: &mut Diagnostics) {
        if let Some(block) = self.closing.take() {
            self.close(block, end, out, diagnostics);
        }
    }

    /// Continues the text of an open block with that of another one: what was cited so far is cited in the text so far.
    pub(super) fn continue_text(&mut self, block: u32, out: &mut Vec<u8>) {
        let Some(mut open) = self.open.remove(&block) else { return };
        self.write_citations(&mut open, out);
        open.section_start = open.text.len();
        self.open.insert(block, open);
    }

    /// Closes a block: writes the events of its end, and holds the item for the response object.
    fn close(&mut self, block: u32, end: ItemEnd, out: &mut Vec<u8>, diagnostics: &mut Diagnostics) {
        self.empty_texts.remove(&block);
        let Some(mut open) = self.open.remove(&block) else { return };
        if open.is_client_run() {
            if open.demote_unfit_call() {
                diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, "output[]", "of a client's tool");
            }
            self.add_item(&mut open, out);
            if !open.is_client_run() && !open.text.is_empty() {
                let arguments = std::mem::take(&mut open.text);
                self.text(&mut open, &arguments, out);
            }
        }
        if self.output == EventOutput::Discard {
            open.restore_id();
        }
        if matches!(open.kind, ItemKind::Text) {
            open.logprobs.append(&mut self.pending_logprobs);
            self.write_citations(&mut open, out);
        }
        match &open.kind {
            ItemKind::Text => self.close_part(&open, "response.output_text.done", "text", out),
            ItemKind::Refusal => self.close_part(&open, "response.refusal.done", "refusal", out),
            ItemKind::Reasoning if open.has_part => {
                self.close_part(&open, "response.reasoning_summary_text.done", "text", out);
            }
            ItemKind::Reasoning => {}
            ItemKind::ToolCall { tool, .. } => match tool.kind {
                ToolCallKind::Function => self.close_function_call(&mut open, end, out),
                ToolCallKind::Custom => self.close_custom_call(&mut open, end, out),
                ToolCallKind::Client(_) => {}
            },
        }
        let parts = match open.kind {
            ItemKind::Reasoning if open.text.is_empty() => String::from("[]"),
            _ => format!("[{}]", open.part_json(&open.text)),
        };
        let status = match end {
            ItemEnd::Complete => "completed",
            ItemEnd::Cut => "incomplete",
        };
        let item = open.item_json(status, &parts, &open.text);
        self.write_item_event("response.output_item.done", open.index, item.clone(), out);
        if let Some(slot) = self.items.get_mut(open.index) {
            *slot = Some(item);
        }
    }

    fn close_function_call(&mut self, open: &mut OpenItem, end: ItemEnd, out: &mut Vec<u8>) {
        if open.text.is_empty() && end == ItemEnd::Complete {
            // The arguments of a call without any are an empty object.
            self.text(open, "{}", out);
        }
        let ItemKind::ToolCall { tool, .. } = &open.kind else { return };
        self.write_event(
            "response.function_call_arguments.done",
            |event| {
                open.set_location(event, None);
                event.set("name", encode_string(&tool.name));
                event.set("arguments", encode_string(&open.text));
            },
            out,
        );
    }

    fn close_custom_call(&mut self, open: &mut OpenItem, end: ItemEnd, out: &mut Vec<u8>) {
        // Arguments that are not in the form of a custom tool's input go out as they are.
        let cut_input = || (end == ItemEnd::Cut).then(|| input_so_far(&open.text));
        if let Some(input) = arguments_to_input(&open.text).or_else(cut_input) {
            open.text = input;
        }
        if !open.text.is_empty() {
            self.write_custom_input("response.custom_tool_call_input.delta", "delta", open, out);
        }
        self.write_custom_input("response.custom_tool_call_input.done", "input", open, out);
    }

    fn write_custom_input(&mut self, kind: &str, key: &'static str, open: &OpenItem, out: &mut Vec<u8>) {
        self.write_event(
            kind,
            |event| {
                open.set_location(event, None);
                event.set(key, encode_string(&open.text));
            },
            out,
        );
    }

    fn close_part(&mut self, open: &OpenItem, kind: &str, text_key: &'static str, out: &mut Vec<u8>) {
        let (index_key, part_kind) = match open.kind {
            ItemKind::Reasoning => ("summary_index", "response.reasoning_summary_part.done"),
            _ => ("content_index", "response.content_part.done"),
        };
        let logprobs = open.logprobs_json();
        self.write_event(
            kind,
            |event| {
                open.set_location(event, Some(index_key));
                event.set(text_key, encode_string(&open.text));
                if matches!(open.kind, ItemKind::Text) {
                    event.set("logprobs", logprobs);
                }
            },
            out,
        );
        let part = open.part_json(&open.text);
        self.write_event(
            part_kind,
            |event| {
                open.set_location(event, Some(index_key));
                event.set("part", part);
            },
            out,
        );
    }
}

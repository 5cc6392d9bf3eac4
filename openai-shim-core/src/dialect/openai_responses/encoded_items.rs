//! The output under construction: blocks become items, and each step an event.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>
//!
//! Reasoning goes out as a summary (`response.reasoning_summary_text.*`) and not as raw reasoning: that is what Codex shows
//! without being asked to, and what OpenAI's SDKs and the clients built on them display; OpenAI itself sends nothing else.

mod open_item;

use super::super::cited;
use super::NAME;
use super::content_part::annotation;
use super::tools::{ToolNameMap, input_of};
use crate::canonical::{
    BlockKind, Citation, CitedSources, Delta, DiagnosticCode, Diagnostics, ExtraFields, REASONING_DETAILS,
    ResponseContext, TextLength,
};
use crate::json::{Object, encode_string};
use open_item::{ItemKind, OpenItem};
use std::collections::{BTreeMap, BTreeSet};

/// The most that is kept of an answer, for the response object at its end.
const MOST: usize = 64 << 20;

/// Items, finished and open.
#[derive(Debug, Default)]
pub(super) struct EncodedItems {
    /// Nobody reads the events: the answer is wanted whole.
    pub(super) quiet: bool,
    sequence: u64,
    /// Items by their index; `None` while they are open.
    items: Vec<Option<String>>,
    open: BTreeMap<u32, OpenItem>,
    /// Texts of which nothing was said yet: one in which another dialect kept what only it knows never begins.
    silent: BTreeSet<u32>,
    names: ToolNameMap,
    said: usize,
    /// What the answer cites besides what its texts do.
    pub(super) cited: Vec<Citation>,
}

impl EncodedItems {
    pub(super) fn new(names: ToolNameMap, quiet: bool) -> Self {
        Self { quiet, names, ..Self::default() }
    }

    /// Writes one event.
    pub(super) fn emit(&mut self, kind: &str, fill: impl FnOnce(&mut Object<'_>), out: &mut Vec<u8>) {
        if self.quiet {
            return;
        }
        let mut object = Object::new();
        object.set("type", format!("\"{kind}\""));
        object.set("sequence_number", self.next().to_string());
        fill(&mut object);
        write_event(kind, &object.to_json(), out);
    }

    /// The next sequence number.
    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }

    /// The finished items, as a list.
    pub(super) fn list(&self) -> String {
        let items: Vec<&str> = self.items.iter().flatten().map(String::as_str).collect();
        format!("[{}]", items.join(","))
    }

    /// More was said than is kept.
    pub(super) fn is_full(&self) -> bool {
        self.said > MOST
    }

    /// An item that only this dialect has, whole.
    pub(super) fn native(&mut self, item: &str, out: &mut Vec<u8>) {
        let index = self.items.len();
        self.said = self.said.saturating_add(item.len());
        for kind in ["response.output_item.added", "response.output_item.done"] {
            self.emit(
                kind,
                |event| {
                    event.set("output_index", index.to_string());
                    event.set("item", item.to_owned());
                },
                out,
            );
        }
        self.items.push(Some(item.to_owned()));
    }

    /// A block begins; its item does with the first thing said in it.
    pub(super) fn open(
        &mut self,
        block: u32,
        kind: &BlockKind,
        context: &mut ResponseContext,
        out: &mut Vec<u8>,
    ) {
        if *kind == BlockKind::Text {
            self.silent.insert(block);
        } else {
            self.begin(block, kind, context, out);
        }
    }

    /// Begins the item of a text that is about to say something.
    pub(super) fn begin_item(
        &mut self,
        block: u32,
        delta: &Delta,
        context: &mut ResponseContext,
        out: &mut Vec<u8>,
    ) {
        let says = match delta {
            Delta::Text(text) => !text.is_empty(),
            Delta::Native { dialect, .. } => *dialect == NAME,
            Delta::Signature(_) => false,
        };
        if says && self.silent.remove(&block) {
            self.begin(block, &BlockKind::Text, context, out);
        }
    }

    fn begin(&mut self, block: u32, kind: &BlockKind, context: &mut ResponseContext, out: &mut Vec<u8>) {
        let index = self.items.len();
        self.items.push(None);
        let (id, kind) = match kind {
            BlockKind::Text => (context.new_id("msg_"), ItemKind::Text),
            BlockKind::Refusal => (context.new_id("msg_"), ItemKind::Refusal),
            BlockKind::Reasoning => (context.new_id("rs_"), ItemKind::Reasoning),
            BlockKind::ToolCall { id, name, .. } => {
                let called = self.names.find(name);
                let id = if id.is_empty() { context.new_id("call_") } else { id.clone() };
                (context.new_id(if called.custom { "ctc_" } else { "fc_" }), ItemKind::Call { id, called })
            }
        };
        let mut open = OpenItem {
            index,
            id,
            kind,
            text: String::new(),
            signature: String::new(),
            marks: ExtraFields::new(REASONING_DETAILS, Vec::new()),
            native: Vec::new(),
            annotations: 0,
            part: false,
            cited: Vec::new(),
        };
        let item = open.item("in_progress", "[]", "");
        self.emit(
            "response.output_item.added",
            |event| {
                event.set("output_index", index.to_string());
                event.set("item", item);
            },
            out,
        );
        if matches!(open.kind, ItemKind::Text | ItemKind::Refusal) {
            self.begin_part(&mut open, out);
        }
        self.open.insert(block, open);
    }

    fn begin_part(&mut self, open: &mut OpenItem, out: &mut Vec<u8>) {
        open.part = true;
        let (kind, at) = match open.kind {
            ItemKind::Reasoning => ("response.reasoning_summary_part.added", "summary_index"),
            _ => ("response.content_part.added", "content_index"),
        };
        let part = open.part("");
        self.emit(
            kind,
            |event| {
                open.place(event, Some(at));
                event.set("part", part);
            },
            out,
        );
    }

    pub(super) fn delta(
        &mut self,
        block: u32,
        delta: &Delta,
        out: &mut Vec<u8>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(mut open) = self.open.remove(&block) else {
            return self.left_out(delta, diagnostics);
        };
        match delta {
            Delta::Text(text) if !text.is_empty() => self.text(&mut open, text, out),
            Delta::Text(_) => {}
            Delta::Signature(_) if matches!(open.kind, ItemKind::Call { .. }) => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, "output[]", "the signature of a call");
            }
            Delta::Signature(more) => {
                self.said = self.said.saturating_add(more.len());
                open.signature.push_str(more);
            }
            Delta::Native { dialect: NAME, key, raw } => {
                self.said = self.said.saturating_add(raw.get().len());
                if key == "annotation" {
                    self.annotation(&mut open, raw.get(), out);
                }
                open.native.push((key.clone(), raw.get().to_owned()));
            }
            Delta::Native { dialect: REASONING_DETAILS, key, raw } => {
                if !open.marks.set_detail(key, raw) {
                    diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
            }
            Delta::Native { key, .. } if key.starts_with('.') => {}
            Delta::Native { .. } => {
                self.left_out(delta, diagnostics);
                open.cited.append(&mut self.cited);
            }
        }
        self.open.insert(block, open);
    }

    /// What another dialect knows: the sources in it are this one's, too, and belong to the text that is there or comes.
    fn left_out(&mut self, delta: &Delta, diagnostics: &mut Diagnostics) {
        let Delta::Native { dialect, key, raw } = delta else { return };
        let CitedSources { mut list, rest } =
            cited(&ExtraFields::new(dialect, vec![(key.clone(), raw.clone())]));
        self.cited.append(&mut list);
        if !rest.is_empty() && !key.starts_with('.') {
            diagnostics.record(DiagnosticCode::ExtraDropped, "output[]", key);
        }
    }

    fn text(&mut self, open: &mut OpenItem, text: &str, out: &mut Vec<u8>) {
        self.said = self.said.saturating_add(text.len());
        if !open.part && matches!(open.kind, ItemKind::Reasoning) {
            self.begin_part(open, out);
        }
        open.text.push_str(text);
        let (kind, at) = match &open.kind {
            ItemKind::Text => ("response.output_text.delta", Some("content_index")),
            ItemKind::Refusal => ("response.refusal.delta", Some("content_index")),
            ItemKind::Reasoning => ("response.reasoning_summary_text.delta", Some("summary_index")),
            // What a custom tool gets is known when its arguments are complete.
            ItemKind::Call { called, .. } if called.custom => return,
            ItemKind::Call { .. } => ("response.function_call_arguments.delta", None),
        };
        let logprobs = matches!(open.kind, ItemKind::Text);
        self.emit(
            kind,
            |event| {
                open.place(event, at);
                event.set("delta", encode_string(text));
                if logprobs {
                    event.set("logprobs", "[]");
                }
            },
            out,
        );
    }

    fn annotation(&mut self, open: &mut OpenItem, annotation: &str, out: &mut Vec<u8>) {
        let before = open.annotations;
        open.annotations += 1;
        self.emit(
            "response.output_text.annotation.added",
            |event| {
                open.place(event, Some("content_index"));
                event.set("annotation_index", before.to_string());
                event.set("annotation", annotation.to_owned());
            },
            out,
        );
    }

    /// Says what a text cites; places are counted in it.
    fn cite(&mut self, open: &mut OpenItem, out: &mut Vec<u8>) {
        let mut length = TextLength::default();
        length.add(&open.text);
        if !open.text.is_empty() {
            open.cited.append(&mut self.cited);
        }
        for citation in std::mem::take(&mut open.cited) {
            let annotation = annotation(&citation, TextLength::default(), length);
            self.annotation(open, &annotation, out);
            open.native.push((String::from("annotation"), annotation));
        }
    }

    pub(super) fn close(&mut self, block: u32, out: &mut Vec<u8>) {
        self.silent.remove(&block);
        let Some(mut open) = self.open.remove(&block) else { return };
        if self.quiet {
            open.take_id();
        }
        if matches!(open.kind, ItemKind::Text) {
            self.cite(&mut open, out);
        }
        match &open.kind {
            ItemKind::Text => self.part_done(&open, "response.output_text.done", "text", out),
            ItemKind::Refusal => self.part_done(&open, "response.refusal.done", "refusal", out),
            ItemKind::Reasoning if open.part => {
                self.part_done(&open, "response.reasoning_summary_text.done", "text", out);
            }
            ItemKind::Reasoning => {}
            ItemKind::Call { called, .. } if called.custom => {
                // A call in another form than was asked for is passed on as it is.
                open.text = input_of(&open.text).unwrap_or(open.text);
                let input = open.text.clone();
                let steps = [("delta", !input.is_empty()), ("done", true)];
                for (step, _) in steps.into_iter().filter(|(_, due)| *due) {
                    self.emit(
                        &format!("response.custom_tool_call_input.{step}"),
                        |event| {
                            open.place(event, None);
                            event.set(if step == "done" { "input" } else { "delta" }, encode_string(&input));
                        },
                        out,
                    );
                }
            }
            ItemKind::Call { .. } => {
                if open.text.is_empty() {
                    // A call without arguments calls with none.
                    self.text(&mut open, "{}", out);
                }
                let ItemKind::Call { called, .. } = &open.kind else { return };
                let name = encode_string(&called.name);
                let arguments = encode_string(&open.text);
                self.emit(
                    "response.function_call_arguments.done",
                    |event| {
                        open.place(event, None);
                        event.set("name", name);
                        event.set("arguments", arguments);
                    },
                    out,
                );
            }
        }
        let parts = match open.kind {
            ItemKind::Reasoning if open.text.is_empty() => String::from("[]"),
            _ => format!("[{}]", open.part(&open.text)),
        };
        let item = open.item("completed", &parts, &open.text);
        self.emit(
            "response.output_item.done",
            |event| {
                event.set("output_index", open.index.to_string());
                event.set("item", item.clone());
            },
            out,
        );
        if let Some(slot) = self.items.get_mut(open.index) {
            *slot = Some(item);
        }
    }

    fn part_done(&mut self, open: &OpenItem, kind: &str, key: &'static str, out: &mut Vec<u8>) {
        let (at, part_kind) = match open.kind {
            ItemKind::Reasoning => ("summary_index", "response.reasoning_summary_part.done"),
            _ => ("content_index", "response.content_part.done"),
        };
        let logprobs = open.native("logprobs").unwrap_or("[]").to_owned();
        self.emit(
            kind,
            |event| {
                open.place(event, Some(at));
                event.set(key, encode_string(&open.text));
                if matches!(open.kind, ItemKind::Text) {
                    event.set("logprobs", logprobs);
                }
            },
            out,
        );
        let part = open.part(&open.text);
        self.emit(
            part_kind,
            |event| {
                open.place(event, Some(at));
                event.set("part", part);
            },
            out,
        );
    }
}

/// Writes one event with its name before it.
pub(super) fn write_event(kind: &str, json: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.push(b'\n');
    crate::framing::write_event(out, |out| out.extend_from_slice(json.as_bytes()));
}

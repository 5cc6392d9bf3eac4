//! The state of one output item while its block is open, and its JSON.

use super::super::encrypted_content;
use super::super::extra_fields::{parse_or_empty, wire_key};
use super::super::names::ITEM;
use super::super::tool_call::ToolCallKind;
use super::super::tool_names::ClientToolName;
use crate::canonical::{Citation, ExtraFields};
use crate::json::{Object, decode_string, encode_array, encode_string};

/// An item whose block is open.
#[derive(Debug)]
pub(super) struct OpenItem {
    /// Its index in the output.
    pub(super) index: usize,
    pub(super) id: String,
    pub(super) kind: ItemKind,
    /// The text, reasoning, refusal or arguments so far.
    pub(super) text: String,
    pub(super) signature: String,
    /// The `reasoning_details` of the signature.
    pub(super) signature_details: ExtraFields,
    /// Fields that only this dialect has, as keys and JSON.
    pub(super) native_fields: Vec<(String, String)>,
    /// How many annotations are among them.
    pub(super) annotations: usize,
    /// Whether its part has begun.
    pub(super) has_part: bool,
    /// The log probabilities of its text, each as JSON.
    pub(super) logprobs: Vec<String>,
    /// The sources that its text cites.
    pub(super) citations: Vec<Citation>,
    /// Where the text of the last of the blocks that are joined in it begins.
    pub(super) section_start: usize,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum ItemKind {
    Text,
    Refusal,
    Reasoning,
    ToolCall { call_id: String, tool: ClientToolName },
}

impl OpenItem {
    /// Returns the JSON of a field that only this dialect has.
    pub(super) fn native_field(&self, key: &str) -> Option<&str> {
        self.native_fields.iter().find(|(k, _)| wire_key(k) == wire_key(key)).map(|(_, value)| value.as_str())
    }

    /// Returns the log probabilities of its text so far, as a JSON array.
    pub(super) fn logprobs_json(&self) -> String {
        match self.logprobs.as_slice() {
            [] => self.native_field("logprobs").unwrap_or("[]").to_owned(),
            tokens => encode_array(tokens),
        }
    }

    /// Whether the item is the call of a client-run tool.
    pub(super) fn is_client_run(&self) -> bool {
        matches!(&self.kind, ItemKind::ToolCall { tool, .. } if matches!(tool.kind, ToolCallKind::Client(_)))
    }

    /// Turns the call of a client-run tool whose arguments do not fit into the call of a function of that name. Returns whether
    /// it was one.
    pub(super) fn demote_unfit_call(&mut self) -> bool {
        let ItemKind::ToolCall { tool, .. } = &mut self.kind else { return false };
        let ToolCallKind::Client(client_tool) = tool.kind else { return false };
        if client_tool.set_arguments(&self.text, &mut Object::new()).is_some() {
            return false;
        }
        let suffix = self.id.strip_prefix(tool.kind.id_prefix()).unwrap_or(&self.id);
        self.id = format!("{}{suffix}", ToolCallKind::Function.id_prefix());
        tool.kind = ToolCallKind::Function;
        true
    }

    /// Takes the item's original id, if it came with one. Only an item of which no event was written can change its id.
    pub(super) fn restore_id(&mut self) {
        let item = self.native_field(ITEM).map(parse_or_empty);
        let id = item.as_ref().and_then(|item| item.get("id")).or_else(|| self.native_field("id"));
        let id = id.or_else(|| self.signature_details.get("id"));
        if let Some(id) = id.and_then(decode_string).filter(|id| !id.is_empty()) {
            self.id = id.into_owned();
        }
    }

    /// Sets the fields of an event that locate the item, and with `part_index_key` its only part.
    pub(super) fn set_location(&self, event: &mut Object<'_>, part_index_key: Option<&'static str>) {
        event.set("item_id", encode_string(&self.id));
        event.set("output_index", self.index.to_string());
        if let Some(key) = part_index_key {
            event.set(key, "0");
        }
    }

    /// Encodes the part of a message or a summary, with that text.
    pub(super) fn part_json(&self, text: &str) -> String {
        let mut part = Object::new();
        match self.kind {
            ItemKind::Refusal => {
                part.set("type", "\"refusal\"");
                part.set("refusal", encode_string(text));
            }
            ItemKind::Reasoning => {
                part.set("type", "\"summary_text\"");
                part.set("text", encode_string(text));
            }
            ItemKind::Text | ItemKind::ToolCall { .. } => {
                part.set("type", "\"output_text\"");
                part.set("text", encode_string(text));
                let annotations: Vec<&str> = self
                    .native_fields
                    .iter()
                    .filter(|(key, _)| key == "annotation")
                    .map(|(_, value)| value.as_str())
                    .collect();
                let annotations = self
                    .native_field("annotations")
                    .map_or_else(|| format!("[{}]", annotations.join(",")), str::to_owned);
                part.set("annotations", annotations);
                part.set("logprobs", self.logprobs_json());
            }
        }
        part.to_json()
    }

    /// Encodes the item: a message or reasoning with `parts`, a JSON array; a call with `text` as arguments.
    pub(super) fn item_json(&self, status: &str, parts: &str, text: &str) -> String {
        let mut item = Object::new();
        item.set("id", encode_string(&self.id));
        match &self.kind {
            ItemKind::Text | ItemKind::Refusal => {
                item.set("type", "\"message\"");
                item.set("status", encode_string(status));
                item.set("role", "\"assistant\"");
                item.set("content", parts);
                let fields = self.native_field(ITEM).map(parse_or_empty);
                if let Some(phase) = fields.as_ref().and_then(|fields| fields.get("phase")) {
                    item.set("phase", phase.to_owned());
                }
            }
            ItemKind::Reasoning => {
                item.set("type", "\"reasoning\"");
                item.set("summary", self.native_field("summary").unwrap_or(parts));
                if let Some(content) = self.native_field("content") {
                    item.set("content", content);
                }
                if !self.signature.is_empty() {
                    let content = encrypted_content::encode(&self.signature, &self.signature_details);
                    item.set("encrypted_content", encode_string(&content));
                }
            }
            ItemKind::ToolCall { call_id, tool } => {
                item.set("type", encode_string(tool.kind.item_type()));
                item.set("status", encode_string(status));
                item.set("call_id", encode_string(call_id));
                let arguments_key = match tool.kind {
                    ToolCallKind::Function => "arguments",
                    ToolCallKind::Custom => "input",
                    ToolCallKind::Client(client_tool) => {
                        // The arguments were checked before.
                        let _ = client_tool.set_answer(text, &mut item);
                        return item.to_json();
                    }
                };
                item.set("name", encode_string(&tool.name));
                if let Some(namespace) = &tool.namespace {
                    item.set("namespace", encode_string(namespace));
                } else if let Some(namespace) = self.native_field("namespace") {
                    item.set("namespace", namespace.to_owned());
                    if let Some(name) = self.native_field("name") {
                        item.set("name", name.to_owned());
                    }
                }
                item.set(arguments_key, encode_string(text));
            }
        }
        item.to_json()
    }
}

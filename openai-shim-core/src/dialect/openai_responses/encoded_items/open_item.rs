//! An item while it is open, and as it is written.

use super::super::content_part::{ITEM, object_of, plain};
use super::super::encrypted_content;
use super::super::tools::ClientToolName;
use crate::canonical::{Citation, ExtraFields};
use crate::json::{Object, encode_string};

/// An open item.
#[derive(Debug)]
pub(super) struct OpenItem {
    pub(super) index: usize,
    pub(super) id: String,
    pub(super) kind: ItemKind,
    /// Text, thinking, refusal, or arguments so far.
    pub(super) text: String,
    pub(super) signature: String,
    /// What is known of the signature.
    pub(super) marks: ExtraFields,
    /// Members of this dialect, as they came.
    pub(super) native: Vec<(String, String)>,
    /// How many annotations are among them.
    pub(super) annotations: usize,
    /// A part was begun.
    pub(super) part: bool,
    /// What it cites.
    pub(super) cited: Vec<Citation>,
}

#[derive(Debug)]
pub(super) enum ItemKind {
    Text,
    Refusal,
    Reasoning,
    Call { id: String, called: ClientToolName },
}

impl OpenItem {
    pub(super) fn native(&self, key: &str) -> Option<&str> {
        self.native.iter().find(|(k, _)| plain(k) == plain(key)).map(|(_, value)| value.as_str())
    }

    /// Nothing has been said of the item yet: it may have the id that it came with.
    pub(super) fn take_id(&mut self) {
        let item = self.native(ITEM).map(object_of);
        let said = item.as_ref().and_then(|item| item.get("id")).or_else(|| self.native("id"));
        let said = said.or_else(|| self.marks.get("id"));
        if let Some(id) = said.and_then(crate::json::decode_string).filter(|id| !id.is_empty()) {
            self.id = id.into_owned();
        }
    }

    /// Says of an event which item, and which part of it, it is about.
    pub(super) fn place(&self, event: &mut Object<'_>, part: Option<&'static str>) {
        event.set("item_id", encode_string(&self.id));
        event.set("output_index", self.index.to_string());
        if let Some(part) = part {
            event.set(part, "0");
        }
    }

    /// The part of a message or a summary, with this text.
    pub(super) fn part(&self, text: &str) -> String {
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
            ItemKind::Text | ItemKind::Call { .. } => {
                part.set("type", "\"output_text\"");
                part.set("text", encode_string(text));
                let single: Vec<&str> = self
                    .native
                    .iter()
                    .filter(|(key, _)| key == "annotation")
                    .map(|(_, v)| v.as_str())
                    .collect();
                let listed = self
                    .native("annotations")
                    .map_or_else(|| format!("[{}]", single.join(",")), str::to_owned);
                part.set("annotations", listed);
                part.set("logprobs", self.native("logprobs").unwrap_or("[]").to_owned());
            }
        }
        part.to_json()
    }

    /// The item, with these parts or this text.
    pub(super) fn item(&self, status: &str, parts: &str, text: &str) -> String {
        let mut item = Object::new();
        item.set("id", encode_string(&self.id));
        match &self.kind {
            ItemKind::Text | ItemKind::Refusal => {
                item.set("type", "\"message\"");
                item.set("status", encode_string(status));
                item.set("role", "\"assistant\"");
                item.set("content", parts);
                if let Some(phase) = self.native(ITEM).map(object_of).as_ref().and_then(|i| i.get("phase")) {
                    item.set("phase", phase.to_owned());
                }
            }
            ItemKind::Reasoning => {
                item.set("type", "\"reasoning\"");
                item.set("summary", self.native("summary").unwrap_or(parts));
                if let Some(content) = self.native("content") {
                    item.set("content", content);
                }
                if !self.signature.is_empty() {
                    let sealed = encrypted_content::seal(&self.signature, &self.marks);
                    item.set("encrypted_content", encode_string(&sealed));
                }
            }
            ItemKind::Call { id, called } => {
                let (kind, key) = if called.custom {
                    ("custom_tool_call", "input")
                } else {
                    ("function_call", "arguments")
                };
                item.set("type", encode_string(kind));
                item.set("status", encode_string(status));
                item.set("call_id", encode_string(id));
                item.set("name", encode_string(&called.name));
                if let Some(space) = &called.namespace {
                    item.set("namespace", encode_string(space));
                } else if let Some(space) = self.native("namespace") {
                    item.set("namespace", space.to_owned());
                    if let Some(name) = self.native("name") {
                        item.set("name", name.to_owned());
                    }
                }
                item.set(key, encode_string(text));
            }
        }
        item.to_json()
    }
}

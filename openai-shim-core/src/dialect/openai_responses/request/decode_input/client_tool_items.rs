//! Calls and results of tools that the client runs (`local_shell_call`, `tool_search_output`, …) to calls and results of functions.

use super::super::super::client_tools::{self, ClientTool, OutputForm};
use super::super::super::content_part;
use super::super::super::extra_fields::{self, parse_or_empty};
use super::super::super::names::{CALL_KEY, CLIENT_TOOL, NAME, PAYLOAD};
use super::super::super::tools::{self, ToolSource};
use super::InputDecoder;
use crate::canonical::{Block, ExtraFields, Message, Role, Span, Tool};
use crate::json::{Object, ValueKind, raw, string_or_json, value_kind};
use std::borrow::Cow;

/// How an item came to have tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolOrigin {
    /// The client added them.
    Addition,
    /// A search found them.
    Search,
}

impl InputDecoder<'_> {
    /// Decodes the call or the result of a client-run tool. Returns false if the item is neither.
    pub(super) fn client_tool_item(&mut self, item: &Object<'_>, span: Option<Span>) -> bool {
        if let Some(tool) = ClientTool::of_call(item) {
            return self.client_call(item, tool, span);
        }
        ClientTool::of_output(item).is_some_and(|tool| self.client_output(item, tool, span))
    }

    fn client_call(&mut self, item: &Object<'_>, tool: &'static ClientTool, span: Option<Span>) -> bool {
        let item_id = item.str("id");
        let Some(id) = item.str("call_id").or_else(|| item_id.clone()).map(Cow::into_owned) else {
            return false;
        };
        self.call_ids.insert(id.clone());
        if let Some(item_id) = item_id.filter(|item_id| *item_id != id) {
            self.call_ids_by_item.insert(item_id.into_owned(), id.clone());
        }
        let mut extra = extra_fields::read(item, &tool.known_call_keys());
        extra.dialect = NAME;
        extra.members.push((CLIENT_TOOL.to_owned(), raw(tool.quoted_type())));
        let name = tool.function.to_owned();
        let block = Block::ToolCall { id, name, arguments: tool.arguments(item), signature: None, extra };
        self.continue_turn(vec![block], span);
        true
    }

    fn client_output(&mut self, item: &Object<'_>, tool: &'static ClientTool, span: Option<Span>) -> bool {
        // The result of a local shell may have its call's id, or the call item's, as its own.
        let key = if item.non_null("call_id").is_some() { "call_id" } else { "id" };
        let Some(id) = item.str(key) else { return false };
        let id = match self.call_ids_by_item.get(id.as_ref()) {
            Some(call_id) if !self.call_ids.contains(id.as_ref()) => call_id.clone(),
            _ => id.into_owned(),
        };
        self.require_call(&id);
        let mut is_error = false;
        let (blocks, payload_key) = match tool.output {
            OutputForm::Text => (text_blocks(item, "output"), "output"),
            OutputForm::TextWithStatus => {
                is_error = item.str("status").as_deref() == Some("failed");
                let key = if item.non_null("output").is_some() { "output" } else { "status" };
                (text_blocks(item, key), "output")
            }
            OutputForm::Commands => (command_outputs(item), "output"),
            OutputForm::Screenshot => (screenshot(item), "output"),
            OutputForm::Tools => {
                let names = self.add_tools(item, ToolOrigin::Search);
                let text =
                    if names.is_empty() { String::from("No tool was found.") } else { names.join("\n") };
                (vec![Block::text(text)], "tools")
            }
        };
        let mut extra = extra_fields::read(item, &[key, payload_key]);
        let members = [
            (CLIENT_TOOL, tool.quoted_type()),
            (CALL_KEY, format!("\"{key}\"")),
            // What the blocks do not have.
            (PAYLOAD, item.get(payload_key).unwrap_or("null").to_owned()),
        ];
        extra.dialect = NAME;
        extra.members.extend(members.into_iter().map(|(key, json)| (key.to_owned(), raw(json))));
        let has_media = blocks.iter().any(|block| matches!(block, Block::Image(_)));
        let mut message =
            Message::decoded(Role::Tool, vec![Block::ToolResult { id, blocks, is_error, extra }]);
        message.set_decoded_span(span);
        self.push_tool_result(message, has_media);
        true
    }

    /// Adds the tools of an item to those of the request, each name once, and returns their names.
    pub(super) fn add_tools(&mut self, item: &Object<'_>, origin: ToolOrigin) -> Vec<String> {
        let listed = item.array("tools").unwrap_or_default();
        if self.offered.is_empty() {
            self.offered.extend(self.request.tools.iter().filter_map(Tool::name).map(str::to_owned));
        }
        let mut names = Vec::new();
        for tool in tools::decode(&listed, ToolSource::InputItem) {
            let Some(name) = tool.name().map(str::to_owned) else { continue };
            if origin == ToolOrigin::Search {
                self.request.withheld_tools.remove(&name);
            } else if self.defers_tools && client_tools::is_deferred(&tool) {
                self.request.withheld_tools.insert(name.clone());
            }
            if self.offered.insert(name.clone()) {
                self.request.tools.decoded_mut().push(tool);
            }
            names.push(name);
        }
        self.additional_tools.extend(listed.into_iter().map(str::to_owned));
        names
    }
}

fn text_blocks(item: &Object<'_>, key: &str) -> Vec<Block> {
    let text = item.get(key).map(string_or_json).unwrap_or_default();
    vec![Block::text(text)]
}

/// Returns the outputs of commands as texts: what each printed, and how it ended.
fn command_outputs(item: &Object<'_>) -> Vec<Block> {
    let outputs = item.array("output").unwrap_or_default();
    let text = |json: &&str| {
        let output = parse_or_empty(json);
        let mut parts = Vec::new();
        for key in ["stdout", "stderr"] {
            let printed = output.str(key).unwrap_or_default();
            if !printed.is_empty() {
                parts.push(format!("{key}:\n{printed}"));
            }
        }
        let outcome = output.object("outcome").unwrap_or_default();
        match (outcome.str("type").as_deref(), outcome.get("exit_code")) {
            (Some("timeout"), _) => parts.push(String::from("outcome: timeout")),
            (_, Some(code)) => parts.push(format!("exit code: {}", code.trim())),
            _ => {}
        }
        Block::text(parts.join("\n"))
    };
    if value_kind(item.get("output").unwrap_or("null")) == ValueKind::Array {
        outputs.iter().map(text).collect()
    } else {
        text_blocks(item, "output")
    }
}

fn screenshot(item: &Object<'_>) -> Vec<Block> {
    let output = item.object("output").unwrap_or_default();
    let mut image = Object::new();
    image.set("type", "\"input_image\"");
    for key in ["image_url", "file_id", "detail"] {
        if let Some(value) = output.non_null(key) {
            image.set(key, value);
        }
    }
    match content_part::decode(&image.to_json()) {
        Some(Block::Image(mut media)) => {
            media.extra = ExtraFields::default();
            vec![Block::Image(media)]
        }
        _ => text_blocks(item, "output"),
    }
}

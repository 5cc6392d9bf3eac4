//! Input items to messages: reasoning, messages and calls of one assistant turn become one message.

use super::super::super::shape::Place;
use super::super::client_tools::{ClientTool, OutputForm};
use super::super::extra_fields::{self, json_without, parse_or_empty};
use super::super::names::{ITEM, NAME, PHASE};
use super::super::tool_call::ToolCallKind;
use super::super::{content_part, encrypted_content, reasoning_item, shape, tool_names};
use super::client_tool_items;
use super::tool_list::{ToolList, ToolOrigin};
use crate::canonical::{Block, Diagnostics, ExtraFields, Message, Request, Role, Span};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, string_or_json, value_kind};
use std::collections::BTreeMap;

/// Decodes the items of an input into the messages of a request.
pub(super) struct InputDecoder<'i> {
    /// The body, in which the items have source spans.
    body: &'i [u8],
    request: &'i mut Request,
    /// The ids of calls of client-run tools, by the ids of their items.
    call_ids_by_item: BTreeMap<String, String>,
    tools: ToolList,
    open: OpenMessage,
}

/// What the next item may continue.
#[derive(Clone, Copy)]
enum OpenMessage {
    /// Nothing.
    None,
    /// The last message, a turn of the assistant.
    AssistantTurn(TurnContent),
}

/// What an assistant's turn contains so far.
#[derive(Clone, Copy, Default)]
struct TurnContent {
    has_text: bool,
    has_calls: bool,
}

impl TurnContent {
    fn add(&mut self, blocks: &[Block]) {
        self.has_text |= blocks.iter().any(|b| matches!(b, Block::Text { .. } | Block::Refusal(_)));
        self.has_calls |= blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
    }

    /// Returns whether a message or reasoning that follows belongs to another turn.
    fn is_complete(self) -> bool {
        self.has_text && !self.has_calls
    }
}

impl<'i> InputDecoder<'i> {
    /// Returns the tools of `additional_tools` items and those that searches found, as JSON.
    pub(super) fn into_additional_tools(self) -> Vec<String> {
        self.tools.of_items
    }

    pub(super) fn new(body: &'i [u8], request: &'i mut Request) -> Self {
        let tools = ToolList::new(request);
        Self { body, request, call_ids_by_item: BTreeMap::new(), tools, open: OpenMessage::None }
    }

    /// Decodes one item, `input[i]`.
    pub(super) fn item(
        &mut self,
        json: &str,
        i: usize,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        let field_path = format!("input[{i}]");
        let item = Object::parse(json.as_bytes()).map_err(|_| {
            ClientError::invalid(format!(
                "{field_path} must be an object, such as {{\"role\": \"user\", \"content\": \"…\"}}."
            ))
            .at(&field_path)
        })?;
        let input = Place::Key(&Place::Root, "input");
        shape::ITEM.check_at(&item, Place::Index(&input, i), &[], diagnostics)?;
        let span = Span::within(self.body, json);
        let kind = match item.str("type") {
            Some(kind) => kind.into_owned(),
            None if item.get("role").is_some() => String::from("message"),
            None => {
                let text = format!("{field_path} needs a `type`, or a `role` if it is a message.");
                return Err(ClientError::invalid(text)
                    .at(format!("{field_path}.type"))
                    .with_code("missing_required_parameter"));
            }
        };
        match kind.as_str() {
            "message" => self.message(&item, span, &field_path)?,
            "reasoning" => self.reasoning(&item, span),
            "function_call_output" | "custom_tool_call_output" => {
                self.tool_result(&item, span, &field_path)?;
            }
            kind => match ToolCallKind::of_item(kind) {
                Some(kind) => self.tool_call(&item, kind, span, &field_path)?,
                None if self.client_tool_item(&item, span) => {}
                None => self.native_item(&item, json, kind, span, &field_path),
            },
        }
        Ok(())
    }

    /// Adds a message that no item continues.
    fn push(&mut self, message: Message) {
        self.open = OpenMessage::None;
        self.request.messages.push_decoded(message);
    }

    /// Starts an assistant's turn.
    fn start_turn(&mut self, blocks: Vec<Block>, span: Option<Span>) {
        let mut content = TurnContent::default();
        content.add(&blocks);
        let mut message = Message::decoded(Role::Assistant, blocks);
        message.set_decoded_span(span);
        self.push(message);
        self.open = OpenMessage::AssistantTurn(content);
    }

    /// Continues the open turn of the assistant, or starts one.
    fn continue_turn(&mut self, blocks: Vec<Block>, span: Option<Span>) {
        let (OpenMessage::AssistantTurn(content), Some(message)) =
            (&mut self.open, self.request.messages.decoded_mut().last_mut())
        else {
            return self.start_turn(blocks, span);
        };
        content.add(&blocks);
        message.decoded_mut().blocks.extend(blocks);
        // Items follow each other in the body, so that a run of them has a span too.
        message.set_decoded_span(message.source_span().zip(span).map(|(first, last)| first.to(last)));
    }

    /// Continues the open turn of the assistant unless it is complete, or starts one.
    fn continue_incomplete_turn(&mut self, blocks: Vec<Block>, span: Option<Span>) {
        match self.open {
            OpenMessage::AssistantTurn(content) if content.is_complete() => self.start_turn(blocks, span),
            _ => self.continue_turn(blocks, span),
        }
    }

    fn reasoning(&mut self, item: &Object<'_>, span: Option<Span>) {
        let text = reasoning_item::text(item);
        let (signature, foreign_details) = match item.str("encrypted_content") {
            Some(content) => {
                let (signature, details) = encrypted_content::decode(&content, text.is_empty());
                (Some(signature), details)
            }
            None => (None, None),
        };
        let extra = foreign_details.unwrap_or_else(|| extra_fields::read(item, &["encrypted_content"]));
        let block = Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra };
        self.continue_incomplete_turn(vec![block], span);
    }

    fn message(
        &mut self,
        item: &Object<'_>,
        span: Option<Span>,
        field_path: &str,
    ) -> Result<(), ClientError> {
        let role_name = item.str("role").unwrap_or_default();
        let role = Role::parse(&role_name).filter(|role| *role != Role::Tool).ok_or_else(|| {
            let text = format!(
                "{field_path}.role is {role_name:?}; it must be user, assistant, system or developer."
            );
            ClientError::invalid(text).at(format!("{field_path}.role"))
        })?;
        let content = item.get("content").unwrap_or("null");
        let parts = content_parts(content, &format!("{field_path}.content"))?;
        if role != Role::Assistant {
            let blocks = parts.iter().map(|json| decode_part(json)).collect();
            let mut message = Message::decoded(role, blocks);
            let fields = message.decoded_mut();
            fields.content_was_parts = parts.len() > 1;
            fields.extra = extra_fields::read(item, &["role", "content"]);
            if value_kind(content) == ValueKind::Array && parts.is_empty() {
                fields.extra = ExtraFields::new(
                    NAME,
                    [
                        std::mem::take(&mut fields.extra).into_members(),
                        vec![(".content".to_owned(), raw("[]"))],
                    ]
                    .concat(),
                );
            }
            message.set_decoded_span(span);
            self.push(message);
            return Ok(());
        }
        let item_fields = json_without(item, &["role", "content"]);
        let mut blocks: Vec<Block> = Vec::with_capacity(parts.len().max(1));
        for json in &parts {
            match content_part::decode(json) {
                Some(block) => blocks.push(block),
                // A part that only this dialect has makes the whole item native.
                None => {
                    self.start_turn(vec![Block::Native { dialect: NAME, raw: raw(item.to_json()) }], span);
                    return Ok(());
                }
            }
        }
        if blocks.is_empty() {
            blocks.push(Block::text(""));
            if value_kind(content) != ValueKind::String {
                add_field(&mut blocks, ".content", content);
            }
        }
        add_field(&mut blocks, ITEM, &item_fields);
        if let Some(phase) = item.non_null(PHASE) {
            add_field(&mut blocks, PHASE, phase);
        }
        self.continue_incomplete_turn(blocks, span);
        Ok(())
    }

    fn tool_call(
        &mut self,
        item: &Object<'_>,
        kind: ToolCallKind,
        span: Option<Span>,
        field_path: &str,
    ) -> Result<(), ClientError> {
        let client_name = item.str("name").ok_or_else(|| missing(field_path, "name"))?;
        let id = item.str("call_id").or_else(|| item.str("id"));
        let id = id.ok_or_else(|| missing(field_path, "call_id"))?;
        let namespace = item.str("namespace");
        let name = tool_names::join(namespace.as_deref(), &client_name);
        // The name inside the namespace is an extra field if it differs.
        let [id_key, arguments_key] = kind.known_keys();
        let known: &[&str] =
            if name == *client_name { &[id_key, arguments_key, "name"] } else { &[id_key, arguments_key] };
        let block = Block::ToolCall {
            id: id.into_owned(),
            name,
            arguments: kind.arguments(item),
            signature: None,
            extra: extra_fields::read(item, known),
        };
        self.continue_turn(vec![block], span);
        Ok(())
    }

    fn tool_result(
        &mut self,
        item: &Object<'_>,
        span: Option<Span>,
        field_path: &str,
    ) -> Result<(), ClientError> {
        let id = item.str("call_id").ok_or_else(|| missing(field_path, "call_id"))?;
        let output = item.get("output").unwrap_or("null");
        let parts = match value_kind(output) {
            ValueKind::Array | ValueKind::String => content_parts(output, &format!("{field_path}.output"))?,
            _ => Vec::new(),
        };
        let mut blocks: Vec<Block> = parts.iter().map(|json| decode_part(json)).collect();
        if matches!(value_kind(output), ValueKind::Object | ValueKind::Number | ValueKind::Bool) {
            blocks.push(Block::text(string_or_json(output)));
        }
        let mut extra = extra_fields::read(item, &["call_id", "output"]);
        if value_kind(output) != ValueKind::String && parts.is_empty() {
            extra = ExtraFields::new(
                NAME,
                [extra.into_members(), vec![(".output".to_owned(), raw(output))]].concat(),
            );
        }
        let mut message = Message::decoded(
            Role::Tool,
            vec![Block::ToolResult { id: id.into_owned(), blocks, is_error: false, extra }],
        );
        message.decoded_mut().content_was_parts = parts.len() > 1;
        message.set_decoded_span(span);
        self.push(message);
        Ok(())
    }

    /// Decodes the call or the result of a client-run tool. Returns false if the item is neither.
    fn client_tool_item(&mut self, item: &Object<'_>, span: Option<Span>) -> bool {
        if let Some(tool) = ClientTool::of_call(item) {
            let Some(id) = client_tool_items::call_id(item) else { return false };
            if let Some(item_id) = item.str("id").filter(|item_id| *item_id != id) {
                self.call_ids_by_item.insert(item_id.into_owned(), id.clone());
            }
            self.continue_turn(vec![client_tool_items::decode_call(item, tool, id)], span);
            return true;
        }
        let Some(tool) = ClientTool::of_output(item) else { return false };
        let Some(id) = item.str(client_tool_items::output_id_key(item)) else { return false };
        let id = self.call_ids_by_item.get(id.as_ref()).cloned().unwrap_or_else(|| id.into_owned());
        let found = match tool.output {
            OutputForm::Tools => self.tools.add(item, ToolOrigin::Search, self.request),
            _ => Vec::new(),
        };
        let block = client_tool_items::decode_output(item, tool, id, &found);
        let mut message = Message::decoded(Role::Tool, vec![block]);
        message.set_decoded_span(span);
        self.push(message);
        true
    }

    fn native_item(
        &mut self,
        item: &Object<'_>,
        json: &str,
        kind: &str,
        span: Option<Span>,
        field_path: &str,
    ) {
        match kind {
            "item_reference" => {
                let id = item.str("id").unwrap_or_default();
                let message = format!(
                    "Item with id '{id}' not found: this upstream keeps no items. Send the item itself."
                );
                self.request.continues_stored = true;
                self.request.same_dialect_only.get_or_insert(ClientError::invalid(message).at(field_path));
            }
            "additional_tools" => drop(self.tools.add(item, ToolOrigin::Addition, self.request)),
            "tool_search_output" => drop(self.tools.add(item, ToolOrigin::Search, self.request)),
            "compaction" | "compaction_summary" | "context_compaction" => {
                let message = "This upstream cannot read the compaction of another one, which stands for the conversation before it. Send the conversation itself, or a summary of it as text.";
                self.require_same_dialect(unsupported(message).at(field_path));
            }
            "compaction_trigger" => {
                let message = "This upstream does not compact conversations. Ask for a summary as text.";
                self.require_same_dialect(unsupported(message).at(field_path));
            }
            "configuration_update" => self.configuration_update(item),
            _ => {}
        }
        // A compaction, or a call of a tool that the upstream runs, belongs to the assistant's turn.
        self.continue_turn(vec![Block::Native { dialect: NAME, raw: raw(json) }], span);
    }

    /// Takes settings that apply from here on: for this request the last ones count.
    fn configuration_update(&mut self, item: &Object<'_>) {
        let reasoning = item.object("reasoning").unwrap_or_default();
        if let Some(effort) = reasoning.str("effort") {
            self.request.reasoning.decoded_mut().set_effort(effort.into_owned());
        }
    }

    /// Records that only an upstream of this dialect can serve the request; `error` is for all others.
    fn require_same_dialect(&mut self, error: ClientError) {
        self.request.same_dialect_only.get_or_insert(error);
    }
}

/// An error for what only an upstream of this dialect can do.
fn unsupported(message: &str) -> ClientError {
    ClientError::invalid(message).with_code("unsupported_value")
}

/// Decodes a content part; one that our model has no place for becomes a native block.
fn decode_part(json: &str) -> Block {
    content_part::decode(json).unwrap_or_else(|| Block::Native { dialect: NAME, raw: raw(json) })
}

/// Adds an extra field to the first block, if that is a text.
fn add_field(blocks: &mut [Block], key: &str, value: &str) {
    if let Some(Block::Text { extra, .. }) = blocks.first_mut() {
        extra.dialect = NAME;
        extra.members.reserve_exact(1);
        extra.members.push((key.to_owned(), raw(value)));
    }
}

/// Returns the parts of a content, each as JSON; a string is one part.
fn content_parts<'c>(content: &'c str, field_path: &str) -> Result<Vec<&'c str>, ClientError> {
    match value_kind(content) {
        ValueKind::Null => Ok(Vec::new()),
        ValueKind::String => Ok(vec![content]),
        ValueKind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(content).unwrap_or_default();
            for (k, item) in items.iter().enumerate() {
                let is_part =
                    decode_string(item.get()).is_some() || parse_or_empty(item.get()).get("type").is_some();
                if !is_part {
                    let field_path = format!("{field_path}[{k}]");
                    return Err(ClientError::invalid(format!(
                        "{field_path} must be a content part: an object with `type`."
                    ))
                    .at(field_path));
                }
            }
            Ok(items.into_iter().map(serde_json::value::RawValue::get).collect())
        }
        _ => {
            Err(ClientError::invalid(format!("{field_path} must be a text or a list of parts."))
                .at(field_path))
        }
    }
}

fn missing(field_path: &str, key: &str) -> ClientError {
    ClientError::invalid(format!("Missing required parameter: '{field_path}.{key}'."))
        .at(format!("{field_path}.{key}"))
        .with_code("missing_required_parameter")
}

/// Decodes instructions as a message; an extra field marks it as such.
pub(super) fn instructions(text: &str) -> Message {
    let mut message = Message::decoded(Role::System, vec![Block::text(text)]);
    message.decoded_mut().extra =
        ExtraFields::new(NAME, vec![(".instructions".to_owned(), raw(encode_string(text)))]);
    message
}

//! The input, read: items become messages, and what the assistant did in one go becomes one message.

use super::super::super::shape::Place;
use super::super::content_part::{ITEM, arguments, is_call, leftovers, object_of, part, thoughts, without};
use super::super::{NAME, encrypted_content, shape, tools};
use crate::canonical::{Block, Diagnostics, ExtraFields, Message, Request, Role, Span};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, encode_string, raw, string_or_json, value_kind};
use std::collections::BTreeSet;

/// Reads the items of an input.
pub(super) struct InputDecoder<'i> {
    /// The body, to know where items stand in it.
    pub(super) body: &'i [u8],
    pub(super) request: &'i mut Request,
    /// Ids of the calls so far.
    calls: BTreeSet<String>,
    /// Tools that came in items.
    pub(super) additional: Vec<String>,
    /// The last message is what the assistant did, and this is in it.
    turn: Option<Turn>,
    /// Where the run of results begins that the last messages are.
    results: Option<usize>,
}

/// What the assistant's message has that is being put together.
#[derive(Clone, Copy, Default)]
struct Turn {
    says: bool,
    calls: bool,
}

impl Turn {
    fn add(&mut self, blocks: &[Block]) {
        self.says |= blocks.iter().any(|b| matches!(b, Block::Text { .. } | Block::Refusal(_)));
        self.calls |= blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
    }

    /// Whether what the assistant says next is another turn.
    fn is_said(self) -> bool {
        self.says && !self.calls
    }
}

impl<'i> InputDecoder<'i> {
    /// Nothing read yet.
    pub(super) fn new(body: &'i [u8], request: &'i mut Request) -> Self {
        let (calls, additional) = (BTreeSet::new(), Vec::new());
        Self { body, request, calls, additional, turn: None, results: None }
    }

    /// Reads one item, `input[i]`.
    pub(super) fn item(
        &mut self,
        json: &str,
        i: usize,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        let at = format!("input[{i}]");
        let item = Object::parse(json.as_bytes()).map_err(|_| {
            ClientError::invalid(format!(
                "{at} must be an object, such as {{\"role\": \"user\", \"content\": \"…\"}}."
            ))
            .at(&at)
        })?;
        let input = Place::Key(&Place::Root, "input");
        shape::ITEM.check_at(&item, Place::Index(&input, i), &[], diagnostics)?;
        let span = Span::within(self.body, json);
        let kind = match item.str("type") {
            Some(kind) => kind.into_owned(),
            None if item.get("role").is_some() => String::from("message"),
            None => {
                let text = format!("{at} needs a `type`, or a `role` if it is a message.");
                return Err(ClientError::invalid(text)
                    .at(format!("{at}.type"))
                    .with_code("missing_required_parameter"));
            }
        };
        match kind.as_str() {
            "message" => self.message(&item, span, &at)?,
            "reasoning" => {
                let text = thoughts(&item);
                let sealed = item
                    .str("encrypted_content")
                    .map(|sealed| encrypted_content::split_issuer(&sealed, text.is_empty()));
                let (signature, foreign) =
                    sealed.map_or((None, None), |(signature, foreign)| (Some(signature), foreign));
                let extra = foreign.unwrap_or_else(|| leftovers(&item, &["encrypted_content"]));
                let new = self.turn.is_some_and(Turn::is_said);
                self.add(
                    vec![Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra }],
                    span,
                    new,
                );
            }
            "function_call_output" | "custom_tool_call_output" => self.output(&item, span, &at)?,
            kind => match is_call(kind) {
                Some(custom) => self.call(&item, custom, span, &at)?,
                None => self.native(&item, json, kind, span, &at),
            },
        }
        Ok(())
    }

    /// Adds a message that is no result of a tool.
    fn push(&mut self, message: Message) {
        (self.turn, self.results) = (None, None);
        self.request.messages.push_decoded(message);
    }

    /// Adds to what the assistant does in one go.
    fn add(&mut self, blocks: Vec<Block>, span: Option<Span>, new: bool) {
        let mut state = self.turn.filter(|_| !new).unwrap_or_default();
        state.add(&blocks);
        match self.request.messages.decoded_mut().last_mut().filter(|_| self.turn.is_some() && !new) {
            Some(turn) => {
                turn.decoded_mut().blocks.extend(blocks);
                // Items stand one after the other in the body, and so does a run of them.
                turn.set_decoded_span(turn.source_span().zip(span).map(|(first, last)| first.to(last)));
            }
            None => {
                let mut turn = Message::decoded(Role::Assistant, blocks);
                turn.set_decoded_span(span);
                self.push(turn);
            }
        }
        self.turn = Some(state);
    }

    fn message(&mut self, item: &Object<'_>, span: Option<Span>, at: &str) -> Result<(), ClientError> {
        let word = item.str("role").unwrap_or_default();
        let role = Role::parse(&word).filter(|role| *role != Role::Tool).ok_or_else(|| {
            let text = format!("{at}.role is {word:?}; it must be user, assistant, system or developer.");
            ClientError::invalid(text).at(format!("{at}.role"))
        })?;
        let content = item.get("content").unwrap_or("null");
        let parts = parts(content, &format!("{at}.content"))?;
        if role != Role::Assistant {
            let blocks = parts
                .iter()
                .map(|json| part(json).unwrap_or_else(|| Block::Native { dialect: NAME, raw: raw(*json) }))
                .collect();
            let mut message = Message::decoded(role, blocks);
            let fields = message.decoded_mut();
            fields.content_was_parts = parts.len() > 1;
            fields.extra = leftovers(item, &["role", "content"]);
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
        let begins = without(item, &["role", "content"]);
        let mut blocks: Vec<Block> = Vec::with_capacity(parts.len().max(1));
        for json in &parts {
            match part(json) {
                Some(block) => blocks.push(block),
                // What only this dialect can say makes the whole item its own.
                None => {
                    self.add(vec![Block::Native { dialect: NAME, raw: raw(item.to_json()) }], span, true);
                    return Ok(());
                }
            }
        }
        if blocks.is_empty() {
            blocks.push(Block::text(""));
            if value_kind(content) != ValueKind::String {
                mark(&mut blocks, ".content", content);
            }
        }
        mark(&mut blocks, ITEM, &begins);
        let new = self.turn.is_some_and(Turn::is_said);
        self.add(blocks, span, new);
        Ok(())
    }

    fn call(
        &mut self,
        item: &Object<'_>,
        custom: bool,
        span: Option<Span>,
        at: &str,
    ) -> Result<(), ClientError> {
        let own = item.str("name").ok_or_else(|| missing(at, "name"))?;
        let id = item.str("call_id").or_else(|| item.str("id")).ok_or_else(|| missing(at, "call_id"))?;
        let space = item.str("namespace");
        let name = tools::flat(space.as_deref(), &own);
        let known: &[&str] = match (name == *own, custom) {
            (true, false) => &["call_id", "name", "arguments"],
            (true, true) => &["call_id", "name", "input"],
            // The name of its own is kept beside the one that other dialects know.
            (false, false) => &["call_id", "arguments"],
            (false, true) => &["call_id", "input"],
        };
        self.calls.insert(id.clone().into_owned());
        let block = Block::ToolCall {
            id: id.into_owned(),
            name,
            arguments: arguments(item, custom),
            signature: None,
            extra: leftovers(item, known),
        };
        self.add(vec![block], span, false);
        Ok(())
    }

    fn output(&mut self, item: &Object<'_>, span: Option<Span>, at: &str) -> Result<(), ClientError> {
        let id = item.str("call_id").ok_or_else(|| missing(at, "call_id"))?;
        if !self.calls.contains(id.as_ref()) {
            let message = format!("No tool call found for function call output with call_id {id}.");
            self.only_here(ClientError::invalid(message).at("input"));
        }
        let output = item.get("output").unwrap_or("null");
        let parts = match value_kind(output) {
            ValueKind::Array | ValueKind::String => parts(output, &format!("{at}.output"))?,
            _ => Vec::new(),
        };
        let mut blocks: Vec<Block> = parts
            .iter()
            .map(|json| part(json).unwrap_or_else(|| Block::Native { dialect: NAME, raw: raw(*json) }))
            .collect();
        if matches!(value_kind(output), ValueKind::Object | ValueKind::Number | ValueKind::Bool) {
            blocks.push(Block::text(string_or_json(output)));
        }
        let mut extra = leftovers(item, &["call_id", "output"]);
        if value_kind(output) != ValueKind::String && parts.is_empty() {
            extra = ExtraFields::new(
                NAME,
                [extra.into_members(), vec![(".output".to_owned(), raw(output))]].concat(),
            );
        }
        let shows = blocks.iter().any(|b| matches!(b, Block::Image(_) | Block::Audio(_) | Block::File(_)));
        let mut message = Message::decoded(
            Role::Tool,
            vec![Block::ToolResult { id: id.into_owned(), blocks, is_error: false, extra }],
        );
        message.decoded_mut().content_was_parts = parts.len() > 1;
        message.set_decoded_span(span);
        self.result(message, shows);
        Ok(())
    }

    /// Adds a result. Results of which one shows something are one message of the user's: in other dialects what a tool
    /// shows comes after the results, and nothing may stand between these.
    fn result(&mut self, message: Message, shows: bool) {
        let messages = self.request.messages.decoded_mut();
        let start = self.results.unwrap_or(messages.len());
        let shown = messages.get(start).is_some_and(|m| m.role == Role::User);
        (self.turn, self.results) = (None, Some(start));
        messages.push(message);
        if !shows && !shown {
            return;
        }
        let merged = messages.drain(start..).reduce(|mut one, next| {
            one.set_decoded_span(
                one.source_span().zip(next.source_span()).map(|(first, last)| first.to(last)),
            );
            let fields = one.decoded_mut();
            fields.content_was_parts |= next.content_was_parts;
            fields.blocks.extend(next.into_blocks());
            one
        });
        if let Some(mut merged) = merged {
            merged.decoded_mut().role = Role::User;
            messages.push(merged);
        }
    }

    fn native(&mut self, item: &Object<'_>, json: &str, kind: &str, span: Option<Span>, at: &str) {
        match kind {
            "item_reference" => {
                let id = item.str("id").unwrap_or_default();
                let message = format!(
                    "Item with id '{id}' not found: this upstream keeps no items. Send the item itself."
                );
                self.only_here(ClientError::invalid(message).at(at));
            }
            "additional_tools" => {
                let listed = item.array("tools").unwrap_or_default();
                self.request.tools.decoded_mut().extend(tools::read(&listed, true));
                self.additional.extend(listed.into_iter().map(str::to_owned));
            }
            _ => {}
        }
        // A compaction, or a tool that runs at the upstream, belongs to the assistant's turn.
        self.add(vec![Block::Native { dialect: NAME, raw: raw(json) }], span, false);
    }

    fn only_here(&mut self, error: ClientError) {
        self.request.same_dialect_only.get_or_insert(error);
    }
}

/// Adds a member to the extras of the first block, if that has any.
fn mark(blocks: &mut [Block], key: &str, value: &str) {
    if let Some(Block::Text { extra, .. }) = blocks.first_mut() {
        extra.dialect = NAME;
        extra.members.reserve_exact(1);
        extra.members.push((key.to_owned(), raw(value)));
    }
}

/// The parts of a content in any shape, each as JSON.
fn parts<'c>(content: &'c str, at: &str) -> Result<Vec<&'c str>, ClientError> {
    match value_kind(content) {
        ValueKind::Null => Ok(Vec::new()),
        ValueKind::String => Ok(vec![content]),
        ValueKind::Array => {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(content).unwrap_or_default();
            for (k, item) in items.iter().enumerate() {
                let is_part =
                    decode_string(item.get()).is_some() || object_of(item.get()).get("type").is_some();
                if !is_part {
                    let at = format!("{at}[{k}]");
                    return Err(ClientError::invalid(format!(
                        "{at} must be a content part: an object with `type`."
                    ))
                    .at(at));
                }
            }
            Ok(items.into_iter().map(serde_json::value::RawValue::get).collect())
        }
        _ => Err(ClientError::invalid(format!("{at} must be a text or a list of parts.")).at(at)),
    }
}

fn missing(at: &str, key: &str) -> ClientError {
    ClientError::invalid(format!("Missing required parameter: '{at}.{key}'."))
        .at(format!("{at}.{key}"))
        .with_code("missing_required_parameter")
}

/// The instructions as a message; where it stood is remembered.
pub(super) fn instructions(text: &str) -> Message {
    let mut message = Message::decoded(Role::System, vec![Block::text(text)]);
    message.decoded_mut().extra =
        ExtraFields::new(NAME, vec![(".instructions".to_owned(), raw(encode_string(text)))]);
    message
}

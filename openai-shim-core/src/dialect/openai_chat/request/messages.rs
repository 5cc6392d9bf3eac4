//! `messages` of a request, or a `prompt` in their place: JSON to canonical messages.

use super::decode_message;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Request, Role, Span};
use crate::dialect::openai_chat::tool_call::{self, CallKind};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, range_in, reserve_for_items, value_kind};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Reads the messages one by one.
pub(super) struct MessagesReader<'b> {
    body: &'b Bytes,
    messages: Vec<Message>,
    diagnostics: Diagnostics,
    /// The id of a call in the legacy form, which has none, for the result that follows.
    legacy_call: Option<String>,
    /// The ids of the calls of custom tools.
    custom_calls: BTreeSet<String>,
    /// The first error; it is returned only if the request has messages at all.
    error: Option<ClientError>,
}

impl<'b> MessagesReader<'b> {
    /// Creates a reader of messages that are in `body`.
    pub(super) fn new(body: &'b Bytes) -> Self {
        Self {
            body,
            messages: Vec::new(),
            diagnostics: Diagnostics::default(),
            legacy_call: None,
            custom_calls: BTreeSet::new(),
            error: None,
        }
    }

    /// Reads the next message; `item` is its JSON.
    pub(super) fn push(&mut self, message: &Object<'_>, item: &str) {
        let i = self.messages.len();
        if self.error.is_some() {
            return;
        }
        match decode_message::decode(message, self.body, i, &mut self.diagnostics) {
            Ok(mut message) => {
                self.identify_legacy_call(&mut message);
                self.mark_custom_result(&mut message);
                let range = range_in(self.body, item);
                let start = range.as_ref().map_or(0, |range| range.start);
                reserve_for_items(&mut self.messages, start, self.body.len());
                message.set_decoded_span(range.and_then(|range| Span::new(&range)));
                self.messages.push(message);
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// Gives a call in the legacy form an id, and its result the same one.
    fn identify_legacy_call(&mut self, message: &mut Message) {
        if message.role == Role::Assistant {
            self.legacy_call = decode_message::legacy_call_id(message).map(str::to_owned);
        } else if message.role == Role::Tool
            && let Some(call) = self.legacy_call.take()
            && let Some(Block::ToolResult { id, .. }) = message.decoded_mut().blocks.first_mut()
            && id.is_empty()
        {
            *id = call;
        }
    }

    /// Marks the result of a custom tool's call.
    fn mark_custom_result(&mut self, message: &mut Message) {
        if message.role == Role::Assistant {
            let custom = message.blocks.iter().filter_map(|block| match block {
                Block::ToolCall { id, extra, .. } if CallKind::of_extra(extra) == CallKind::Custom => {
                    Some(id)
                }
                _ => None,
            });
            self.custom_calls.extend(custom.cloned());
        } else if !self.custom_calls.is_empty()
            && let Some(Block::ToolResult { id, extra, .. }) = message.decoded_mut().blocks.first_mut()
            && self.custom_calls.contains(id)
        {
            tool_call::mark_custom(extra, "true");
        }
    }

    /// Reads the next item of the list, whatever it is.
    pub(super) fn push_item(&mut self, item: &str) {
        match decode_message::parse(item, self.messages.len()) {
            Ok(message) => self.push(&message, item),
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    /// Puts the messages, or the prompt in their place, into the request.
    pub(super) fn finish(
        self,
        object: &Object<'_>,
        request: &mut Request,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        match object.non_null("messages") {
            Some(list) if value_kind(list) == ValueKind::Array => {
                diagnostics.extend(&self.diagnostics);
                if let Some(error) = self.error {
                    return Err(error);
                }
                if self.messages.is_empty() {
                    let text = "`messages` is empty. Send at least one message, such as {\"role\": \"user\", \"content\": \"…\"}.";
                    return Err(ClientError::invalid(text).at("messages"));
                }
                *request.messages.decoded_mut() = self.messages;
                Ok(())
            }
            Some(_) => {
                let text = "`messages` must be a list of messages, such as [{\"role\": \"user\", \"content\": \"…\"}].";
                Err(ClientError::invalid(text).at("messages"))
            }
            None => decode_prompt(object, request, diagnostics),
        }
    }
}

/// Reads `prompt`, a string or a list of strings: each becomes a user message.
fn decode_prompt(
    object: &Object<'_>,
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let missing =
        || ClientError::invalid("Send `messages`, a list of messages (or `prompt`, a text).").at("messages");
    let value = object.non_null("prompt").ok_or_else(missing)?;
    let texts: Vec<Cow<'_, str>> = match value_kind(value) {
        ValueKind::String => decode_string(value).into_iter().collect(),
        ValueKind::Array => {
            let items = object.array("prompt").unwrap_or_default();
            let texts: Vec<_> = items.iter().filter_map(|item| decode_string(item)).collect();
            if texts.len() != items.len() || texts.is_empty() {
                let text =
                    "`prompt` must be a text or a list of texts; token ids cannot be sent to a chat model.";
                return Err(ClientError::invalid(text).at("prompt"));
            }
            texts.into_iter().map(|t| Cow::Owned(t.into_owned())).collect()
        }
        _ => return Err(ClientError::invalid("`prompt` must be a text or a list of texts.").at("prompt")),
    };
    request.messages.edit().extend(texts.into_iter().map(|t| Message::text(Role::User, t)));
    diagnostics.record(DiagnosticCode::PromptToMessages, "prompt", "");
    Ok(())
}

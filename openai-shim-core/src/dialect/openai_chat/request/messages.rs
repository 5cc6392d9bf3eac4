//! The conversation of a request: its messages, or a prompt in their place.

use super::message;
use crate::canonical::{DiagnosticCode, Diagnostics, Message, Request, Role, Span};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, decode_string, range_in, reserve_for_items, value_kind};
use bytes::Bytes;
use std::borrow::Cow;

/// What was read of a conversation.
pub(super) struct MessagesReader<'b> {
    body: &'b Bytes,
    messages: Vec<Message>,
    diagnostics: Diagnostics,
    fault: Option<ClientError>,
}

impl<'b> MessagesReader<'b> {
    /// Nothing yet, of what stands in `body`.
    pub(super) fn new(body: &'b Bytes) -> Self {
        Self { body, messages: Vec::new(), diagnostics: Diagnostics::default(), fault: None }
    }

    /// Takes the next message, whose text is `item`.
    pub(super) fn message(&mut self, message: &Object<'_>, item: &str) {
        let i = self.messages.len();
        if self.fault.is_none() {
            match message::decode(message, self.body, i, &mut self.diagnostics) {
                Ok(mut message) => {
                    let place = range_in(self.body, item);
                    reserve_for_items(
                        &mut self.messages,
                        place.as_ref().map_or(0, |place| place.start),
                        self.body.len(),
                    );
                    message.set_decoded_span(place.and_then(|place| Span::new(&place)));
                    self.messages.push(message);
                }
                Err(fault) => self.fault = Some(fault),
            }
        }
    }

    /// Takes the next item, whatever it is.
    pub(super) fn item(&mut self, item: &str) {
        match message::parse(item, self.messages.len()) {
            Ok(message) => self.message(&message, item),
            Err(fault) => self.fault = self.fault.take().or(Some(fault)),
        }
    }

    /// Puts the messages, or the prompt in their place, into the request.
    pub(super) fn put(
        self,
        object: &Object<'_>,
        request: &mut Request,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        match object.non_null("messages") {
            Some(list) if value_kind(list) == ValueKind::Array => {
                diagnostics.extend(&self.diagnostics);
                if let Some(fault) = self.fault {
                    return Err(fault);
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
            None => prompt(object, request, diagnostics),
        }
    }
}

/// `prompt` instead of `messages`: a text, or a list of texts, each a user message.
fn prompt(
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
            // The borrow is of `object`, which outlives this.
            texts.into_iter().map(|t| Cow::Owned(t.into_owned())).collect()
        }
        _ => return Err(ClientError::invalid("`prompt` must be a text or a list of texts.").at("prompt")),
    };
    request.messages.edit().extend(texts.into_iter().map(|t| Message::text(Role::User, t)));
    diagnostics.record(DiagnosticCode::PromptToMessages, "prompt", "");
    Ok(())
}

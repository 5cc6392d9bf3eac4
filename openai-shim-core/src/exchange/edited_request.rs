//! A client's request as a program changes it before it is sent: each change reaches the upstream, in whichever way the request is
//! sent on.
//!
//! The changed request is written in the client's own dialect, from the client's bytes, and read again: what follows is the same as
//! if the client had sent it.

use super::ClientRequest;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Request, Role};
use crate::dialect::Dialect;
use crate::error::{ClientError, Error, ErrorKind};
use crate::json::{Object, encode_array, encode_string, rewrite_strings};
use crate::normalize::body_path;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The limit on a response's length in the table of parameters.
const TOKEN_LIMIT: &str = "max_tokens";
/// OpenAI's newer name for it, where the client uses that.
const NEWER_TOKEN_LIMIT: &str = "max_completion_tokens";

impl ClientRequest {
    /// Changes the request; what was not changed stays as the client sent it. Whether the response is a stream is the client's choice,
    /// and stays.
    ///
    /// ```
    /// use openai_shim_core::canonical::{Message, Role};
    /// use openai_shim_core::exchange::ClientRequest;
    /// use openai_shim_core::dialect;
    /// let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    /// let mut request = ClientRequest::read(dialect("openai-chat")?, "/v1/chat/completions", body.into())?;
    /// request.edit(|request| {
    ///     request.temperature = Some(0.5);
    ///     request.messages.edit().insert(0, Message::text(Role::System, "Be brief."));
    /// })?;
    /// assert_eq!(
    ///     String::from_utf8_lossy(request.body()),
    ///     r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],"temperature":0.5}"#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Of embeddings and rankings it changes only the model: their texts are changed by [`rewrite_text`](Self::rewrite_text).
    ///
    /// # Errors
    /// The client's dialect cannot express the changed request, which then stays as it was.
    pub fn edit(&mut self, change: impl FnOnce(&mut Request)) -> Result<(), Error> {
        let before = params_of(&self.request, self.client);
        let mut edited = self.request.clone();
        change(&mut edited);
        (edited.stream, edited.include_usage) = (self.request.stream, self.request.include_usage);
        let after = params_of(&edited, self.client);
        if self.texts.is_some() {
            let changed =
                before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
            return self.set_model_only(edited, changed);
        }
        let model = &self.request.model;
        if before == after && *model == edited.model && !is_changed(&edited) {
            return Ok(());
        }
        let mut diagnostics = Diagnostics::default();
        let mut encoded = self.client.encode_request(&edited, Some(&self.body), &mut diagnostics)?;
        for name in before.keys().chain(after.keys()) {
            let (old, new) = (before.get(name), after.get(name));
            if old != new {
                write_param(self.client, name, new, &mut encoded.body, &mut diagnostics);
            }
        }
        let body = Bytes::from(encoded.body.to_json());
        // Some dialects name the model in the path.
        let path = if *model == edited.model { self.path.clone() } else { encoded.path };
        self.replace(&path, body)?;
        self.diagnostics.extend(&diagnostics);
        Ok(())
    }

    /// Takes the model of an edited request without a conversation, which has none of the parameters that were changed.
    fn set_model_only<'n>(
        &mut self,
        edited: Request,
        changed: impl Iterator<Item = &'n String>,
    ) -> Result<(), Error> {
        let texts = |request: &Request| request.messages.iter().map(Message::joined_text).collect::<Vec<_>>();
        if texts(&edited) != texts(&self.request) {
            let text = "This server could not change the request: texts of embeddings and rankings are changed by `rewrite_text`, \
                        not by `edit`.";
            return Err(ClientError::new(ErrorKind::Internal, text).into());
        }
        changed.for_each(|name| self.diagnostics.record(DiagnosticCode::ParamDropped, name, ""));
        self.request.model = edited.model;
        Ok(())
    }

    /// Replaces texts wherever they stand in the client's body: in messages, tools, schemas, parameters and unknown fields, in names
    /// and in values, and in JSON inside of strings. `rewrite` gets each text and returns what takes its place; `None`: it stays. Words
    /// of the API are among the texts (`"role"`, `"user"`), so it looks for what is to be replaced and leaves everything else.
    ///
    /// Signed reasoning that is changed loses its signature, which would not fit any more; that is a diagnostic.
    ///
    /// ```
    /// use openai_shim_core::exchange::ClientRequest;
    /// use openai_shim_core::dialect;
    /// let body = r#"{"model":"m","messages":[{"role":"user","content":"Call 555-1234."}],"user":"555-1234"}"#;
    /// let mut request = ClientRequest::read(dialect("openai-chat")?, "/v1/chat/completions", body.into())?;
    /// request.rewrite_text(|text| text.contains("555-1234").then(|| text.replace("555-1234", "[phone]")))?;
    /// assert_eq!(request.request().messages[0].joined_text(), "Call [phone].");
    /// assert!(!String::from_utf8_lossy(request.body()).contains("555"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The rewritten body is no request any more. Then the request stays as it was.
    pub fn rewrite_text(&mut self, mut rewrite: impl FnMut(&str) -> Option<String>) -> Result<(), Error> {
        let Some(json) = std::str::from_utf8(&self.body).ok() else { return Ok(()) };
        let Some(rewritten) = rewrite_strings(json, &mut rewrite) else { return Ok(()) };
        let signed = signed_texts(&self.request);
        let mut next = self.clone();
        next.replace(&self.path, Bytes::from(rewritten))?;
        if signed != signed_texts(&next.request) {
            next.remove_stale_signatures(signed)?;
        }
        *self = next;
        Ok(())
    }

    /// Removes the signatures of blocks whose text is not the one that was signed.
    fn remove_stale_signatures(&mut self, signed: Vec<Vec<String>>) -> Result<(), Error> {
        let mut is_changed = false;
        self.edit(|request| {
            for (message, old) in request.messages.iter_mut().zip(signed) {
                let mut old = old.into_iter();
                message.edit_each_block(|block| {
                    if signed_text(block).is_some_and(|text| old.next().is_none_or(|old| old != text)) {
                        remove_signature(block.edit());
                        is_changed = true;
                    }
                });
            }
        })?;
        if is_changed {
            self.diagnostics.record(DiagnosticCode::SignatureRemoved, "", "");
        }
        Ok(())
    }

    /// Puts instructions before all others. Embeddings and rankings have none, and stay as they are.
    ///
    /// # Errors
    /// The client's dialect cannot express the changed request, which then stays as it was.
    pub fn prepend_system(&mut self, text: &str) -> Result<(), Error> {
        if self.texts.is_some() {
            return Ok(());
        }
        self.edit(|request| request.messages.edit().insert(0, Message::text(Role::System, text)))
    }

    /// The body: the client's, or the changed one.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Reads a body in place of the client's.
    pub(crate) fn replace(&mut self, path: &str, body: Bytes) -> Result<(), Error> {
        let read = match self.texts.clone() {
            Some(form) => {
                let model = self.request.model.clone();
                let before = form.read(path, &self.body, &mut Diagnostics::default())?.to_request().model;
                let mut read = Self::read_texts(self.client, path, body, form)?;
                // A model that was edited stays.
                if model != before {
                    read.request.model = model;
                }
                read
            }
            None => Self::read(self.client, path, body)?,
        };
        self.diagnostics.extend(&read.diagnostics);
        let Self { request, body, path, .. } = read;
        (self.request, self.body, self.path) = (request, body, path);
        Ok(())
    }
}

/// Whether a part that records its changes was changed.
fn is_changed(request: &Request) -> bool {
    request.messages.is_changed()
        || request.tools.is_changed()
        || request.is_tool_choice_changed()
        || request.n.is_changed()
        || request.stop.is_changed()
        || request.response_format.is_changed()
        || request.reasoning.is_changed()
}

/// Writes a parameter of a dialect, or removes it.
fn write_param(
    dialect: Dialect,
    name: &str,
    value: Option<&String>,
    body: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Some(place) = dialect.params().path(name).or_else(|| name.strip_prefix('.')) else {
        if value.is_some() {
            diagnostics.record(DiagnosticCode::ParamDropped, name, "");
        }
        return;
    };
    let is_newer_limit = name == TOKEN_LIMIT && body_path::get(body, NEWER_TOKEN_LIMIT).is_some();
    let place = if is_newer_limit { NEWER_TOKEN_LIMIT } else { place };
    match value {
        Some(value) => body_path::set(body, place, value.clone()),
        None => drop(body_path::remove(body, place)),
    }
}

/// The values of the parameters, by OpenAI's names for them, as JSON; those of the client's dialect alone by a dot and
/// their key.
fn params_of(request: &Request, client: Dialect) -> BTreeMap<String, String> {
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let count = |value: Option<u64>| value.map(|value| value.to_string());
    let text = |value: &Option<String>| value.as_deref().map(encode_string);
    let stops: Vec<_> = request.stop.iter().map(|stop| encode_string(stop)).collect();
    let known = [
        ("temperature", number(request.temperature)),
        ("top_p", number(request.top_p)),
        ("top_k", count(request.top_k)),
        ("min_p", number(request.min_p)),
        ("repetition_penalty", number(request.repetition_penalty)),
        ("frequency_penalty", number(request.frequency_penalty)),
        ("presence_penalty", number(request.presence_penalty)),
        ("seed", request.seed.map(|seed| seed.to_string())),
        ("suffix", text(&request.suffix)),
        ("user", text(&request.user)),
        ("logit_bias", request.logit_bias.as_ref().map(|biases| biases.as_str().to_owned())),
        ("n", request.n.map(|n| n.to_string())),
        ("stop", (!request.stop.is_empty()).then(|| encode_array(&stops))),
        (TOKEN_LIMIT, request.max_tokens.map(|limit| limit.tokens.to_string())),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let shared = request.shared.iter().map(|(name, value)| (name.clone(), value.as_str().to_owned()));
    let own = request.extra.of(client.extra_fields_name()).iter();
    let own =
        own.map(|(key, value)| (format!(".{}", key.trim_start_matches('.')), value.as_str().to_owned()));
    known.chain(shared).chain(own).collect()
}

/// The texts of the signed blocks of each message.
fn signed_texts(request: &Request) -> Vec<Vec<String>> {
    let of = |message: &Message| message.blocks.iter().filter_map(signed_text).collect();
    request.messages.iter().map(of).collect()
}

/// What the signature of a block is for.
fn signed_text(block: &Block) -> Option<String> {
    match block {
        Block::Reasoning { text, signature: Some(_), .. } => Some(text.to_string()),
        Block::ToolCall { name, arguments, signature: Some(_), .. } => Some(format!("{name} {arguments}")),
        _ => None,
    }
}

fn remove_signature(block: &mut Block) {
    if let Block::Reasoning { signature, .. } | Block::ToolCall { signature, .. } = block {
        *signature = None;
    }
}

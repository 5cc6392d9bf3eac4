//! Whole answers: read from upstreams, written for clients.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>

use super::decode::malformed;
use super::encode::{Said, done, head, word};
use super::line::{Line, is_answer};
use super::{FAMILY, Form, MESSAGE, error, time};
use crate::canonical::{Asked, Block, Choice, Code, Diagnostics, Extra, Response};
use crate::error::UpstreamError;
use crate::json::Object;
use std::borrow::Cow;

/// Reads an answer of either form.
pub(super) fn decode(
    body: &[u8],
    asked: &mut Asked,
    notes: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let object = Object::parse(body.trim_ascii()).map_err(|_| malformed(body.trim_ascii()))?;
    if error::is_error(&object) {
        notes.note(Code::StatusPromoted, "error", "");
        return Err(error::in_body(&object));
    }
    if !is_answer(&object) {
        return Err(malformed(b""));
    }
    let mut line = Line::read(&object, notes);
    if !line.done {
        // The first line of a stream that broke off.
        return Err(UpstreamError::Truncated);
    }
    let mut choice = Choice::default();
    if !line.thinking.is_empty() {
        let text = std::mem::take(&mut line.thinking);
        choice.blocks.push(Block::Reasoning { text, signature: None, extra: Extra::default() });
    }
    if !line.content.is_empty() {
        choice.blocks.push(Block::text(std::mem::take(&mut line.content)));
    }
    let calls = std::mem::take(&mut line.calls);
    choice.finish = Some(line.finish(!calls.is_empty(), notes));
    for call in calls {
        let id = call.id.unwrap_or_else(|| asked.context.id("call_"));
        choice.blocks.push(Block::ToolCall {
            id,
            name: call.name,
            arguments: call.arguments,
            extra: call.extra,
        });
    }
    let mut extra = std::mem::take(&mut line.extra);
    extra.extend(line.odd_reason());
    if !line.message.is_empty() {
        choice.extra = Extra::new(FAMILY, line.message);
    }
    let mut response = Response::default();
    response.created = object.str("created_at").and_then(|t| time::seconds(&t));
    response.model = object.str("model").map(Cow::into_owned);
    response.usage = line.usage;
    if !extra.is_empty() {
        response.extra = Extra::new(FAMILY, extra);
    }
    response.choices.push(choice);
    Ok(response)
}

/// Writes an answer. There is one: of several the first is sent.
pub(super) fn encode(form: Form, response: &Response, asked: &mut Asked, notes: &mut Diagnostics) -> Vec<u8> {
    let mut said = Said::default();
    let choice = response.choices.first();
    if response.choices.len() > 1 {
        notes.note(Code::FeatureUnsupported, "choices", "more than one answer");
    }
    for block in choice.map(|c| c.blocks.as_slice()).unwrap_or_default() {
        match block {
            Block::Text { text, .. } => said.content.push_str(text),
            Block::Reasoning { text, signature, extra } => {
                said.thinking.push_str(text);
                if signature.is_some() || extra.of(FAMILY).len() < extra.members.len() {
                    notes.note(Code::FeatureUnsupported, MESSAGE, "an opaque part");
                }
            }
            Block::Refusal(text) => {
                notes.note(Code::ContentRewritten, MESSAGE, "a refusal as text");
                said.content.push_str(text);
            }
            Block::ToolCall { id, name, arguments, extra } => said.call(id, name, arguments, extra, notes),
            _ => notes.note(Code::FeatureUnsupported, MESSAGE, "media in an answer"),
        }
    }
    for extra in [Some(&response.extra), choice.map(|c| &c.extra)].into_iter().flatten() {
        if extra.of(FAMILY).is_empty() && !extra.is_empty() {
            notes.note(Code::ExtraDropped, "", extra.dialect);
        }
    }
    if let Some(choice) = choice {
        said.members.extend(choice.extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.get().to_owned())));
    }
    let model = response.model.as_ref().filter(|_| !asked.echo_model).unwrap_or(&asked.model);
    let created = response.created.unwrap_or_else(|| asked.context.created());
    let reason = choice.and_then(|c| c.finish.as_ref()).map_or("stop", word);
    let mut answer = head(model, created);
    said.write(form, &mut answer);
    let own: Vec<_> =
        response.extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.get().to_owned())).collect();
    done(&mut answer, reason, response.usage, asked.elapsed.map(|total| (total, None)), own, notes);
    let mut out = Vec::new();
    answer.write(&mut out);
    out
}

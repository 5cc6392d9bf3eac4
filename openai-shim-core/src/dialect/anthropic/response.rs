//! Non-streaming responses: message JSON to `Response` and back.
//!
//! <https://docs.anthropic.com/en/api/messages#response-id>

use super::client_tools::ToolsetCalls;
use super::names::{NAME, SIGNATURE_FORMAT};
use super::stop_reason::{self, ContentSummary};
use super::usage::{self, UsageCounts};
use super::{content_block, error, extra_fields};
use crate::canonical::{
    Block, COMPACTION, Choice, Citation, DiagnosticCode, Diagnostics, ExtraFields, Logprobs, Response,
    ResponseContext, ResponseSpec, WHOLE_BLOCK, foreign_object, html_page, issuer,
};
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, encode_string, raw, string_or_json, value_kind};
use std::borrow::Cow;

/// The fields of a message that our model has a place for.
pub(super) const MAPPED_FIELDS: [&str; 8] =
    ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"];

/// Reads the body of a response.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let object = match Object::parse(body) {
        Ok(object) => object,
        Err(_) if body.starts_with(b"<") => {
            return Err(html_page("an answer"));
        }
        Err(e) if e.is_eof() => return Err(UpstreamError::Truncated),
        Err(_) => return Err(UpstreamError::malformed("The upstream's answer is no JSON object.")),
    };
    if let Some(failure) = error::in_body(&object, diagnostics) {
        return Err(failure);
    }
    let has_content = object.array("content").is_some_and(|blocks| !blocks.is_empty());
    if !has_content && object.str("content").is_none() && object.non_null("stop_reason").is_none() {
        let is_message = object.get("content").is_some() || object.str("type").as_deref() == Some("message");
        return Err(if is_message { UpstreamError::Empty } else { foreign_object(&object) });
    }
    read(&object, diagnostics).without_failure(!spec.tools.is_empty(), diagnostics)
}

/// Reads a message.
pub(super) fn read(object: &Object<'_>, diagnostics: &mut Diagnostics) -> Response {
    let mut response = Response::default();
    response.id = object.str("id").map(Cow::into_owned).filter(|id| !id.is_empty());
    response.model = object.str("model").map(Cow::into_owned).filter(|model| !model.is_empty());
    let mut extra = extra_fields::read_non_null(object, &MAPPED_FIELDS);
    let mut choice = Choice::default();
    let mut blocks = Vec::new();
    match object.non_null("content").map(|content| (value_kind(content), content)) {
        Some((ValueKind::Array, _)) => {
            for (i, item) in object.array("content").unwrap_or_default().into_iter().enumerate() {
                match content_block::read(item) {
                    Some(block) => blocks.push(block),
                    None => {
                        diagnostics.record(
                            DiagnosticCode::FrameCorrupt,
                            &format!("content[{i}]"),
                            "no block",
                        );
                    }
                }
            }
        }
        Some((ValueKind::String, content)) => {
            diagnostics.record(DiagnosticCode::ContentRewritten, "content", "a text instead of blocks");
            blocks.push(Block::text(string_or_json(content)));
        }
        Some(_) => diagnostics.record(DiagnosticCode::FrameCorrupt, "content", "no list of blocks"),
        None => {}
    }
    if blocks.iter().any(|block| matches!(block, Block::ToolCall { name, .. } if name.is_empty())) {
        diagnostics.record(DiagnosticCode::ToolNameMissing, "content[].name", "");
    }
    choice.blocks = blocks.into_iter().map(native_as_text).collect();
    if let Some(reason) = object.str("stop_reason").filter(|reason| !reason.is_empty()) {
        let sequence = object.str("stop_sequence").map(Cow::into_owned);
        let read = stop_reason::read(&reason, sequence, diagnostics);
        choice.finish = Some(read.finish_reason);
        extra.extend(read.extra_field);
    }
    if let Some(usage) = object.object("usage") {
        let mut counts = UsageCounts::default();
        counts.read(&usage);
        response.usage = counts.usage();
        extra.extend(usage::extra_fields(&usage));
    }
    if !extra.is_empty() {
        response.extra = ExtraFields::new(NAME, extra);
    }
    response.choices.push(choice);
    response
}

/// Reads the citations that have a URL: of web search results, and of search results that the client sent. Returns whether
/// all have one; citations of documents have no counterpart in other dialects.
pub(super) fn citations(json: &str, out: &mut Vec<Citation>) -> bool {
    let mut have_all_urls = true;
    for citation in super::super::citations::objects(json) {
        let url = citation.str("url").or_else(|| citation.str("source")).filter(|url| url.contains("://"));
        match url {
            Some(url) => out.push(Citation::new(&url, citation.str("title").as_deref(), None)),
            None => have_all_urls = false,
        }
    }
    have_all_urls
}

/// Turns a block that only this dialect has into an empty text, which holds the block's JSON in its extra fields. A compaction
/// is text in a conversation, and no part of an answer.
fn native_as_text(block: Block) -> Block {
    let json = match &block {
        Block::Native { raw, .. } => Some(raw.as_str()),
        Block::Text { extra, .. } => extra.get(COMPACTION),
        _ => None,
    };
    let Some(json) = json else { return block };
    Block::Text { text: "".into(), extra: ExtraFields::new(NAME, vec![(WHOLE_BLOCK.to_owned(), raw(json))]) }
}

/// Writes a response.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut message = Object::new();
    message.set("id", encode_string(&response.id.clone().unwrap_or_else(|| context.new_id("msg_"))));
    message.set("type", "\"message\"");
    message.set("role", "\"assistant\"");
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    message.set("model", encode_string(model));
    if response.choices.len() > 1 {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices[1]", "more than one answer");
    }
    let empty = Choice::default();
    let choice = response.choices.first().unwrap_or(&empty);
    let toolset_calls = ToolsetCalls::new(&spec.echoed_params);
    let (mut content, mut summary) = (Vec::new(), ContentSummary::default());
    for (i, block) in choice.blocks.iter().enumerate() {
        summary.has_tool_calls |= matches!(block, Block::ToolCall { .. });
        summary.has_refusal |= matches!(block, Block::Refusal(_));
        let written = write_block(block, &format!("content[{i}]"), context, diagnostics);
        let is_call = matches!(block, Block::ToolCall { .. });
        content.extend(written.map(|json| if is_call { toolset_calls.restore(json) } else { json }));
    }
    message.set("content", format!("[{}]", content.join(",")));
    let written = stop_reason::write(choice.finish.as_ref(), summary, &response.extra);
    message.set("stop_reason", written.stop_reason);
    message.set("stop_sequence", written.stop_sequence);
    if response.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    message.set("usage", usage::write(response.usage.unwrap_or_default(), &response.extra));
    for (key, value) in response.extra.of(NAME) {
        if message.get(key).is_none() {
            message.set(key.as_str(), value.as_str());
        }
    }
    let logprobs = choice.logprobs.as_ref().map(Logprobs::to_extra).unwrap_or_default();
    for extra in [&response.extra, &choice.extra, &logprobs] {
        extra_fields::record_dropped(extra, "", diagnostics);
    }
    let mut out = Vec::new();
    message.write(&mut out);
    out
}

/// Writes a block of a response; `None` for an empty one.
fn write_block(
    block: &Block,
    field_path: &str,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    match block {
        Block::Text { text, extra } if text.is_empty() && extra.of(NAME).is_empty() => {
            extra_fields::record_dropped(extra, field_path, diagnostics);
            None
        }
        Block::Refusal(text) if text.is_empty() => None,
        Block::Reasoning { text, signature, extra } => {
            extra_fields::record_dropped(extra, field_path, diagnostics);
            let signature =
                issuer::tag_issuer(signature.as_deref().unwrap_or_default(), extra, SIGNATURE_FORMAT);
            if text.is_empty() && signature.is_empty() {
                return None;
            }
            Some(content_block::write_thinking(text, &signature, extra))
        }
        Block::ToolCall { id, name, arguments, signature, extra } if id.is_empty() => {
            let id = context.new_id("toolu_");
            let id = content_block::id_with_signature(&id, signature.as_deref(), field_path, diagnostics);
            extra_fields::record_dropped(extra, field_path, diagnostics);
            let input = content_block::input_object(arguments, field_path, diagnostics);
            Some(content_block::tool_use(&id, name, &input, extra))
        }
        other => content_block::write(other, field_path, diagnostics),
    }
}

//! Whole answers: read from upstreams, written for clients.
//!
//! <https://platform.openai.com/docs/api-reference/responses/object>

use super::content_part::{ITEM, arguments, is_call, leftovers, object_of, part, thoughts, without};
use super::encode::ResponsesEncoder;
use super::{NAME, encrypted_content, error, tools, usage};
use crate::canonical::{
    Block, Choice, DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Response, ResponseContext,
    ResponseSpec, unfold,
};
use crate::dialect::Encoder;
use crate::error::UpstreamError;
use crate::json::{Object, raw, string_or_json};
use std::borrow::Cow;

/// Reads an answer.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Response, UpstreamError> {
    let Ok(answer) = Object::parse(body) else {
        return Err(not_json(body));
    };
    read(&answer, diagnostics)
}

/// What is said of a body that is not of this dialect.
pub(super) fn not_json(body: &[u8]) -> UpstreamError {
    let page = body.trim_ascii_start().starts_with(b"<");
    UpstreamError::malformed(if page {
        "The upstream answered with an HTML page instead of a response."
    } else {
        "The upstream's answer is not a response in JSON."
    })
}

/// Reads a response object.
pub(super) fn read(answer: &Object<'_>, diagnostics: &mut Diagnostics) -> Result<Response, UpstreamError> {
    let output = answer.array("output");
    let failed = matches!(answer.str("status").as_deref(), Some("failed" | "cancelled"));
    let has_error = answer.non_null("error").is_some() || answer.get("detail").is_some();
    if failed || (has_error && output.is_none()) || answer.str("type").as_deref() == Some("error") {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error in a successful answer");
        let told = error::in_body(answer);
        return Err(told.unwrap_or_else(|| {
            UpstreamError::malformed("The upstream's response failed without saying why.")
        }));
    }
    let Some(output) = output else {
        return Err(UpstreamError::malformed("The upstream's answer is no response: it has no `output`."));
    };
    let mut response = Response::default();
    response.id = answer.str("id").map(Cow::into_owned).filter(|id| !id.is_empty());
    // Some servers write times with a fraction.
    let created = answer.get("created_at").and_then(|c| c.trim().split('.').next());
    response.created = created.and_then(|c| c.parse().ok());
    response.model = answer.str("model").map(Cow::into_owned);
    response.usage = answer.non_null("usage").and_then(usage::read);
    let mut choice = Choice::default();
    // Some servers put their thinking where others repeat how much of it was asked for.
    if let Some(text) = answer.str("reasoning").filter(|text| !text.trim().is_empty()) {
        diagnostics.record(DiagnosticCode::ReasoningRenamed, "reasoning", "");
        let (signature, extra) = (None, ExtraFields::default());
        choice.blocks.push(Block::Reasoning { text: text.into(), signature, extra });
    }
    for item in output {
        choice.blocks.extend(blocks(item, diagnostics));
    }
    choice.finish = Some(finish(answer, calls(&choice.blocks), diagnostics));
    response.choices.push(choice);
    Ok(response)
}

fn calls(blocks: &[Block]) -> bool {
    blocks.iter().any(|block| matches!(block, Block::ToolCall { .. }))
}

/// Why a response ended, as far as it says so.
pub(super) fn finish(answer: &Object<'_>, calls: bool, diagnostics: &mut Diagnostics) -> FinishReason {
    let details = answer.object("incomplete_details");
    let reason = details.as_ref().and_then(|d| d.str("reason"));
    let incomplete = answer.str("status").as_deref() == Some("incomplete") || reason.is_some();
    match (incomplete, reason.as_deref()) {
        (true, Some("content_filter")) => FinishReason::ContentFilter,
        (true, Some("max_output_tokens" | "max_tokens" | "length")) => FinishReason::Length,
        (true, reason) => {
            diagnostics.record(
                DiagnosticCode::FinishReasonMapped,
                "incomplete_details.reason",
                reason.unwrap_or("none"),
            );
            FinishReason::Length
        }
        (false, _) if calls => FinishReason::ToolCalls,
        (false, _) => FinishReason::Stop,
    }
}

/// The blocks of one item of an output.
pub(super) fn blocks(json: &str, diagnostics: &mut Diagnostics) -> Vec<Block> {
    let item = object_of(json);
    let kind = item.str("type").unwrap_or_default();
    match kind.as_ref() {
        "message" => message(&item, diagnostics),
        "reasoning" => {
            let text = thoughts(&item);
            let signature = item.str("encrypted_content").map(Cow::into_owned).filter(|s| !s.is_empty());
            let extra = match signature {
                Some(_) => encrypted_content::marks(item.get("id"), text.is_empty()),
                None => leftovers(&item, &["type", "encrypted_content", "status"]),
            };
            vec![Block::Reasoning { text: text.into(), signature: signature.map(Into::into), extra }]
        }
        kind => match is_call(kind) {
            Some(custom) => vec![call(&item, custom, diagnostics)],
            None => vec![Block::Native { dialect: NAME, raw: raw(json) }],
        },
    }
}

fn message(item: &Object<'_>, diagnostics: &mut Diagnostics) -> Vec<Block> {
    let mut blocks = Vec::new();
    let parts = item.array("content");
    if parts.is_none()
        && let Some(words) = item.str("content")
    {
        diagnostics.record(DiagnosticCode::ContentJoined, "output[].content", "");
        blocks.push(Block::text(words));
    }
    for json in parts.unwrap_or_default() {
        match part(json) {
            // A refusal may stand in a part that is called text.
            Some(Block::Text { text, .. })
                if text.is_empty() && object_of(json).non_null("refusal").is_some() =>
            {
                let words = object_of(json)
                    .get("refusal")
                    .map(|r| string_or_json(r).into_owned())
                    .unwrap_or_default();
                blocks.push(Block::Refusal(words.into()));
            }
            Some(Block::Text { text, extra }) => {
                let kept = extra
                    .into_members()
                    .into_iter()
                    .filter(|(key, value)| key != ".type" && !matches!(value.get().trim(), "[]" | "null"));
                blocks.push(Block::Text { text, extra: ExtraFields::new(NAME, kept.collect()) });
            }
            Some(block) => blocks.push(block),
            None => blocks.push(Block::Native { dialect: NAME, raw: raw(json) }),
        }
    }
    if blocks.iter().any(|block| matches!(block, Block::Native { .. })) {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "output[].content",
            "a part that is not known",
        );
        blocks.retain(|block| !matches!(block, Block::Native { .. }));
    }
    if let Some(Block::Text { extra, .. }) = blocks.first_mut() {
        extra.dialect = NAME;
        extra.members.push((ITEM.to_owned(), raw(without(item, &["type", "role", "content"]))));
    }
    blocks
}

/// A call of a function or of a custom tool.
pub(super) fn call(item: &Object<'_>, custom: bool, diagnostics: &mut Diagnostics) -> Block {
    let own = item.str("name").unwrap_or_default();
    if own.is_empty() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, "output[].name", "");
    }
    let space = item.str("namespace");
    let name = tools::flat(space.as_deref(), &own);
    let mut known = vec!["type", "call_id", "name", "arguments", "input", "status"];
    if name != *own {
        known.retain(|key| *key != "name");
    }
    let extra = leftovers(item, &known);
    // What is null in a call says nothing.
    let extra = ExtraFields::new(
        NAME,
        extra.into_members().into_iter().filter(|(_, v)| v.get().trim() != "null").collect(),
    );
    Block::ToolCall {
        id: item.str("call_id").or_else(|| item.str("id")).unwrap_or_default().into_owned(),
        name,
        arguments: arguments(item, custom),
        signature: None,
        extra,
    }
}

/// Writes an answer: its events, of which only the last one's object is kept.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut encoder = ResponsesEncoder::new(spec.clone(), context.clone(), true);
    let mut unread = Vec::new();
    for event in unfold(response) {
        encoder.event(&event, &mut unread);
    }
    let written = encoder.response();
    diagnostics.extend(encoder.diagnostics());
    *context = encoder.into_context();
    written.into_bytes()
}

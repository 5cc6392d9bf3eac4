//! Non-streaming responses: response objects to `Response` and back.
//!
//! <https://platform.openai.com/docs/api-reference/responses/object>

use super::echoed_params::ECHOED_PARAMS;
use super::encode::{EventOutput, ResponsesEncoder};
use super::names::NAME;
use super::{error, output_item, usage};
use crate::canonical::{
    Block, Choice, DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Logprobs, Response,
    ResponseContext, ResponseSpec, foreign_object, html_page, time, unfold,
};
use crate::dialect::Encoder;
use crate::dialect::openai_error::in_any_form;
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, items, raw, value_kind};
use std::borrow::Cow;

/// Decodes a response body.
pub(super) fn decode(body: &[u8], diagnostics: &mut Diagnostics) -> Result<Response, UpstreamError> {
    let Ok(object) = Object::parse(body) else {
        return Err(not_json(body));
    };
    decode_object(&object, diagnostics)
}

/// Returns the error for a body that is no JSON object.
pub(super) fn not_json(body: &[u8]) -> UpstreamError {
    if body.trim_ascii_start().starts_with(b"<") {
        return html_page("an answer");
    }
    UpstreamError::malformed("The upstream's answer is not a response in JSON.")
}

/// Decodes a response object.
pub(super) fn decode_object(
    object: &Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let output = object.array("output");
    let has_failed = error::failure_word(object).is_some();
    let has_error = object.non_null("error").is_some() || object.get("detail").is_some();
    if has_failed || (has_error && output.is_none()) || object.str("type").as_deref() == Some("error") {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error in a successful answer");
        return Err(error::in_failed_response(object, diagnostics));
    }
    let Some(output) = output else {
        let failure = in_any_form(object, diagnostics);
        if failure.is_some() {
            diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error in a successful answer");
        }
        return Err(failure.unwrap_or_else(|| foreign_object(object)));
    };
    let mut response = Response::default();
    response.id = object.str("id").map(Cow::into_owned).filter(|id| !id.is_empty());
    response.created = created_at(object);
    response.model = object.str("model").map(Cow::into_owned);
    response.usage = object.non_null("usage").and_then(usage::decode);
    let mut choice = Choice::default();
    // Some servers put the reasoning where others repeat the request's parameter.
    if let Some(text) = object.str("reasoning").filter(|text| !text.trim().is_empty()) {
        diagnostics.record(DiagnosticCode::ReasoningRenamed, "reasoning", "");
        let (signature, extra) = (None, ExtraFields::default());
        choice.blocks.push(Block::Reasoning { text: text.into(), signature, extra });
    }
    for item in output {
        choice.blocks.extend(output_item::decode(item, diagnostics));
    }
    choice.logprobs = take_logprobs(&mut choice.blocks);
    response.extra = extra_fields(object);
    let has_calls = choice.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. }));
    choice.finish = Some(finish_reason(object, has_calls, diagnostics));
    response.choices.push(choice);
    response.without_failure(false, diagnostics)
}

/// Decodes `created_at`: seconds since 1970, which some servers write with a fraction, in another unit or as text.
pub(super) fn created_at(response: &Object<'_>) -> Option<u64> {
    response.get("created_at").and_then(time::read_seconds)
}

/// Takes the log probabilities out of the texts, whose parts have them.
fn take_logprobs(blocks: &mut [Block]) -> Option<Logprobs> {
    let mut all = Logprobs::default();
    for block in blocks {
        let Block::Text { extra, .. } = block else { continue };
        if let Some(tokens) = extra.get("logprobs").and_then(items) {
            all.content.extend(tokens.into_iter().map(raw));
            extra.members.retain(|(key, _)| key != "logprobs");
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The fields of a response that our model has a place for, or that say nothing of the answer.
const KNOWN_FIELDS: [&str; 16] = [
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "model",
    "output",
    "output_text",
    "usage",
    "error",
    "incomplete_details",
    "billing",
    "conversation",
    "prompt",
    "prompt_cache_retention",
    "parallel_tool_calls",
];

/// Returns the fields of a response that are neither known nor repeated from the request.
pub(super) fn extra_fields(response: &Object<'_>) -> ExtraFields {
    let is_extra =
        |key: &str| !KNOWN_FIELDS.contains(&key) && !ECHOED_PARAMS.iter().any(|(echoed, _)| *echoed == key);
    let fields = response.iter().filter(|(key, value)| is_extra(key) && value_kind(value) != ValueKind::Null);
    let fields: Vec<_> = fields.map(|(key, value)| (key.to_owned(), raw(value))).collect();
    if fields.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, fields) }
}

/// Decodes the finish reason from `status` and `incomplete_details`.
pub(super) fn finish_reason(
    response: &Object<'_>,
    has_calls: bool,
    diagnostics: &mut Diagnostics,
) -> FinishReason {
    let details = response.object("incomplete_details");
    let reason = details.as_ref().and_then(|d| d.str("reason"));
    let is_incomplete = response.str("status").as_deref() == Some("incomplete") || reason.is_some();
    match (is_incomplete, reason.as_deref()) {
        (true, Some(word)) => match FinishReason::read(word) {
            Some(known @ (FinishReason::Length | FinishReason::ContentFilter | FinishReason::Refusal)) => {
                known
            }
            Some(failed @ FinishReason::Failed { .. }) => {
                diagnostics.record(DiagnosticCode::FinishReasonFailed, "incomplete_details.reason", word);
                failed
            }
            _ => {
                diagnostics.record(DiagnosticCode::FinishReasonUnknown, "incomplete_details.reason", word);
                FinishReason::Unknown(word.to_owned())
            }
        },
        (true, None) => {
            diagnostics.record(DiagnosticCode::FinishReasonUnknown, "incomplete_details.reason", "none");
            FinishReason::Length
        }
        (false, _) if has_calls => FinishReason::ToolCalls,
        (false, _) => FinishReason::Stop,
    }
}

/// Encodes a response: its events, of which only the response object at the end is written.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut encoder = ResponsesEncoder::new(spec.clone(), context.clone(), EventOutput::Discard);
    let mut discarded = Vec::new();
    for event in unfold(response) {
        encoder.event(&event, &mut discarded);
    }
    let encoded = encoder.final_response();
    diagnostics.extend(encoder.diagnostics());
    *context = encoder.into_context();
    encoded.into_bytes()
}

//! Non-streaming responses: JSON to `Response` and back.
//!
//! <https://ai.google.dev/api/generate-content#generatecontentresponse>

use super::super::cited;
use super::citations::{self, CitedText};
use super::decode::GeminiDecoder;
use super::json_keys::parse_object;
use super::names::NAME;
use super::parts::{self, FunctionCallPart};
use super::repeated_calls::RepeatedCalls;
use super::response_object::{
    MAPPED_CANDIDATE_FIELDS, MAPPED_FIELDS, PARTS_PATH, is_prompt_blocked, is_response, new_candidate,
};
use super::{error, extra_fields, finish_reason, logprobs, usage};
use crate::canonical::{
    Block, Choice, Citation, CitedSources, DiagnosticCode, Diagnostics, ExtraFieldList, ExtraFields,
    FinishReason, Fold, Response, ResponseContext, ResponseSpec, TextLength, foreign_object, html_page,
};
use crate::dialect::Decoder as _;
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// Decodes a response. A stream that arrives as an array is folded.
pub(super) fn decode(
    body: &[u8],
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    if let Ok(items) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(text) {
        return fold_chunks(&items, context, diagnostics);
    }
    if text.trim_start().starts_with('<') {
        return Err(html_page("an answer"));
    }
    let Some(object) = parse_object(text) else {
        return Err(UpstreamError::malformed("The upstream answered with text that is not a JSON object."));
    };
    if let Some(error) = error::in_body(&object, text, diagnostics) {
        return Err(error);
    }
    if !is_response(&object) {
        return Err(foreign_object(&object));
    }
    let shortened = RepeatedCalls::default().drop_from(text, diagnostics);
    let object = shortened.as_deref().and_then(parse_object).unwrap_or(object);
    let mut response = Response::default();
    response.id = object.str("responseId").filter(|id| !id.is_empty()).map(Cow::into_owned);
    response.model = object.str("modelVersion").map(Cow::into_owned);
    let usage = object.get("usageMetadata").and_then(parse_object);
    if let Some(usage) = &usage {
        usage::report_malformed_counts(usage, diagnostics);
    }
    response.usage = usage.as_ref().and_then(usage::read);
    let mut extra = extra_fields::read(&object, &MAPPED_FIELDS).into_members();
    extra.extend(usage.as_ref().map(usage::extra_fields).unwrap_or_default());
    response.extra = extra_fields::of(extra);
    for (i, item) in object.array("candidates").unwrap_or_default().into_iter().enumerate() {
        let Some(candidate) = parse_object(item) else { continue };
        response.choices.push(decode_candidate(&candidate, i, context, diagnostics));
    }
    if response.choices.is_empty() && is_prompt_blocked(&object) {
        let mut blocked = Choice::default();
        blocked.finish = Some(FinishReason::ContentFilter);
        response.choices.push(blocked);
    }
    Ok(response)
}

fn fold_chunks(
    items: &[&serde_json::value::RawValue],
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let mut decoder = GeminiDecoder::observing(context.clone());
    let (mut events, mut fold) = (Vec::new(), Fold::new());
    for item in items {
        decoder.frame(Frame::Line(item.get().as_bytes()), &mut events);
    }
    decoder.finish(&mut events);
    diagnostics.record(DiagnosticCode::StreamFolded, "", "");
    diagnostics.extend(decoder.diagnostics());
    for event in &events {
        fold.event(event);
    }
    fold.finish()
}

fn decode_candidate(
    object: &Object<'_>,
    i: usize,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Choice {
    let mut choice = Choice::default();
    let default_index = u32::try_from(i).unwrap_or(u32::MAX);
    choice.index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(default_index);
    let content = object.get("content").and_then(parse_object).unwrap_or_default();
    for part in content.array("parts").unwrap_or_default() {
        let mut block = parts::read_response_part(part);
        if let Block::ToolCall { id, .. } = &mut block
            && id.is_empty()
        {
            *id = context.new_id("call_");
            diagnostics.record(
                DiagnosticCode::ToolIdSynthesized,
                "candidates[].content.parts[].functionCall.id",
                "",
            );
        }
        choice.blocks.push(block);
    }
    let mut extra = extra_fields::read(object, &MAPPED_CANDIDATE_FIELDS).into_members();
    choice.logprobs = object.get(logprobs::FIELD).and_then(logprobs::read);
    extra.retain(|(key, _)| key != logprobs::FIELD || choice.logprobs.is_none());
    if let Some(json) = object.non_null("finishReason") {
        let reason = finish_reason::read(json, object.non_null("finishMessage"), diagnostics);
        if json.trim() != encode_string(finish_reason::write(&reason)) {
            extra.push((String::from("finishReason"), raw(json)));
        }
        let has_tool_calls = choice.blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
        let is_tool_stop = has_tool_calls && reason == FinishReason::Stop;
        choice.finish = Some(if is_tool_stop { FinishReason::ToolCalls } else { reason });
    } else {
        diagnostics.record(DiagnosticCode::FinishReasonDerived, "candidates[].finishReason", "");
    }
    choice.extra = extra_fields::of(extra);
    choice
}

/// Encodes a response.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut object = Object::new();
    let sources = foreign_citations(&response.extra);
    let has_prompt_feedback = response.extra.of(NAME).iter().any(|(key, _)| key == "promptFeedback");
    let has_content = response.choices.iter().any(|choice| !choice.blocks.is_empty());
    if has_content || !has_prompt_feedback {
        let choices = response.choices.iter();
        let candidates: Vec<_> =
            choices.map(|choice| encode_choice(choice, &sources.list, context, diagnostics)).collect();
        object.set("candidates", format!("[{}]", candidates.join(",")));
    }
    usage::report_unsupported(response.usage.as_ref(), diagnostics);
    match usage::write(response.usage.as_ref(), response.extra.of(NAME)) {
        Some(usage) => object.set("usageMetadata", usage),
        None => diagnostics.record(DiagnosticCode::UsageMissing, "usageMetadata", ""),
    }
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    object.set("modelVersion", encode_string(model));
    object.set("responseId", encode_string(&response.id.clone().unwrap_or_else(|| context.new_id(""))));
    sources.rest.report(NAME, "", diagnostics);
    for (key, value) in response.extra.of(NAME).iter().filter(|(key, _)| !key.contains('.')) {
        object.set(key.as_str(), value.as_str());
    }
    let mut out = Vec::new();
    object.write(&mut out);
    out
}

/// Reads the citations in extra fields of another dialect; this dialect's fields are written as they are.
fn foreign_citations(extra: &ExtraFieldList) -> CitedSources {
    if extra.dialect == NAME { CitedSources { list: Vec::new(), rest: extra.clone() } } else { cited(extra) }
}

fn encode_choice(
    choice: &Choice,
    response_citations: &[Citation],
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut parts = Vec::new();
    let (mut length, mut cited_texts) = (TextLength::default(), Vec::new());
    for block in &choice.blocks {
        match block {
            Block::Text { text, extra } => {
                let start = length;
                length.add(text);
                let CitedSources { list, rest } = foreign_citations(extra);
                rest.report(NAME, PARTS_PATH, diagnostics);
                let end = length;
                let list = list.into_iter();
                cited_texts.extend(list.map(|citation| CitedText { citation, start, end }));
                parts::write_text(text, extra, &mut parts);
            }
            Block::Reasoning { text, signature, extra } => {
                extra.report(NAME, PARTS_PATH, diagnostics);
                parts.push(parts::write_thought(text, signature.as_deref(), extra));
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, PARTS_PATH, "a refusal, as text");
                parts::write_text(text, &ExtraFields::default(), &mut parts);
            }
            Block::ToolCall { id, name, arguments, signature, extra } => {
                extra.report(NAME, PARTS_PATH, diagnostics);
                let id = if id.is_empty() { context.new_id("call_") } else { id.clone() };
                let signature = signature.as_deref();
                let part = FunctionCallPart { id: &id, name, arguments, signature, extra };
                parts.push(part.into_json(PARTS_PATH, diagnostics));
            }
            Block::Image(_) | Block::Audio(_) | Block::File(_) => {
                parts.extend(parts::write_media(block, PARTS_PATH, diagnostics));
            }
            Block::Native { dialect: NAME, raw } => parts.push(raw.as_str().to_owned()),
            _ => diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                PARTS_PATH,
                "a block of another dialect",
            ),
        }
    }
    let CitedSources { list, rest } = foreign_citations(&choice.extra);
    let (start, end) = (TextLength::default(), length);
    let of_response = response_citations.iter().cloned().chain(list);
    cited_texts.extend(of_response.map(|citation| CitedText { citation, start, end }));
    rest.report(NAME, "candidates[]", diagnostics);
    let reason = finish_reason::write(choice.finish.as_ref().unwrap_or(&FinishReason::Stop));
    let mut object = new_candidate(&parts.join(","), choice.index, Some(encode_string(reason)));
    if let Some(logprobs) = choice.logprobs.as_ref().filter(|logprobs| !logprobs.content.is_empty()) {
        object.set(logprobs::FIELD, logprobs::write(logprobs));
    }
    if !cited_texts.is_empty() {
        object.set(citations::GROUNDING, citations::write(&cited_texts));
    }
    for (key, value) in choice.extra.of(NAME) {
        object.set(key.clone(), value.as_str().to_owned());
    }
    object.to_json()
}

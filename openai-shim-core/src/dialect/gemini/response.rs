//! Whole answers: read from upstreams, written for clients.
//!
//! <https://ai.google.dev/api/generate-content#generatecontentresponse>

use super::super::cited;
use super::encode::candidate;
use super::{NAME, citations, decode, error, finish_reason, leftovers, parts, read, usage};
use crate::canonical::{
    Block, Choice, Citation, CitedSources, DiagnosticCode, Diagnostics, ExtraFieldList, ExtraFields,
    FinishReason, Fold, Response, ResponseContext, ResponseSpec, TextLength,
};
use crate::dialect::Decoder as _;
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// Members of an answer that the canonical model has a place for.
pub(super) const KNOWN: [&str; 4] = ["candidates", "usageMetadata", "modelVersion", "responseId"];

/// Reads an answer; a stream that came as an array is folded.
pub(super) fn decode(
    body: &[u8],
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    if let Ok(items) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(text) {
        return fold(&items, context, diagnostics);
    }
    let Some(answer) = read(text) else {
        return Err(UpstreamError::malformed("The upstream answered with text that is not a JSON object."));
    };
    if let Some(error) = error::in_body(&answer, diagnostics) {
        return Err(error);
    }
    if !is_answer(&answer) {
        return Err(UpstreamError::malformed("The upstream's answer has neither candidates nor feedback."));
    }
    let mut response = Response::default();
    response.id = answer.str("responseId").filter(|id| !id.is_empty()).map(Cow::into_owned);
    response.model = answer.str("modelVersion").map(Cow::into_owned);
    let counts = answer.get("usageMetadata").and_then(read);
    response.usage = counts.as_ref().and_then(usage::read);
    let mut extra = leftovers(&answer, &KNOWN).into_members();
    extra.extend(counts.as_ref().map(usage::beside).unwrap_or_default());
    response.extra = if extra.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, extra) };
    for (at, item) in answer.array("candidates").unwrap_or_default().into_iter().enumerate() {
        let Some(candidate) = read(item) else { continue };
        response.choices.push(choice(&candidate, at, context, diagnostics));
    }
    if response.choices.is_empty() && is_blocked(&answer) {
        let mut blocked = Choice::default();
        blocked.finish = Some(FinishReason::ContentFilter);
        response.choices.push(blocked);
    }
    Ok(response)
}

/// Whether an object is an answer, or a piece of one.
pub(super) fn is_answer(object: &Object<'_>) -> bool {
    ["candidates", "promptFeedback", "usageMetadata"].iter().any(|key| object.non_null(key).is_some())
}

/// Whether the prompt was refused.
pub(super) fn is_blocked(answer: &Object<'_>) -> bool {
    let feedback = answer.get("promptFeedback").and_then(read);
    feedback.is_some_and(|feedback| feedback.non_null("blockReason").is_some())
}

fn fold(
    items: &[&serde_json::value::RawValue],
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let mut decoder = decode::GeminiDecoder::new(context.clone());
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

fn choice(
    object: &Object<'_>,
    at: usize,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Choice {
    let mut choice = Choice::default();
    let position = u32::try_from(at).unwrap_or(u32::MAX);
    choice.index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(position);
    let content = object.get("content").and_then(read).unwrap_or_default();
    for part in content.array("parts").unwrap_or_default() {
        let mut block = parts::read_answer(part);
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
    let mut extra = leftovers(object, &["index", "content", "finishReason"]).into_members();
    if let Some(word) = object.non_null("finishReason") {
        let reason = finish_reason::read(word, diagnostics);
        if word.trim() != encode_string(finish_reason::write(&reason)) {
            extra.push((String::from("finishReason"), raw(word)));
        }
        let calls = choice.blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
        choice.finish =
            Some(if calls && reason == FinishReason::Stop { FinishReason::ToolCalls } else { reason });
    } else {
        diagnostics.record(DiagnosticCode::FinishReasonDerived, "candidates[].finishReason", "");
    }
    choice.extra = if extra.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, extra) };
    choice
}

/// Writes an answer.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut answer = Object::new();
    let beside = foreign(&response.extra);
    let feedback = response.extra.of(NAME).iter().any(|(key, _)| key == "promptFeedback");
    let said = response.choices.iter().any(|choice| !choice.blocks.is_empty());
    if said || !feedback {
        let choices: Vec<_> =
            response.choices.iter().map(|c| encode_choice(c, &beside.list, context, diagnostics)).collect();
        answer.set("candidates", format!("[{}]", choices.join(",")));
    }
    usage::lost(response.usage.as_ref(), diagnostics);
    match usage::write(response.usage.as_ref(), response.extra.of(NAME)) {
        Some(counts) => answer.set("usageMetadata", counts),
        None => diagnostics.record(DiagnosticCode::UsageMissing, "usageMetadata", ""),
    }
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    answer.set("modelVersion", encode_string(model));
    answer.set("responseId", encode_string(&response.id.clone().unwrap_or_else(|| context.new_id(""))));
    beside.rest.report(NAME, "", diagnostics);
    for (key, value) in response.extra.of(NAME).iter().filter(|(key, _)| !key.contains('.')) {
        answer.set(key.as_str(), value.get());
    }
    let mut out = Vec::new();
    answer.write(&mut out);
    out
}

/// What another dialect's leftovers cite; this one's own stay as they are.
fn foreign(extra: &ExtraFieldList) -> CitedSources {
    if extra.dialect == NAME { CitedSources { list: Vec::new(), rest: extra.clone() } } else { cited(extra) }
}

fn encode_choice(
    choice: &Choice,
    beside: &[Citation],
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> String {
    const AT: &str = "candidates[].content.parts";
    let mut out = Vec::new();
    let (mut length, mut sources) = (TextLength::default(), Vec::new());
    for block in &choice.blocks {
        match block {
            Block::Text { text, extra } => {
                let from = length;
                length.add(text);
                let CitedSources { list, rest } = foreign(extra);
                rest.report(NAME, AT, diagnostics);
                sources.extend(list.into_iter().map(|one| (one, from, length)));
                parts::words(text, extra, &mut out);
            }
            Block::Reasoning { text, signature, extra } => {
                extra.report(NAME, AT, diagnostics);
                out.push(parts::thought(text, signature.as_deref(), extra));
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, AT, "a refusal, as text");
                parts::words(text, &ExtraFields::default(), &mut out);
            }
            Block::ToolCall { id, name, arguments, signature, extra } => {
                extra.report(NAME, AT, diagnostics);
                let id = if id.is_empty() { context.new_id("call_") } else { id.clone() };
                let call = (id.as_str(), name.as_str(), arguments.as_str());
                out.push(parts::write_call(call, signature.as_deref(), extra, (AT, diagnostics)));
            }
            Block::Image(media) | Block::Audio(media) | Block::File(media) => {
                out.extend(parts::media(media, (AT, diagnostics)));
            }
            Block::Native { dialect: NAME, raw } => out.push(raw.get().to_owned()),
            _ => diagnostics.record(DiagnosticCode::FeatureUnsupported, AT, "a block of another dialect"),
        }
    }
    if let Some(logprobs) = &choice.logprobs {
        logprobs.to_extra().report(NAME, "candidates[]", diagnostics);
    }
    let CitedSources { list, rest } = foreign(&choice.extra);
    let all = beside.iter().cloned().chain(list);
    sources.extend(all.map(|one| (one, TextLength::default(), length)));
    rest.report(NAME, "candidates[]", diagnostics);
    let word = finish_reason::write(choice.finish.as_ref().unwrap_or(&FinishReason::Stop));
    let mut object = candidate(&out.join(","), choice.index, Some(encode_string(word)));
    if !sources.is_empty() {
        object.set(citations::GROUNDING, citations::write(&sources));
    }
    for (key, value) in choice.extra.of(NAME) {
        object.set(key.clone(), value.get().to_owned());
    }
    object.to_json()
}

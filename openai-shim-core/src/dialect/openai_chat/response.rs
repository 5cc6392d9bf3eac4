//! Whole answers: read from upstreams, written for clients.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object>

use super::super::cited;
use super::decode::{SEALED, ending, word};
use super::repair::{TagWriter, read_usage, whole, write_usage};
use super::{NAME, citations, note_lost, reasoning_details, tool_call};
use crate::canonical::{
    Block, Choice, CitedSources, DiagnosticCode, Diagnostics, ExtraFieldList, ExtraFields, FinishReason,
    Logprobs, ReasoningStyle, Response, ResponseContext, ResponseSpec, ResponseSummary, TextLength,
    TurnStorage, unfold,
};
use crate::error::UpstreamError;
use crate::json::{Object, decode_string, encode_string, raw};
use std::borrow::Cow;

/// Reads an answer: mended first, so that what is left is plain.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    // How reasoning is shown is the business of the client's dialect.
    let in_field;
    let spec = match spec.reasoning {
        ReasoningStyle::Field => spec,
        ReasoningStyle::Tags => {
            in_field = ResponseSpec { reasoning: ReasoningStyle::Field, ..spec.clone() };
            &in_field
        }
    };
    let (answer, _) = whole(body, spec, context, diagnostics)?;
    let mut response = Response::default();
    response.id = answer.str("id").map(Cow::into_owned);
    response.created = answer.u64("created");
    response.model = answer.str("model").map(Cow::into_owned);
    // Whether counts are missing is the business of the client's dialect, too.
    let missing = diagnostics.discard(DiagnosticCode::UsageMissing);
    response.usage = answer.get("usage").and_then(read_usage).filter(|_| !missing);
    response.extra = rest(&answer, &["id", "object", "created", "model", "choices", "usage"]);
    for item in answer.array("choices").unwrap_or_default() {
        let Ok(object) = Object::parse(item.as_bytes()) else { continue };
        response.choices.push(decode_choice(&object));
    }
    Ok(response)
}

/// What was seen of an answer that passes as it is, with what is sealed in it.
pub(super) fn noting(
    answer: &Object<'_>,
    mut summary: ResponseSummary,
    spec: &ResponseSpec,
) -> ResponseSummary {
    if spec.turn_storage == TurnStorage::None {
        return summary;
    }
    let choices = answer.array("choices").unwrap_or_default();
    if spec.records_whole_turn() || choices.iter().any(|choice| choice.contains(SEALED)) {
        let mut response = Response::default();
        let choices = choices.into_iter().filter_map(|item| Object::parse(item.as_bytes()).ok());
        response.choices = choices.map(|choice| decode_choice(&choice)).collect();
        for event in &unfold(&response) {
            summary.turn.event(event);
        }
    }
    summary
}

fn decode_choice(object: &Object<'_>) -> Choice {
    let mut choice = Choice::default();
    choice.index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
    choice.finish = object.str("finish_reason").map(|word| ending(&word, object));
    choice.logprobs = object.get("logprobs").and_then(Logprobs::read);
    choice.extra = rest(object, &["index", "message", "finish_reason", "logprobs"]);
    let message = object.object("message").unwrap_or_default();
    let mut extra = rest(&message, &super::SAID);
    let thoughts = message.get("reasoning_content").and_then(decode_string).unwrap_or_default();
    let beside = Some(thoughts.as_ref()).filter(|thoughts| !thoughts.is_empty());
    let details = message.get("reasoning_details");
    let signed = details.map(|details| reasoning_details::read(details, beside)).unwrap_or_default();
    if beside.is_some() || !signed.is_empty() {
        // Opaque reasoning belongs to the reasoning that it signs.
        let (own, others) =
            extra.into_members().into_iter().partition(|(key, _)| key.starts_with("reasoning"));
        extra = ExtraFields::new(NAME, others);
        match beside.filter(|_| signed.is_empty()) {
            Some(text) => choice.blocks.push(Block::Reasoning {
                text: text.into(),
                signature: None,
                extra: ExtraFields::new(NAME, own),
            }),
            None => choice.blocks.extend(signed),
        }
    }
    let words = message.get("content").and_then(decode_string).unwrap_or_default();
    if !words.is_empty() || !extra.is_empty() {
        choice.blocks.push(Block::Text { text: words.into(), extra });
    }
    if let Some(refusal) = message.get("refusal").and_then(decode_string).filter(|t| !t.is_empty()) {
        choice.blocks.push(Block::Refusal(refusal.into()));
    }
    let calls = message.array("tool_calls").unwrap_or_default();
    choice.blocks.extend(calls.into_iter().map(|call| tool_call::read(call).0));
    choice
}

/// Members that have no place in the canonical model; `null` says nothing.
fn rest(object: &Object<'_>, known: &[&str]) -> ExtraFields {
    let members: Vec<_> = object
        .iter()
        .filter(|(k, v)| !known.contains(k) && v.trim() != "null")
        .map(|(k, v)| (k.to_owned(), raw(v)))
        .collect();
    if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, members) }
}

/// Writes an answer.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut answer = Object::new();
    answer.set("id", encode_string(&response.id.clone().unwrap_or_else(|| context.new_id("chatcmpl-"))));
    answer.set("object", "\"chat.completion\"");
    answer.set("created", response.created.unwrap_or(spec.created).to_string());
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    answer.set("model", encode_string(model));
    let choices: Vec<_> =
        response.choices.iter().map(|c| encode_choice(c, spec, context, diagnostics)).collect();
    answer.set("choices", format!("[{}]", choices.join(",")));
    if response.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    answer.set("usage", write_usage(response.usage.unwrap_or_default()));
    for (key, value) in response.extra.of(NAME) {
        answer.set(key.as_str(), value.get());
    }
    response.extra.report(NAME, "", diagnostics);
    let mut out = Vec::new();
    answer.write(&mut out);
    out
}

/// What another dialect's leftovers cite; this one's own stay as they are.
pub(super) fn not_a_stream(extra: &ExtraFieldList) -> CitedSources {
    if extra.dialect == NAME { CitedSources { list: Vec::new(), rest: extra.clone() } } else { cited(extra) }
}

fn encode_choice(
    choice: &Choice,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> String {
    let (mut words, mut thoughts, mut refusal) = (String::new(), String::new(), String::new());
    let (mut length, mut annotations) = (TextLength::default(), Vec::new());
    let mut calls = Vec::new();
    let mut function_call = None;
    let mut extras: Vec<(String, String)> = Vec::new();
    for block in &choice.blocks {
        match block {
            Block::Text { text, extra } => {
                let from = length;
                words.push_str(text);
                length.add(text);
                let CitedSources { list, rest } = not_a_stream(extra);
                note_lost(&rest, "choices[].message", diagnostics);
                annotations.extend(list.iter().map(|one| citations::write(one, from, length)));
                extras.extend(extra.of(NAME).iter().map(|(k, v)| (k.clone(), v.get().to_owned())));
            }
            Block::Reasoning { text, extra, .. } => {
                extra.report(NAME, "choices[].message", diagnostics);
                thoughts.push_str(text);
                extras.extend(extra.of(NAME).iter().map(|(k, v)| (k.clone(), v.get().to_owned())));
            }
            Block::Refusal(text) => refusal.push_str(text),
            Block::ToolCall { id, name, arguments, signature, extra } => {
                note_lost(extra, "choices[].message", diagnostics);
                let id = if id.is_empty() { context.new_id("call_") } else { id.clone() };
                let arguments = if arguments.is_empty() { "{}" } else { arguments };
                calls.push(tool_call::write(&id, name, arguments, signature.as_deref(), extra));
                let function =
                    format!(r#"{{"name":{},"arguments":{}}}"#, encode_string(name), encode_string(arguments));
                function_call.get_or_insert(function);
            }
            Block::Native { .. } => {
                diagnostics.record(
                    DiagnosticCode::FeatureUnsupported,
                    "choices[].message",
                    "a part that only another dialect has",
                );
            }
            _ => diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                "choices[].message",
                "media in an answer",
            ),
        }
    }
    if spec.reasoning == ReasoningStyle::Tags {
        words = TagWriter::default().put(&std::mem::take(&mut thoughts), &words, true);
    }
    let mut message = Object::new();
    message.set("role", "\"assistant\"");
    let silent = words.is_empty() && (!calls.is_empty() || !refusal.is_empty());
    message.set("content", if silent { String::from("null") } else { encode_string(&words) });
    if !thoughts.is_empty() {
        message.set("reasoning_content", encode_string(&thoughts));
    }
    if let Some(details) = reasoning_details::details(&choice.blocks) {
        message.set("reasoning_details", details);
    }
    message.set("refusal", if refusal.is_empty() { String::from("null") } else { encode_string(&refusal) });
    let legacy = function_call.filter(|_| spec.legacy_functions);
    if calls.len() > 1 && legacy.is_some() {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "choices[].message",
            "more than one call for a legacy client",
        );
    }
    if let Some(function) = &legacy {
        message.set("function_call", function.clone());
    } else if !calls.is_empty() {
        message.set("tool_calls", format!("[{}]", calls.join(",")));
    }
    let CitedSources { list, rest: extra } = not_a_stream(&choice.extra);
    annotations.extend(list.iter().map(|one| citations::write(one, TextLength::default(), length)));
    if !annotations.is_empty() {
        message.set("annotations", format!("[{}]", annotations.join(",")));
    }
    for (key, value) in extras {
        message.set(key, value);
    }
    let derived = if calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    let finish = match word(choice.finish.as_ref().unwrap_or(&derived)) {
        "stop" if !calls.is_empty() && !spec.named_tool => "tool_calls",
        "tool_calls" if calls.is_empty() => "stop",
        word => word,
    };
    let finish = if finish == "tool_calls" && legacy.is_some() { "function_call" } else { finish };
    let mut object = Object::new();
    object.set("index", choice.index.to_string());
    object.set("message", message.to_json());
    let logprobs = choice.logprobs.as_ref().map(Logprobs::write);
    object.set("logprobs", logprobs.unwrap_or_else(|| String::from("null")));
    object.set("finish_reason", encode_string(finish));
    extra.report(NAME, "choices[]", diagnostics);
    for (key, value) in choice.extra.of(NAME) {
        object.set(key.as_str(), value.get());
    }
    object.to_json()
}

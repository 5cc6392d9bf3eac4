//! Non-streaming responses: an upstream's JSON to [`Response`], repaired first, and [`Response`] to OpenAI's JSON.
//!
//! <https://platform.openai.com/docs/api-reference/chat/object>

use super::citations::{self, cited_by_others};
use super::extra_fields::{MESSAGE_FIELDS, NAME, record_dropped, unknown_non_null_fields};
use super::repair::repair_completion;
use super::tag_writer::TagWriter;
use super::tool_call::{self, CallKind};
use super::{finish_reason, media, reasoning_details, usage};
use crate::canonical::{
    Block, Choice, CitedSources, DiagnosticCode, Diagnostics, ExtraFields, FinishReason, Logprobs,
    ReasoningStyle, Response, ResponseContext, ResponseSpec, ResponseSummary, TextLength, TurnStorage,
    unfold,
};
use crate::dialect::{Repaired, openai_service_tier};
use crate::error::UpstreamError;
use crate::json::{Object, decode_string, encode_string, raw};
use std::borrow::Cow;

/// Decodes a response.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    // The client's dialect decides where reasoning goes.
    let in_field;
    let spec = match spec.reasoning {
        ReasoningStyle::Field => spec,
        ReasoningStyle::Tags => {
            in_field = ResponseSpec { reasoning: ReasoningStyle::Field, ..spec.clone() };
            &in_field
        }
    };
    let (object, summary) = repair_completion(body, spec, context, diagnostics)?;
    let mut response = Response::default();
    response.id = object.str("id").map(Cow::into_owned);
    response.created = object.u64("created");
    response.model = object.str("model").map(Cow::into_owned);
    // It decides as well whether missing token counts are a fault.
    let is_usage_missing = diagnostics.discard(DiagnosticCode::UsageMissing);
    response.usage = object.get("usage").and_then(usage::read).filter(|_| !is_usage_missing);
    response.extra =
        unknown_non_null_fields(&object, &["id", "object", "created", "model", "choices", "usage"]);
    if let Some(cost) = object.get("usage").and_then(usage::cost) {
        response.extra = ExtraFields::new(NAME, response.extra.into_members());
        response.extra.members.push((usage::COST.to_owned(), raw(cost)));
    }
    for item in object.array("choices").unwrap_or_default() {
        let Ok(choice) = Object::parse(item.as_bytes()) else { continue };
        response.choices.push(decode_choice(&choice));
    }
    // The repair replaced a word that OpenAI does not have.
    if let (Some(choice), Some(FinishReason::Unknown(_))) = (response.choices.first_mut(), &summary.finish) {
        choice.finish = summary.finish;
    }
    Ok(response)
}

/// Repairs a response for a client of this dialect.
pub(super) fn repair(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let (object, mut summary) = repair_completion(body, spec, context, diagnostics)?;
    record_turn(&object, spec, &mut summary);
    let body = object.is_changed().then(|| {
        let mut out = Vec::with_capacity(body.len() + 64);
        object.write(&mut out);
        out
    });
    Ok(Repaired { body, summary })
}

/// Records the turn of a response with opaque state, which must come back in the next request.
fn record_turn(response: &Object<'_>, spec: &ResponseSpec, summary: &mut ResponseSummary) {
    if spec.turn_storage == TurnStorage::None {
        return;
    }
    let choices = response.array("choices").unwrap_or_default();
    if spec.records_whole_turn() || choices.iter().any(|c| c.contains(reasoning_details::QUOTED_FIELD)) {
        let mut response = Response::default();
        let choices = choices.into_iter().filter_map(|item| Object::parse(item.as_bytes()).ok());
        response.choices = choices.map(|choice| decode_choice(&choice)).collect();
        for event in &unfold(&response) {
            summary.turn.event(event);
        }
    }
}

fn decode_choice(object: &Object<'_>) -> Choice {
    let mut choice = Choice::default();
    choice.index = object.u64("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
    choice.finish = object.str("finish_reason").map(|name| finish_reason::of_choice(&name, object));
    choice.logprobs = object.get("logprobs").and_then(Logprobs::read);
    choice.extra = unknown_non_null_fields(object, &["index", "message", "finish_reason", "logprobs"]);
    let message = object.object("message").unwrap_or_default();
    let mut extra = unknown_non_null_fields(&message, &MESSAGE_FIELDS);
    let reasoning = message.get("reasoning_content").and_then(decode_string).unwrap_or_default();
    let reasoning_content = Some(reasoning.as_ref()).filter(|reasoning| !reasoning.is_empty());
    let details = message.get(reasoning_details::FIELD);
    let signed =
        details.map(|details| reasoning_details::read(details, reasoning_content)).unwrap_or_default();
    if reasoning_content.is_some() || !signed.is_empty() {
        // The other reasoning fields belong to the block of reasoning.
        let (of_reasoning, others) =
            extra.into_members().into_iter().partition(|(key, _)| key.starts_with("reasoning"));
        extra = ExtraFields::new(NAME, others);
        match reasoning_content.filter(|_| signed.is_empty()) {
            Some(text) => choice.blocks.push(Block::Reasoning {
                text: text.into(),
                signature: None,
                extra: ExtraFields::new(NAME, of_reasoning),
            }),
            None => choice.blocks.extend(signed),
        }
    }
    let text = message.get("content").and_then(decode_string).unwrap_or_default();
    if !text.is_empty() || !extra.is_empty() {
        choice.blocks.push(Block::Text { text: text.into(), extra });
    }
    if let Some(refusal) = message.get("refusal").and_then(decode_string).filter(|t| !t.is_empty()) {
        choice.blocks.push(Block::Refusal(refusal.into()));
    }
    let calls = message.array("tool_calls").unwrap_or_default();
    choice.blocks.extend(calls.into_iter().map(|call| tool_call::read(call).block));
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
    object.set("id", encode_string(&response.id.clone().unwrap_or_else(|| context.new_id("chatcmpl-"))));
    object.set("object", "\"chat.completion\"");
    object.set("created", response.created.unwrap_or(spec.created).to_string());
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    object.set("model", encode_string(model));
    let choices: Vec<_> =
        response.choices.iter().map(|c| encode_choice(c, spec, context, diagnostics)).collect();
    object.set("choices", format!("[{}]", choices.join(",")));
    if response.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    object.set("usage", usage::write(response.usage.unwrap_or_default()));
    for (key, value) in response.extra.of(NAME).iter().filter(|(key, _)| key != usage::COST) {
        object.set(key.as_str(), value.as_str());
    }
    let (tier, others) = openai_service_tier::take(&response.extra);
    if let Some(tier) = tier {
        object.set("service_tier", tier);
    }
    others.report(NAME, "", diagnostics);
    let mut out = Vec::new();
    object.write(&mut out);
    out
}

/// The blocks of a choice, sorted into the fields of a message.
#[derive(Default)]
struct MessageFields {
    text: String,
    /// The text's length.
    length: TextLength,
    reasoning: String,
    refusal: String,
    annotations: Vec<String>,
    tool_calls: Vec<String>,
    /// The first call, in the legacy form.
    function_call: Option<String>,
    extra: Vec<(String, String)>,
}

impl MessageFields {
    fn add(
        &mut self,
        block: &Block,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        const FIELD_PATH: &str = "choices[].message";
        match block {
            Block::Text { text, extra } => {
                let start = self.length;
                self.text.push_str(text);
                self.length.add(text);
                let CitedSources { list, rest } = cited_by_others(extra);
                record_dropped(&rest, FIELD_PATH, diagnostics);
                self.annotations.extend(list.iter().map(|c| citations::write(c, start, self.length)));
                self.add_extra(extra);
            }
            Block::Reasoning { text, extra, .. } => {
                extra.report(NAME, FIELD_PATH, diagnostics);
                self.reasoning.push_str(text);
                self.add_extra(extra);
            }
            Block::Refusal(text) => self.refusal.push_str(text),
            Block::ToolCall { id, name, arguments, signature, extra } => {
                record_dropped(extra, FIELD_PATH, diagnostics);
                let id = if id.is_empty() { context.new_id("call_") } else { id.clone() };
                let arguments = if arguments.is_empty() { "{}" } else { arguments };
                let kind = CallKind::of_answer(name, extra, spec);
                self.tool_calls.push(tool_call::write(
                    kind,
                    &id,
                    name,
                    arguments,
                    signature.as_deref(),
                    extra,
                ));
                let function =
                    format!(r#"{{"name":{},"arguments":{}}}"#, encode_string(name), encode_string(arguments));
                self.function_call.get_or_insert(function);
            }
            Block::Native { .. } => diagnostics.record(
                DiagnosticCode::FeatureUnsupported,
                FIELD_PATH,
                "a part that only another dialect has",
            ),
            _ => diagnostics.record(DiagnosticCode::FeatureUnsupported, FIELD_PATH, "media in an answer"),
        }
    }

    fn add_extra(&mut self, extra: &ExtraFields) {
        for (key, value) in extra.of(NAME) {
            // Each picture of another dialect comes with a list of its own.
            match self.extra.iter_mut().find(|(known, _)| key == media::IMAGES && known == key) {
                Some((_, list)) => *list = media::join_lists(list, value.as_str()),
                None => self.extra.push((key.clone(), value.as_str().to_owned())),
            }
        }
    }
}

fn encode_choice(
    choice: &Choice,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> String {
    let mut fields = MessageFields::default();
    for block in &choice.blocks {
        fields.add(block, spec, context, diagnostics);
    }
    if spec.reasoning == ReasoningStyle::Tags {
        let reasoning = std::mem::take(&mut fields.reasoning);
        fields.text = TagWriter::default().write(&reasoning, &fields.text, true);
    }
    let has_calls = !fields.tool_calls.is_empty();
    let legacy_call = fields.function_call.take().filter(|_| spec.legacy_functions);
    if fields.tool_calls.len() > 1 && legacy_call.is_some() {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "choices[].message",
            "more than one call for a legacy client",
        );
    }
    let CitedSources { list, rest } = cited_by_others(&choice.extra);
    let (start, end) = (TextLength::default(), fields.length);
    fields.annotations.extend(list.iter().map(|c| citations::write(c, start, end)));
    let derived = if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    let reason = match finish_reason::name(choice.finish.as_ref().unwrap_or(&derived)) {
        "stop" if has_calls && !spec.named_tool => "tool_calls",
        "tool_calls" if !has_calls => "stop",
        name => name,
    };
    let reason = if reason == "tool_calls" && legacy_call.is_some() { "function_call" } else { reason };
    let mut object = Object::new();
    object.set("index", choice.index.to_string());
    object.set("message", write_message(fields, legacy_call, &choice.blocks));
    let logprobs = choice.logprobs.as_ref().map(Logprobs::write);
    object.set("logprobs", logprobs.unwrap_or_else(|| String::from("null")));
    object.set("finish_reason", encode_string(reason));
    rest.report(NAME, "choices[]", diagnostics);
    for (key, value) in choice.extra.of(NAME) {
        object.set(key.as_str(), value.as_str());
    }
    object.to_json()
}

fn write_message(fields: MessageFields, legacy_call: Option<String>, blocks: &[Block]) -> String {
    let MessageFields { text, reasoning, refusal, annotations, tool_calls, extra, .. } = fields;
    let mut message = Object::new();
    message.set("role", "\"assistant\"");
    let is_null = text.is_empty() && (!tool_calls.is_empty() || !refusal.is_empty());
    message.set("content", if is_null { String::from("null") } else { encode_string(&text) });
    if !reasoning.is_empty() {
        message.set("reasoning_content", encode_string(&reasoning));
    }
    if let Some(details) = reasoning_details::write(blocks) {
        message.set(reasoning_details::FIELD, details);
    }
    message.set("refusal", if refusal.is_empty() { String::from("null") } else { encode_string(&refusal) });
    if let Some(function) = legacy_call {
        message.set("function_call", function);
    } else if !tool_calls.is_empty() {
        message.set("tool_calls", format!("[{}]", tool_calls.join(",")));
    }
    if !annotations.is_empty() {
        message.set("annotations", format!("[{}]", annotations.join(",")));
    }
    for (key, value) in extra {
        message.set(key, value);
    }
    message.to_json()
}

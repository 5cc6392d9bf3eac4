//! Non-streaming responses: an upstream's JSON to [`Response`], repaired first, and [`Response`] to OpenAI's JSON.
//!
//! <https://platform.openai.com/docs/api-reference/completions/object>

use super::completion_writer::{CompletionIdentity, write_choice, write_completion};
use super::extra_fields::{NAME, from_fields, record_dropped, to_fields};
use super::prompt_echo::{ECHOED_KEY, is_same_dialect, requested_prompt};
use super::repair::{CompletionReader, RepairedChoice, RepairedCompletion, record_choice};
use super::text_extractor::{CompletionsTextExtractor, text_end};
use super::{error, finish_reason, logprobs, usage};
use crate::canonical::{
    Block, Choice, DiagnosticCode, Diagnostics, Event, ExtraFields, FinishReason, ReasoningStyle, Response,
    ResponseContext, ResponseSpec, ResponseSummary, Usage, foreign_object, html_page,
};
use crate::dialect::Repaired;
use crate::error::UpstreamError;
use crate::extract::Segment;
use crate::json::Object;

/// A response after its repair.
struct ReadResponse {
    completion: RepairedCompletion,
    identity: CompletionIdentity,
}

/// Reads and repairs a response.
fn read(
    body: &[u8],
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<ReadResponse, UpstreamError> {
    let object = Object::parse(body).map_err(|e| {
        if e.is_eof() {
            return UpstreamError::Truncated;
        }
        if body.starts_with(b"<") {
            return html_page("an answer");
        }
        UpstreamError::malformed("The upstream's answer is not a JSON object.")
    })?;
    let failure = if object.get("choices").is_none() {
        error::in_any_form(&object, diagnostics)
    } else {
        error::is_error(&object).then(|| error::decode_in_body(&object, diagnostics)).flatten()
    };
    if let Some(failure) = failure {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
        return Err(failure);
    }
    let mut reader = CompletionReader::new(spec.clone(), context.clone());
    let completion = reader.read(&object);
    let identity = reader.identity();
    let withheld = reader.take_withheld();
    diagnostics.extend(&reader.diagnostics);
    let mut completion = completion?;
    for part in withheld {
        if let Some(choice) = completion.choices.iter_mut().find(|choice| choice.index == part.index) {
            choice.text.push_str(&part.text);
        }
    }
    if completion.choices.is_empty() {
        let is_completion =
            object.get("choices").is_some() || object.str("object").as_deref() == Some("text_completion");
        return Err(if is_completion { UpstreamError::Empty } else { foreign_object(&object) });
    }
    if let Some(failure) = completion.choices.iter_mut().find_map(|choice| choice.failure.take()) {
        return Err(failure);
    }
    for choice in completion.choices.iter_mut().filter(|choice| choice.finish_reason.is_none()) {
        diagnostics.record(DiagnosticCode::FinishReasonDerived, "choices[].finish_reason", "");
        choice.finish_reason = Some("stop");
        choice.is_strict = false;
    }
    Ok(ReadResponse { completion, identity })
}

/// Decodes a response.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    // The client's dialect names the model.
    let read_spec = ResponseSpec { restore_alias: false, ..spec.clone() };
    let ReadResponse { completion, identity } = read(body, &read_spec, context, diagnostics)?;
    let mut response = Response::default();
    response.id = Some(identity.id);
    response.created = Some(identity.created);
    response.model = Some(identity.model);
    response.usage = completion.usage.map(|usage| usage.counts);
    let mut extra = completion.extra;
    if is_same_dialect(spec) && requested_prompt(spec).is_some() {
        extra.push((String::from(ECHOED_KEY), String::from("true")));
    }
    response.extra = from_fields(extra);
    for choice in completion.choices {
        response.choices.push(decode_choice(choice, spec, context, diagnostics));
    }
    Ok(response)
}

fn decode_choice(
    repaired: RepairedChoice,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Choice {
    let mut choice = Choice::default();
    choice.index = repaired.index;
    choice.logprobs = repaired.logprobs.as_deref().and_then(logprobs::read);
    choice.extra = from_fields(repaired.extra);
    let mut has_calls = false;
    for segment in CompletionsTextExtractor::new(spec).push(
        &repaired.text,
        text_end(repaired.finish_reason),
        diagnostics,
    ) {
        choice.blocks.push(match segment {
            Segment::Text(text) => Block::text(text),
            Segment::Reasoning(text) => {
                Block::Reasoning { text: text.into(), signature: None, extra: ExtraFields::default() }
            }
            Segment::ToolCall { name, arguments } => {
                has_calls = true;
                let id = context.new_id("call_");
                Block::ToolCall { id, name, arguments, signature: None, extra: ExtraFields::default() }
            }
        });
    }
    choice.finish = repaired.finish_reason.map(|name| match finish_reason::parse(name) {
        FinishReason::Stop if has_calls => FinishReason::ToolCalls,
        reason => reason,
    });
    choice.finish = repaired.unknown_reason.map(FinishReason::Unknown).or(choice.finish);
    choice
}

/// Repairs a response for a client of this dialect.
pub(super) fn repair(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let ReadResponse { completion, identity } = read(body, spec, context, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    completion.choices.iter().for_each(|choice| record_choice(choice, &mut summary));
    let usage = match &completion.usage {
        Some(usage) => {
            summary.event(&Event::Usage(usage.counts));
            usage.json.clone()
        }
        None => {
            diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
            usage::write(Usage::default())
        }
    };
    let is_strict = completion.is_strict() && completion.usage.is_some();
    let body = (!is_strict).then(|| {
        let choices: Vec<_> = completion.choices.iter().map(RepairedChoice::write).collect();
        write_completion(&identity, &choices, Some(&usage), &completion.extra).into_bytes()
    });
    Ok(Repaired { body, summary })
}

/// Encodes a response.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let identity = CompletionIdentity {
        id: response.id.clone().unwrap_or_else(|| context.new_id("cmpl-")),
        created: response.created.unwrap_or(spec.created),
        model: match &response.model {
            Some(model) if !spec.restore_alias => model.clone(),
            _ => spec.model.clone(),
        },
    };
    let is_echoed = response.extra.of(NAME).iter().any(|(key, _)| key == ECHOED_KEY);
    let prompt = requested_prompt(spec).filter(|_| !is_echoed).unwrap_or_default();
    let choices: Vec<_> =
        response.choices.iter().map(|choice| encode_choice(choice, &prompt, spec, diagnostics)).collect();
    if response.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    record_dropped(&response.extra, "", diagnostics);
    let usage = usage::write(response.usage.unwrap_or_default());
    write_completion(&identity, &choices, Some(&usage), &to_fields(&response.extra)).into_bytes()
}

/// Encodes a choice; `prompt` stands in front of its text.
fn encode_choice(
    choice: &Choice,
    prompt: &str,
    spec: &ResponseSpec,
    diagnostics: &mut Diagnostics,
) -> String {
    let (mut text, mut reasoning) = (String::new(), String::new());
    for block in &choice.blocks {
        let unsupported = match block {
            Block::Text { text: part, extra } => {
                record_dropped(extra, "choices[].text", diagnostics);
                text.push_str(part);
                continue;
            }
            Block::Refusal(part) => {
                text.push_str(part);
                continue;
            }
            Block::Reasoning { text: part, .. } if spec.reasoning == ReasoningStyle::Tags => {
                reasoning.push_str(part);
                continue;
            }
            Block::Reasoning { .. } => "reasoning",
            Block::ToolCall { .. } => "a tool call",
            _ => "a part that is no text",
        };
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices[].text", unsupported);
    }
    if !reasoning.is_empty() {
        text = format!("<think>\n{reasoning}\n</think>\n\n{text}");
    }
    record_dropped(&choice.extra, "choices[]", diagnostics);
    let logprobs = choice.logprobs.as_ref().map(|l| logprobs::write(l, prompt.chars().count()).json);
    let reason = finish_reason::name(choice.finish.as_ref().unwrap_or(&FinishReason::Stop));
    let text = format!("{prompt}{text}");
    write_choice(choice.index, &text, logprobs.as_deref(), Some(reason), &to_fields(&choice.extra))
}

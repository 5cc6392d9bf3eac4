//! Whole answers: read from upstreams, written for clients.
//!
//! <https://platform.openai.com/docs/api-reference/completions/object>

use super::super::Repaired;
use super::decode::Voice;
use super::repair::{
    CompletionIdentity, CompletionReader, RepairedChoice, RepairedCompletion, see, write_choice, write_object,
};
use super::{ECHOED, NAME, error, is_own, logprobs, prompt, reason, usage, word};
use crate::canonical::{
    Block, Choice, DiagnosticCode, Diagnostics, Event, ExtraFieldList, ExtraFields, FinishReason,
    ReasoningStyle, Response, ResponseContext, ResponseSpec, ResponseSummary,
};
use crate::error::UpstreamError;
use crate::extract;
use crate::json::{Object, raw};

/// Reads an answer: what came instead of it, and what OpenAI would have sent.
fn read(
    body: &[u8],
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<(RepairedCompletion, CompletionIdentity), UpstreamError> {
    let object = Object::parse(body).map_err(|e| {
        if e.is_eof() {
            return UpstreamError::Truncated;
        }
        UpstreamError::malformed("The upstream's answer is not a JSON object.")
    })?;
    if error::is_error(&object) {
        diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
        return Err(error::in_body(&object, diagnostics).unwrap_or(UpstreamError::Empty));
    }
    let mut reader = CompletionReader::new(spec.clone(), context.clone());
    let read = reader.read(&object);
    let head = reader.head();
    let held = reader.release();
    diagnostics.extend(&reader.diagnostics);
    let mut answer = read?;
    for rest in held {
        if let Some(piece) = answer.pieces.iter_mut().find(|piece| piece.index == rest.index) {
            piece.text.push_str(&rest.text);
        }
    }
    if answer.pieces.is_empty() {
        return Err(UpstreamError::Empty);
    }
    for piece in answer.pieces.iter_mut().filter(|piece| piece.finish.is_none()) {
        diagnostics.record(DiagnosticCode::FinishReasonDerived, "choices[].finish_reason", "");
        piece.finish = Some("stop");
        piece.strict = false;
    }
    Ok((answer, head))
}

/// Reads an answer.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    // The model is named by the client's dialect.
    let (answer, head) =
        read(body, &ResponseSpec { restore_alias: false, ..spec.clone() }, context, diagnostics)?;
    let mut response = Response::default();
    response.id = Some(head.id);
    response.created = Some(head.created);
    response.model = Some(head.model);
    response.usage = answer.usage.map(|(usage, _)| usage);
    let mut extra = answer.extra;
    if is_own(spec) && prompt(spec).is_some() {
        extra.push((String::from(ECHOED), String::from("true")));
    }
    response.extra = leftovers(extra);
    for piece in answer.pieces {
        response.choices.push(decode_choice(piece, spec, context, diagnostics));
    }
    Ok(response)
}

fn decode_choice(
    piece: RepairedChoice,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Choice {
    let mut choice = Choice::default();
    choice.index = piece.index;
    choice.logprobs = piece.logprobs.as_deref().and_then(logprobs::read);
    choice.extra = leftovers(piece.extra);
    let mut calls = false;
    for said in Voice::new(spec).push(&piece.text, true, diagnostics) {
        choice.blocks.push(match said {
            extract::Segment::Text(text) => Block::text(text),
            extract::Segment::Reasoning(text) => {
                Block::Reasoning { text: text.into(), signature: None, extra: ExtraFields::default() }
            }
            extract::Segment::ToolCall { name, arguments } => {
                calls = true;
                let id = context.new_id("call_");
                Block::ToolCall { id, name, arguments, signature: None, extra: ExtraFields::default() }
            }
        });
    }
    choice.finish = piece.finish.map(|word| match reason(word) {
        FinishReason::Stop if calls => FinishReason::ToolCalls,
        reason => reason,
    });
    choice
}

/// Members that have no place in the canonical model; `null` says nothing.
pub(super) fn leftovers(members: Vec<(String, String)>) -> ExtraFields {
    let said: Vec<_> = members
        .into_iter()
        .filter(|(_, value)| value.trim() != "null")
        .map(|(key, value)| (key, raw(value)))
        .collect();
    if said.is_empty() { ExtraFields::default() } else { ExtraFields::new(NAME, said) }
}

/// Mends an answer in place.
pub(super) fn mend(
    body: &[u8],
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let (answer, head) = read(body, spec, context, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    answer.pieces.iter().for_each(|piece| see(piece, &mut summary));
    let counts = match &answer.usage {
        Some((usage, written)) => {
            summary.event(&Event::Usage(*usage));
            written.clone()
        }
        None => {
            diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
            usage::write(crate::canonical::Usage::default())
        }
    };
    let strict = answer.is_strict() && answer.usage.is_some();
    let body = (!strict).then(|| {
        let choices: Vec<_> = answer.pieces.iter().map(RepairedChoice::write).collect();
        write_object(&head, &choices, Some(&counts), &answer.extra).into_bytes()
    });
    Ok(Repaired { body, summary })
}

/// Writes an answer.
pub(super) fn encode(
    response: &Response,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let head = CompletionIdentity {
        id: response.id.clone().unwrap_or_else(|| context.new_id("cmpl-")),
        created: response.created.unwrap_or(spec.created),
        model: match &response.model {
            Some(model) if !spec.restore_alias => model.clone(),
            _ => spec.model.clone(),
        },
    };
    let echoed = response.extra.of(NAME).iter().any(|(key, _)| key == ECHOED);
    let before = prompt(spec).filter(|_| !echoed).unwrap_or_default();
    let choices: Vec<_> =
        response.choices.iter().map(|choice| encode_choice(choice, &before, spec, diagnostics)).collect();
    if response.usage.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    note_lost(&response.extra, "", diagnostics);
    let counts = usage::write(response.usage.unwrap_or_default());
    write_object(&head, &choices, Some(&counts), &members(&response.extra)).into_bytes()
}

/// Says what of another dialect's leftovers is left out.
pub(super) fn note_lost(extra: &ExtraFieldList, path: &str, diagnostics: &mut Diagnostics) {
    if extra.dropped_keys(NAME).next().is_some() {
        diagnostics.record(DiagnosticCode::ExtraDropped, path, extra.dialect);
    }
}

/// The leftovers of this dialect.
pub(super) fn members(extra: &ExtraFieldList) -> Vec<(String, String)> {
    extra.of(NAME).iter().map(|(key, value)| (key.clone(), value.get().to_owned())).collect()
}

fn encode_choice(
    choice: &Choice,
    before: &str,
    spec: &ResponseSpec,
    diagnostics: &mut Diagnostics,
) -> String {
    let (mut words, mut thoughts) = (String::new(), String::new());
    for block in &choice.blocks {
        let lost = match block {
            Block::Text { text, extra } => {
                note_lost(extra, "choices[].text", diagnostics);
                words.push_str(text);
                continue;
            }
            Block::Refusal(text) => {
                words.push_str(text);
                continue;
            }
            Block::Reasoning { text, .. } if spec.reasoning == ReasoningStyle::Tags => {
                thoughts.push_str(text);
                continue;
            }
            Block::Reasoning { .. } => "reasoning",
            Block::ToolCall { .. } => "a tool call",
            _ => "a part that is no text",
        };
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices[].text", lost);
    }
    if !thoughts.is_empty() {
        words = format!("<think>\n{thoughts}\n</think>\n\n{words}");
    }
    note_lost(&choice.extra, "choices[]", diagnostics);
    let logprobs = choice.logprobs.as_ref().map(|l| logprobs::write(l, before.chars().count()).0);
    let finish = word(choice.finish.as_ref().unwrap_or(&FinishReason::Stop));
    let text = format!("{before}{words}");
    write_choice(choice.index, &text, logprobs.as_deref(), Some(finish), &members(&choice.extra))
}

//! Answers of Google's models with audio, pictures or a transcript: JSON to `MediaAnswer`.

use super::json_keys::parse_object;
use super::parts::read_response_media;
use super::response_object::is_response;
use super::{error, finish_reason};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, FinishReason, GeneratedFile, MediaAnswer, MediaSource, MediaTask,
    MediaUsage, explain_unusable, trim_body,
};
use crate::error::{ErrorKind, StatusError, UpstreamError, short_name};
use crate::json::{Object, reported_count, string_or_json};
use crate::redact::redact;

/// Decodes an answer of `generateContent` or `predict`.
pub(super) fn decode(
    body: &[u8],
    task: &MediaTask,
    diagnostics: &mut Diagnostics,
) -> Result<MediaAnswer, UpstreamError> {
    const EXPECTED: &str = "an answer";
    let text = std::str::from_utf8(trim_body(body)).unwrap_or_default();
    let response = parse_object(text).ok_or_else(|| explain_unusable(body, EXPECTED))?;
    if let Some(error) = error::in_body(&response, text, diagnostics) {
        return Err(error);
    }
    if response.non_null("predictions").is_some() {
        return decode_predictions(&response, diagnostics);
    }
    if !is_response(&response) {
        return Err(if response.is_empty() {
            UpstreamError::Empty
        } else {
            explain_unusable(body, EXPECTED)
        });
    }
    let mut answer = MediaAnswer::default();
    let mut finish = None;
    for item in response.array("candidates").unwrap_or_default() {
        let Some(candidate) = parse_object(item) else { continue };
        read_parts(&candidate, &mut answer);
        if let Some(reason) = candidate.non_null("finishReason") {
            finish = Some(finish_reason::read(reason, candidate.non_null("finishMessage"), diagnostics));
        }
    }
    answer.usage = response.get("usageMetadata").and_then(parse_object).and_then(|usage| read_usage(&usage));
    if let Some(error) = withheld(&response, finish.as_ref(), &answer) {
        return Err(error);
    }
    check(answer, task, finish.as_ref())
}

/// The error for an answer that a filter withheld.
fn withheld(
    response: &Object<'_>,
    finish: Option<&FinishReason>,
    answer: &MediaAnswer,
) -> Option<UpstreamError> {
    let feedback = response.get("promptFeedback").and_then(parse_object);
    if let Some(feedback) = feedback.filter(|feedback| feedback.non_null("blockReason").is_some()) {
        let reason = feedback.non_null("blockReason").map(string_or_json).unwrap_or_default();
        let message = feedback.non_null("blockReasonMessage").map(string_or_json);
        return Some(filtered("The upstream's filter refused the request", &reason, message.as_deref()));
    }
    let is_filtered = matches!(finish, Some(FinishReason::ContentFilter | FinishReason::Refusal));
    if !is_filtered || !answer.files.is_empty() {
        return None;
    }
    let candidate =
        response.array("candidates").and_then(|list| list.first().and_then(|item| parse_object(item)));
    let field = |key: &str| {
        candidate
            .as_ref()
            .and_then(|candidate| candidate.non_null(key))
            .map(|text| string_or_json(text).into_owned())
    };
    let reason = field("finishReason").unwrap_or_default();
    Some(filtered("The upstream's filter withheld the answer", &reason, field("finishMessage").as_deref()))
}

fn filtered(what: &str, reason: &str, message: Option<&str>) -> UpstreamError {
    let mut text = format!("{what} ({}).", short_name(reason));
    if let Some(message) = message.filter(|message| !message.trim().is_empty()) {
        let message = redact(message).unwrap_or_else(|| message.to_owned());
        text.push(' ');
        text.push_str(message.trim());
    }
    UpstreamError::Status(Box::new(StatusError::new(400, ErrorKind::ContentFiltered, text)))
}

/// Checks that an answer is complete and has what was requested.
fn check(
    answer: MediaAnswer,
    task: &MediaTask,
    finish: Option<&FinishReason>,
) -> Result<MediaAnswer, UpstreamError> {
    let is_text = matches!(task, MediaTask::Transcription(_));
    // A picture is whole or is not there; a text or sound may be half of itself.
    let has_picture = matches!(task, MediaTask::Images(_)) && !answer.files.is_empty();
    match finish {
        Some(FinishReason::Length) if !has_picture => {
            return Err(UpstreamError::failed("MAX_TOKENS", Some("the model's output limit was reached.")));
        }
        Some(FinishReason::ContentFilter | FinishReason::Refusal) if !has_picture => {
            return Err(filtered("The upstream's filter cut the answer", "SAFETY", None));
        }
        Some(FinishReason::Failed { word, message }) if !has_picture => {
            return Err(UpstreamError::failed(word, message.as_deref()));
        }
        Some(FinishReason::Unknown(word)) if !has_picture => {
            return Err(UpstreamError::failed(word, None));
        }
        _ => {}
    }
    // A recording without speech has an empty transcript.
    if is_text && (finish.is_some() || !answer.text.is_empty()) || !answer.files.is_empty() {
        return Ok(answer);
    }
    if answer.text.trim().is_empty() {
        return Err(UpstreamError::Empty);
    }
    Err(UpstreamError::malformed(format!(
        "The model answered with text and made no file: {}",
        short_name(answer.text.trim())
    )))
}

fn read_parts(candidate: &Object<'_>, answer: &mut MediaAnswer) {
    let content = candidate.get("content").and_then(parse_object).unwrap_or_default();
    for part in content.array("parts").unwrap_or_default() {
        for block in read_response_media(part) {
            if let Block::Image(media) | Block::Audio(media) | Block::File(media) = block
                && let MediaSource::Base64 { media_type, data } = media.source
            {
                answer.files.push(GeneratedFile { media_type, base64: data });
            }
        }
        let Some(part) = parse_object(part).filter(|part| part.bool("thought") != Some(true)) else {
            continue;
        };
        answer.text.push_str(&part.str("text").unwrap_or_default());
    }
}

/// Decodes Imagen's answer. What a filter withheld has a reason in place of the picture.
fn decode_predictions(
    response: &Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<MediaAnswer, UpstreamError> {
    let (mut answer, mut reasons) = (MediaAnswer::default(), Vec::new());
    for item in response.array("predictions").unwrap_or_default() {
        let Some(prediction) = parse_object(item) else { continue };
        if let Some(base64) = prediction.str("bytesBase64Encoded").filter(|data| !data.is_empty()) {
            let media_type = prediction.str("mimeType").unwrap_or_default().into_owned();
            answer.files.push(GeneratedFile { media_type, base64: base64.into_owned() });
        } else if let Some(reason) = prediction.str("raiFilteredReason") {
            reasons.push(reason.into_owned());
        }
    }
    match reasons.first() {
        Some(reason) if answer.files.is_empty() => {
            Err(filtered("The upstream's filter withheld every picture", "raiFilteredReason", Some(reason)))
        }
        None if answer.files.is_empty() => Err(UpstreamError::Empty),
        reason => {
            if reason.is_some() {
                diagnostics.record(
                    DiagnosticCode::ParamIgnored,
                    "n",
                    "a filter withheld some of the pictures",
                );
            }
            Ok(answer)
        }
    }
}

/// <https://ai.google.dev/api/generate-content#UsageMetadata>
fn read_usage(usage: &Object<'_>) -> Option<MediaUsage> {
    const INPUT: &str = "promptTokensDetails";
    let count = |key: &str| usage.get(key).and_then(reported_count);
    let of_modality = |key: &str, modality: &str| -> u64 {
        let details = usage.array(key).unwrap_or_default();
        let counts = details.into_iter().filter_map(|item| {
            let item = parse_object(item)?;
            item.str("modality").filter(|own| own == modality)?;
            item.get("tokenCount").and_then(reported_count)
        });
        counts.fold(0, u64::saturating_add)
    };
    let (input, output) = (count("promptTokenCount"), count("candidatesTokenCount"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let mut out = MediaUsage::default();
    out.input = input.unwrap_or(0);
    out.output = output.unwrap_or(0).saturating_add(count("thoughtsTokenCount").unwrap_or(0));
    out.input_image = of_modality(INPUT, "IMAGE");
    out.input_audio = of_modality(INPUT, "AUDIO");
    out.input_text = out.input.saturating_sub(out.input_image).saturating_sub(out.input_audio);
    out.output_image = of_modality("candidatesTokensDetails", "IMAGE");
    Some(out)
}

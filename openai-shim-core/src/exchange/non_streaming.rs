//! Non-streaming responses: the upstream's complete body, a document or a stream, to the client's document.

use super::answer_media::MediaTranslator;
use super::call_arguments::{CallArguments, restore_arguments};
use super::frame_intake::{FrameIntake, unwrap, unwrap_answer};
use super::inline_reasoning::InlineReasoning;
use super::lone_surrogates::repair_body;
use super::phase::AttemptEnd;
use super::session::Session;
use super::tool_names::{restore_in_event, restore_in_output, restore_in_response};
use super::transcoder::record_framing;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Event, Fold, Response, ResponseSummary, call_id, unfold,
};
use crate::dialect::json_syntax::repair_json;
use crate::error::UpstreamError;
use crate::framing::{Frame, Framer};
use crate::json::compact;
use crate::json::lone_surrogates::Refused;
use http::StatusCode;

/// A decoded body, and the summary of its events.
struct DecodedBody {
    response: Response,
    summary: ResponseSummary,
}

impl Session {
    /// Ends an attempt whose response was collected: writes the client's response from the complete body.
    pub(super) fn end_document(&mut self, body: &[u8], out: &mut Vec<u8>) -> AttemptEnd {
        let written = self.write_document(body, out).or_else(|error| {
            // A body that is no JSON object changed nothing so far.
            let diagnostics = &mut self.report.diagnostics;
            let repaired = repair_json(body.trim_ascii(), diagnostics)
                .or_else(|| documents_in(body, diagnostics))
                .or_else(|| answer_in(body, &error, diagnostics));
            match repaired {
                Some(repaired) => self.write_document(repaired.as_bytes(), out),
                None => Err(error),
            }
        });
        match written {
            Ok(end) => end,
            Err(error) => self.end_failed_attempt(error, out),
        }
    }

    fn write_document(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<AttemptEnd, UpstreamError> {
        let trimmed = body.trim_ascii();
        if trimmed.is_empty() {
            return Err(UpstreamError::Empty);
        }
        let is_json = matches!(trimmed.first(), Some(b'{' | b'['));
        let is_single = is_json && !is_json_lines(trimmed);
        let expected_type = if is_json { "json" } else { "event-stream" };
        let repaired =
            is_single.then(|| repair_body(trimmed, Refused::Halves, &mut self.report.diagnostics)).flatten();
        let is_padded = trimmed.len() < body.len();
        let trimmed = repaired.as_deref().unwrap_or(trimmed);
        let is_one_of_several = self.spec.sequential_choices > 0;
        // Arguments with other names are not repaired in place.
        let is_repaired = self.client.name() == self.upstream.name() && self.spec.property_names.is_empty();
        if is_single && !is_one_of_several && is_repaired && !self.has_inline_reasoning(trimmed) {
            let repaired = self
                .upstream
                .repair_response(trimmed, &self.spec, &mut self.context, &mut self.report.diagnostics)
                .transpose()?;
            if let Some(repaired) = repaired {
                if is_padded {
                    self.report.diagnostics.record(DiagnosticCode::BodyPadded, "", "");
                }
                self.accept_summary(&repaired.summary)?;
                self.check_content_type(expected_type);
                let start = out.len();
                out.extend_from_slice(repaired.body.as_deref().unwrap_or(trimmed));
                restore_in_output(out, start, &self.spec.tool_names);
                self.begin_document(StatusCode::OK, None);
                return Ok(AttemptEnd::Done);
            }
        }
        let decoded = if is_single { self.decode_document(trimmed)? } else { self.fold_stream(body)? };
        let DecodedBody { mut response, mut summary } = decoded;
        let mut media = MediaTranslator::new(self.upstream, self.client);
        media.response(&mut response);
        summary.content |= media.has_media;
        summary.answer |= media.has_media;
        self.report.diagnostics.extend(&media.diagnostics);
        if self.spec.signatures_in_ids {
            attach_signatures_to_ids(&mut response, &mut self.report.diagnostics);
        }
        self.accept_summary(&summary)?;
        self.check_content_type(expected_type);
        if is_one_of_several {
            return self.collect_choice(response, out);
        }
        out.extend(self.client.encode_response(
            &response,
            &self.spec,
            &mut self.context,
            &mut self.report.diagnostics,
        ));
        self.begin_document(StatusCode::OK, None);
        Ok(AttemptEnd::Done)
    }

    /// Whether a document has reasoning in its text that only a translation takes out.
    fn has_inline_reasoning(&self, body: &[u8]) -> bool {
        if self.upstream.repairs_inline_reasoning() || !InlineReasoning::may_be_in(body, &self.spec) {
            return false;
        }
        let (mut context, mut diagnostics) = (self.context.clone(), Diagnostics::default());
        let Ok(mut response) =
            self.upstream.decode_response(body, &self.spec, &mut context, &mut diagnostics)
        else {
            return false;
        };
        let mut reasoning = InlineReasoning::new(self.upstream, &self.spec);
        reasoning.response(&mut response);
        diagnostics.extend(&reasoning.diagnostics);
        [
            DiagnosticCode::ReasoningSplit,
            DiagnosticCode::ReasoningTagUnopened,
            DiagnosticCode::ReasoningTagMissing,
        ]
        .iter()
        .any(|code| diagnostics.has(*code))
    }

    /// Decodes a body that is one JSON document.
    fn decode_document(&mut self, body: &[u8]) -> Result<DecodedBody, UpstreamError> {
        let diagnostics = &mut self.report.diagnostics;
        let mut response = self.upstream.decode_response(body, &self.spec, &mut self.context, diagnostics)?;
        let mut reasoning = InlineReasoning::new(self.upstream, &self.spec);
        reasoning.response(&mut response);
        diagnostics.extend(&reasoning.diagnostics);
        restore_arguments(&mut response, &self.spec, diagnostics);
        restore_in_response(&mut response, &self.spec.tool_names);
        let mut summary = ResponseSummary::for_spec(&self.spec);
        for event in unfold(&response) {
            summary.event(&event);
        }
        Ok(DecodedBody { response, summary })
    }

    /// Decodes a body that is a stream although the client wants a document.
    fn fold_stream(&mut self, body: &[u8]) -> Result<DecodedBody, UpstreamError> {
        let mut framer = Framer::new(self.settings.max_body_bytes);
        let mut decoder = self.upstream.decoder(&self.spec, &self.context);
        let mut events: Vec<Event> = Vec::new();
        // The framer has the same limit as the body: this cannot fail.
        let mut intake = FrameIntake::default();
        let mut decode = |frame: Frame<'_>| {
            intake.frame(frame, &mut |frame| decoder.frame(frame, &mut events));
        };
        let _ = framer.push(body, &mut decode);
        framer.finish(&mut decode);
        intake.finish(&mut |frame| decoder.frame(frame, &mut events));
        intake.report(&mut self.report.diagnostics);
        decoder.finish(&mut events);
        self.report.diagnostics.record(DiagnosticCode::StreamFolded, "", "");
        record_framing(&framer, self.upstream, &mut self.report.diagnostics);
        self.report.diagnostics.extend(decoder.diagnostics());
        let (mut fold, mut summary) = (Fold::new(), ResponseSummary::for_spec(&self.spec));
        let mut arguments = CallArguments::new(&self.spec);
        for event in events {
            arguments.event(event, &mut |mut event| {
                restore_in_event(&mut event, &self.spec.tool_names);
                fold.event(&event);
                summary.event(&event);
            });
        }
        self.report.diagnostics.extend(&arguments.diagnostics);
        let mut response = fold.finish()?;
        let mut reasoning = InlineReasoning::new(self.upstream, &self.spec);
        reasoning.response(&mut response);
        self.report.diagnostics.extend(&reasoning.diagnostics);
        Ok(DecodedBody { response, summary })
    }
}

/// Returns the documents in a list or a string as JSON lines.
fn documents_in(body: &[u8], diagnostics: &mut Diagnostics) -> Option<String> {
    let documents = matches!(body.trim_ascii().first(), Some(b'[' | b'"')).then(|| unwrap(body)).flatten()?;
    diagnostics.record(DiagnosticCode::FramingRepaired, "", "a list around the answer");
    Some(documents.iter().map(|document| compact(document)).collect::<Vec<_>>().join("\n"))
}

/// Returns the answer in an object around it, where the body itself is none.
fn answer_in(body: &[u8], error: &UpstreamError, diagnostics: &mut Diagnostics) -> Option<String> {
    let is_foreign = matches!(error, UpstreamError::Malformed { .. } | UpstreamError::Empty);
    let answer = if is_foreign { unwrap_answer(body.trim_ascii()) } else { None }?;
    diagnostics.record(DiagnosticCode::FramingRepaired, "", "an object around the answer");
    Some(answer)
}

/// Whether a body that starts with `{` is several JSON documents, one a line.
fn is_json_lines(body: &[u8]) -> bool {
    let Some(line_end) = memchr::memchr(b'\n', body) else { return false };
    let (first_line, further_lines) = body.split_at(line_end);
    !further_lines.trim_ascii().is_empty()
        && serde_json::from_slice::<serde::de::IgnoredAny>(first_line).is_ok()
}

/// Attaches the signatures of tool calls to their ids.
fn attach_signatures_to_ids(response: &mut Response, diagnostics: &mut Diagnostics) {
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { id, signature: Some(signature), .. } = block
            && let Some(id_with_signature) = call_id::attach(id, signature)
        {
            diagnostics.record(DiagnosticCode::SignatureCarried, "tool_calls[].id", "");
            *id = id_with_signature;
        }
    }
}

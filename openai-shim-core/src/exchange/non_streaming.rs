//! A whole answer for a client that wants one, whatever the upstream sent.

use super::Exchange;
use super::transcoder::note_framing;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Event, Fold, Outcome, Response, ResponseSummary, call_id, unfold,
};
use crate::error::UpstreamError;
use crate::framing::Framer;
use http::StatusCode;

impl Exchange {
    /// Writes the client's answer from the upstream's whole body.
    pub(super) fn whole(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), UpstreamError> {
        let trimmed = body.trim_ascii();
        if trimmed.is_empty() {
            return Err(UpstreamError::Empty);
        }
        let document = matches!(trimmed.first(), Some(b'{' | b'['));
        let single = document && !is_json_lines(trimmed);
        let form = if document { "json" } else { "event-stream" };
        let several = self.spec.sequential_choices > 0;
        if single && !several && self.client.name() == self.upstream.name() {
            let mended = self
                .upstream
                .repair_response(trimmed, &self.spec, &mut self.context, &mut self.report.diagnostics)
                .transpose()?;
            if let Some(mended) = mended {
                if trimmed.len() < body.len() {
                    self.report.diagnostics.record(DiagnosticCode::BodyPadded, "", "");
                }
                self.accept(&mended.summary)?;
                self.check_content_type(form);
                out.extend_from_slice(mended.body.as_deref().unwrap_or(trimmed));
                self.begin_whole(StatusCode::OK, None);
                return Ok(());
            }
        }
        let (mut response, summary) = if single {
            let response = self.upstream.decode_response(
                trimmed,
                &self.spec,
                &mut self.context,
                &mut self.report.diagnostics,
            )?;
            let mut summary = ResponseSummary::for_spec(&self.spec);
            for event in unfold(&response) {
                summary.event(&event);
            }
            (response, summary)
        } else {
            self.folded(body)?
        };
        if self.spec.signatures_in_ids {
            signatures_in_ids(&mut response, &mut self.report.diagnostics);
        }
        self.accept(&summary)?;
        self.check_content_type(form);
        if several {
            return self.collect_choice(response, out);
        }
        out.extend(self.client.encode_response(
            &response,
            &self.spec,
            &mut self.context,
            &mut self.report.diagnostics,
        ));
        self.begin_whole(StatusCode::OK, None);
        Ok(())
    }

    /// Reads a body that is a stream although a whole answer was asked for.
    fn folded(&mut self, body: &[u8]) -> Result<(Response, ResponseSummary), UpstreamError> {
        let mut framer = Framer::new(self.settings.max_body);
        let mut decoder = self.upstream.decoder(&self.spec, &self.context);
        let mut events: Vec<Event> = Vec::new();
        // The body's own limit is the framer's: this cannot fail.
        let _ = framer.push(body, &mut |frame| decoder.frame(frame, &mut events));
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        self.report.diagnostics.record(DiagnosticCode::StreamFolded, "", "");
        note_framing(&framer, self.upstream, &mut self.report.diagnostics);
        self.report.diagnostics.extend(decoder.diagnostics());
        let (mut fold, mut summary) = (Fold::new(), ResponseSummary::for_spec(&self.spec));
        for event in &events {
            fold.event(event);
            summary.event(event);
        }
        Ok((fold.finish()?, summary))
    }

    /// Takes over what was seen; an error if there is nothing for the client in it.
    pub(super) fn accept(&mut self, summary: &ResponseSummary) -> Result<(), UpstreamError> {
        if let Some(error) = &summary.error {
            return Err(error.clone());
        }
        self.report.usage = summary.usage;
        self.report.outcome = summary.outcome();
        if self.report.outcome == Outcome::Empty {
            if !self.spec.is_empty_request {
                return Err(UpstreamError::Empty);
            }
            self.report.outcome = Outcome::Complete;
        }
        self.store_turn(&summary.turn);
        Ok(())
    }
}

/// Whether a body that starts with `{` is several JSON documents, one a line.
fn is_json_lines(body: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', body) else { return false };
    let (first, rest) = body.split_at(end);
    !rest.trim_ascii().is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok()
}

/// Puts the signatures of calls into their ids.
fn signatures_in_ids(response: &mut Response, diagnostics: &mut Diagnostics) {
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { id, signature: Some(signature), .. } = block
            && let Some(packed) = call_id::attach(id, signature)
        {
            diagnostics.record(DiagnosticCode::SignatureCarried, "tool_calls[].id", "");
            *id = packed;
        }
    }
}

//! A whole answer for a client that wants one, whatever the upstream sent.

use super::Exchange;
use super::transcoder::note_framing;
use crate::canonical::{
    Block, Code, Diagnostics, Event, Fold, Outcome, Response, ResponseSummary, carry, unfold,
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
        let several = self.asked.one_by_one > 0;
        if single && !several && self.client.name() == self.upstream.name() {
            let mended = self
                .upstream
                .mend_response(trimmed, &mut self.asked, &mut self.report.diagnostics)
                .transpose()?;
            if let Some(mended) = mended {
                if trimmed.len() < body.len() {
                    self.report.diagnostics.note(Code::BodyPadded, "", "");
                }
                self.accept(&mended.seen)?;
                self.check_content_type(form);
                out.extend_from_slice(mended.body.as_deref().unwrap_or(trimmed));
                self.begin_whole(StatusCode::OK, None);
                return Ok(());
            }
        }
        let (mut response, seen) = if single {
            let response =
                self.upstream.decode_response(trimmed, &mut self.asked, &mut self.report.diagnostics)?;
            let mut seen = ResponseSummary::keeping(&self.asked);
            for event in unfold(&response) {
                seen.event(&event);
            }
            (response, seen)
        } else {
            self.folded(body)?
        };
        if self.asked.carry_signatures {
            carry_signatures(&mut response, &mut self.report.diagnostics);
        }
        self.accept(&seen)?;
        self.check_content_type(form);
        if several {
            return self.one_of_several(response, out);
        }
        out.extend(self.client.encode_response(&response, &mut self.asked, &mut self.report.diagnostics));
        self.begin_whole(StatusCode::OK, None);
        Ok(())
    }

    /// Reads a body that is a stream although a whole answer was asked for.
    fn folded(&mut self, body: &[u8]) -> Result<(Response, ResponseSummary), UpstreamError> {
        let mut framer = Framer::new(self.settings.max_body);
        let mut decoder = self.upstream.decoder(&self.asked);
        let mut events: Vec<Event> = Vec::new();
        // The body's own limit is the framer's: this cannot fail.
        let _ = framer.push(body, &mut |frame| decoder.frame(frame, &mut events));
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        self.report.diagnostics.note(Code::StreamFolded, "", "");
        note_framing(&framer, self.upstream, &mut self.report.diagnostics);
        self.report.diagnostics.extend(decoder.notes());
        let (mut fold, mut seen) = (Fold::new(), ResponseSummary::keeping(&self.asked));
        for event in &events {
            fold.event(event);
            seen.event(event);
        }
        Ok((fold.finish()?, seen))
    }

    /// Takes over what was seen; an error if there is nothing for the client in it.
    pub(super) fn accept(&mut self, seen: &ResponseSummary) -> Result<(), UpstreamError> {
        if let Some(error) = &seen.error {
            return Err(error.clone());
        }
        self.report.usage = seen.usage;
        self.report.outcome = seen.outcome();
        if self.report.outcome == Outcome::Empty {
            if !self.asked.nothing {
                return Err(UpstreamError::Empty);
            }
            self.report.outcome = Outcome::Complete;
        }
        self.keep_turn(&seen.turn);
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
fn carry_signatures(response: &mut Response, notes: &mut Diagnostics) {
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { id, signature: Some(signature), .. } = block
            && let Some(packed) = carry::pack(id, signature)
        {
            notes.note(Code::SignatureCarried, "tool_calls[].id", "");
            *id = packed;
        }
    }
}

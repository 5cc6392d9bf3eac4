//! Repair of streams and responses by passing them through: what the dialect's decoder accepts goes out byte for byte.
//!
//! For dialects whose deviations are tolerated by their clients, or not repaired.

use super::{Decoder, Repaired, StreamRepairer, WireFormat};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold,
};
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};

/// Passes a stream through, and follows it with the dialect's decoder. Frames that the decoder skips are dropped.
pub struct Passthrough {
    dialect: &'static dyn WireFormat,
    decoder: Box<dyn Decoder>,
    /// The decoder's events for one frame.
    events: Vec<Event>,
    summary: ResponseSummary,
    /// Whether the client has got the end or an error.
    is_ended: bool,
}

impl std::fmt::Debug for Passthrough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passthrough").field("dialect", &self.dialect.name()).finish_non_exhaustive()
    }
}

impl Passthrough {
    /// Creates the repairer of one stream of `dialect`.
    pub fn new(dialect: &'static dyn WireFormat, spec: &ResponseSpec, context: &ResponseContext) -> Self {
        let decoder = dialect.decoder(spec, context);
        Self {
            dialect,
            decoder,
            events: Vec::new(),
            summary: ResponseSummary::for_spec(spec),
            is_ended: false,
        }
    }

    /// Takes the decoder's events; the first error among them ends the stream. Returns whether the stream is ended.
    fn follow(&mut self, out: &mut Vec<u8>) -> bool {
        for event in self.events.drain(..) {
            self.summary.event(&event);
        }
        if !self.is_ended
            && let Some(error) = self.summary.error.clone()
        {
            self.is_ended = true;
            self.dialect.encode_stream_error(&Error::Upstream(error), out);
        }
        self.is_ended
    }
}

impl StreamRepairer for Passthrough {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let skipped_before = skipped_frames(self.decoder.diagnostics());
        self.decoder.frame(frame, &mut self.events);
        if self.follow(out) || skipped_frames(self.decoder.diagnostics()) > skipped_before {
            return;
        }
        match frame {
            Frame::Event { event, data } => {
                if let Some(event) = event {
                    out.extend_from_slice(b"event: ");
                    out.extend_from_slice(event.as_bytes());
                    out.push(b'\n');
                }
                write_event(out, |out| out.extend_from_slice(data));
            }
            Frame::Line(line) | Frame::Body(line) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.is_ended {
            self.decoder.finish(&mut self.events);
            self.follow(out);
            self.is_ended = true;
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !self.is_ended {
            self.events.push(Event::Error(error.clone()));
            self.follow(out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        self.decoder.diagnostics()
    }
}

/// Returns how many frames the decoder skipped.
fn skipped_frames(diagnostics: &Diagnostics) -> u32 {
    let codes = [DiagnosticCode::FrameCorrupt, DiagnosticCode::FrameForeign, DiagnosticCode::DataAfterDone];
    diagnostics.iter().filter(|d| codes.contains(&d.code)).fold(0, |sum, d| sum.saturating_add(d.count))
}

/// Passes a non-streaming response through, and decodes it for its summary.
///
/// # Errors
/// The body is no response of the dialect.
pub fn pass(
    dialect: &dyn WireFormat,
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let response = dialect.decode_response(body, spec, context, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&response) {
        summary.event(&event);
    }
    Ok(Repaired { body: None, summary })
}

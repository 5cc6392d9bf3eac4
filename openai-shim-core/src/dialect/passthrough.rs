//! Frames passed on as they are, for dialects that mend by decoding and encoding: what their decoder finds nothing wrong
//! with goes out byte for byte.

use super::{Decoder, Dialect, Repaired, StreamRepairer};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold,
};
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};

/// Passes a stream on, and follows it with the dialect's decoder.
pub struct Passthrough {
    dialect: &'static dyn Dialect,
    decoder: Box<dyn Decoder>,
    events: Vec<Event>,
    summary: ResponseSummary,
    over: bool,
}

impl std::fmt::Debug for Passthrough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passthrough").field("dialect", &self.dialect.name()).finish_non_exhaustive()
    }
}

impl Passthrough {
    /// Follows a stream of `dialect`.
    pub fn new(dialect: &'static dyn Dialect, spec: &ResponseSpec, context: &ResponseContext) -> Self {
        let decoder = dialect.decoder(spec, context);
        Self { dialect, decoder, events: Vec::new(), summary: ResponseSummary::for_spec(spec), over: false }
    }

    /// Takes in what the decoder found; whether the stream failed, and the client was told.
    fn failed(&mut self, out: &mut Vec<u8>) -> bool {
        for event in self.events.drain(..) {
            self.summary.event(&event);
        }
        let Some(error) = self.summary.error.clone().filter(|_| !self.over) else { return self.over };
        self.over = true;
        self.dialect.encode_stream_error(&Error::Upstream(error), out);
        true
    }
}

impl StreamRepairer for Passthrough {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let before = left_out(self.decoder.diagnostics());
        self.decoder.frame(frame, &mut self.events);
        if self.failed(out) || left_out(self.decoder.diagnostics()) > before {
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
        if !self.over {
            self.decoder.finish(&mut self.events);
            self.failed(out);
            self.over = true;
        }
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !self.over {
            self.events.push(Event::Error(error.clone()));
            self.failed(out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        self.decoder.diagnostics()
    }
}

/// How many frames the decoder left out: those are not passed on either.
fn left_out(diagnostics: &Diagnostics) -> u32 {
    let unread = [DiagnosticCode::FrameCorrupt, DiagnosticCode::FrameForeign, DiagnosticCode::DataAfterDone];
    diagnostics.iter().filter(|d| unread.contains(&d.code)).fold(0, |sum, d| sum.saturating_add(d.count))
}

/// Passes a whole answer on, and says what was seen in it.
pub fn pass(
    dialect: &dyn Dialect,
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

//! [`EventTap`]: the bytes that a client gets → canonical events, for the hooks that read them.
//!
//! It decodes what is sent, not what the upstream sent: its events are what the client gets, whatever was repaired or translated on
//! the way, and a stream without hooks is decoded once less.

use crate::canonical::Diagnostics;
use crate::canonical::{AnswerQuirks, Context, Event, ReasoningTags, ResponseContext, ResponseSpec};
use crate::dialect::{Decoder, Dialect};
use crate::exchange::{ClientRequest, RequestInfo};
use crate::framing::Framer;
use http::{HeaderMap, StatusCode};

/// Reads an event of a response.
pub(super) type EventHook = Box<dyn Fn(&Event, &RequestInfo) + Send + Sync>;

/// Decodes a response on its way to the client.
pub(super) struct EventTap {
    info: RequestInfo,
    dialect: Dialect,
    framer: Framer,
    decoder: Box<dyn Decoder>,
    /// The status and headers of an error response, and its body so far.
    error: Option<(StatusCode, HeaderMap, Vec<u8>)>,
}

impl EventTap {
    pub(super) fn new(request: &ClientRequest, context: Context, max_frame_bytes: usize) -> Self {
        let mut spec = ResponseSpec::new(request.request(), &context);
        // What stands in the text reaches the client as text.
        spec.quirks = AnswerQuirks { reasoning_tags: ReasoningTags::Ignore, ..AnswerQuirks::default() };
        let context = ResponseContext::new(request.request(), context);
        let dialect = request.client();
        Self {
            info: RequestInfo::new(request),
            dialect,
            framer: Framer::new(max_frame_bytes),
            decoder: dialect.decoder(&spec, &context),
            error: None,
        }
    }

    /// Takes the response's head.
    pub(super) fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        if !status.is_success() {
            self.error = Some((status, headers.clone(), Vec::new()));
        }
    }

    /// Takes bytes of the response.
    pub(super) fn push(&mut self, bytes: &[u8], hooks: &[EventHook]) {
        if let Some((_, _, body)) = &mut self.error {
            return body.extend_from_slice(bytes);
        }
        let (mut events, decoder) = (Vec::new(), &mut self.decoder);
        // Core wrote these frames within its limits.
        let _ = self.framer.push(bytes, &mut |frame| decoder.frame(frame, &mut events));
        self.emit(&events, hooks);
    }

    /// Ends the response.
    pub(super) fn finish(&mut self, hooks: &[EventHook]) {
        let mut events = Vec::new();
        if let Some((status, headers, body)) = self.error.take() {
            let error = self.dialect.decode_error(status, &headers, &body, &mut Diagnostics::default());
            events.push(Event::Error(error));
        } else {
            let decoder = &mut self.decoder;
            self.framer.finish(&mut |frame| decoder.frame(frame, &mut events));
            decoder.finish(&mut events);
        }
        self.emit(&events, hooks);
    }

    fn emit(&self, events: &[Event], hooks: &[EventHook]) {
        for event in events {
            for hook in hooks {
                hook(event, &self.info);
            }
        }
    }
}

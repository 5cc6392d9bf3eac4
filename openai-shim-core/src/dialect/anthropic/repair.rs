//! Streams and messages for a client of this dialect: what the API could have sent passes as the upstream's own bytes, the
//! rest is encoded again. A stream is encoded again from its first deviant frame on.

use super::super::{Decoder, Encoder, Repaired, StreamRepairer};
use super::decode::MessagesDecoder;
use super::encode::MessagesEncoder;
use super::sse::{write_event, write_event_line};
use super::stream_state::{FrameAction, ResumePoint, SentProgress, SentState};
use super::{conformance, error, response, stop_reason};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold, unwrap_calls,
};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, encode_string};

/// Repairs a stream.
pub(super) struct MessagesRepairer {
    spec: ResponseSpec,
    context: ResponseContext,
    decoder: MessagesDecoder,
    output: Output,
    sent: SentState,
    /// The events of the current frame.
    events: Vec<Event>,
    summary: ResponseSummary,
}

/// How the client's bytes are made.
enum Output {
    /// Frames pass as they are.
    Passthrough,
    /// Events are encoded.
    Encoded(Box<MessagesEncoder>),
    /// The stream is complete or failed; the encoder's diagnostics were collected.
    Ended,
}

impl MessagesRepairer {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        let summary = ResponseSummary::for_spec(&spec);
        Self {
            decoder: MessagesDecoder::new(&spec),
            spec,
            context,
            output: Output::Passthrough,
            sent: SentState::default(),
            events: Vec::new(),
            summary,
        }
    }

    /// Passes a frame on, with an `event` line that equals its `type`.
    fn pass_frame(&mut self, has_event_line: bool, data: &[u8], out: &mut Vec<u8>) {
        let frame_type = self.decoder.frame_type.as_str();
        match frame_type {
            "message_start" => {
                self.sent.progress = SentProgress::MessageStart;
                let renamed = self.spec.restore_alias.then(|| with_model(data, &self.spec.model)).flatten();
                if let Some(renamed) = renamed {
                    return write_event(out, frame_type, &renamed);
                }
            }
            "content_block_start" => {
                self.sent.open_index = Some(self.sent.next_index);
                self.sent.next_index += 1;
                let is_native = self.decoder.mark_start_passed();
                self.summary.content |= is_native;
                self.summary.answer |= is_native;
            }
            "content_block_stop" => self.sent.open_index = None,
            "message_delta" => self.sent.progress = SentProgress::MessageDelta,
            _ => {}
        }
        if !has_event_line {
            self.decoder.frame.diagnostics.record(DiagnosticCode::FramingRepaired, "", "no event line");
        }
        write_event_line(out, &self.decoder.frame_type);
        crate::framing::write_event(out, |out| out.extend_from_slice(data));
    }

    /// Adds the frame's events to the summary. Of a passed frame only errors are written.
    fn take_passed_events(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            self.summary.event(&event);
            if let Event::Error(failure) = &event {
                error::encode_in_stream(&Error::Upstream(failure.clone()), out);
            }
        }
        self.end_if_complete();
    }

    /// Adds the frame's events to the summary, and encodes them if any frame so far deviated.
    fn encode_events(&mut self, resume_point: ResumePoint, out: &mut Vec<u8>) {
        let is_failure = matches!(self.events.first(), Some(Event::Error(_)));
        let is_deviant = self.decoder.frame.action == FrameAction::Rewrite;
        if matches!(self.output, Output::Passthrough) && is_deviant && !is_failure {
            let mut encoder = MessagesEncoder::new(self.spec.clone(), self.context.clone());
            encoder.resume(resume_point, self.sent, self.summary.usage, out);
            self.output = Output::Encoded(Box::new(encoder));
        }
        for event in self.events.drain(..) {
            self.summary.event(&event);
            if let Event::Error(failure) = &event {
                error::encode_in_stream(&Error::Upstream(failure.clone()), out);
            } else if let Output::Encoded(encoder) = &mut self.output {
                encoder.event(&event, out);
            }
        }
        self.end_if_complete();
    }

    fn end_if_complete(&mut self) {
        if self.decoder.is_ended()
            && let Output::Encoded(encoder) = std::mem::replace(&mut self.output, Output::Ended)
        {
            self.decoder.frame.diagnostics.extend(encoder.diagnostics());
        }
    }
}

impl StreamRepairer for MessagesRepairer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let resume_point = self.decoder.resume_point();
        self.decoder.frame(frame, &mut self.events);
        let passes =
            self.decoder.frame.action == FrameAction::Pass && matches!(self.output, Output::Passthrough);
        match frame {
            Frame::Event { event, data } if passes => {
                let has_event_line = event == Some(self.decoder.frame_type.as_str());
                self.pass_frame(has_event_line, data, out);
                self.take_passed_events(out);
            }
            _ => self.encode_events(resume_point, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let resume_point = self.decoder.resume_point();
        self.decoder.finish(&mut self.events);
        self.encode_events(resume_point, out);
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if !self.decoder.is_ended() {
            let resume_point = self.decoder.resume_point();
            self.decoder.connection_lost(failure, &mut self.events);
            self.encode_events(resume_point, out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.decoder.frame.diagnostics
    }
}

/// Returns a `message_start` with the model name of the client's request.
fn with_model(data: &[u8], model: &str) -> Option<String> {
    let mut event = Object::parse(data).ok()?;
    let mut message = event.object("message")?.into_owned();
    message.set("model", encode_string(model));
    event.set("message", message.to_json());
    Some(event.to_json())
}

/// Repairs a non-streaming response: passes it on, or encodes it again if the API could not have sent it.
pub(super) fn repair_message(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let mut response = response::decode(body, spec, diagnostics)?;
    unwrap_calls(&mut response, diagnostics);
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&response) {
        summary.event(&event);
    }
    let mut object = Object::parse(body).unwrap_or_default();
    if !(conformance::is_message(&object) && has_valid_content(&object)) {
        diagnostics.record(DiagnosticCode::FieldFilled, "", "the message was written again");
        return Ok(Repaired { body: Some(response::encode(&response, spec, context, diagnostics)), summary });
    }
    if spec.restore_alias {
        object.set("model", encode_string(&spec.model));
    }
    let body = object.is_changed().then(|| object.to_json().into_bytes());
    Ok(Repaired { body, summary })
}

/// Whether the blocks and the stop reason of a message are what the API's types require, and agree.
fn has_valid_content(object: &Object<'_>) -> bool {
    let items = object.array("content").unwrap_or_default();
    let blocks: Vec<_> = items.iter().filter_map(|item| Object::parse(item.as_bytes()).ok()).collect();
    let stop_reason = object.str("stop_reason");
    let is_foreign = stop_reason.as_deref().is_some_and(|r| r.is_empty() || stop_reason::is_foreign(r));
    // A client that reads `end_turn` does not look for tool calls.
    let is_end_turn = stop_reason.as_deref() == Some("end_turn");
    let has_calls = blocks.iter().any(|block| block.str("type").as_deref() == Some("tool_use"));
    let is_tool_use = stop_reason.as_deref() == Some("tool_use");
    let is_call = |block: &Object<'_>| block.str("type").is_some_and(|kind| kind.ends_with("tool_use"));
    let calls_any_tool = blocks.iter().any(is_call);
    blocks.len() == items.len()
        && blocks.iter().all(conformance::is_block)
        && !is_foreign
        && !(is_end_turn && has_calls)
        && (calls_any_tool || !is_tool_use)
}

//! Answers for a client that speaks this dialect too: passed on as they came, as long as they are what the API would have
//! sent. From the first frame on that is not, the rest is written anew.

use super::super::{Decoder, Encoder, Repaired, StreamRepairer};
use super::decode::{FrameAction, MessagesDecoder, ResumePoint};
use super::encode::MessagesEncoder;
use super::response::{foreign_reason, is_block, is_message};
use super::{error, response, write_event};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold,
};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, encode_string};

/// Passes a stream on.
pub(super) struct MessagesMender {
    spec: ResponseSpec,
    context: ResponseContext,
    decoder: MessagesDecoder,
    encoder: Option<MessagesEncoder>,
    wire: SentState,
    events: Vec<Event>,
    summary: ResponseSummary,
    done: bool,
}

/// What the client has been sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SentState {
    pub(super) started: bool,
    /// The index of the open block.
    pub(super) open: Option<u32>,
    pub(super) next: u32,
    pub(super) ended: bool,
}

impl MessagesMender {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        let summary = ResponseSummary::for_spec(&spec);
        Self {
            spec,
            context,
            decoder: MessagesDecoder::default(),
            encoder: None,
            wire: SentState::default(),
            events: Vec::new(),
            summary,
            done: false,
        }
    }

    /// Passes a frame on as it came, under the name that it gives itself.
    fn pass(&mut self, named: bool, data: &[u8], out: &mut Vec<u8>) {
        let name = self.decoder.kind.as_str();
        match name {
            "message_start" => {
                self.wire.started = true;
                if let Some(renamed) =
                    self.spec.restore_alias.then(|| renamed(data, &self.spec.model)).flatten()
                {
                    return write_event(out, name, &renamed);
                }
            }
            "content_block_start" => {
                self.wire.open = Some(self.wire.next);
                self.wire.next += 1;
                self.summary.content |= self.decoder.native_passed();
            }
            "content_block_stop" => self.wire.open = None,
            "message_delta" => self.wire.ended = true,
            _ => {}
        }
        if !named {
            self.decoder.diagnostics.record(DiagnosticCode::FramingRepaired, "", "no event line");
        }
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(self.decoder.kind.as_bytes());
        out.push(b'\n');
        crate::framing::write_event(out, |out| out.extend_from_slice(data));
    }

    /// Takes in what the decoder found, and writes it where the frame itself did not go out.
    fn drain(&mut self, write: bool, standing: ResumePoint, out: &mut Vec<u8>) {
        let fails = matches!(self.events.first(), Some(Event::Error(_)));
        if write && !fails && self.decoder.verdict == FrameAction::Mend && self.encoder.is_none() {
            let mut encoder = MessagesEncoder::new(self.spec.clone(), self.context.clone());
            encoder.adopt(&standing, self.wire, self.summary.usage, out);
            self.encoder = Some(encoder);
        }
        for event in self.events.drain(..) {
            self.summary.event(&event);
            if let Event::Error(failure) = &event {
                error::encode_in_stream(&Error::Upstream(failure.clone()), out);
            } else if let Some(encoder) = self.encoder.as_mut().filter(|_| write) {
                encoder.event(&event, out);
            }
        }
        if self.decoder.over
            && !std::mem::replace(&mut self.done, true)
            && let Some(encoder) = &self.encoder
        {
            self.decoder.diagnostics.extend(encoder.diagnostics());
        }
    }
}

impl StreamRepairer for MessagesMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let standing = self.decoder.standing();
        self.decoder.frame(frame, &mut self.events);
        let pass = self.decoder.verdict == FrameAction::Pass && self.encoder.is_none();
        match frame {
            Frame::Event { event, data } if pass => {
                let named = event == Some(self.decoder.kind.as_str());
                self.pass(named, data, out);
                self.drain(false, standing, out);
            }
            _ => self.drain(true, standing, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let standing = self.decoder.standing();
        self.decoder.finish(&mut self.events);
        self.drain(true, standing, out);
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if !self.decoder.over {
            let standing = self.decoder.standing();
            self.decoder.connection_lost(failure, &mut self.events);
            self.drain(true, standing, out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.decoder.diagnostics
    }
}

/// A `message_start` with the client's own name for the model.
fn renamed(data: &[u8], model: &str) -> Option<String> {
    let mut event = Object::parse(data).ok()?;
    let mut message = event.object("message")?.into_owned();
    message.set("model", encode_string(model));
    event.set("message", message.to_json());
    Some(event.to_json())
}

/// Passes a whole answer on, or writes it anew if it is not what the API would have sent.
pub(super) fn whole(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let response = response::decode(body, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&response) {
        summary.event(&event);
    }
    let mut object = Object::parse(body).unwrap_or_default();
    if !(is_message(&object) && is_answer(&object)) {
        diagnostics.record(DiagnosticCode::FieldFilled, "", "the message was written anew");
        return Ok(Repaired { body: Some(response::encode(&response, spec, context, diagnostics)), summary });
    }
    if spec.restore_alias {
        object.set("model", encode_string(&spec.model));
    }
    let body = object.is_changed().then(|| object.to_json().into_bytes());
    Ok(Repaired { body, summary })
}

/// Whether the blocks of an answer, and its ending, are what the API's types demand.
fn is_answer(object: &Object<'_>) -> bool {
    let items = object.array("content").unwrap_or_default();
    let blocks: Vec<_> = items.iter().filter_map(|item| Object::parse(item.as_bytes()).ok()).collect();
    // Who reads that a turn ended does not look for calls.
    let over = object.str("stop_reason").as_deref() == Some("end_turn");
    let calls = blocks.iter().any(|block| block.str("type").as_deref() == Some("tool_use"));
    let word = object.str("stop_reason");
    let foreign = word.is_some_and(|word| word.is_empty() || foreign_reason(&word).is_some());
    blocks.len() == items.len() && blocks.iter().all(is_block) && !foreign && !(over && calls)
}

//! Repair of a stream: an upstream's frames to a stream that OpenAI could have sent.
//!
//! The decoder follows the stream for the summary, and to notice errors and a missing end.

use super::super::super::{Decoder, Encoder, StreamRepairer};
use super::super::decode::ResponsesDecoder;
use super::super::encode::{EventOutput, ResponsesEncoder};
use super::super::names::KEEP_ALIVE;
use super::super::response_object::{ResponseSkeleton, ResponseState, ResponseStatus};
use super::super::sse::write_event;
use super::super::{error, output_item};
use super::cut_item::{label_item, label_last_item};
use super::event_order::EventOrder;
use super::finished_items::FinishedItems;
use super::required_fields::{fill_item, fill_part, fill_response};
use super::sequence_numbers::SequenceNumbers;
use super::streamed_arguments::{ArgumentsStep, StreamedArguments};
use super::uncertain_names::{UncertainNames, WaitingEvent};
use crate::canonical::{DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary};
use crate::dialect::json_syntax::repair_json_again;
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, encode_string, objects_in};
use std::borrow::Cow;

/// Repairs one stream.
pub(in super::super) struct ResponsesRepairer {
    spec: ResponseSpec,
    context: ResponseContext,
    decoder: ResponsesDecoder,
    /// The decoder's events for one frame.
    events: Vec<Event>,
    summary: ResponseSummary,
    skeleton: ResponseSkeleton,
    /// Whether the decoder found a response, which can then fail.
    has_response: bool,
    phase: Phase,
    sequence_numbers: SequenceNumbers,
    order: EventOrder,
    finished_items: FinishedItems,
    /// The event of the item that is done last. Whether the item is complete is known with the next event.
    held_done: Option<HeldEvent>,
    arguments: StreamedArguments,
    names: UncertainNames,
}

/// An event, and its own bytes.
struct HeldEvent {
    event: Object<'static>,
    data: Vec<u8>,
}

/// What the client has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No event.
    Unstarted,
    /// At least one event.
    Started,
    /// The end, or an error.
    Ended,
}

impl ResponsesRepairer {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            skeleton: ResponseSkeleton::new(&spec),
            decoder: ResponsesDecoder::new(&spec),
            names: UncertainNames::new(&spec.tools),
            summary: ResponseSummary::for_spec(&spec),
            spec,
            context,
            events: Vec::new(),
            has_response: false,
            phase: Phase::Unstarted,
            sequence_numbers: SequenceNumbers::default(),
            order: EventOrder::default(),
            finished_items: FinishedItems::default(),
            held_done: None,
            arguments: StreamedArguments::default(),
        }
    }

    /// Takes the decoder's events.
    fn follow(&mut self) {
        for event in &self.events {
            if let Event::Start { id, model, .. } = event {
                self.has_response = true;
                self.skeleton.id = id.clone().unwrap_or_default();
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.skeleton.model.clone_from(model);
                }
            }
            self.summary.event(event);
        }
    }

    /// Inserts an event before the upstream's next one.
    fn insert_event(&mut self, kind: &str, fields: &Object<'_>, out: &mut Vec<u8>) {
        let mut event = Object::new();
        event.set("type", encode_string(kind));
        event.set("sequence_number", self.sequence_numbers.insert().to_string());
        fields.iter().for_each(|(key, value)| event.set(key, value));
        write_event(kind, &event.to_json(), out);
    }

    /// Inserts an `error` event. SDKs raise on it; without it most show a response that failed as if it were complete.
    fn insert_error(&mut self, error: &Error, out: &mut Vec<u8>) {
        let event = error::encode_event(error, self.sequence_numbers.insert());
        write_event("error", &event, out);
    }

    /// Inserts `response.created`, with which every stream begins.
    fn insert_created(&mut self, out: &mut Vec<u8>) {
        if self.skeleton.id.is_empty() {
            self.skeleton.id = self.context.new_id("resp_");
        }
        self.decoder.diagnostics.record(DiagnosticCode::FieldFilled, "response.created", "an event");
        let mut fields = Object::new();
        fields.set("response", self.skeleton.encode(ResponseState::STARTED));
        self.insert_event("response.created", &fields, out);
    }

    /// Inserts the end of items that are only in the final response: some clients read items from events only.
    fn insert_unstreamed_items(&mut self, event: &Object<'_>, out: &mut Vec<u8>) {
        let response = event.object("response").unwrap_or_default();
        for (index, item) in response.array("output").unwrap_or_default().into_iter().enumerate() {
            self.sequence_numbers.renumber();
            let mut done = Object::new();
            done.set("output_index", index.to_string());
            done.set("item", item.to_owned());
            self.write("response.output_item.done", done, b"", out);
        }
    }

    /// Writes an event of the upstream, unless it waits for the name of a call.
    fn write_named(&mut self, kind: &str, event: Object<'_>, data: &[u8], out: &mut Vec<u8>) {
        if !self.names.holds(kind, &event) {
            return self.write_or_hold(kind, event, data, out);
        }
        let (kind, event, data) = (kind.to_owned(), event.into_owned(), data.to_vec());
        let released = self.names.push(WaitingEvent { kind, event, data }, &mut self.decoder.diagnostics);
        self.write_waiting(released, out);
    }

    fn write_waiting(&mut self, released: Vec<WaitingEvent>, out: &mut Vec<u8>) {
        for WaitingEvent { kind, event, data } in released {
            self.write_or_hold(&kind, event, &data, out);
        }
    }

    /// Writes what waits: no further event changes it.
    fn release_all(&mut self, out: &mut Vec<u8>) {
        let released = self.names.release(&mut self.decoder.diagnostics);
        self.write_waiting(released, out);
        self.release_done(false, out);
    }

    /// Writes an event of the upstream; one that an item is done waits for the next.
    fn write_or_hold(&mut self, kind: &str, event: Object<'_>, data: &[u8], out: &mut Vec<u8>) {
        self.release_done(kind == "response.incomplete", out);
        if kind == "response.output_item.done" {
            self.held_done = Some(HeldEvent { event: event.into_owned(), data: data.to_vec() });
        } else {
            self.write(kind, event, data, out);
        }
    }

    /// Writes the event that waits. `is_cut`: the response is incomplete, so its last item is.
    fn release_done(&mut self, is_cut: bool, out: &mut Vec<u8>) {
        let Some(HeldEvent { mut event, data }) = self.held_done.take() else { return };
        let item = event.get("item").filter(|_| is_cut);
        if let Some(item) = item.and_then(|item| label_item(item, &mut self.decoder.diagnostics)) {
            event.set("item", item);
        }
        self.write("response.output_item.done", event, &data, out);
    }

    /// Writes an event of the upstream with all that is missing before it and in it. `data` are its own bytes, which go out
    /// if nothing changes.
    fn write(&mut self, kind: &str, mut event: Object<'_>, data: &[u8], out: &mut Vec<u8>) {
        if self.phase == Phase::Unstarted {
            self.phase = Phase::Started;
            if kind != "response.created" {
                self.insert_created(out);
            }
        }
        if matches!(kind, "response.completed" | "response.incomplete")
            && self.finished_items.as_slice().is_empty()
        {
            self.insert_unstreamed_items(&event, out);
        }
        if event.get("type").is_none() {
            event.set_first("type", encode_string(kind));
        }
        let missing = self.order.repair(kind, &mut event, &mut self.context, &mut self.decoder.diagnostics);
        for missing in missing {
            self.insert_event(missing.kind, &missing.fields, out);
        }
        match self.arguments.repair(kind, &mut event, &mut self.decoder.diagnostics) {
            ArgumentsStep::Pass => {}
            ArgumentsStep::Hold => return self.sequence_numbers.renumber(),
            ArgumentsStep::After(delta) => {
                self.insert_event("response.function_call_arguments.delta", &delta, out);
            }
        }
        self.sequence_numbers.apply(&mut event, &mut self.decoder.diagnostics);
        self.repair_response(kind, &mut event);
        self.repair_item(kind, &mut event);
        let diagnostics = &mut self.decoder.diagnostics;
        if let Some(part) = event.get("part").and_then(|part| fill_part(part, diagnostics)) {
            event.set("part", part);
        }
        if matches!(kind, "response.output_text.delta" | "response.output_text.done")
            && event.non_null("logprobs").is_none()
        {
            event.set("logprobs", "[]");
            diagnostics.record(DiagnosticCode::FieldFilled, "logprobs", "");
        }
        if event.is_changed() {
            write_event(kind, &event.to_json(), out);
        } else {
            write_event(kind, &String::from_utf8_lossy(data), out);
        }
    }

    /// Repairs the response in an event; all responses of a stream have the first one's id.
    fn repair_response(&mut self, kind: &str, event: &mut Object<'_>) {
        let Some(mut response) = event.object("response").map(Object::into_owned) else { return };
        if kind == "response.incomplete" {
            label_last_item(&mut response, &mut self.decoder.diagnostics);
        }
        let is_final = !matches!(kind, "response.created" | "response.in_progress" | "response.queued");
        let items = if is_final { self.finished_items.as_slice() } else { &[] };
        fill_response(&mut response, items, &self.spec, &mut self.context, &mut self.decoder.diagnostics);
        match response.str("id") {
            Some(id) if self.skeleton.id.is_empty() => self.skeleton.id = id.into_owned(),
            Some(id) if id == self.skeleton.id => {}
            _ => {
                response.set("id", encode_string(&self.skeleton.id));
                self.decoder.diagnostics.record(DiagnosticCode::IdPinned, "response.id", "");
            }
        }
        if response.is_changed() {
            event.set("response", response.to_json());
        }
    }

    /// Repairs the item in an event, and holds it if it is finished.
    fn repair_item(&mut self, kind: &str, event: &mut Object<'_>) {
        let Some(item) = event.get("item").map(str::to_owned) else { return };
        let is_native = output_item::is_native(&item);
        self.summary.content |= is_native;
        self.summary.answer |= is_native;
        let begins = kind.ends_with("added");
        let repaired = fill_item(&item, begins, &mut self.context, &mut self.decoder.diagnostics);
        if kind == "response.output_item.done" {
            self.finished_items.add(event, repaired.clone().unwrap_or(item));
        }
        if let Some(repaired) = repaired {
            event.set("item", repaired);
        }
    }

    /// Encodes the decoder's events, for an upstream that sent a complete response instead of a stream.
    fn write_as_stream(&mut self, out: &mut Vec<u8>) {
        let mut encoder = ResponsesEncoder::new(self.spec.clone(), self.context.clone(), EventOutput::Write);
        for event in &self.events {
            encoder.event(event, out);
        }
        self.decoder.diagnostics.extend(encoder.diagnostics());
    }
}

impl StreamRepairer for ResponsesRepairer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (name, data) = match frame {
            Frame::Event { event, data } => (event, data.trim_ascii()),
            Frame::Line(data) | Frame::Body(data) => (None, data.trim_ascii()),
        };
        let parsed = Object::parse(data);
        if parsed.is_err()
            && let Some(objects) = objects_in(data)
        {
            self.decoder.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several events in one");
            for object in objects {
                self.frame(Frame::Line(object), out);
            }
            return;
        }
        let had_failed = self.summary.error.is_some();
        self.events.clear();
        self.decoder.frame(frame, &mut self.events);
        self.follow();
        if self.phase == Phase::Ended {
            return;
        }
        let repaired;
        let (event, data) = match parsed {
            Ok(event) => (event, data),
            Err(_) => {
                repaired = repair_json_again(data).unwrap_or_default();
                (Object::parse(repaired.as_bytes()).unwrap_or_default(), repaired.as_bytes())
            }
        };
        let kind = event.str("type").map(Cow::into_owned);
        let kind = kind.or_else(|| name.map(str::to_owned)).unwrap_or_default();
        if kind == "keepalive" {
            // It is no event of the reference. Without it, its number is missing.
            if event.get("sequence_number").is_some() {
                self.sequence_numbers.renumber();
            }
            out.extend_from_slice(KEEP_ALIVE);
            return;
        }
        let is_response_event = kind.starts_with("response.") && !event.is_empty();
        let new_error = self.summary.error.clone().filter(|_| !had_failed);
        match new_error {
            // The upstream's own event for a failure goes to the client.
            Some(error) if !matches!(kind.as_str(), "response.failed" | "response.cancelled") => {
                self.fail(&error, out);
            }
            Some(error) if is_response_event && self.phase == Phase::Started => {
                self.release_all(out);
                self.insert_error(&Error::Upstream(error), out);
                self.write(&kind, event, data, out);
            }
            _ if is_response_event => self.write_named(&kind, event, data, out),
            Some(error) => self.fail(&error, out),
            None if self.summary.ended => self.write_as_stream(out),
            None => {}
        }
        if self.summary.ended || self.summary.error.is_some() {
            self.phase = Phase::Ended;
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.events.clear();
        self.decoder.finish(&mut self.events);
        self.follow();
        if let Some(error) = self.summary.error.clone() {
            self.fail(&error, out);
        }
        self.phase = Phase::Ended;
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if self.phase != Phase::Ended {
            self.release_all(out);
        }
        if std::mem::replace(&mut self.phase, Phase::Ended) == Phase::Ended {
            return;
        }
        self.summary.error.get_or_insert_with(|| failure.clone());
        let error = Error::Upstream(failure.clone());
        self.insert_error(&error, out);
        if !self.has_response {
            return;
        }
        let sequence_number = self.sequence_numbers.peek();
        let (output, message) = (self.finished_items.to_json(), error.message().into_owned());
        let status = ResponseStatus::Failed { code: error::response_code(&error), message: &message };
        let mut event = Object::new();
        event.set("type", "\"response.failed\"");
        event.set("sequence_number", sequence_number.to_string());
        event.set("response", self.skeleton.encode(ResponseState { status, output: &output, usage: None }));
        write_event("response.failed", &event.to_json(), out);
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        self.decoder.diagnostics()
    }
}

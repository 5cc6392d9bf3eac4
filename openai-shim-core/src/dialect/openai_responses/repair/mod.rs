//! Frames and bodies on their way from an upstream to a client of the same dialect: what is well-formed passes as it is.

use super::super::{Decoder, Encoder, Repaired, StreamRepairer};
use super::content_part::object_of;
use super::decode::ResponsesDecoder;
use super::encode::ResponsesEncoder;
use super::encoded_items::write_event;
use super::response_object::{ResponseSkeleton, ResponseStatus};
use super::{error, response};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ResponseContext, ResponseSpec, ResponseSummary, unfold,
};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, encode_string};

mod event_order;
mod required_fields;
use required_fields::{item as mend_item, part as mend_part, response as repair_response};

/// The most that is kept of finished items, for an upstream that leaves them out at the end.
const MOST: usize = 16 << 20;

/// Passes a stream on, and follows it with the decoder.
pub(super) struct ResponsesMender {
    spec: ResponseSpec,
    context: ResponseContext,
    decoder: ResponsesDecoder,
    events: Vec<Event>,
    summary: ResponseSummary,
    shell: ResponseSkeleton,
    started: bool,
    sequence: u64,
    /// Events were put in: the upstream's numbers no longer hold.
    inserted: bool,
    /// The first event went out.
    begun: bool,
    order: event_order::EventOrder,
    items: Vec<String>,
    /// Where each of them stands in the output.
    places: Vec<u64>,
    kept: usize,
    over: bool,
}

impl ResponsesMender {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            shell: ResponseSkeleton::new(&spec),
            decoder: ResponsesDecoder::default(),
            summary: ResponseSummary::for_spec(&spec),
            spec,
            context,
            events: Vec::new(),
            started: false,
            sequence: 0,
            inserted: false,
            begun: false,
            order: event_order::EventOrder::default(),
            items: Vec::new(),
            places: Vec::new(),
            kept: 0,
            over: false,
        }
    }

    /// Takes in what the decoder found.
    fn follow(&mut self) {
        for event in &self.events {
            if let Event::Start { id, model, .. } = event {
                self.started = true;
                self.shell.id = id.clone().unwrap_or_default();
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.shell.model.clone_from(model);
                }
            }
            self.summary.event(event);
        }
    }

    /// Items that stand in the output at the end and never streamed: some clients look for them in events alone.
    fn items_of_the_end(&mut self, event: &Object<'_>, out: &mut Vec<u8>) {
        let response = event.object("response").unwrap_or_default();
        for (n, item) in response.array("output").unwrap_or_default().into_iter().enumerate() {
            self.inserted = true;
            let mut done = Object::new();
            done.set("output_index", n.to_string());
            done.set("item", item.to_owned());
            self.write("response.output_item.done", done, b"", out);
        }
    }

    /// The event with which every stream begins.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.shell.id.is_empty() {
            self.shell.id = self.context.new_id("resp_");
        }
        self.inserted = true;
        self.decoder.diagnostics.record(DiagnosticCode::FieldFilled, "response.created", "an event");
        let state = ResponseStatus { status: "in_progress", output: "[]", ..ResponseStatus::default() };
        let mut event = Object::new();
        event.set("type", "\"response.created\"");
        event.set("sequence_number", self.sequence.to_string());
        event.set("response", self.shell.write(state));
        self.sequence += 1;
        write_event("response.created", &event.to_json(), out);
    }

    fn write(&mut self, kind: &str, mut object: Object<'_>, data: &[u8], out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) && kind != "response.created" {
            self.begin(out);
        }
        if matches!(kind, "response.completed" | "response.incomplete") && self.items.is_empty() {
            self.items_of_the_end(&object, out);
        }
        if object.get("type").is_none() {
            object.set_first("type", encode_string(kind));
        }
        let missing = self.order.before(kind, &mut object, &mut self.context, &mut self.decoder.diagnostics);
        for (kind, members) in missing {
            self.inserted = true;
            let mut event = Object::new();
            event.set("type", encode_string(kind));
            event.set("sequence_number", self.sequence.to_string());
            members.iter().for_each(|(key, value)| event.set(key, value));
            self.sequence += 1;
            write_event(kind, &event.to_json(), out);
        }
        match object.u64("sequence_number") {
            Some(number) if !self.inserted => self.sequence = number.saturating_add(1),
            Some(_) => {
                object.set("sequence_number", self.sequence.to_string());
                self.sequence += 1;
            }
            None => {
                object.set("sequence_number", self.sequence.to_string());
                self.sequence += 1;
                self.decoder.diagnostics.record(DiagnosticCode::FieldFilled, "sequence_number", "");
            }
        }
        if let Some(mut response) = object.object("response").map(Object::into_owned) {
            let last =
                kind != "response.created" && kind != "response.in_progress" && kind != "response.queued";
            let items = if last { self.items.as_slice() } else { &[] };
            repair_response(
                &mut response,
                items,
                &self.spec,
                &mut self.context,
                &mut self.decoder.diagnostics,
            );
            match response.str("id") {
                Some(id) if self.shell.id.is_empty() => self.shell.id = id.into_owned(),
                Some(id) if id == self.shell.id => {}
                _ => {
                    response.set("id", encode_string(&self.shell.id));
                    self.decoder.diagnostics.record(DiagnosticCode::IdPinned, "response.id", "");
                }
            }
            if response.is_changed() {
                object.set("response", response.to_json());
            }
        }
        if let Some(item) = object.get("item").map(str::to_owned) {
            self.summary.content |= is_native(&item);
            let begins = kind.ends_with("added");
            let mended = mend_item(&item, begins, &mut self.context, &mut self.decoder.diagnostics);
            let item = mended.clone().unwrap_or(item);
            if kind == "response.output_item.done" && self.kept < MOST {
                self.kept += item.len();
                // In the order of the output, which is not the order in which items are done.
                let index = object.u64("output_index").unwrap_or(u64::MAX);
                let at = self.places.iter().position(|place| *place > index).unwrap_or(self.places.len());
                self.places.insert(at, index);
                self.items.insert(at, item);
            }
            if let Some(mended) = mended {
                object.set("item", mended);
            }
        }
        if let Some(part) = object.get("part").and_then(|part| mend_part(part, &mut self.decoder.diagnostics))
        {
            object.set("part", part);
        }
        if matches!(kind, "response.output_text.delta" | "response.output_text.done")
            && object.non_null("logprobs").is_none()
        {
            object.set("logprobs", "[]");
            self.decoder.diagnostics.record(DiagnosticCode::FieldFilled, "logprobs", "");
        }
        if object.is_changed() {
            write_event(kind, &object.to_json(), out);
        } else {
            write_event(kind, &String::from_utf8_lossy(data), out);
        }
    }
}

impl StreamRepairer for ResponsesMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (name, data) = match frame {
            Frame::Event { event, data } => (event, data.trim_ascii()),
            Frame::Line(data) | Frame::Body(data) => (None, data.trim_ascii()),
        };
        let (over, failed) = (self.over, self.summary.error.is_some());
        self.events.clear();
        self.decoder.frame(frame, &mut self.events);
        self.follow();
        if over {
            return;
        }
        let object = Object::parse(data).unwrap_or_default();
        let kind = object.str("type").map(std::borrow::Cow::into_owned);
        let kind = kind.or_else(|| name.map(str::to_owned)).unwrap_or_default();
        if kind == "keepalive" {
            // It is no event of the reference's: its number is missing afterwards.
            self.inserted |= object.get("sequence_number").is_some();
            out.extend_from_slice(super::KEEP_ALIVE);
            return;
        }
        let own = kind.starts_with("response.") && !object.is_empty();
        let error = self.summary.error.clone().filter(|_| !failed);
        match error {
            // The upstream's own way of saying that it failed is the client's too.
            Some(error) if !matches!(kind.as_str(), "response.failed" | "response.cancelled") => {
                self.fail(&error, out);
            }
            _ if own => self.write(&kind, object, data, out),
            Some(error) => self.fail(&error, out),
            None if self.summary.ended => {
                // The answer came whole.
                let mut encoder = ResponsesEncoder::new(self.spec.clone(), self.context.clone(), false);
                for event in &self.events {
                    encoder.event(event, out);
                }
                self.decoder.diagnostics.extend(encoder.diagnostics());
            }
            None => {}
        }
        self.over |= self.summary.ended || self.summary.error.is_some();
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.events.clear();
        self.decoder.finish(&mut self.events);
        self.follow();
        if let Some(error) = self.summary.error.clone().filter(|_| !self.over) {
            self.fail(&error, out);
        }
        self.over = true;
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.summary.error.get_or_insert_with(|| failure.clone());
        let error = Error::Upstream(failure.clone());
        if !self.started {
            write_event("error", &error::event(&error, self.sequence), out);
            return;
        }
        let (code, message) = error::failed(&error);
        let output = format!("[{}]", self.items.join(","));
        let state = ResponseStatus {
            status: "failed",
            output: &output,
            error: Some((code, &message)),
            ..ResponseStatus::default()
        };
        let mut event = Object::new();
        event.set("type", "\"response.failed\"");
        event.set("sequence_number", self.sequence.to_string());
        event.set("response", self.shell.write(state));
        write_event("response.failed", &event.to_json(), out);
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        self.decoder.diagnostics()
    }
}

/// Mends a whole answer in place.
pub(super) fn whole(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let read = response::decode(body, diagnostics)?;
    let mut summary = ResponseSummary::for_spec(spec);
    for event in unfold(&read) {
        summary.event(&event);
    }
    let mut object = Object::parse(body).unwrap_or_default();
    // An item that only this dialect has is something to a client of it, and so is an answer that is still in the making.
    let pending = matches!(object.str("status").as_deref(), Some("queued" | "in_progress"));
    summary.content |= pending || object.array("output").unwrap_or_default().into_iter().any(is_native);
    repair_response(&mut object, &[], spec, context, diagnostics);
    Ok(Repaired { body: object.is_changed().then(|| object.to_json().into_bytes()), summary })
}

fn is_native(item: &str) -> bool {
    let item = object_of(item);
    let kind = item.str("type").unwrap_or_default();
    !kind.is_empty()
        && !["message", "reasoning", "function_call", "custom_tool_call"].contains(&kind.as_ref())
}

//! An upstream's frames to events.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>
//!
//! The items of an output have indices and may be interleaved, while blocks follow one another: [`DecodedItems`] puts them in
//! order.

use super::super::Decoder;
use super::decoded_items::{DecodedItems, PartKind};
use super::extra_fields::parse_or_empty;
use super::names::NAME;
use super::{error, output_item, response, usage};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ExtraFieldList, FinishReason, Logprobs, NATIVE, ResponseSpec, unfold,
};
use crate::dialect::json_syntax::repair_json;
use crate::dialect::openai_error::{in_any_form, of_error_event};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, is_json_fragment, objects_in, raw, string_or_json};
use std::borrow::Cow;

/// Decodes one stream.
#[derive(Default)]
pub(super) struct ResponsesDecoder {
    /// Wrappers of the decoder record their deviations here, too.
    pub(super) diagnostics: Diagnostics,
    phase: Phase,
    items: DecodedItems,
    /// How many items that only this dialect has were emitted.
    native_items: u32,
    /// An event with content could not be read.
    is_corrupt: bool,
    /// Whether the deltas of the current text had log probabilities.
    has_logprobs: bool,
    /// Whether any text had log probabilities before its item was complete.
    has_streamed_logprobs: bool,
}

/// How far a stream has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// No JSON came yet.
    #[default]
    Empty,
    /// JSON came, but no event of a response.
    Unstarted,
    /// `Event::Start` is emitted.
    Started,
    /// `Event::End` or `Event::Error` is emitted.
    Ended,
}

impl Decoder for ResponsesDecoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) {
        match frame {
            Frame::Event { event, data } => self.data(event, data.trim_ascii(), out),
            Frame::Line(line) => self.data(None, line.trim_ascii(), out),
            Frame::Body(body) => self.data(None, body.trim_ascii(), out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        match self.phase {
            Phase::Ended => {}
            Phase::Empty if self.diagnostics.has(DiagnosticCode::FrameCorrupt) => {
                self.fail(response::not_json(b""), out);
            }
            Phase::Empty => self.fail(UpstreamError::Empty, out),
            Phase::Unstarted | Phase::Started => {
                self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
                self.fail(UpstreamError::Truncated, out);
            }
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

impl ResponsesDecoder {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        Self { items: DecodedItems::new(&spec.tools), ..Self::default() }
    }

    fn data(&mut self, event_name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        // Some servers end the stream as one of chat completions.
        if data.is_empty() || data == b"[DONE]" {
            return;
        }
        if self.phase == Phase::Ended {
            self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            return;
        }
        let Ok(object) = Object::parse(data) else {
            if let Some(error) = of_error_event(event_name, data) {
                return self.reported_error(error, out);
            }
            if let Some(repaired) = repair_json(data, &mut self.diagnostics) {
                return self.data(event_name, repaired.as_bytes(), out);
            }
            if self.phase == Phase::Empty && data.starts_with(b"<") {
                self.fail(response::not_json(data), out);
                return;
            }
            if let Some(objects) = objects_in(data) {
                self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several events in one");
                for object in objects {
                    self.data(event_name, object, out);
                }
                return;
            }
            self.is_corrupt |= is_json_fragment(data);
            self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
            return;
        };
        if self.phase == Phase::Empty {
            self.phase = Phase::Unstarted;
        }
        let kind = object
            .str("type")
            .map(Cow::into_owned)
            .or_else(|| event_name.map(str::to_owned))
            .unwrap_or_default();
        self.event(&kind, &object, out);
        if self.items.exceeds_limits() && self.phase != Phase::Ended {
            let message = String::from("The upstream's answer has more items than can be followed.");
            self.fail(UpstreamError::TooLarge { message }, out);
        }
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, out: &mut Vec<Event>) {
        match kind {
            "error" => {
                // An event that is only named so has the error of another API.
                let error = of_error_event(
                    Some(kind).filter(|_| event.get("type").is_none()),
                    event.to_json().as_bytes(),
                );
                match error {
                    Some(error) => self.reported_error(error, out),
                    None => self.upstream_error(event, out),
                }
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                let response = event.object("response");
                self.start(response.as_ref().unwrap_or(event), out);
            }
            "response.failed" | "response.cancelled" => {
                self.upstream_error(&event.object("response").unwrap_or_default(), out);
            }
            "response.completed" | "response.incomplete" | "response.done" => {
                self.end(kind, &event.object("response").unwrap_or_default(), out);
            }
            "keepalive" | "ping" => {}
            kind if kind.starts_with("response.") => {
                self.start(&Object::new(), out);
                if !self.item_event(kind, event, out) {
                    self.diagnostics.record(DiagnosticCode::FrameForeign, kind, "");
                }
            }
            _ if event.get("output").is_some() || event.str("object").as_deref() == Some("response") => {
                self.non_streaming_response(event, out);
            }
            kind => {
                if let Some(error) = in_any_form(event, &mut self.diagnostics) {
                    return self.reported_error(error, out);
                }
                self.diagnostics.record(DiagnosticCode::FrameForeign, kind, "");
            }
        }
    }

    fn start(&mut self, response: &Object<'_>, out: &mut Vec<Event>) {
        if self.phase == Phase::Started {
            return;
        }
        self.phase = Phase::Started;
        out.push(Event::Start {
            id: response.str("id").map(Cow::into_owned).filter(|id| !id.is_empty()),
            model: response.str("model").map(Cow::into_owned),
            created: response::created_at(response),
        });
    }

    /// Decodes an event about an item. Returns false if the event is unknown or lacks its content.
    fn item_event(&mut self, kind: &str, event: &Object<'_>, out: &mut Vec<Event>) -> bool {
        let text = |key: &str| event.get(key).map(string_or_json).unwrap_or_default();
        let content_index = event.u64("content_index").unwrap_or(0);
        let summary_index = event.u64("summary_index").unwrap_or(0);
        let text_part = PartKind::Text(content_index);
        let refusal_part = PartKind::Refusal(content_index);
        let items = &mut self.items;
        match kind {
            "response.output_item.added" => {
                items.item_added(event, &event.object("item").unwrap_or_default(), out);
            }
            "response.output_item.done" => match event.object("item") {
                Some(item) => self.item_done(event, &item, out),
                None => return false,
            },
            "response.output_text.delta" => {
                self.has_logprobs |= emit_logprobs(event, out);
                self.has_streamed_logprobs |= self.has_logprobs;
                items.text_delta(event, text_part, &text("delta"), out);
            }
            "response.output_text.done" => {
                // It repeats those of the deltas.
                if !self.has_logprobs {
                    self.has_streamed_logprobs |= emit_logprobs(event, out);
                }
                self.has_logprobs = false;
                items.text_done(event, text_part, &text("text"), out);
            }
            "response.refusal.delta" => items.text_delta(event, refusal_part, &text("delta"), out),
            "response.refusal.done" => items.text_done(event, refusal_part, &text("refusal"), out),
            "response.reasoning_summary_text.delta" => {
                let part = PartKind::Summary(summary_index);
                items.reasoning_delta(event, part, &text("delta"), &mut self.diagnostics, out);
            }
            "response.reasoning_text.delta" => {
                let part = PartKind::Reasoning(content_index);
                items.reasoning_delta(event, part, &text("delta"), &mut self.diagnostics, out);
            }
            // Deltas and the complete item contain all of these.
            "response.content_part.added"
            | "response.content_part.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.done" => {}
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                items.arguments_delta(event, &text("delta"), out);
            }
            "response.function_call_arguments.done" => items.arguments_done(event, &text("arguments"), out),
            "response.custom_tool_call_input.done" => items.arguments_done(event, &text("input"), out),
            "response.output_text.annotation.added" => match event.get("annotation") {
                Some(annotation) => items.part_field(event, text_part, "annotation", annotation, out),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Decodes a complete item: what of it did not stream is emitted now.
    fn item_done(&mut self, event: &Object<'_>, item: &Object<'_>, out: &mut Vec<Event>) {
        if output_item::is_canonical(&item.str("type").unwrap_or_default()) {
            if !self.has_streamed_logprobs {
                for part in item.array("content").unwrap_or_default() {
                    emit_logprobs(&parse_or_empty(part), out);
                }
            }
            self.items.item_done(event, item, &mut self.diagnostics, out);
        } else if self.items.native_item_done(event, item, out) {
            let key = format!("{NATIVE}{}", self.native_items);
            self.native_items = self.native_items.saturating_add(1);
            let extra = ExtraFieldList::new(NAME, vec![(key, raw(item.to_json()))]);
            out.push(Event::Extra { choice: Some(0), extra });
        }
    }

    fn end(&mut self, kind: &str, response: &Object<'_>, out: &mut Vec<Event>) {
        if self.is_corrupt {
            return self.fail(UpstreamError::unreadable_part(), out);
        }
        if error::failure_word(response).is_some() {
            return self.upstream_error(response, out);
        }
        self.start(response, out);
        // The output may lack items that streamed, and contain items that did not.
        for (output_index, item) in (0..).zip(response.array("output").unwrap_or_default()) {
            let mut event = Object::new();
            event.set("output_index", output_index.to_string());
            let item = parse_or_empty(item);
            if !self.items.is_output_done(output_index, &item) {
                self.item_done(&event, &item, out);
            }
        }
        self.items.close_all(out);
        let extra = response::extra_fields(response);
        if !extra.is_empty() {
            out.push(Event::Extra { choice: None, extra: extra.into() });
        }
        let has_calls = self.items.has_calls();
        let mut reason = response::finish_reason(response, has_calls, &mut self.diagnostics);
        if kind == "response.incomplete" && matches!(reason, FinishReason::Stop | FinishReason::ToolCalls) {
            reason = FinishReason::Length;
            self.diagnostics.record(DiagnosticCode::FinishReasonDerived, "incomplete_details", "");
        }
        if let FinishReason::Failed { word, message } = &reason {
            return self.reported_error(UpstreamError::failed(word, message.as_deref()), out);
        }
        out.push(Event::Finish { choice: 0, reason });
        if let Some(usage) = response.non_null("usage").and_then(usage::decode) {
            out.push(Event::Usage(usage));
        }
        out.push(Event::End);
        self.phase = Phase::Ended;
    }

    /// Decodes a response object without a stream around it.
    fn non_streaming_response(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if self.phase == Phase::Started {
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "a whole response in a stream");
            return;
        }
        match response::decode_object(object, &mut self.diagnostics) {
            Ok(response) => {
                out.extend(unfold(&response));
                self.phase = Phase::Ended;
            }
            Err(error) => self.fail(error, out),
        }
    }

    fn upstream_error(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        let error = error::in_failed_response(object, &mut self.diagnostics);
        self.reported_error(error, out);
    }

    fn reported_error(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        if self.phase == Phase::Started {
            self.diagnostics.record(DiagnosticCode::ErrorInStream, "", "");
        }
        self.fail(error, out);
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        out.push(Event::Error(error));
        self.phase = Phase::Ended;
    }
}

/// Emits the log probabilities of an event's text; returns whether it has any.
fn emit_logprobs(event: &Object<'_>, out: &mut Vec<Event>) -> bool {
    let Some(tokens) = event.array("logprobs").filter(|tokens| !tokens.is_empty()) else { return false };
    let mut logprobs = Logprobs::default();
    logprobs.content = tokens.into_iter().map(raw).collect();
    out.push(Event::Extra { choice: Some(0), extra: logprobs.to_extra() });
    true
}

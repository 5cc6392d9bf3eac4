//! A stream as events.
//!
//! Items of an output are counted, and may be interleaved; blocks follow one another. Each item is a `Piece` here, and what
//! its events leave out is taken from the whole item, when that comes.

use super::super::Decoder;
use super::content_part::{is_call, object_of};
use super::decoded_items::{DecodedItems, PartKind};
use super::{NAME, error, response, usage};
use crate::canonical::{DiagnosticCode, Diagnostics, Event, ExtraFieldList, FinishReason, NATIVE, unfold};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{Object, raw, string_or_json};
use std::borrow::Cow;

/// Reads a stream.
#[derive(Default)]
pub(super) struct ResponsesDecoder {
    /// Also what a mender notes.
    pub(super) diagnostics: Diagnostics,
    started: bool,
    over: bool,
    /// Something came that was JSON.
    heard: bool,
    pieces: DecodedItems,
    /// Items that only this dialect has, and that were passed on.
    native: u32,
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
        if self.over {
            return;
        }
        if self.heard {
            self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
            self.fail(UpstreamError::Truncated, out);
        } else {
            self.fail(UpstreamError::Empty, out);
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

impl ResponsesDecoder {
    fn data(&mut self, name: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        // Some servers end this as they end their chats.
        if data.is_empty() || data == b"[DONE]" {
            return;
        }
        if self.over {
            self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            return;
        }
        let Ok(object) = Object::parse(data) else {
            if !self.heard && data.starts_with(b"<") {
                self.fail(response::not_json(data), out);
                return;
            }
            self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
            return;
        };
        self.heard = true;
        let kind =
            object.str("type").map(Cow::into_owned).or_else(|| name.map(str::to_owned)).unwrap_or_default();
        self.event(&kind, &object, out);
        if self.pieces.too_much() && !self.over {
            let message = String::from("The upstream's answer has more items than can be followed.");
            self.fail(UpstreamError::TooLarge { message }, out);
        }
    }

    fn event(&mut self, kind: &str, event: &Object<'_>, out: &mut Vec<Event>) {
        match kind {
            "error" => self.failed(event, out),
            "response.created" | "response.in_progress" | "response.queued" => {
                let response = event.object("response");
                self.start(response.as_ref().unwrap_or(event), out);
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => {
                let response = event.object("response").unwrap_or_default();
                self.end(kind, &response, out);
            }
            "keepalive" | "ping" => {}
            kind if kind.starts_with("response.") => {
                self.start(&Object::new(), out);
                if !self.step(kind, event, out) {
                    self.diagnostics.record(DiagnosticCode::FrameForeign, kind, "");
                }
            }
            _ if event.get("output").is_some() || event.str("object").as_deref() == Some("response") => {
                self.whole(event, out);
            }
            _ if event.non_null("error").is_some() || event.get("detail").is_some() => {
                self.failed(event, out);
            }
            kind => self.diagnostics.record(DiagnosticCode::FrameForeign, kind, ""),
        }
    }

    fn start(&mut self, response: &Object<'_>, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            let created = response.get("created_at").and_then(|c| c.trim().split('.').next());
            out.push(Event::Start {
                id: response.str("id").map(Cow::into_owned).filter(|id| !id.is_empty()),
                model: response.str("model").map(Cow::into_owned),
                created: created.and_then(|c| c.parse().ok()),
            });
        }
    }

    /// One step of an item; false if it says nothing that is known.
    fn step(&mut self, kind: &str, event: &Object<'_>, out: &mut Vec<Event>) -> bool {
        let words = |key: &str| event.get(key).map(string_or_json).unwrap_or_default();
        let number = |key: &str| event.u64(key).unwrap_or(0);
        let pieces = &mut self.pieces;
        let part = number("content_index");
        let section = number("summary_index");
        match kind {
            "response.output_item.added" => {
                let item = event.object("item").unwrap_or_default();
                pieces.added(event, &item, out);
            }
            "response.output_item.done" => match event.object("item") {
                Some(item) => self.done(event, &item, out),
                None => return false,
            },
            "response.output_text.delta" => pieces.words(event, PartKind::Text(part), &words("delta"), out),
            "response.output_text.done" => pieces.rest(event, PartKind::Text(part), &words("text"), out),
            "response.refusal.delta" => pieces.words(event, PartKind::Refusal(part), &words("delta"), out),
            "response.refusal.done" => pieces.rest(event, PartKind::Refusal(part), &words("refusal"), out),
            "response.reasoning_summary_text.delta" => {
                pieces.thoughts(
                    event,
                    PartKind::Summary(section),
                    &words("delta"),
                    &mut self.diagnostics,
                    out,
                );
            }
            "response.reasoning_text.delta" => {
                pieces.thoughts(event, PartKind::Thinking(part), &words("delta"), &mut self.diagnostics, out);
            }
            // They say nothing that deltas or the whole item do not.
            "response.content_part.added"
            | "response.content_part.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.done" => {}
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                pieces.arguments(event, &words("delta"), out);
            }
            "response.function_call_arguments.done" => {
                pieces.whole_arguments(event, &words("arguments"), out);
            }
            "response.custom_tool_call_input.done" => pieces.whole_arguments(event, &words("input"), out),
            "response.output_text.annotation.added" => match event.get("annotation") {
                Some(annotation) => pieces.member(event, PartKind::Text(part), "annotation", annotation, out),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// A whole item: what did not stream of it is said now.
    fn done(&mut self, event: &Object<'_>, item: &Object<'_>, out: &mut Vec<Event>) {
        let kind = item.str("type").unwrap_or_default();
        let known = ["message", "reasoning"].contains(&kind.as_ref()) || is_call(&kind).is_some();
        if known {
            self.pieces.done(event, item, &mut self.diagnostics, out);
        } else if self.pieces.first_time(event, item, out) {
            let key = format!("{NATIVE}{}", self.native);
            self.native = self.native.saturating_add(1);
            let extra = ExtraFieldList::new(NAME, vec![(key, raw(item.to_json()))]);
            out.push(Event::Extra { choice: Some(0), extra });
        }
    }

    fn end(&mut self, kind: &str, response: &Object<'_>, out: &mut Vec<Event>) {
        if kind == "response.failed" || kind == "response.cancelled" {
            self.failed(response, out);
            return;
        }
        self.start(response, out);
        // What did not stream is in the output, and what streamed may be missing there.
        for (at, item) in response.array("output").unwrap_or_default().into_iter().enumerate() {
            let mut place = Object::new();
            place.set("output_index", at.to_string());
            let item = object_of(item);
            if !self.pieces.is_done(&place, &item) {
                self.done(&place, &item, out);
            }
        }
        self.pieces.close_all(out);
        let calls = self.pieces.calls();
        let mut reason = response::finish(response, calls, &mut self.diagnostics);
        if kind == "response.incomplete" && matches!(reason, FinishReason::Stop | FinishReason::ToolCalls) {
            reason = FinishReason::Length;
            self.diagnostics.record(DiagnosticCode::FinishReasonDerived, "incomplete_details", "");
        }
        out.push(Event::Finish { choice: 0, reason });
        if let Some(usage) = response.non_null("usage").and_then(usage::read) {
            out.push(Event::Usage(usage));
        }
        out.push(Event::End);
        self.over = true;
    }

    /// The whole response where a stream was due.
    fn whole(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if self.started {
            self.diagnostics.record(DiagnosticCode::FrameForeign, "", "a whole response in a stream");
            return;
        }
        match response::read(object, &mut self.diagnostics) {
            Ok(response) => {
                out.extend(unfold(&response));
                self.over = true;
            }
            Err(error) => self.fail(error, out),
        }
    }

    fn failed(&mut self, object: &Object<'_>, out: &mut Vec<Event>) {
        if self.started {
            self.diagnostics.record(DiagnosticCode::ErrorInStream, "", "");
        }
        let told = error::in_body(object);
        self.fail(
            told.unwrap_or_else(|| {
                UpstreamError::malformed("The upstream's response failed without saying why.")
            }),
            out,
        );
    }

    fn fail(&mut self, error: UpstreamError, out: &mut Vec<Event>) {
        out.push(Event::Error(error));
        self.over = true;
    }
}

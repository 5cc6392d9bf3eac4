//! The way into a stream: frames in; their chunks are repaired and go to a [`ChunkSink`].

use super::super::error;
use super::stream_state::{BodyKind, ChunkSink, Phase, StreamState};
use crate::canonical::DiagnosticCode;
use crate::dialect::json_syntax::repair_json;
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{ListItem, Object, encode_array, is_json_fragment, objects_in};

/// What surrounds the JSON of a chunk.
#[derive(Debug, Clone, Copy)]
enum Envelope<'n> {
    /// A server-sent event and its name.
    Event(Option<&'n str>),
    /// A line of JSON.
    Line,
    /// Nothing: the JSON is the whole body.
    Body,
}

impl<'n> Envelope<'n> {
    fn event_name(self) -> Option<&'n str> {
        match self {
            Self::Event(name) => name,
            Self::Line | Self::Body => None,
        }
    }
}

impl StreamState {
    /// Repairs one frame.
    pub(in super::super) fn frame(&mut self, frame: Frame<'_>, sink: &mut dyn ChunkSink) {
        match frame {
            Frame::Event { event, data } => self.data(Envelope::Event(event), data, sink),
            Frame::Line(line) => self.data(Envelope::Line, line, sink),
            Frame::Body(body) => self.body(body, sink),
        }
    }

    /// Repairs the data of an event, or a line.
    fn data(&mut self, envelope: Envelope<'_>, data: &[u8], sink: &mut dyn ChunkSink) {
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if self.phase.has_ended() {
            if !data.starts_with(b"[DONE]") && self.phase != Phase::EndedLocally {
                self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            }
            return;
        }
        if data == b"[DONE]" {
            self.close(Phase::Finished, sink);
            return;
        }
        match parse(data) {
            Ok(chunk) => {
                if matches!(self.phase, Phase::NotAStream(_)) {
                    self.phase = Phase::Open;
                    if !matches!(envelope, Envelope::Line) {
                        self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
                    }
                }
                self.object(envelope, chunk, data, sink);
            }
            Err(_) if self.several_objects(envelope, data, sink) => {}
            Err(_) if self.error_event(envelope, data, sink) => {}
            Err(_) => match repair_json(data, &mut self.diagnostics) {
                Some(repaired) => self.data(envelope, repaired.as_bytes(), sink),
                None if self.choices.is_empty() && !data.starts_with(b"{") => {
                    self.phase = Phase::NotAStream(BodyKind::Text);
                }
                None => {
                    self.is_corrupt |= is_json_fragment(data);
                    self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
                }
            },
        }
    }

    /// Repairs several events without a blank line between them. Returns false if there are not several.
    fn several_objects(&mut self, envelope: Envelope<'_>, data: &[u8], sink: &mut dyn ChunkSink) -> bool {
        let Some(objects) = objects_in(data) else { return false };
        self.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several events in one");
        for object in objects {
            self.data(envelope, object, sink);
        }
        true
    }

    /// Ends the stream with an error that is a text. Returns false if it is none.
    fn error_event(&mut self, envelope: Envelope<'_>, data: &[u8], sink: &mut dyn ChunkSink) -> bool {
        let Some(error) = error::of_error_event(envelope.event_name(), data) else { return false };
        self.fail(&error, sink);
        true
    }

    /// Repairs a body that came whole.
    fn body(&mut self, body: &[u8], sink: &mut dyn ChunkSink) {
        if self.phase.has_ended() {
            return;
        }
        if body.starts_with(b"<") {
            self.phase = Phase::NotAStream(BodyKind::Html);
            return;
        }
        match parse(body) {
            Ok(chunk) => self.object(Envelope::Body, chunk, body, sink),
            Err(e) if e.is_eof() => self.fail(&UpstreamError::Truncated, sink),
            Err(_) => match repair_json(body, &mut self.diagnostics) {
                Some(repaired) => self.body(repaired.as_bytes(), sink),
                None => self.phase = Phase::NotAStream(BodyKind::Text),
            },
        }
    }

    /// Repairs a JSON object: an error or a chunk.
    fn object(
        &mut self,
        envelope: Envelope<'_>,
        (chunk, choices): ParsedChunk<'_>,
        source: &[u8],
        sink: &mut dyn ChunkSink,
    ) {
        if let Some(error) = self.error_in(envelope, &chunk, source) {
            if let Some(content) = content_beside_error(chunk)
                && let Ok((content, choices)) = parse(content.as_bytes())
            {
                self.chunk(content, choices, source, true, sink);
            }
            self.fail(&error, sink);
            return;
        }
        // A non-streaming response as the only frame is complete. Chunks whose `object` claims to be one are not.
        self.is_document = match envelope {
            Envelope::Body => true,
            Envelope::Line => self.choices.is_empty() && have_messages(&choices),
            Envelope::Event(_) => {
                self.choices.is_empty()
                    && chunk.str("object").as_deref() == Some("chat.completion")
                    && have_messages(&choices)
            }
        };
        self.chunk(chunk, choices, source, false, sink);
    }
}

impl StreamState {
    /// Returns the error that a JSON object is, or that stands in it beside a chunk.
    fn error_in(
        &mut self,
        envelope: Envelope<'_>,
        object: &Object<'_>,
        source: &[u8],
    ) -> Option<UpstreamError> {
        if object.get("choices").is_some() {
            let is_error = error::is_error(object);
            return is_error.then(|| error::decode_in_body(object, &mut self.diagnostics)).flatten();
        }
        error::in_any_form(object, &mut self.diagnostics)
            .or_else(|| error::of_error_event(envelope.event_name(), source))
    }
}

/// A chunk, and its choices with their deltas.
type ParsedChunk<'a> = (Object<'a>, Vec<ListItem<'a>>);

fn parse(data: &[u8]) -> Result<ParsedChunk<'_>, serde_json::Error> {
    Object::parse_with_items(data, "choices", "delta")
}

/// Whether the choices are those of a non-streaming response: messages, and no deltas.
fn have_messages(choices: &[ListItem<'_>]) -> bool {
    let has_message = |choice: &Object<'_>| choice.get("message").is_some() && choice.get("delta").is_none();
    !choices.is_empty() && choices.iter().all(|choice| choice.object.as_ref().is_some_and(has_message))
}

/// Returns a chunk without the error and the finish reasons in it, if it has content as well.
fn content_beside_error(mut chunk: Object<'_>) -> Option<String> {
    const TEXT_FIELDS: [&str; 5] = ["content", "reasoning_content", "reasoning", "thinking", "refusal"];
    let (mut choices, mut has_content) = (Vec::new(), false);
    for item in chunk.array("choices")? {
        let mut choice = Object::parse(item.as_bytes()).ok()?;
        let delta = choice.object("delta").or_else(|| choice.object("message")).unwrap_or_default();
        has_content |= TEXT_FIELDS.iter().any(|key| delta.str(key).is_some_and(|text| !text.is_empty()))
            || delta.array("tool_calls").is_some_and(|calls| !calls.is_empty());
        choice.set("finish_reason", "null");
        choices.push(choice.to_json());
    }
    chunk.remove("error");
    chunk.set("choices", encode_array(&choices));
    has_content.then(|| chunk.to_json())
}

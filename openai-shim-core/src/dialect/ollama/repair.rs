//! Lines and non-streaming responses for a client of the same dialect: each is repaired where strict clients fail on it, and
//! all other bytes go out as the upstream sent them. Framing that is not Ollama's is removed.

use super::super::{Decoder, Repaired, StreamRepairer};
use super::decode::{OllamaDecoder, malformed};
use super::names::OllamaApi;
use super::ndjson::write_line;
use super::repeated_calls::drop_repeated;
use super::response_line::{TOKEN_COUNTS, foreign_thinking, is_response};
use super::tool_call::arguments_object;
use super::{error, response};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ReasoningTags, ReportedCalls, ResponseContext, ResponseSpec,
    ResponseSummary, time, unfold,
};
use crate::dialect::json_syntax::repair_json_again;
use crate::dialect::listed_objects::{TOOL_CALL, list_object};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, ValueKind, encode_string, objects_in, reported_count, string_or_json, value_kind};

/// Repairs a stream; a decoder observes each line.
pub(super) struct OllamaRepairer {
    api: OllamaApi,
    spec: ResponseSpec,
    decoder: OllamaDecoder,
    events: Vec<Event>,
    summary: ResponseSummary,
    reported_calls: ReportedCalls,
    /// An error was written, or nothing follows.
    is_ended: bool,
}

impl OllamaRepairer {
    pub(super) fn new(api: OllamaApi, spec: ResponseSpec, context: ResponseContext) -> Self {
        let decoder = OllamaDecoder::new(observing_spec(&spec), context);
        let (events, summary, reported_calls) =
            (Vec::new(), ResponseSummary::default(), ReportedCalls::default());
        Self { api, spec, decoder, events, summary, reported_calls, is_ended: false }
    }

    /// Adds the decoder's events to the summary, and writes a failure.
    fn take_events(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            self.summary.event(&event);
        }
        if let Some(failure) = self.summary.error.clone().filter(|_| !self.is_ended) {
            self.is_ended = true;
            error::encode_in_stream(&Error::Upstream(failure), out);
        }
    }
}

impl StreamRepairer for OllamaRepairer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data)) = frame;
        let data = data.trim_ascii();
        let line = Object::parse(data);
        if line.is_err()
            && let Some(objects) = objects_in(data)
        {
            self.decoder.diagnostics.record(DiagnosticCode::FramingRepaired, "", "several lines in one");
            for object in objects {
                self.frame(Frame::Line(object), out);
            }
            return;
        }
        self.decoder.frame(frame, &mut self.events);
        let was_ended = self.is_ended || self.summary.ended;
        let has_failed = self.events.iter().any(|event| matches!(event, Event::Error(_)));
        if has_failed
            && !was_ended
            && let Ok(line) = &line
            && is_response(line)
        {
            // The text of a line that ends with a failure stays; the error takes the place of the end.
            let mut line = line.clone();
            line.remove("done_reason");
            line.set("done", "false");
            write_line(out, |out| line.write(out));
        }
        self.take_events(out);
        if was_ended || self.is_ended {
            return;
        }
        let repaired;
        let (object, data) = match line {
            Ok(object) => (object, data),
            Err(_) => {
                repaired = repair_json_again(data).unwrap_or_default();
                (Object::parse(repaired.as_bytes()).unwrap_or_default(), repaired.as_bytes())
            }
        };
        let Some(mut object) = Some(object).filter(is_response) else { return };
        if let Some(model) = object.str("model").filter(|_| !self.spec.restore_alias) {
            // Lines without a model get the one of the lines before them.
            self.spec.model = model.into_owned();
        }
        // The decoder has reported them.
        if let Some(shortened) = drop_repeated(&object, &mut self.reported_calls, &mut Diagnostics::default())
        {
            object = shortened;
        }
        repair_line(self.api, &mut object, &self.spec, &mut self.decoder.diagnostics);
        write_line(
            out,
            |out| {
                if object.is_changed() { object.write(out) } else { out.extend_from_slice(data) }
            },
        );
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.is_ended {
            self.decoder.finish(&mut self.events);
            self.take_events(out);
            self.is_ended = true;
        }
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if !self.is_ended {
            self.events.push(Event::Error(failure.clone()));
            self.take_events(out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.decoder.diagnostics
    }
}

/// Returns the spec for a decoder that only observes: it extracts nothing from text.
fn observing_spec(spec: &ResponseSpec) -> ResponseSpec {
    let mut spec = spec.clone();
    (spec.quirks.reasoning_tags, spec.quirks.keep_tool_markup) = (ReasoningTags::Ignore, true);
    spec
}

/// Repairs a non-streaming response.
pub(super) fn repair_response(
    api: OllamaApi,
    body: &[u8],
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let response = response::decode(body, &observing_spec(spec), &mut context.clone(), diagnostics)?;
    let mut summary = ResponseSummary::default();
    for event in unfold(&response) {
        summary.event(&event);
    }
    let mut object = Object::parse(body.trim_ascii()).map_err(|_| malformed(b""))?;
    if let Some(shortened) =
        drop_repeated(&object, &mut ReportedCalls::default(), &mut Diagnostics::default())
    {
        object = shortened;
    }
    repair_line(api, &mut object, spec, diagnostics);
    let body = object.is_changed().then(|| {
        let mut out = Vec::with_capacity(body.len() + 64);
        object.write(&mut out);
        out
    });
    Ok(Repaired { body, summary })
}

/// Adds the fields to a line that the official types and strict clients require, and corrects their types.
fn repair_line(api: OllamaApi, line: &mut Object<'_>, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    if spec.restore_alias || line.str("model").is_none() {
        if !spec.restore_alias {
            diagnostics.record(DiagnosticCode::ModelFilled, "model", "");
        }
        if line.str("model").as_deref() != Some(spec.model.as_str()) {
            line.set("model", encode_string(&spec.model));
        }
    }
    if line.str("created_at").is_none() {
        diagnostics.record(DiagnosticCode::CreatedFilled, "created_at", "");
        let created = line.get("created_at").and_then(time::read_seconds).unwrap_or(spec.created);
        line.set("created_at", encode_string(&time::rfc3339(created)));
    }
    for key in TOKEN_COUNTS {
        let is_count = |count: &&str| count.trim().parse::<u64>().is_ok();
        let Some(count) = line.non_null(key).filter(|count| !is_count(count)) else { continue };
        diagnostics.record(DiagnosticCode::UsageShaped, key, "");
        match reported_count(count) {
            Some(count) => line.set(key, count.to_string()),
            None => drop(line.remove(key)),
        }
    }
    if line.bool("done").is_none() {
        diagnostics.record(DiagnosticCode::FieldFilled, "done", "");
        let done = line.str("done_reason").is_some_and(|r| !r.is_empty());
        line.set("done", if done { "true" } else { "false" });
    }
    match api {
        OllamaApi::Chat => {
            let message = line.object("message").map(Object::into_owned);
            let mut message = message.unwrap_or_else(|| take_generate_fields(line, diagnostics));
            if message.str("role").is_none() {
                diagnostics.record(DiagnosticCode::RoleFilled, "message.role", "");
                message.set_first("role", "\"assistant\"");
            }
            repair_content(&mut message, "content", "message.", diagnostics);
            if message.is_changed() {
                line.set("message", message.to_json());
            }
        }
        OllamaApi::Generate => {
            if let Some(message) = line.object("message").map(Object::into_owned) {
                diagnostics.record(DiagnosticCode::MessageAsDelta, "message", "");
                line.remove("message");
                for (key, value) in message.iter().filter(|(key, _)| *key != "role") {
                    let key = if key == "content" { "response" } else { key };
                    line.set(key.to_owned(), value.to_owned());
                }
            }
            repair_content(line, "response", "", diagnostics);
        }
    }
}

/// Moves the fields of a line of `/api/generate` into a message.
fn take_generate_fields(line: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Object<'static> {
    diagnostics.record(DiagnosticCode::MessageAsDelta, "response", "");
    let mut message = Object::new();
    message.set("role", "\"assistant\"");
    for (from, to) in [("response", "content"), ("thinking", "thinking"), ("tool_calls", "tool_calls")] {
        if let Some(value) = line.remove(from) {
            message.set(to, value.into_owned());
        }
    }
    message
}

/// Makes the text, which stands under `text_key`, a string, thinking a string, and the arguments of tool calls objects.
fn repair_content(
    object: &mut Object<'_>,
    text_key: &'static str,
    path_prefix: &str,
    diagnostics: &mut Diagnostics,
) {
    match object.get(text_key).map(value_kind) {
        Some(ValueKind::String) => {}
        kind => {
            if matches!(kind, None | Some(ValueKind::Null)) {
                diagnostics.record(DiagnosticCode::FieldFilled, &format!("{path_prefix}{text_key}"), "");
            }
            let text = encode_string(&string_or_json(object.get(text_key).unwrap_or("null")));
            object.set(text_key, text);
        }
    }
    if object.get("thinking").is_some_and(|t| value_kind(t) != ValueKind::String) {
        diagnostics.record(DiagnosticCode::NullDropped, &format!("{path_prefix}thinking"), "");
        object.remove("thinking");
    }
    if object.get("thinking").is_none()
        && let Some((key, thinking)) = foreign_thinking(object).map(|(key, text)| (key, encode_string(&text)))
    {
        object.remove(key);
        object.set("thinking", thinking);
    }
    // The decoder has reported it.
    list_object(object, "tool_calls", TOOL_CALL, "", &mut Diagnostics::default());
    match object.get("tool_calls").map(value_kind) {
        None | Some(ValueKind::Array) => {}
        _ => {
            diagnostics.record(DiagnosticCode::NullDropped, &format!("{path_prefix}tool_calls"), "");
            object.remove("tool_calls");
            return;
        }
    }
    let calls = object.array("tool_calls").unwrap_or_default();
    let repaired: Vec<_> = calls.iter().map(|call| repair_call(call, path_prefix, diagnostics)).collect();
    if repaired.iter().any(Option::is_some) {
        let calls = calls.iter().zip(repaired);
        let calls: Vec<_> = calls.map(|(call, new)| new.unwrap_or_else(|| (*call).to_owned())).collect();
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
}

/// Repairs a tool call whose arguments are no object, or that has no name; `None` if it is well-formed.
fn repair_call(call: &str, path_prefix: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut call = Object::parse(call.as_bytes()).unwrap_or_default();
    let mut function = call.object("function").map(Object::into_owned).unwrap_or_default();
    let arguments = function.get("arguments").map(|a| (value_kind(a), string_or_json(a).into_owned()));
    if !matches!(arguments, Some((ValueKind::Object, _))) {
        let json = arguments.map(|(_, json)| json).unwrap_or_default();
        let path = format!("{path_prefix}tool_calls[].function.arguments");
        function.set("arguments", arguments_object(&json, &path, diagnostics));
    }
    if function.str("name").is_none() {
        function.set_first("name", "\"\"");
    }
    if !function.is_changed() {
        return None;
    }
    call.set("function", function.to_json());
    Some(call.to_json())
}

//! Lines and whole answers mended in place: what is well-formed goes out as it came, less framing that is not Ollama's.

use super::super::{Decoder, Repaired, StreamRepairer};
use super::decode::{OllamaDecoder, malformed};
use super::response_line::{arguments, is_answer, write_line};
use super::{OllamaApi, error, response};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Event, ReasoningTags, ResponseContext, ResponseSpec, ResponseSummary, time,
    unfold,
};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::{Object, ValueKind, encode_string, string_or_json, value_kind};

/// Mends a stream: each line is followed by the decoder, and put right where clients would fail on it.
pub(super) struct OllamaMender {
    form: OllamaApi,
    spec: ResponseSpec,
    decoder: OllamaDecoder,
    events: Vec<Event>,
    summary: ResponseSummary,
    over: bool,
}

impl OllamaMender {
    pub(super) fn new(form: OllamaApi, spec: ResponseSpec, context: ResponseContext) -> Self {
        let decoder = OllamaDecoder::new(following(&spec), context);
        Self { form, spec, decoder, events: Vec::new(), summary: ResponseSummary::default(), over: false }
    }

    /// Takes in what the decoder found; the client is told of a failure.
    fn follow(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            self.summary.event(&event);
        }
        if let Some(failure) = self.summary.error.clone().filter(|_| !self.over) {
            self.over = true;
            error::encode_in_stream(&Error::Upstream(failure), out);
        }
    }
}

impl StreamRepairer for OllamaMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        self.decoder.frame(frame, &mut self.events);
        let was_over = self.over || self.summary.ended;
        self.follow(out);
        if was_over || self.over {
            return;
        }
        let data = match frame {
            Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data) => data,
        };
        let data = data.trim_ascii();
        let Some(mut object) = Object::parse(data).ok().filter(is_answer) else { return };
        if let Some(model) = object.str("model").filter(|_| !self.spec.restore_alias) {
            // A line without a model belongs to the same one.
            self.spec.model = model.into_owned();
        }
        mend(self.form, &mut object, &self.spec, &mut self.decoder.diagnostics);
        write_line(
            out,
            |out| {
                if object.is_changed() { object.write(out) } else { out.extend_from_slice(data) }
            },
        );
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.over {
            self.decoder.finish(&mut self.events);
            self.follow(out);
            self.over = true;
        }
    }

    fn fail(&mut self, failure: &UpstreamError, out: &mut Vec<u8>) {
        if !self.over {
            self.events.push(Event::Error(failure.clone()));
            self.follow(out);
        }
    }

    fn summary(&self) -> &ResponseSummary {
        &self.summary
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.decoder.diagnostics
    }
}

/// For who only follows: what stands inside the text stays there.
fn following(spec: &ResponseSpec) -> ResponseSpec {
    let mut spec = spec.clone();
    (spec.quirks.reasoning_tags, spec.quirks.keep_tool_markup) = (ReasoningTags::Ignore, true);
    spec
}

/// Mends a whole answer.
pub(super) fn whole(
    form: OllamaApi,
    body: &[u8],
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Repaired, UpstreamError> {
    let response = response::decode(body, &following(spec), &mut context.clone(), diagnostics)?;
    let mut summary = ResponseSummary::default();
    for event in unfold(&response) {
        summary.event(&event);
    }
    let mut object = Object::parse(body.trim_ascii()).map_err(|_| malformed(b""))?;
    mend(form, &mut object, spec, diagnostics);
    let body = object.is_changed().then(|| {
        let mut out = Vec::with_capacity(body.len() + 64);
        object.write(&mut out);
        out
    });
    Ok(Repaired { body, summary })
}

/// Puts a line right: the members that the official types and strict clients demand, and nothing else.
fn mend(form: OllamaApi, line: &mut Object<'_>, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
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
        line.set("created_at", encode_string(&time::rfc3339(spec.created)));
    }
    if line.bool("done").is_none() {
        diagnostics.record(DiagnosticCode::FieldFilled, "done", "");
        let done = line.str("done_reason").is_some_and(|r| !r.is_empty());
        line.set("done", if done { "true" } else { "false" });
    }
    match form {
        OllamaApi::Chat => {
            let given = line.object("message").map(Object::into_owned);
            let mut message = given.unwrap_or_else(|| moved(line, diagnostics));
            if message.str("role").is_none() {
                diagnostics.record(DiagnosticCode::RoleFilled, "message.role", "");
                message.set_first("role", "\"assistant\"");
            }
            said(&mut message, "content", "message.", diagnostics);
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
            said(line, "response", "", diagnostics);
        }
    }
}

/// What stands in the other form's places, as a message.
fn moved(line: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Object<'static> {
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

/// Content that is a text, thinking that is one, calls whose arguments are objects.
fn said(object: &mut Object<'_>, content: &'static str, at: &str, diagnostics: &mut Diagnostics) {
    match object.get(content).map(value_kind) {
        Some(ValueKind::String) => {}
        given => {
            if matches!(given, None | Some(ValueKind::Null)) {
                diagnostics.record(DiagnosticCode::FieldFilled, &format!("{at}{content}"), "");
            }
            let words = encode_string(&string_or_json(object.get(content).unwrap_or("null")));
            object.set(content, words);
        }
    }
    if object.get("thinking").is_some_and(|t| value_kind(t) != ValueKind::String) {
        diagnostics.record(DiagnosticCode::NullDropped, &format!("{at}thinking"), "");
        object.remove("thinking");
    }
    match object.get("tool_calls").map(value_kind) {
        None | Some(ValueKind::Array) => {}
        _ => {
            diagnostics.record(DiagnosticCode::NullDropped, &format!("{at}tool_calls"), "");
            object.remove("tool_calls");
            return;
        }
    }
    let calls = object.array("tool_calls").unwrap_or_default();
    let mended: Vec<_> = calls.iter().map(|call| mended_call(call, at, diagnostics)).collect();
    if mended.iter().any(Option::is_some) {
        let calls: Vec<_> =
            calls.iter().zip(mended).map(|(call, new)| new.unwrap_or_else(|| (*call).to_owned())).collect();
        object.set("tool_calls", format!("[{}]", calls.join(",")));
    }
}

/// A call whose arguments were no object, or that has no name; `None` if it is well-formed.
fn mended_call(call: &str, at: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut call = Object::parse(call.as_bytes()).unwrap_or_default();
    let mut function = call.object("function").map(Object::into_owned).unwrap_or_default();
    let given = function.get("arguments").map(|a| (value_kind(a), string_or_json(a).into_owned()));
    if !matches!(given, Some((ValueKind::Object, _))) {
        let json = given.map(|(_, json)| json).unwrap_or_default();
        let json = arguments(&json, &format!("{at}tool_calls[].function.arguments"), diagnostics);
        function.set("arguments", json);
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

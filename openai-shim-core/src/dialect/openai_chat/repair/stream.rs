//! A stream: frames in, mended chunks out.

use super::super::error;
use super::identity::Identity;
use super::text_extractor::ChatTextExtractor;
use super::tool_call_deltas::StreamedToolCalls;
use super::{finish_reason, usage};
use crate::canonical::{
    DiagnosticCode, Diagnostics, FinishReason, ResponseContext, ResponseSpec, ResponseSummary, StreamUsage,
};
use crate::error::UpstreamError;
use crate::framing::Frame;
use crate::json::{ListItem, Object, ValueKind, encode_array, value_kind};

/// Where mended chunks go.
pub(in super::super) trait ChunkSink {
    /// A chunk; `source` is its own text where nothing was changed.
    fn chunk(&mut self, chunk: &Object<'_>, source: Option<&[u8]>);
    /// The stream failed.
    fn error(&mut self, error: &UpstreamError);
    /// The stream is complete.
    fn done(&mut self);
}

/// One stream.
pub(in super::super) struct StreamState {
    pub(super) spec: ResponseSpec,
    pub(super) context: ResponseContext,
    pub(in super::super) summary: ResponseSummary,
    pub(in super::super) diagnostics: Diagnostics,
    pub(super) identity: Identity,
    pub(super) choices: Vec<StreamedChoice>,
    /// Choices that are parts of the first one.
    pub(super) merged: Vec<u64>,
    /// The last complete usage, as its JSON.
    pub(super) usage: Option<String>,
    /// The upstream's own usage chunk, where it needs no mending.
    pub(super) usage_chunk: Option<Vec<u8>>,
    /// Members of a prelude, for the first real chunk.
    pub(super) prelude: Vec<(String, String)>,
    /// A chunk with a finish reason waits for one frame: content may still come.
    pub(super) held: Option<HeldChunk>,
    done_seen: bool,
    /// The body was one JSON document: it is complete by itself.
    document: bool,
    /// The frame is a line of JSON, no server-sent event.
    bare: bool,
    closed: bool,
    /// It was ended by us: what follows is of no interest.
    pub(super) cut: bool,
    /// The first bytes of a body that is no stream at all.
    foreign: Option<&'static str>,
}

/// What is known of one choice.
#[derive(Debug, Default)]
pub(super) struct StreamedChoice {
    pub(super) index: u64,
    pub(super) role_sent: bool,
    pub(super) finished: bool,
    /// OpenAI's word for the reason that the upstream gave.
    pub(super) word: &'static str,
    /// Its finish reason went out: nothing may follow.
    pub(super) sealed: bool,
    pub(super) calls: StreamedToolCalls,
    pub(super) legacy_call: bool,
    /// What becomes of its text.
    pub(super) voice: Option<ChatTextExtractor>,
    /// Calls that stood in the text; they wait for the end, since the upstream may make them itself, too.
    pub(super) recovered: Vec<(String, String)>,
    /// All text so far, where deltas are cumulative.
    pub(super) text: String,
}

impl StreamedChoice {
    /// Something of it was taken out of its chunk, and comes later: a call without its name, text that may be markup.
    pub(super) fn waits(&self) -> bool {
        self.calls.wait()
            || !self.recovered.is_empty()
            || self.voice.as_ref().is_some_and(ChatTextExtractor::holds)
    }
}

/// A chunk that waits.
pub(super) struct HeldChunk {
    pub(super) chunk: Object<'static>,
    pub(super) source: Option<Vec<u8>>,
    /// The choices that it ends.
    pub(super) ends: Vec<u64>,
    /// More came of them.
    late: bool,
}

impl StreamState {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            summary: ResponseSummary::for_spec(&spec),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            identity: Identity::new("chat.completion.chunk"),
            choices: Vec::new(),
            merged: Vec::new(),
            usage: None,
            usage_chunk: None,
            prelude: Vec::new(),
            held: None,
            done_seen: false,
            document: false,
            bare: false,
            closed: false,
            cut: false,
            foreign: None,
        }
    }

    /// Whether more chunks are expected, and what came so far was a stream.
    pub(super) fn is_open(&self) -> bool {
        !self.closed && !self.done_seen && self.foreign.is_none()
    }

    /// Takes one frame.
    pub(in super::super) fn frame(&mut self, frame: Frame<'_>, sink: &mut dyn ChunkSink) {
        self.bare = matches!(frame, Frame::Line(_));
        match frame {
            Frame::Event { event, data } => self.data(event, data, sink),
            Frame::Line(line) => self.data(None, line, sink),
            Frame::Body(body) => self.body(body, sink),
        }
    }

    fn data(&mut self, event: Option<&str>, data: &[u8], sink: &mut dyn ChunkSink) {
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        if self.closed || self.done_seen {
            if !data.starts_with(b"[DONE]") && !self.cut {
                self.diagnostics.record(DiagnosticCode::DataAfterDone, "", "");
            }
            return;
        }
        if data == b"[DONE]" {
            self.done_seen = true;
            self.close(sink);
            return;
        }
        match read(data) {
            Ok(chunk) => {
                if self.foreign.take().is_some() && !self.bare {
                    self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON");
                }
                self.object(event, chunk, data, sink);
            }
            // Several events under one blank line.
            Err(_) if data.contains(&b'\n') && starts_with_json_line(data) => {
                for line in data.split(|b| *b == b'\n') {
                    self.data(event, line, sink);
                }
            }
            Err(_) if self.choices.is_empty() && !data.starts_with(b"{") => self.foreign = Some("text"),
            Err(_) => self.diagnostics.record(DiagnosticCode::FrameCorrupt, "", "not JSON"),
        }
    }

    /// The whole body at once.
    fn body(&mut self, body: &[u8], sink: &mut dyn ChunkSink) {
        if body.starts_with(b"<") {
            self.foreign = Some("HTML");
            return;
        }
        match read(body) {
            Ok(chunk) => {
                self.object(None, chunk, body, sink);
                self.document = true;
            }
            Err(e) if e.is_eof() => self.fail(&UpstreamError::Truncated, sink),
            Err(_) => self.foreign = Some("text"),
        }
    }

    fn object(
        &mut self,
        event: Option<&str>,
        (chunk, listed): (Object<'_>, Vec<ListItem<'_>>),
        source: &[u8],
        sink: &mut dyn ChunkSink,
    ) {
        if error::is_error(&chunk) || (event == Some("error") && chunk.get("choices").is_none()) {
            let error = error::in_body(&chunk, &mut self.diagnostics)
                .unwrap_or_else(|| UpstreamError::malformed("The upstream reported an error in its stream."));
            if let Some(rest) = said_beside_error(chunk)
                && let Ok((rest, listed)) = read(rest.as_bytes())
            {
                self.chunk(rest, listed, source, true, sink);
            }
            self.fail(&error, sink);
            return;
        }
        // A whole answer as the only frame is complete by itself. Chunks that are only called so are not.
        self.document = self.choices.is_empty()
            && (self.bare || chunk.str("object").as_deref() == Some("chat.completion"))
            && has_messages(&listed);
        self.chunk(chunk, listed, source, false, sink);
    }

    /// Hands a chunk out; one that ends choices is kept back for a frame, unless it brings what came late itself.
    pub(super) fn emit(
        &mut self,
        chunk: Object<'_>,
        source: Option<&[u8]>,
        ends: Vec<u64>,
        late: bool,
        sink: &mut dyn ChunkSink,
    ) {
        if late {
            self.release(sink);
        } else {
            self.flush(sink);
        }
        if ends.is_empty() || late {
            self.send(&chunk, source, &ends, sink);
        } else {
            self.held = Some(HeldChunk {
                chunk: chunk.into_owned(),
                source: source.map(<[u8]>::to_vec),
                ends,
                late: false,
            });
        }
    }

    /// Hands out what was kept back.
    pub(super) fn flush(&mut self, sink: &mut dyn ChunkSink) {
        if self.choices.iter().any(|c| c.calls.wait()) {
            // A call that waits is said at the end, after what came before it.
            self.release(sink);
        }
        if let Some(mut held) = self.held.take() {
            if held.late {
                self.settle_late(&mut held);
            }
            self.send(&held.chunk, held.source.as_deref(), &held.ends, sink);
        }
    }

    /// Hands out what was kept back but for its endings, which go on waiting: more came of what they end.
    fn release(&mut self, sink: &mut dyn ChunkSink) {
        let Some(mut held) = self.held.take() else { return };
        let (mut rest, mut endings, mut says) = (Vec::new(), Vec::new(), false);
        for item in held.chunk.array("choices").unwrap_or_default() {
            let Ok(mut choice) = Object::parse(item.as_bytes()) else { continue };
            let index = choice.u64("index").unwrap_or(0);
            let ends = held.ends.contains(&index);
            says |= !ends || choice.object("delta").is_some_and(|delta| !delta.is_empty());
            if ends {
                let reason = choice.get("finish_reason").unwrap_or("null");
                endings.push(format!(
                    r#"{{"index":{index},"delta":{{}},"logprobs":null,"finish_reason":{reason}}}"#
                ));
                choice.set("finish_reason", "null");
            }
            rest.push(choice.to_json());
        }
        if says {
            held.chunk.set("choices", encode_array(&rest));
            sink.chunk(&held.chunk, None);
            held.chunk = self.identity.blank(&self.spec, &mut self.context);
            held.chunk.set("choices", encode_array(&endings));
            held.source = None;
        }
        held.late = true;
        self.held = Some(held);
    }

    /// What came late may be calls: the reasons fit them.
    fn settle_late(&mut self, held: &mut HeldChunk) {
        let named = self.spec.named_tool;
        let (mut written, mut changed) = (Vec::new(), false);
        for item in held.chunk.array("choices").unwrap_or_default() {
            let Ok(mut ending) = Object::parse(item.as_bytes()) else { continue };
            let index = ending.u64("index").unwrap_or(0);
            let choice = self.choices.iter().find(|c| c.index == index && !c.legacy_call);
            if let Some(choice) = choice.filter(|_| held.ends.contains(&index)) {
                let word = finish_reason::reconcile(choice.word, !choice.calls.is_empty(), named);
                if ending.str("finish_reason").as_deref() != Some(word) {
                    ending.set("finish_reason", format!("\"{word}\""));
                    changed = true;
                }
            }
            written.push(ending.to_json());
        }
        if changed {
            held.chunk.set("choices", encode_array(&written));
            held.source = None;
        }
    }

    fn send(&mut self, chunk: &Object<'_>, source: Option<&[u8]>, ends: &[u64], sink: &mut dyn ChunkSink) {
        for index in ends {
            let Some(choice) = self.choices.iter_mut().find(|c| c.index == *index) else { continue };
            let cut = matches!(choice.word, "length" | "content_filter");
            if let Some(rest) = choice.calls.rest(cut, &mut self.context, &mut self.diagnostics) {
                self.say_now(*index, &format!(r#"{{"tool_calls":{rest}}}"#), "null", sink);
            }
        }
        sink.chunk(chunk, source);
        for choice in self.choices.iter_mut().filter(|c| ends.contains(&c.index)) {
            choice.sealed = true;
        }
    }

    /// The body has ended.
    pub(in super::super) fn finish(&mut self, sink: &mut dyn ChunkSink) {
        if self.closed {
            return;
        }
        if self.choices.is_empty() {
            let error = match self.foreign {
                Some("HTML") => UpstreamError::malformed("The upstream answered with an HTML page."),
                Some(_) => UpstreamError::malformed(
                    "The upstream answered with text that is neither JSON nor an event stream.",
                ),
                None if self.diagnostics.has(DiagnosticCode::FrameCorrupt) => UpstreamError::Truncated,
                None => UpstreamError::Empty,
            };
            self.fail(&error, sink);
            return;
        }
        self.flush_text(false, sink);
        let unfinished = |c: &StreamedChoice| !c.finished && !c.calls.are_complete();
        if !self.document && self.choices.iter().any(unfinished) {
            self.fail(&UpstreamError::Truncated, sink);
            return;
        }
        if !self.document {
            self.diagnostics.record(DiagnosticCode::DoneMissing, "", "");
        }
        self.close(sink);
    }

    /// The stream broke or reported an error.
    pub(in super::super) fn fail(&mut self, error: &UpstreamError, sink: &mut dyn ChunkSink) {
        let broken = matches!(error, UpstreamError::Truncated | UpstreamError::Transport { .. });
        if broken && !self.closed && !self.choices.is_empty() && self.choices.iter().all(|c| c.finished) {
            // Every answer has said that it is complete: what broke off held nothing of them.
            self.diagnostics.record(DiagnosticCode::DoneMissing, "", "");
            self.close(sink);
            return;
        }
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.flush(sink);
        self.flush_text(true, sink);
        match error {
            UpstreamError::Truncated | UpstreamError::Transport { .. } => {
                self.diagnostics.record(DiagnosticCode::StreamTruncated, "", "");
            }
            // What was said stays said; the error follows it.
            _ if self.summary.is_meaningful() => {
                self.diagnostics.record(DiagnosticCode::ErrorInStream, "", "")
            }
            UpstreamError::Status(_) => {
                self.diagnostics.record(DiagnosticCode::StatusPromoted, "", "an error came as a success");
            }
            _ => {}
        }
        // A connection that broke in the middle of an answer is a cut answer.
        let error = match error {
            UpstreamError::Transport { .. } if self.summary.is_meaningful() => &UpstreamError::Truncated,
            other => other,
        };
        self.summary.error = Some(error.clone());
        sink.error(error);
    }

    /// Says what is still to be said, and ends the stream.
    pub(super) fn close(&mut self, sink: &mut dyn ChunkSink) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.flush(sink);
        self.flush_text(false, sink);
        for at in 0..self.choices.len() {
            self.finish_choice(at, sink);
        }
        self.close_usage(sink);
        self.summary.ended = true;
        sink.done();
    }

    /// Gives an answer the ending that its parts imply, if the upstream gave it none.
    fn finish_choice(&mut self, at: usize, sink: &mut dyn ChunkSink) {
        let Some(choice) = self.choices.get_mut(at) else { return };
        if choice.finished {
            return;
        }
        let index = choice.index;
        choice.finished = true;
        let calls = !choice.calls.is_empty();
        let word = match (choice.legacy_call, calls) {
            (true, _) => "function_call",
            (false, true) => "tool_calls",
            (false, false) => "stop",
        };
        let rest = choice.calls.rest(false, &mut self.context, &mut self.diagnostics);
        self.diagnostics.record(DiagnosticCode::FinishReasonDerived, "choices[].finish_reason", "");
        if let Some(rest) = rest {
            self.say(index, &format!(r#"{{"tool_calls":{rest}}}"#), "null", sink);
        }
        self.say(index, "{}", &format!("\"{word}\""), sink);
        if self.summary.finish.is_none() {
            self.summary.finish =
                Some(if word == "stop" { FinishReason::Stop } else { finish_reason::reason(word) });
        }
    }

    /// Says something of our own.
    pub(super) fn say(&mut self, index: u64, delta: &str, finish: &str, sink: &mut dyn ChunkSink) {
        self.flush(sink);
        self.say_now(index, delta, finish, sink);
    }

    fn say_now(&mut self, index: u64, delta: &str, finish: &str, sink: &mut dyn ChunkSink) {
        let mut chunk = self.identity.blank(&self.spec, &mut self.context);
        chunk.set(
            "choices",
            format!(r#"[{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]"#),
        );
        sink.chunk(&chunk, None);
    }

    fn close_usage(&mut self, sink: &mut dyn ChunkSink) {
        if let Some(usage) = &self.usage {
            self.summary.usage = usage::read(usage);
        }
        if self.spec.stream_usage != StreamUsage::Client {
            return;
        }
        if let Some(own) = self.usage_chunk.take() {
            if let Ok(chunk) = Object::parse(&own) {
                sink.chunk(&chunk, Some(&own));
            }
            return;
        }
        let usage = match self.usage.take() {
            Some(usage) => usage::mend(&usage, &mut self.diagnostics).unwrap_or(usage),
            None => {
                self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
                String::from(r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#)
            }
        };
        let mut chunk = self.identity.blank(&self.spec, &mut self.context);
        chunk.set("choices", "[]");
        chunk.set("usage", usage);
        sink.chunk(&chunk, None);
    }
}

fn starts_with_json_line(data: &[u8]) -> bool {
    let line = data.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii();
    value_kind(std::str::from_utf8(line).unwrap_or_default()) == ValueKind::Object
        && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// A chunk, and its choices with their deltas.
fn read(data: &[u8]) -> Result<(Object<'_>, Vec<ListItem<'_>>), serde_json::Error> {
    Object::parse_with_items(data, "choices", "delta")
}

/// Whether the choices are those of a whole answer: messages, and no deltas.
fn has_messages(choices: &[ListItem<'_>]) -> bool {
    let is_message = |choice: &Object<'_>| choice.get("message").is_some() && choice.get("delta").is_none();
    !choices.is_empty() && choices.iter().all(|choice| choice.object.as_ref().is_some_and(is_message))
}

/// A chunk without the error that it holds, if anything is said beside it. The error is its ending.
fn said_beside_error(mut chunk: Object<'_>) -> Option<String> {
    const WORDS: [&str; 5] = ["content", "reasoning_content", "reasoning", "thinking", "refusal"];
    let (mut listed, mut says) = (Vec::new(), false);
    for item in chunk.array("choices")? {
        let mut choice = Object::parse(item.as_bytes()).ok()?;
        let said = choice.object("delta").or_else(|| choice.object("message")).unwrap_or_default();
        says |= WORDS.iter().any(|key| said.str(key).is_some_and(|words| !words.is_empty()))
            || said.array("tool_calls").is_some_and(|calls| !calls.is_empty());
        choice.set("finish_reason", "null");
        listed.push(choice.to_json());
    }
    chunk.remove("error");
    chunk.set("choices", encode_array(&listed));
    says.then(|| chunk.to_json())
}

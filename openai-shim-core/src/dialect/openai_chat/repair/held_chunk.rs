//! The way out of a stream: repaired chunks in, the same chunks to the sink, those with a finish reason one frame later.

use super::finish_reason;
use super::stream_state::{ChoicePhase, ChunkSink, HeldChunk, StreamState, StreamedChoice};
use crate::canonical::DiagnosticCode;
use crate::error::UpstreamError;
use crate::json::{Object, encode_array};

/// A repaired chunk on its way to the sink.
pub(super) struct OutgoingChunk<'c> {
    pub(super) chunk: Object<'c>,
    /// The upstream's own text of it, where nothing was changed.
    pub(super) source: Option<&'c [u8]>,
    /// Indexes of the choices that it ends.
    pub(super) ended_choices: Vec<u64>,
    /// It has content of a choice whose finish reason came before.
    pub(super) is_late: bool,
}

impl StreamState {
    /// Sends a chunk. A chunk that ends choices is held for one frame, unless it has late content itself.
    pub(super) fn emit(&mut self, outgoing: OutgoingChunk<'_>, sink: &mut dyn ChunkSink) {
        let OutgoingChunk { chunk, source, ended_choices, is_late } = outgoing;
        if is_late {
            self.release_content(sink);
        } else {
            self.flush(sink);
        }
        if ended_choices.is_empty() || is_late {
            self.send(&chunk, source, &ended_choices, sink);
        } else {
            self.held = Some(HeldChunk {
                chunk: chunk.into_owned(),
                source: source.map(<[u8]>::to_vec),
                ended_choices,
                has_late_content: false,
            });
        }
    }

    /// Sends the held chunk.
    pub(super) fn flush(&mut self, sink: &mut dyn ChunkSink) {
        if self.choices.iter().any(|choice| choice.calls.has_unnamed()) {
            // A call without a name goes out last, after the content in front of it.
            self.release_content(sink);
        }
        if let Some(mut held) = self.held.take() {
            if held.has_late_content {
                self.reconcile_reasons(&mut held);
            }
            self.check_promised_calls(&mut held);
            self.send(&held.chunk, held.source.as_deref(), &held.ended_choices, sink);
        }
    }

    /// Sends the content of the held chunk and goes on holding its finish reasons: more content of these choices came.
    fn release_content(&mut self, sink: &mut dyn ChunkSink) {
        let Some(mut held) = self.held.take() else { return };
        let (mut contents, mut endings, mut has_content) = (Vec::new(), Vec::new(), false);
        for item in held.chunk.array("choices").unwrap_or_default() {
            let Ok(mut choice) = Object::parse(item.as_bytes()) else { continue };
            let index = choice.u64("index").unwrap_or(0);
            let ends = held.ended_choices.contains(&index);
            has_content |= !ends || choice.object("delta").is_some_and(|delta| !delta.is_empty());
            if ends {
                let reason = choice.get("finish_reason").unwrap_or("null");
                endings.push(format!(
                    r#"{{"index":{index},"delta":{{}},"logprobs":null,"finish_reason":{reason}}}"#
                ));
                choice.set("finish_reason", "null");
            }
            contents.push(choice.to_json());
        }
        if has_content {
            held.chunk.set("choices", encode_array(&contents));
            sink.chunk(&held.chunk, None);
            held.chunk = self.identity.empty_chunk(&self.spec, &mut self.context);
            held.chunk.set("choices", encode_array(&endings));
            held.source = None;
        }
        held.has_late_content = true;
        self.held = Some(held);
    }

    /// Fits the held finish reasons to the late content, which may be tool calls.
    fn reconcile_reasons(&mut self, held: &mut HeldChunk) {
        let named = self.spec.named_tool;
        let (mut written, mut changed) = (Vec::new(), false);
        for item in held.chunk.array("choices").unwrap_or_default() {
            let Ok(mut ending) = Object::parse(item.as_bytes()) else { continue };
            let index = ending.u64("index").unwrap_or(0);
            let choice = self.choices.iter().find(|c| c.index == index && !c.has_legacy_call);
            if let Some(choice) = choice.filter(|_| held.ended_choices.contains(&index)) {
                let reason =
                    finish_reason::reconcile(choice.upstream_reason(), !choice.calls.is_empty(), named);
                if ending.str("finish_reason").as_deref() != Some(reason) {
                    ending.set("finish_reason", format!("\"{reason}\""));
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

    /// Finds choices that end with a promise of tool calls and have none. Where tools are offered that is a failure, and the
    /// choice does not end.
    fn check_promised_calls(&mut self, held: &mut HeldChunk) {
        let promises = |choice: &StreamedChoice| {
            matches!(choice.upstream_reason(), "tool_calls" | "function_call")
                && choice.calls.is_empty()
                && !choice.has_legacy_call
        };
        let broken =
            |choice: &&StreamedChoice| held.ended_choices.contains(&choice.index) && promises(choice);
        let broken: Vec<_> =
            self.choices.iter().filter(broken).map(|c| (c.index, c.upstream_reason())).collect();
        for (index, reason) in broken {
            self.diagnostics.record(DiagnosticCode::ToolCallsMissing, "choices[].finish_reason", reason);
            if self.spec.tools.is_empty() {
                continue;
            }
            self.failure.get_or_insert_with(|| UpstreamError::calls_missing(reason));
            held.ended_choices.retain(|ended| *ended != index);
            held.source = None;
            let choices = held.chunk.array("choices").unwrap_or_default();
            let choices: Vec<_> = choices.into_iter().map(|item| without_reason(item, index)).collect();
            let choices = encode_array(&choices);
            held.chunk.set("choices", choices);
        }
    }

    /// Sends a chunk, before it what the calls of the choices that it ends still lack, and closes these choices.
    fn send(
        &mut self,
        chunk: &Object<'_>,
        source: Option<&[u8]>,
        ended_choices: &[u64],
        sink: &mut dyn ChunkSink,
    ) {
        for index in ended_choices {
            let Some(choice) = self.choices.iter_mut().find(|c| c.index == *index) else { continue };
            let is_cut = matches!(choice.upstream_reason(), "length" | "content_filter");
            if let Some(calls) = choice.calls.complete(is_cut, &mut self.context, &mut self.diagnostics) {
                self.send_delta(*index, &format!(r#"{{"tool_calls":{calls}}}"#), "null", sink);
            }
        }
        sink.chunk(chunk, source);
        for choice in self.choices.iter_mut().filter(|c| ended_choices.contains(&c.index)) {
            choice.phase = ChoicePhase::Closed;
        }
    }

    /// Sends the held chunk, then a chunk made here. `finish_reason` is JSON.
    pub(super) fn emit_delta(
        &mut self,
        index: u64,
        delta: &str,
        finish_reason: &str,
        sink: &mut dyn ChunkSink,
    ) {
        self.flush(sink);
        self.send_delta(index, delta, finish_reason, sink);
    }

    fn send_delta(&mut self, index: u64, delta: &str, finish_reason: &str, sink: &mut dyn ChunkSink) {
        let mut chunk = self.identity.empty_chunk(&self.spec, &mut self.context);
        chunk.set(
            "choices",
            format!(
                r#"[{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{finish_reason}}}]"#
            ),
        );
        sink.chunk(&chunk, None);
    }
}

/// Returns a choice without its finish reason, if it has this index.
fn without_reason(item: &str, index: u64) -> String {
    match Object::parse(item.as_bytes()) {
        Ok(mut choice) if choice.u64("index") == Some(index) => {
            choice.set("finish_reason", "null");
            choice.to_json()
        }
        _ => item.to_owned(),
    }
}

//! The text of a stream's choices: deltas in, the same deltas out with reasoning, tool calls and stop sequences taken out.

use super::stream_state::{ChunkSink, StreamState};
use super::text_extractor::{ChatTextExtractor, add_calls};
use crate::canonical::DiagnosticCode;
use crate::extract::TextEnd;
use crate::json::{Object, encode_array, items};

const FIELD_PATH: &str = "choices[].delta";

impl StreamState {
    /// Takes reasoning, calls and stop sequences out of a delta's text. A matched stop sequence sets `finish_reason`.
    pub(super) fn extract_text(
        &mut self,
        position: usize,
        delta: &mut Object<'_>,
        finish_reason: &mut Option<&'static str>,
        choice: &mut Object<'_>,
    ) {
        let Some(state) = self.choices.get_mut(position) else { return };
        let is_finished = state.is_finished();
        let extractor = state.extractor.get_or_insert_with(|| ChatTextExtractor::new(&self.spec));
        if extractor.is_stopped() {
            // Text after a stop sequence is not part of the output.
            delta.remove("content");
            delta.remove("tool_calls");
            return;
        }
        if is_finished {
            return;
        }
        let end = match *finish_reason {
            None => TextEnd::Open,
            Some("stop") => TextEnd::Complete,
            Some(_) => TextEnd::Cut,
        };
        let extracted = extractor.extract(delta, end, FIELD_PATH, &mut self.diagnostics);
        if extracted.is_stopped {
            *finish_reason = Some("stop");
            choice.set("finish_reason", "\"stop\"");
            delta.remove("tool_calls");
        }
        if *finish_reason == Some("stop")
            && !extractor.matches_json(self.spec.required_json_fields.as_deref())
        {
            self.diagnostics.record(DiagnosticCode::JsonInvalid, &format!("{FIELD_PATH}.content"), "");
        }
        state.recovered.extend(extracted.calls);
    }

    /// Appends the calls taken out of the text to a delta, except those that the upstream sent itself. Returns whether any
    /// were appended.
    pub(super) fn append_recovered(&mut self, position: usize, delta: &mut Object<'_>) -> bool {
        let Some(state) = self.choices.get_mut(position) else { return false };
        let mut recovered = std::mem::take(&mut state.recovered);
        recovered.retain(|call| !state.calls.contains(&call.name, &call.arguments));
        let mut appended = Object::new();
        add_calls(&mut appended, &recovered, Some(state.calls.len()), &mut self.context);
        state.calls.repair(&mut appended, true, &self.spec, &mut self.context, &mut self.diagnostics);
        let Some(appended) = appended.array("tool_calls") else { return false };
        let before = delta.get("tool_calls").map(str::to_owned);
        let mut all: Vec<&str> = before.as_deref().and_then(items).unwrap_or_default();
        all.extend(appended);
        let all = encode_array(&all);
        delta.set("tool_calls", all);
        true
    }

    /// Sends the text that was withheld because it might have been markup: nothing follows. `is_cut`: the stream broke off.
    pub(super) fn flush_text(&mut self, is_cut: bool, sink: &mut dyn ChunkSink) {
        for position in 0..self.choices.len() {
            let Some(choice) = self.choices.get_mut(position).filter(|c| !c.is_finished()) else { continue };
            let Some(extractor) = choice.extractor.as_mut().filter(|e| !e.is_stopped()) else { continue };
            let index = choice.index;
            let mut delta = Object::new();
            let end = if is_cut { TextEnd::Cut } else { TextEnd::Complete };
            let extracted = extractor.extract(&mut delta, end, FIELD_PATH, &mut self.diagnostics);
            if !is_cut && !extractor.matches_json(self.spec.required_json_fields.as_deref()) {
                self.diagnostics.record(DiagnosticCode::JsonInvalid, &format!("{FIELD_PATH}.content"), "");
            }
            choice.recovered.extend(extracted.calls);
            self.append_recovered(position, &mut delta);
            if !delta.is_empty() {
                self.summary.content = true;
                self.summary.reasoning |= delta.get("reasoning_content").is_some();
                self.summary.answer |= delta.iter().any(|(key, _)| key != "reasoning_content");
                self.emit_delta(index, &delta.to_json(), "null", sink);
            }
        }
    }
}

//! The text of a stream's choices, with what stands in it taken out.

use super::stream::{ChunkSink, StreamState};
use super::text_extractor::{ChatTextExtractor, add_calls};
use crate::canonical::{DiagnosticCode, StreamUsage};
use crate::json::{Object, encode_array, items};

const AT: &str = "choices[].delta";

impl StreamState {
    /// Takes thinking, calls and stop sequences out of a delta's text.
    pub(super) fn voice(
        &mut self,
        slot: usize,
        delta: &mut Object<'_>,
        word: &mut Option<&'static str>,
        choice: &mut Object<'_>,
    ) {
        let Some(state) = self.choices.get_mut(slot) else { return };
        let voice = state.voice.get_or_insert_with(|| ChatTextExtractor::new(&self.spec));
        if voice.stopped {
            // What follows a stop sequence was never said.
            delta.remove("content");
            delta.remove("tool_calls");
            return;
        }
        if state.finished {
            return;
        }
        let voiced = voice.extract(delta, word.is_some(), AT, &mut self.diagnostics);
        if voiced.stops {
            *word = Some("stop");
            choice.set("finish_reason", "\"stop\"");
            delta.remove("tool_calls");
        }
        if *word == Some("stop") && !voice.is_as_asked(self.spec.required_json_fields.as_ref()) {
            self.diagnostics.record(DiagnosticCode::JsonInvalid, &format!("{AT}.content"), "");
        }
        state.recovered.extend(voiced.calls);
    }

    /// Adds the calls that stood in the text, but for those that the upstream made itself; whether there are any.
    pub(super) fn append_recovered(&mut self, slot: usize, delta: &mut Object<'_>) -> bool {
        let Some(state) = self.choices.get_mut(slot) else { return false };
        let mut recovered = std::mem::take(&mut state.recovered);
        recovered.retain(|(name, arguments)| !state.calls.has(name, arguments));
        let mut own = Object::new();
        add_calls(&mut own, &recovered, Some(state.calls.len()), &mut self.context);
        state.calls.delta(&mut own, true, &self.spec, &mut self.context, &mut self.diagnostics);
        let Some(fragments) = own.array("tool_calls") else { return false };
        let mut all: Vec<&str> = Vec::new();
        let before = delta.get("tool_calls").map(str::to_owned);
        all.extend(before.as_deref().and_then(items).unwrap_or_default());
        all.extend(fragments);
        let all = encode_array(&all);
        delta.set("tool_calls", all);
        true
    }

    /// A stop sequence ended this choice.
    pub(super) fn is_stopped(&self, slot: usize) -> bool {
        self.choices.get(slot).and_then(|c| c.voice.as_ref()).is_some_and(|voice| voice.stopped)
    }

    /// With every choice stopped by us there is nothing to wait for but token counts.
    pub(super) fn close_if_stopped(&mut self, sink: &mut dyn ChunkSink) {
        let all = self.choices.len() >= self.spec.n as usize
            && (0..self.choices.len()).all(|slot| self.is_stopped(slot));
        if all && self.spec.stream_usage != StreamUsage::Client {
            self.cut = true;
            self.close(sink);
        }
    }

    /// Says what was held back because it might have been something else: nothing follows. `cut`: the
    /// answer broke off.
    pub(super) fn flush_text(&mut self, cut: bool, sink: &mut dyn ChunkSink) {
        for at in 0..self.choices.len() {
            let Some(choice) = self.choices.get_mut(at).filter(|c| !c.finished) else { continue };
            let Some(voice) = choice.voice.as_mut().filter(|voice| !voice.stopped) else { continue };
            let index = choice.index;
            let mut delta = Object::new();
            let voiced = voice.extract(&mut delta, true, AT, &mut self.diagnostics);
            if !cut && !voice.is_as_asked(self.spec.required_json_fields.as_ref()) {
                self.diagnostics.record(DiagnosticCode::JsonInvalid, &format!("{AT}.content"), "");
            }
            choice.recovered.extend(voiced.calls);
            self.append_recovered(at, &mut delta);
            if !delta.is_empty() {
                self.summary.content = true;
                self.say(index, &delta.to_json(), "null", sink);
            }
        }
    }
}

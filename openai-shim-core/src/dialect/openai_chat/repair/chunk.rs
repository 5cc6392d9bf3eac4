//! One chunk of a stream.

use super::stream::{ChunkSink, StreamState, StreamedChoice};
use super::{content, finish_reason, logprobs, merge_choices, usage};
use crate::canonical::{DiagnosticCode, StreamUsage};
use crate::error::{ErrorKind, StatusError, UpstreamError};
use crate::json::{ListItem, Object, ValueKind, decode_string, encode_array, encode_string, value_kind};
use std::borrow::Cow;

/// The most answers in one stream; OpenAI's own limit for `n` is 128.
const MOST_CHOICES: usize = 256;

/// What became of one choice of a chunk.
struct ChoiceRepair<'i> {
    /// Its JSON; `None` if nothing of it is left.
    json: Option<Cow<'i, str>>,
    changed: bool,
    finishes: bool,
    /// It holds text or tool calls.
    says: bool,
}

impl StreamState {
    /// Mends one chunk and hands it out. `changed`: it is no longer its source.
    pub(super) fn chunk(
        &mut self,
        mut chunk: Object<'_>,
        listed: Vec<ListItem<'_>>,
        source: &[u8],
        mut changed: bool,
        sink: &mut dyn ChunkSink,
    ) {
        let made;
        let mut listed: Vec<ListItem<'_>> = listed;
        if listed.is_empty() {
            match top_level_message(&mut chunk) {
                Some(item) => {
                    self.diagnostics.record(
                        DiagnosticCode::MessageAsDelta,
                        "message",
                        "no choices around it",
                    );
                    made = item;
                    listed.push(ListItem {
                        text: &made,
                        object: Object::parse(made.as_bytes()).ok(),
                        inner: None,
                    });
                    changed = true;
                }
                None => {
                    self.without_choices(chunk, source);
                    return;
                }
            }
        }
        self.take_usage(&mut chunk, &listed);
        self.identity.mend(&mut chunk, &self.spec, &mut self.context, &mut self.diagnostics);
        let (mut written, mut ends, mut says) = (Vec::with_capacity(listed.len()), Vec::new(), false);
        let mut late = false;
        for (at, ListItem { text, object, inner }) in listed.into_iter().enumerate() {
            let Some(mut choice) = object else {
                self.diagnostics.record(DiagnosticCode::FieldDropped, "choices[]", "no object");
                changed = true;
                continue;
            };
            let mut index = choice.u64("index").unwrap_or(at as u64);
            if merge_choices::is_part(index, &choice, self.spec.n, &mut self.merged, &mut self.diagnostics) {
                index = 0;
                choice.set("index", "0");
            }
            let finished_before = self.is_finished(index);
            match self.choice(choice, inner, text, at) {
                Ok(mended) => {
                    changed |= mended.changed;
                    ends.extend(mended.finishes.then_some(index));
                    says |= mended.says;
                    late |= finished_before && mended.json.is_some();
                    written.extend(mended.json);
                }
                Err(error) => {
                    self.fail(&error, sink);
                    return;
                }
            }
        }
        if written.is_empty() {
            if !self.choices.iter().any(StreamedChoice::waits) {
                self.diagnostics.record(DiagnosticCode::FrameForeign, "", "nothing left in it");
            }
            return;
        }
        if changed {
            chunk.set("choices", encode_array(&written));
        }
        for (key, value) in std::mem::take(&mut self.prelude) {
            if chunk.get(&key).is_none() {
                chunk.set(key, value);
            }
        }
        if late {
            self.diagnostics.record(DiagnosticCode::ContentAfterFinish, "", "");
        }
        let own = if chunk.is_changed() { None } else { Some(source) };
        self.summary.content |= says;
        self.emit(chunk, own, ends, late, sink);
        self.close_if_stopped(sink);
    }

    fn is_finished(&self, index: u64) -> bool {
        self.choices.iter().any(|c| c.index == index && c.finished)
    }

    /// A chunk without choices: usage, a prelude, or nothing for the client.
    fn without_choices(&mut self, chunk: Object<'_>, source: &[u8]) {
        let complete = chunk.non_null("usage").and_then(usage::read).is_some();
        if complete {
            let raw = chunk.get("usage").unwrap_or_default().to_owned();
            let mut own = chunk.into_owned();
            let listed = own.get("choices").is_some();
            if !listed {
                own.set("choices", "[]");
            }
            let fresh = self.usage.is_none();
            self.identity.mend(&mut own, &self.spec, &mut self.context, &mut self.diagnostics);
            if let Some(mended) = usage::mend(&raw, &mut self.diagnostics) {
                own.set("usage", mended);
            }
            self.usage_chunk = Some(if own.is_changed() {
                let mut out = Vec::new();
                own.write(&mut out);
                out
            } else {
                source.to_vec()
            });
            if !fresh {
                self.diagnostics.record(DiagnosticCode::UsageMoved, "usage", "an earlier one was replaced");
            } else if self.spec.stream_usage != StreamUsage::Client {
                self.note_unasked();
            }
            self.usage = Some(raw);
            return;
        }
        self.diagnostics.record(DiagnosticCode::FrameForeign, "", "no choices");
        if self.choices.is_empty() && chunk.get("choices").is_some() {
            let identity = ["id", "object", "created", "model", "choices", "usage", "system_fingerprint"];
            for (key, value) in chunk.iter().filter(|(key, _)| !identity.contains(key)) {
                if self.prelude.len() < 16 && value.len() < 4096 {
                    self.prelude.push((key.to_owned(), value.to_owned()));
                }
            }
        }
    }

    fn note_unasked(&mut self) {
        // What only we asked for is ours to leave out.
        if self.spec.stream_usage != StreamUsage::Injected {
            self.diagnostics.record(DiagnosticCode::UsageUnasked, "usage", "");
        }
    }

    /// Takes usage off a chunk that has choices.
    fn take_usage(&mut self, chunk: &mut Object<'_>, listed: &[ListItem<'_>]) {
        if self.spec.stream_usage == StreamUsage::Injected
            && chunk.get("usage").is_some_and(|usage| usage.trim() == "null")
        {
            // It stands there because we asked for usage, not the client.
            chunk.remove("usage");
        }
        // Moonshot puts it inside the choice.
        let in_choice = || Some(listed.first()?.object.as_ref()?.non_null("usage")?.to_owned());
        let Some(given) = chunk.non_null("usage").map(str::to_owned).or_else(in_choice) else { return };
        if chunk.non_null("usage").is_some() {
            chunk.remove("usage");
        }
        if usage::read(&given).is_some() {
            if self.spec.stream_usage == StreamUsage::Client {
                self.diagnostics.record(DiagnosticCode::UsageMoved, "usage", "");
            } else {
                self.note_unasked();
            }
            self.usage = Some(given);
            self.usage_chunk = None;
        } else {
            self.diagnostics.record(DiagnosticCode::UsageShaped, "usage", "incomplete");
        }
    }

    fn choice<'i>(
        &mut self,
        mut choice: Object<'i>,
        delta: Option<Object<'i>>,
        item: &'i str,
        at: usize,
    ) -> Result<ChoiceRepair<'i>, UpstreamError> {
        let index = choice.u64("index").unwrap_or(at as u64);
        if choice.u64("index").is_none() {
            self.diagnostics.record(DiagnosticCode::FieldFilled, "choices[].index", "");
            choice.set_first("index", index.to_string());
        }
        if choice.get("usage").is_some() {
            choice.remove("usage");
        }
        let mut delta = self.delta(&mut choice, delta);
        let slot = self.slot(index)?;
        if self.choices.get(slot).is_some_and(|c| c.sealed) {
            let nothing = ChoiceRepair { json: None, changed: true, finishes: false, says: false };
            if self.is_stopped(slot) {
                return Ok(nothing);
            }
            let (code, detail) = if says(&delta, "content") || delta.non_null("tool_calls").is_some() {
                (DiagnosticCode::ContentAfterFinish, "left out: it came too late")
            } else {
                (DiagnosticCode::FinishReasonRepeated, "")
            };
            self.diagnostics.record(code, "choices[]", detail);
            return Ok(nothing);
        }
        self.role(slot, &mut delta);
        content::mend(&mut delta, "choices[].delta", &mut self.diagnostics);
        self.cumulative(slot, &mut delta);
        let mut word = self.finish_word(&choice)?;
        self.voice(slot, &mut delta, &mut word, &mut choice);
        let mut calls = self.calls(slot, &mut delta, word.is_some());
        if word.is_some() {
            calls |= self.append_recovered(slot, &mut delta);
        }
        if self.choices.get(slot).is_some_and(|c| c.calls.are_too_many()) {
            let message = String::from("The upstream sent more tool calls, or longer ones, than are kept.");
            return Err(UpstreamError::TooLarge { message });
        }
        logprobs::mend(&mut choice, &mut self.diagnostics);
        let says_text = says(&delta, "content") || says(&delta, "reasoning_content");
        self.summary.refusal |= says(&delta, "refusal");
        let finishes = self.finish_reason(slot, &mut choice, word);
        if delta.is_changed() {
            choice.set("delta", delta.to_json());
        }
        let legacy = delta.non_null("function_call").is_some();
        let changed = choice.is_changed();
        let hollow = delta.is_empty() || delta.iter().all(|(k, v)| k == "content" && v.trim() == "\"\"");
        let nothing = changed
            && hollow
            && !finishes
            && choice.non_null("logprobs").is_none()
            && !delta.iter().any(|(k, _)| k == "role");
        let json =
            (!nothing).then(|| if changed { Cow::Owned(choice.to_json()) } else { Cow::Borrowed(item) });
        let says = says_text
            || calls
            || legacy
            || delta.non_null("audio").is_some()
            || delta.non_null("images").is_some();
        Ok(ChoiceRepair { json, changed, finishes, says })
    }

    fn slot(&mut self, index: u64) -> Result<usize, UpstreamError> {
        if let Some(at) = self.choices.iter().position(|c| c.index == index) {
            return Ok(at);
        }
        if self.choices.len() >= MOST_CHOICES {
            let message = format!("The upstream sent more than {MOST_CHOICES} answers in one stream.");
            return Err(UpstreamError::TooLarge { message });
        }
        // Nearly all answers are alone: a vector of such large things would make room for four at once.
        self.choices.reserve_exact(1);
        self.choices.push(StreamedChoice { index, ..StreamedChoice::default() });
        Ok(self.choices.len() - 1)
    }

    /// The delta of a choice, under whatever name it came.
    fn delta<'i>(&mut self, choice: &mut Object<'i>, delta: Option<Object<'i>>) -> Object<'i> {
        let message = choice.inner("message");
        if message.is_some() {
            self.diagnostics.record(DiagnosticCode::MessageAsDelta, "choices[].message", "");
            choice.remove("message");
        }
        let text = choice.get("text").filter(|t| value_kind(t) == ValueKind::String).map(str::to_owned);
        // A choice that repeats the whole message beside its delta says nothing new with it.
        if let Some(delta) = delta {
            return delta;
        }
        let mut delta = message.unwrap_or_else(|| {
            let mut delta = Object::new();
            match text {
                Some(text) => {
                    self.diagnostics.record(DiagnosticCode::MessageAsDelta, "choices[].text", "");
                    choice.remove("text");
                    delta.set("content", text);
                }
                None => self.diagnostics.record(DiagnosticCode::FieldFilled, "choices[].delta", ""),
            }
            delta
        });
        delta.mark_changed();
        delta
    }

    /// The first delta says `assistant`, no other one says anything.
    fn role(&mut self, slot: usize, delta: &mut Object<'_>) {
        let Some(choice) = self.choices.get_mut(slot) else { return };
        if choice.role_sent {
            if delta.remove("role").is_some() {
                self.diagnostics.record(DiagnosticCode::RoleRepeated, "choices[].delta.role", "");
            }
            return;
        }
        choice.role_sent = true;
        if delta.str("role").as_deref() != Some("assistant") {
            self.diagnostics.record(DiagnosticCode::RoleFilled, "choices[].delta.role", "");
            delta.set_first("role", "\"assistant\"");
        }
    }

    /// Deltas that repeat all text so far are cut to what is new.
    fn cumulative(&mut self, slot: usize, delta: &mut Object<'_>) {
        if !self.spec.quirks.cumulative_deltas {
            return;
        }
        let Some(choice) = self.choices.get_mut(slot) else { return };
        let Some(all) = delta.get("content").and_then(decode_string).map(std::borrow::Cow::into_owned) else {
            return;
        };
        if let Some(new) = all.strip_prefix(choice.text.as_str()) {
            if !choice.text.is_empty() {
                self.diagnostics.record(DiagnosticCode::DeltasCumulative, "choices[].delta.content", "");
                delta.set("content", encode_string(new));
            }
            choice.text = all;
        }
    }

    /// OpenAI's word for the finish reason that a choice states.
    fn finish_word(&mut self, choice: &Object<'_>) -> Result<Option<&'static str>, UpstreamError> {
        let given = choice.get("finish_reason").or_else(|| choice.get("done_reason")).and_then(decode_string);
        let Some(given) = given.filter(|g| !g.is_empty()) else { return Ok(None) };
        match finish_reason::word(&given) {
            finish_reason::ReasonClass::Known(word) => Ok(Some(word)),
            finish_reason::ReasonClass::Mapped(word) => {
                self.diagnostics.record(
                    DiagnosticCode::FinishReasonMapped,
                    "choices[].finish_reason",
                    &given,
                );
                Ok(Some(word))
            }
            finish_reason::ReasonClass::Failure => {
                let text = "The upstream reported that the answer failed.";
                Err(UpstreamError::Status(Box::new(StatusError::new(502, ErrorKind::Upstream, text))))
            }
        }
    }

    /// Puts tool calls in order; true if the delta has any.
    fn calls(&mut self, slot: usize, delta: &mut Object<'_>, last: bool) -> bool {
        let Some(choice) = self.choices.get_mut(slot) else { return false };
        choice.legacy_call |= self.spec.legacy_functions && delta.non_null("function_call").is_some();
        choice.calls.delta(delta, last, &self.spec, &mut self.context, &mut self.diagnostics);
        delta.non_null("tool_calls").is_some()
    }

    /// Settles the finish reason; true if the choice ends with this chunk.
    fn finish_reason(&mut self, slot: usize, choice: &mut Object<'_>, word: Option<&'static str>) -> bool {
        const AT: &str = "choices[].finish_reason";
        let Some(state) = self.choices.get_mut(slot) else { return false };
        let Some(word) = word else {
            if choice.get("finish_reason").is_none_or(|f| value_kind(f) != ValueKind::Null) {
                self.diagnostics.record(DiagnosticCode::FieldFilled, AT, "");
                choice.set("finish_reason", "null");
            }
            return false;
        };
        if state.finished {
            self.diagnostics.record(DiagnosticCode::FinishReasonRepeated, AT, "");
            choice.set("finish_reason", "null");
            return false;
        }
        (state.finished, state.word) = (true, word);
        let calls = !state.calls.is_empty();
        let settled = if state.legacy_call {
            word
        } else {
            finish_reason::reconcile(word, calls, self.spec.named_tool)
        };
        if settled != word {
            self.diagnostics.record(DiagnosticCode::FinishReasonDerived, AT, "");
        }
        if choice.str("finish_reason").as_deref() != Some(settled) {
            choice.set("finish_reason", format!("\"{settled}\""));
        }
        if self.summary.finish.is_none() {
            self.summary.finish = Some(finish_reason::reason(settled));
        }
        true
    }
}

fn says(delta: &Object<'_>, key: &str) -> bool {
    delta.get(key).is_some_and(|v| value_kind(v) == ValueKind::String && v.trim() != "\"\"")
}

/// A message without choices around it, as Ollama's own API streams: the choice that it is.
fn top_level_message(chunk: &mut Object<'_>) -> Option<String> {
    let message = chunk.non_null("message").filter(|m| value_kind(m) == ValueKind::Object)?.to_owned();
    chunk.remove("message");
    let reason = chunk.remove("done_reason").filter(|r| value_kind(r) == ValueKind::String);
    let reason = match (chunk.bool("done"), reason) {
        (Some(true), Some(reason)) => reason.into_owned(),
        (Some(true), None) => String::from("\"stop\""),
        _ => String::from("null"),
    };
    Some(format!(r#"{{"index":0,"message":{message},"finish_reason":{reason}}}"#))
}

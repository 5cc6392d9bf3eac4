//! One choice of a chunk: as the upstream sent it in, repaired out.

use super::content::{self, has_text};
use super::finish_reason::{self, ReasonClass, stated_error};
use super::logprobs;
use super::stream_state::{ChoicePhase, StreamState, StreamedChoice};
use crate::canonical::{DiagnosticCode, FinishReason};
use crate::error::UpstreamError;
use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};
use std::borrow::Cow;

/// The most choices of one stream; OpenAI's own limit for `n` is 128.
const MAX_CHOICES: usize = 256;

/// A choice of a chunk after its repair.
pub(super) struct ChoiceRepair<'i> {
    /// Its JSON; `None` if nothing of it is left.
    pub(super) json: Option<Cow<'i, str>>,
    pub(super) changed: bool,
    /// It has the choice's finish reason.
    pub(super) is_end: bool,
    /// It has text, tool calls or media.
    pub(super) has_content: bool,
}

impl StreamState {
    /// Repairs the choice at `at` in its list; `item` is its text, `delta` the delta in it.
    pub(super) fn repair_choice<'i>(
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
        let is_message = delta.is_none() && choice.get("message").is_some();
        let mut delta = self.take_delta(&mut choice, delta);
        let position = self.position(index)?;
        self.drop_repeated_message(position, is_message, &mut delta);
        if let Some(state) = self.choices.get(position).filter(|c| c.is_closed()) {
            if !state.is_stopped() {
                self.record_after_end(&delta);
            }
            return Ok(ChoiceRepair { json: None, changed: true, is_end: false, has_content: false });
        }
        self.repair_role(position, &mut delta);
        content::repair(&mut delta, "choices[].delta", &mut self.diagnostics);
        self.cut_cumulative(position, &mut delta);
        let mut reason = self.read_finish_reason(position, &choice);
        self.extract_text(position, &mut delta, &mut reason, &mut choice);
        if self.is_corrupt && self.choices.get(position).is_some_and(|choice| !choice.is_finished()) {
            // A part of the choice is missing: it does not end as the upstream says, or as a stop sequence does.
            if reason.take().is_some() {
                self.failure.get_or_insert_with(UpstreamError::unreadable_part);
            }
        }
        let mut has_calls = self.repair_calls(position, &mut delta, reason);
        if reason.is_some() {
            has_calls |= self.append_recovered(position, &mut delta);
        }
        if self.choices.get(position).is_some_and(|c| c.calls.are_too_many()) {
            let message = String::from("The upstream sent more tool calls, or longer ones, than are kept.");
            return Err(UpstreamError::TooLarge { message });
        }
        logprobs::repair(&mut choice, &mut self.diagnostics);
        self.summary.calls |= has_calls;
        self.summary.refusal |= has_text(&delta, "refusal");
        let is_end = self.write_finish_reason(position, &mut choice, reason);
        if delta.is_changed() {
            choice.set("delta", delta.to_json());
        }
        let changed = choice.is_changed();
        let is_empty = delta.is_empty() || delta.iter().all(|(k, v)| k == "content" && v.trim() == "\"\"");
        let is_left_out = changed
            && is_empty
            && !is_end
            && choice.non_null("logprobs").is_none()
            && !delta.iter().any(|(k, _)| k == "role");
        let json = match (is_left_out, changed) {
            (true, _) => None,
            (false, true) => Some(Cow::Owned(choice.to_json())),
            (false, false) => Some(Cow::Borrowed(item)),
        };
        let is_answer = has_calls
            || has_text(&delta, "content")
            || ["function_call", "audio", "images"].iter().any(|key| delta.non_null(key).is_some());
        self.summary.answer |= is_answer;
        let has_reasoning = has_text(&delta, "reasoning_content");
        self.summary.reasoning |= has_reasoning;
        let has_content = is_answer || has_reasoning;
        Ok(ChoiceRepair { json, changed, is_end, has_content })
    }

    /// Records a choice that came after its finish reason went out.
    fn record_after_end(&mut self, delta: &Object<'_>) {
        let (code, detail) = if has_text(delta, "content") || delta.non_null("tool_calls").is_some() {
            (DiagnosticCode::ContentAfterFinish, "left out: it came too late")
        } else {
            (DiagnosticCode::FinishReasonRepeated, "")
        };
        self.diagnostics.record(code, "choices[]", detail);
    }

    /// Returns where the choice with this index is in the list; adds it where it is new.
    fn position(&mut self, index: u64) -> Result<usize, UpstreamError> {
        if let Some(position) = self.choices.iter().position(|c| c.index == index) {
            return Ok(position);
        }
        if self.choices.len() >= MAX_CHOICES {
            let message = format!("The upstream sent more than {MAX_CHOICES} answers in one stream.");
            return Err(UpstreamError::TooLarge { message });
        }
        // Nearly all responses have one choice: without this the vector would allocate room for four of these large items.
        self.choices.reserve_exact(1);
        self.choices.push(StreamedChoice { index, ..StreamedChoice::default() });
        Ok(self.choices.len() - 1)
    }

    /// Returns the delta of a choice, also where it is called `message` or `text`.
    fn take_delta<'i>(&mut self, choice: &mut Object<'i>, delta: Option<Object<'i>>) -> Object<'i> {
        let message = choice.inner("message");
        if message.is_some() {
            self.diagnostics.record(DiagnosticCode::MessageAsDelta, "choices[].message", "");
            choice.remove("message");
        }
        let text = choice.get("text").filter(|t| value_kind(t) == ValueKind::String).map(str::to_owned);
        // A choice that has the whole message next to its delta repeats only what came before.
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

    /// Empties a message behind the deltas of its text: it repeats them. Other servers send messages in place of deltas.
    fn drop_repeated_message(&mut self, position: usize, is_message: bool, delta: &mut Object<'_>) {
        let Some(choice) = self.choices.get_mut(position) else { return };
        let has_content = || has_text(delta, "content") || delta.non_null("tool_calls").is_some();
        if !is_message {
            choice.has_deltas = choice.has_deltas || has_content();
        } else if choice.has_deltas && has_content() {
            self.diagnostics.record(DiagnosticCode::DeltasCumulative, "choices[].message", "");
            *delta = Object::new();
            delta.mark_changed();
        }
    }

    /// Puts the role `assistant` into the first delta, and takes any role out of the others.
    fn repair_role(&mut self, position: usize, delta: &mut Object<'_>) {
        let Some(choice) = self.choices.get_mut(position) else { return };
        if choice.has_sent_role {
            if delta.remove("role").is_some() {
                self.diagnostics.record(DiagnosticCode::RoleRepeated, "choices[].delta.role", "");
            }
            return;
        }
        choice.has_sent_role = true;
        if delta.str("role").as_deref() != Some("assistant") {
            self.diagnostics.record(DiagnosticCode::RoleFilled, "choices[].delta.role", "");
            delta.set_first("role", "\"assistant\"");
        }
    }

    /// Cuts a delta that repeats all text so far to the new text.
    fn cut_cumulative(&mut self, position: usize, delta: &mut Object<'_>) {
        if !self.spec.quirks.cumulative_deltas {
            return;
        }
        let Some(choice) = self.choices.get_mut(position) else { return };
        let Some(all) = delta.get("content").and_then(decode_string).map(Cow::into_owned) else { return };
        if let Some(new) = all.strip_prefix(choice.cumulative_text.as_str()) {
            if !choice.cumulative_text.is_empty() {
                self.diagnostics.record(DiagnosticCode::DeltasCumulative, "choices[].delta.content", "");
                delta.set("content", encode_string(new));
            }
            choice.cumulative_text = all;
        }
    }

    /// Returns OpenAI's name for the finish reason of a choice, if it has one that is no failure.
    fn read_finish_reason(&mut self, position: usize, choice: &Object<'_>) -> Option<&'static str> {
        if let Some(error) = stated_error(choice, &mut self.diagnostics) {
            self.failure.get_or_insert(error);
            return None;
        }
        let upstream_name =
            choice.get("finish_reason").or_else(|| choice.get("done_reason")).and_then(decode_string);
        let upstream_name = upstream_name.filter(|name| !name.is_empty())?;
        let path = "choices[].finish_reason";
        let reason = match finish_reason::classify(&upstream_name, path, &mut self.diagnostics) {
            ReasonClass::Named(reason) => reason,
            ReasonClass::Unknown => {
                self.has_unknown_reason = true;
                if let Some(state) = self.choices.get_mut(position) {
                    state.unknown_reason.get_or_insert_with(|| upstream_name.clone().into_owned());
                }
                "length"
            }
            ReasonClass::Failed(error) => {
                self.failure.get_or_insert(error);
                return None;
            }
            ReasonClass::None => return None,
        };
        Some(reason)
    }

    /// Repairs the tool calls of a delta; returns whether it has any. `is_final`: the choice ends with this delta.
    fn repair_calls(&mut self, position: usize, delta: &mut Object<'_>, reason: Option<&str>) -> bool {
        let Some(choice) = self.choices.get_mut(position) else { return false };
        choice.has_legacy_call |= self.spec.legacy_functions && delta.non_null("function_call").is_some();
        let is_final = reason.is_some();
        if choice.has_legacy_call {
            choice.legacy_call.repair(delta, is_final, reason == Some("length"), &mut self.diagnostics);
        }
        choice.calls.waits_for_arguments = self.is_decoded && !choice.is_finished();
        choice.calls.repair(delta, is_final, &self.spec, &mut self.context, &mut self.diagnostics);
        delta.non_null("tool_calls").is_some()
    }

    /// Writes the finish reason that fits the choice's content; returns whether the choice ends with this chunk.
    fn write_finish_reason(
        &mut self,
        position: usize,
        choice: &mut Object<'_>,
        reason: Option<&'static str>,
    ) -> bool {
        const FIELD_PATH: &str = "choices[].finish_reason";
        let Some(state) = self.choices.get_mut(position) else { return false };
        let Some(upstream_reason) = reason else {
            if choice.get("finish_reason").is_none_or(|f| value_kind(f) != ValueKind::Null) {
                self.diagnostics.record(DiagnosticCode::FieldFilled, FIELD_PATH, "");
                choice.set("finish_reason", "null");
            }
            return false;
        };
        if state.is_finished() {
            self.diagnostics.record(DiagnosticCode::FinishReasonRepeated, FIELD_PATH, "");
            choice.set("finish_reason", "null");
            return false;
        }
        state.phase = ChoicePhase::Finished { upstream_reason };
        let reason = if state.has_legacy_call {
            upstream_reason
        } else {
            finish_reason::reconcile(upstream_reason, !state.calls.is_empty(), self.spec.named_tool)
        };
        if reason != upstream_reason && reason == "tool_calls" {
            self.diagnostics.record(DiagnosticCode::FinishReasonDerived, FIELD_PATH, "");
        }
        if choice.str("finish_reason").as_deref() != Some(reason) {
            choice.set("finish_reason", format!("\"{reason}\""));
        }
        let unknown = state.unknown_reason.clone().map(FinishReason::Unknown);
        self.summary
            .finish
            .get_or_insert_with(|| unknown.unwrap_or_else(|| super::super::finish_reason::parse(reason)));
        true
    }
}

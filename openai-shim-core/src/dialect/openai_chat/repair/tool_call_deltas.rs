//! The tool calls of a streamed choice: deltas in, assigned to their calls, indexed and completed out.

use super::super::tool_call::is_custom;
use super::streamed_tool_call::{
    StreamedToolCall, ToolCallDelta, repair_first_custom_delta, repair_next_custom_delta, set_index,
};
use super::tool_call_fields::{
    attach_signature, is_json, is_same_json, move_into_function, upgrade_function_call,
};
use super::tool_name_parts::ToolNameParts;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec};
use crate::json::{Object, append_text, encode_array, encode_string};
use std::collections::BTreeMap;

/// The most calls of one choice, and the most bytes of their arguments, that are kept while it streams.
const MAX_CALLS: usize = 1024;
const MAX_ARGUMENT_BYTES: usize = 8 << 20;

const FIELD_PATH: &str = "choices[].delta.tool_calls[]";
const ARGUMENTS_PATH: &str = "choices[].delta.tool_calls[].function.arguments";
const NAME_PATH: &str = "choices[].delta.tool_calls[].function.name";

/// The calls of one choice of a stream, in the order in which they began.
#[derive(Debug, Default)]
pub(in super::super) struct StreamedToolCalls {
    calls: Vec<StreamedToolCall>,
    /// The last call of each index of the upstream, of each id, and of both together.
    by_index: BTreeMap<u64, usize>,
    by_id: BTreeMap<String, usize>,
    by_index_and_id: BTreeMap<(u64, String), usize>,
    /// The calls whose first delta went out.
    sent_calls: usize,
    /// The bytes of the arguments of all calls.
    argument_bytes: usize,
    /// The call that the last delta continued.
    continued: Option<usize>,
    /// A call whose tool cannot be known waits for its arguments.
    pub(super) waits_for_arguments: bool,
}

impl StreamedToolCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether there is a call of this function with these arguments.
    pub(super) fn contains(&self, name: &str, arguments: &str) -> bool {
        self.calls.iter().any(|call| call.name == name && is_same_json(&call.arguments, arguments))
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether the calls are more, or longer, than what is kept of one choice.
    pub(super) fn are_too_many(&self) -> bool {
        self.calls.len() > MAX_CALLS || self.argument_bytes > MAX_ARGUMENT_BYTES
    }

    /// Whether a call waits for its name.
    pub(super) fn has_unnamed(&self) -> bool {
        self.sent_calls < self.calls.len()
    }

    /// Whether there are calls, and the arguments of each are complete JSON.
    pub(super) fn are_complete(&self) -> bool {
        !self.calls.is_empty()
            && self.calls.iter().all(|c| c.is_custom || c.name.is_empty() || is_json(&c.arguments))
    }

    /// Appends a JSON string to the arguments of the call that the last delta continued; returns false, and does nothing,
    /// where the delta needs repair: it may repeat all arguments, or be too long.
    pub(in super::super) fn append_arguments(&mut self, literal: &str) -> bool {
        let Some(call) = self.continued.and_then(|at| self.calls.get_mut(at)) else { return false };
        let before = call.arguments.len();
        if before == 0 || call.encoded.is_holding() {
            return false;
        }
        if self.argument_bytes.saturating_add(literal.len()) > MAX_ARGUMENT_BYTES {
            return false;
        }
        append_text(literal, &mut call.arguments);
        if call.arguments.get(..before) == call.arguments.get(before..) {
            call.arguments.truncate(before);
            return false;
        }
        self.argument_bytes += call.arguments.len() - before;
        true
    }

    /// Repairs the calls of one delta. `is_final`: the choice ends with this delta.
    pub(super) fn repair(
        &mut self,
        delta: &mut Object<'_>,
        is_final: bool,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        upgrade_function_call(delta, "choices[].delta", spec, diagnostics);
        let Some(items) = delta.array("tool_calls") else { return };
        let (mut written, mut changed) = (Vec::with_capacity(items.len()), false);
        for item in items {
            let Ok(mut call) = Object::parse(item.as_bytes()) else {
                diagnostics.record(DiagnosticCode::FieldDropped, FIELD_PATH, "no object");
                changed = true;
                continue;
            };
            let before = written.len();
            let goes_out = self.repair_call(&mut call, is_final, spec, context, &mut written, diagnostics);
            changed |= written.len() > before;
            if !goes_out {
                changed = true;
                continue;
            }
            changed |= call.is_changed();
            written.push(if call.is_changed() { call.to_json() } else { item.to_owned() });
        }
        if !changed {
            return;
        }
        if written.is_empty() {
            delta.remove("tool_calls");
        } else {
            delta.set("tool_calls", encode_array(&written));
        }
    }

    /// Returns the deltas without which the calls are incomplete at the choice's end: `{}` for calls without arguments, and
    /// calls that never got a name. `is_cut`: a limit ended the choice, so that arguments may be incomplete.
    pub(super) fn complete(
        &mut self,
        is_cut: bool,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        let mut next = self.sent_calls;
        let mut written = Vec::new();
        for call in self.calls.iter_mut().filter(|call| !call.is_custom) {
            let mut missing = call.encoded.finish().unwrap_or_default();
            call.arguments.push_str(&missing);
            let is_empty = call.arguments.trim().is_empty();
            if !is_empty && !is_cut && !is_json(&call.arguments) {
                diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, ARGUMENTS_PATH, "");
            }
            if !is_empty && missing.is_empty() && call.sent_index.is_some() {
                continue;
            }
            if is_empty {
                diagnostics.record(DiagnosticCode::ToolArgumentsShaped, ARGUMENTS_PATH, "");
                missing = String::from("{}");
                call.arguments.clone_from(&missing);
            }
            if let Some(index) = call.sent_index {
                let missing = encode_string(&missing);
                written.push(format!(r#"{{"index":{index},"function":{{"arguments":{missing}}}}}"#));
                continue;
            }
            if call.name.is_empty() {
                diagnostics.record(DiagnosticCode::ToolNameMissing, NAME_PATH, "");
            }
            if call.id.is_empty() {
                diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{FIELD_PATH}.id"), "");
                call.id = context.new_id("call_");
            }
            written.push(call.first_delta(next).to_json());
            call.sent_index = Some(next);
            next += 1;
        }
        self.sent_calls = next;
        (!written.is_empty()).then(|| encode_array(&written))
    }

    /// Repairs one call of a delta; returns false if nothing of it is left.
    fn repair_call(
        &mut self,
        delta: &mut Object<'_>,
        is_final: bool,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        written: &mut Vec<String>,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        if delta.get("function").is_none() && delta.get("custom").is_none() {
            move_into_function(delta);
        }
        let function = delta.inner("function").unwrap_or_default();
        let mut fields = ToolCallDelta::read(delta, &function);
        let names = ToolNameParts { tools: &spec.tools, waits_for_arguments: self.waits_for_arguments };
        self.argument_bytes = self.argument_bytes.saturating_add(fields.arguments.len());
        self.continued = None;
        let known = self.find(&fields, names);
        let at = known.unwrap_or(self.calls.len());
        if known.is_none() {
            self.release_named(written);
            self.calls.push(StreamedToolCall::new(fields.index));
            self.by_index.extend(fields.index.map(|index| (index, at)));
        }
        let next = self.sent_calls;
        let Some(call) = self.calls.get_mut(at) else { return false };
        call.is_custom |= is_custom(delta);
        if let Some(index) = call.sent_index {
            set_index(delta, index, diagnostics);
            if call.is_custom {
                repair_next_custom_delta(delta, diagnostics);
                return true;
            }
            self.continued = Some(at);
            return call.repair_next_delta(delta, function, &mut fields, names, is_final, diagnostics);
        }
        if call.is_custom {
            call.sent_index = Some(next);
            self.sent_calls += 1;
            set_index(delta, next, diagnostics);
            repair_first_custom_delta(delta, context, diagnostics);
            return true;
        }
        if let Some(id) = &fields.id
            && call.id.is_empty()
        {
            let new_id = context.replace_repeated_id(id);
            if new_id.is_some() {
                diagnostics.record(DiagnosticCode::ToolIdRepeated, &format!("{FIELD_PATH}.id"), id);
            }
            call.repeated_id = new_id.is_some().then(|| id.clone());
            call.id = new_id.unwrap_or_else(|| id.clone());
        }
        if call.id.is_empty() && (fields.name.is_some() || is_final) {
            diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{FIELD_PATH}.id"), "");
            call.id = context.new_id("call_");
        }
        let id = call.upstream_id();
        if !id.is_empty() {
            let last = self.by_id.entry(id.to_owned()).or_insert(at);
            *last = at.max(*last);
            if let Some(index) = call.upstream_index {
                let last = self.by_index_and_id.entry((index, id.to_owned())).or_insert(at);
                *last = at.max(*last);
            }
        }
        let had_name = !call.name.is_empty();
        if let Some(part) = &fields.name {
            let name = if had_name { names.join(&call.name, part) } else { part.clone() };
            if had_name && name != call.name {
                diagnostics.record(DiagnosticCode::ToolNameLate, NAME_PATH, "in parts");
            }
            call.name = name;
        }
        let has_waited = !call.arguments.is_empty();
        call.take_arguments(&mut fields, is_final, diagnostics);
        if !is_final && (call.name.is_empty() || names.may_grow(&call.name, &call.arguments)) {
            // A call cannot go out without its name: its deltas wait for that.
            if !call.name.is_empty() && !names.waits_for_arguments {
                diagnostics.record(DiagnosticCode::ToolNameLate, NAME_PATH, "it may go on");
            }
            call.wait(delta);
            return false;
        }
        if call.name.is_empty() {
            diagnostics.record(DiagnosticCode::ToolNameMissing, NAME_PATH, "");
        } else if known.is_some() && !had_name {
            diagnostics.record(DiagnosticCode::ToolNameLate, NAME_PATH, "");
        }
        call.sent_index = Some(next);
        self.sent_calls += 1;
        set_index(delta, next, diagnostics);
        if has_waited {
            *delta = call.first_delta(next);
            return true;
        }
        call.take_waiting(delta);
        call.repair_first_delta(delta, function, &fields, is_final, diagnostics);
        attach_signature(delta, spec, diagnostics);
        true
    }

    /// Writes the first deltas of calls whose names can no longer grow, because another call begins.
    fn release_named(&mut self, written: &mut Vec<String>) {
        if self.sent_calls == self.calls.len() {
            return;
        }
        for call in self.calls.iter_mut().filter(|call| call.sent_index.is_none() && !call.name.is_empty()) {
            written.push(call.first_delta(self.sent_calls).to_json());
            call.sent_index = Some(self.sent_calls);
            self.sent_calls += 1;
        }
    }

    /// Returns the call that a delta belongs to; `None` if the delta begins one.
    fn find(&mut self, fields: &ToolCallDelta, names: ToolNameParts<'_>) -> Option<usize> {
        let at = match (fields.index, &fields.id) {
            (Some(index), id) => {
                let both = id.clone().and_then(|id| self.by_index_and_id.get(&(index, id)));
                *both.or_else(|| self.by_index.get(&index))?
            }
            (None, Some(id)) => {
                let known = self.by_id.get(id).copied();
                // A delta without a name begins no call, whatever its id.
                let is_continuation = fields.name.is_none() && !fields.arguments.is_empty();
                return known.or_else(|| self.calls.len().checked_sub(1).filter(|_| is_continuation));
            }
            (None, None) => {
                let last = self.calls.len().checked_sub(1)?;
                let begins = match (&fields.name, self.calls.get(last)) {
                    (Some(part), Some(call)) if !call.name.is_empty() => {
                        !call.arguments.is_empty() || !names.continues(&call.name, part)
                    }
                    _ => false,
                };
                return (!begins).then_some(last);
            }
        };
        let call = self.calls.get_mut(at)?;
        let has_new_id = fields.id.as_ref().is_some_and(|id| !call.id.is_empty() && id != call.upstream_id());
        // Some servers give each delta a new id: only with a name it begins another call.
        let begins = fields.name.is_some()
            && !call.name.is_empty()
            && (has_new_id
                || (fields.id.is_none()
                    && fields.arguments != call.arguments
                    && call.has_complete_arguments()));
        (!begins).then_some(at)
    }
}

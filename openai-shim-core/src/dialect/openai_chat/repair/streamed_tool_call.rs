//! One tool call of a stream: its delta in, repaired out; holds what came of the call.

use super::tool_call_fields::is_json;
use super::tool_name_parts::ToolNameParts;
use crate::canonical::{DiagnosticCode, Diagnostics, EncodedTwice, ResponseContext};
use crate::json::{Balance, Object, ValueKind, encode_string, string_or_json, value_kind};
use std::borrow::Cow;

const FIELD_PATH: &str = "choices[].delta.tool_calls[]";

/// What came of one call.
#[derive(Debug, Default)]
pub(super) struct StreamedToolCall {
    /// The index that the upstream gave it.
    pub(super) upstream_index: Option<u64>,
    pub(super) id: String,
    /// The upstream's id, where another call has it and this one got a new one.
    pub(super) repeated_id: Option<String>,
    pub(super) name: String,
    /// The arguments that went out, or wait for the name.
    pub(super) arguments: String,
    /// Holds arguments that begin as a string.
    pub(super) encoded: EncodedTwice,
    balance: Balance,
    /// Members of deltas that waited, other than those above.
    waiting: Vec<(String, String)>,
    /// The index under which its first delta went out.
    pub(super) sent_index: Option<usize>,
    /// It calls a custom tool, whose input is plain text.
    pub(super) is_custom: bool,
}

/// The fields of one delta of a call of a function; empty strings are left out.
pub(super) struct ToolCallDelta {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: String,
    /// The arguments are to be written: they are no string, or not those of the delta.
    is_replaced: bool,
}

impl ToolCallDelta {
    pub(super) fn read(delta: &Object<'_>, function: &Object<'_>) -> Self {
        let arguments = function.get("arguments");
        Self {
            index: delta.u64("index"),
            id: delta.str("id").filter(|id| !id.is_empty()).map(Cow::into_owned),
            name: function.str("name").filter(|name| !name.is_empty()).map(Cow::into_owned),
            arguments: arguments.map(|a| string_or_json(a).into_owned()).unwrap_or_default(),
            is_replaced: arguments.is_some_and(|a| value_kind(a) != ValueKind::String),
        }
    }
}

impl StreamedToolCall {
    pub(super) fn new(upstream_index: Option<u64>) -> Self {
        Self { upstream_index, ..Self::default() }
    }

    /// The id under which the upstream refers to the call.
    pub(super) fn upstream_id(&self) -> &str {
        self.repeated_id.as_deref().unwrap_or(&self.id)
    }

    /// Whether the arguments so far are a complete JSON text.
    pub(super) fn has_complete_arguments(&mut self) -> bool {
        self.balance.is_closed(&self.arguments) && is_json(&self.arguments)
    }

    /// Puts what goes out in place of a delta's arguments, and adds it to the call's. `is_final`: nothing follows.
    pub(super) fn take_arguments(
        &mut self,
        fields: &mut ToolCallDelta,
        is_final: bool,
        diagnostics: &mut Diagnostics,
    ) {
        let is_empty = fields.is_replaced && matches!(fields.arguments.trim(), "" | "{}");
        if is_empty && self.arguments.is_empty() && !self.encoded.is_holding() {
            // A placeholder: the arguments may follow.
            fields.is_replaced = true;
            fields.arguments.clear();
        }
        if let Some(text) = self.encoded.push(&fields.arguments, diagnostics) {
            fields.is_replaced = true;
            fields.arguments = text;
        }
        if is_final && let Some(held) = self.encoded.finish() {
            fields.arguments.push_str(&held);
        }
        self.arguments.push_str(&fields.arguments);
    }

    /// Keeps what a delta that cannot go out yet has besides the call's own fields.
    pub(super) fn wait(&mut self, delta: &Object<'_>) {
        let others = delta.iter().filter(|(key, _)| !["index", "id", "function"].contains(key));
        self.waiting.extend(others.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    /// Returns the call's first delta, made of what came of it so far.
    pub(super) fn first_delta(&mut self, index: usize) -> Object<'static> {
        let mut function = Object::new();
        function.set("name", encode_string(&self.name));
        function.set("arguments", encode_string(&self.arguments));
        let mut delta = Object::new();
        delta.set("index", index.to_string());
        delta.set("id", encode_string(&self.id));
        delta.set("type", "\"function\"");
        delta.set("function", function.to_json());
        self.take_waiting(&mut delta);
        delta
    }

    /// Adds what waited to a delta.
    pub(super) fn take_waiting(&mut self, delta: &mut Object<'_>) {
        for (key, value) in self.waiting.drain(..) {
            if delta.get(&key).is_none() {
                delta.set(key, value);
            }
        }
    }

    /// Repairs the first delta. `is_final`: the choice ends with it.
    pub(super) fn repair_first_delta(
        &mut self,
        delta: &mut Object<'_>,
        mut function: Object<'_>,
        fields: &ToolCallDelta,
        is_final: bool,
        diagnostics: &mut Diagnostics,
    ) {
        if delta.str("id").as_deref() != Some(self.id.as_str()) {
            delta.set("id", encode_string(&self.id));
        }
        if delta.str("type").as_deref() != Some("function") {
            diagnostics.record(DiagnosticCode::ToolTypeFilled, &format!("{FIELD_PATH}.type"), "");
            delta.set("type", "\"function\"");
        }
        if function.str("name").as_deref() != Some(self.name.as_str()) {
            function.set("name", encode_string(&self.name));
        }
        let is_filled = is_final && self.arguments.trim().is_empty();
        if fields.is_replaced || is_filled {
            record_shaped_arguments(diagnostics);
            if is_filled {
                self.arguments = String::from("{}");
            }
            function.set("arguments", encode_string(&self.arguments));
        }
        if function.is_changed() {
            delta.set("function", function.to_json());
        }
    }

    /// Repairs a later delta; returns false if nothing of it is left.
    pub(super) fn repair_next_delta(
        &mut self,
        delta: &mut Object<'_>,
        mut function: Object<'_>,
        fields: &mut ToolCallDelta,
        names: ToolNameParts<'_>,
        is_final: bool,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        for key in ["id", "type"] {
            if delta.remove(key).is_some() {
                diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{FIELD_PATH}.{key}"), "");
            }
        }
        if let Some(part) = function.str("name").map(Cow::into_owned) {
            match self.continue_name(&part, names, diagnostics) {
                Some(more) => function.set("name", encode_string(&more)),
                None => drop(function.remove("name")),
            }
        } else if function.remove("name").is_some() {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{FIELD_PATH}.function.name"), "");
        }
        let repeats_all =
            fields.arguments.len() > 1 && fields.arguments == self.arguments && self.has_complete_arguments();
        if repeats_all {
            diagnostics.record(
                DiagnosticCode::ToolFieldRepeated,
                &format!("{FIELD_PATH}.function.arguments"),
                "",
            );
            return false;
        }
        self.take_arguments(fields, is_final, diagnostics);
        if fields.is_replaced {
            record_shaped_arguments(diagnostics);
            function.set("arguments", encode_string(&fields.arguments));
        }
        if function.is_changed() {
            delta.set("function", function.to_json());
        }
        !(delta.is_changed() && fields.arguments.is_empty() && function.get("name").is_none())
    }

    /// Returns what a part of the name adds to the part that went out, for a client that puts the parts together.
    fn continue_name(
        &mut self,
        part: &str,
        names: ToolNameParts<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        let path = format!("{FIELD_PATH}.function.name");
        let joined = names.join(&self.name, part);
        if part.is_empty() || joined == self.name {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, &path, "");
            return None;
        }
        if !self.arguments.is_empty() || !names.is_beginning(&joined) {
            diagnostics.record(DiagnosticCode::FieldDropped, &path, "another name than the call's first");
            return None;
        }
        let more = joined.strip_prefix(self.name.as_str()).map(str::to_owned);
        diagnostics.record(DiagnosticCode::ToolNameLate, &path, "in parts");
        self.name = joined;
        more
    }
}

fn record_shaped_arguments(diagnostics: &mut Diagnostics) {
    diagnostics.record(DiagnosticCode::ToolArgumentsShaped, &format!("{FIELD_PATH}.function.arguments"), "");
}

/// Gives a delta the index of its call: calls are counted from 0 in the order in which they go out.
pub(super) fn set_index(delta: &mut Object<'_>, index: usize, diagnostics: &mut Diagnostics) {
    if delta.u64("index") != Some(index as u64) {
        diagnostics.record(DiagnosticCode::ToolIndexSynthesized, "choices[].delta.tool_calls[].index", "");
        delta.set_first("index", index.to_string());
    }
}

/// Repairs the first delta of a custom tool's call; its input is plain text and stays as it is.
pub(super) fn repair_first_custom_delta(
    delta: &mut Object<'_>,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) {
    if delta.str("id").is_none_or(|id| id.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{FIELD_PATH}.id"), "");
        delta.set("id", encode_string(&context.new_id("call_")));
    }
    if delta.str("type").as_deref() != Some("custom") {
        diagnostics.record(DiagnosticCode::ToolTypeFilled, &format!("{FIELD_PATH}.type"), "");
        delta.set("type", "\"custom\"");
    }
    let mut custom = delta.object("custom").map(Object::into_owned).unwrap_or_default();
    if custom.str("name").is_none() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, &format!("{FIELD_PATH}.custom.name"), "");
        custom.set("name", "\"\"");
        delta.set("custom", custom.to_json());
    }
}

/// Repairs a later delta of a custom tool's call.
pub(super) fn repair_next_custom_delta(delta: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    for key in ["id", "type"] {
        if delta.remove(key).is_some() {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{FIELD_PATH}.{key}"), "");
        }
    }
    let mut custom = delta.object("custom").map(Object::into_owned).unwrap_or_default();
    if custom.remove("name").is_some() {
        diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{FIELD_PATH}.custom.name"), "");
        delta.set("custom", custom.to_json());
    }
}

//! One tool call of a stream: its delta in, repaired out; holds what came of the call.

use super::tool_call_fields::is_json;
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseSpec};
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
    pub(super) arguments: String,
    balance: Balance,
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
}

impl ToolCallDelta {
    pub(super) fn read(delta: &Object<'_>, function: &Object<'_>) -> Self {
        Self {
            index: delta.u64("index"),
            id: delta.str("id").filter(|id| !id.is_empty()).map(Cow::into_owned),
            name: function.str("name").filter(|name| !name.is_empty()).map(Cow::into_owned),
            arguments: function.get("arguments").map(|a| string_or_json(a).into_owned()).unwrap_or_default(),
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

    /// Writes the call's first delta from what came of it so far.
    pub(super) fn write_first_delta(&self, index: usize) -> String {
        format!(
            r#"{{"index":{index},"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
            encode_string(&self.id),
            encode_string(&self.name),
            encode_string(&self.arguments)
        )
    }

    /// Repairs the first delta. `is_final`: the choice ends with it.
    pub(super) fn repair_first_delta(
        &mut self,
        delta: &mut Object<'_>,
        mut function: Object<'_>,
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
        if function.str("name").is_none() {
            function.set("name", encode_string(&self.name));
        }
        let is_empty = self.arguments.trim().is_empty();
        let is_text = function.get("arguments").is_none_or(|a| value_kind(a) == ValueKind::String);
        if !is_text || (is_final && is_empty) {
            record_shaped_arguments(diagnostics);
            if is_empty {
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
        fields: &ToolCallDelta,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        for key in ["id", "type"] {
            if delta.remove(key).is_some() {
                diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{FIELD_PATH}.{key}"), "");
            }
        }
        if function.remove("name").is_some() {
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
        self.arguments.push_str(&fields.arguments);
        if function.get("arguments").is_some_and(|a| value_kind(a) != ValueKind::String) {
            record_shaped_arguments(diagnostics);
            function.set("arguments", encode_string(&fields.arguments));
        }
        if function.is_changed() {
            delta.set("function", function.to_json());
        }
        !(delta.is_changed() && fields.arguments.is_empty())
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
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    if delta.str("id").is_none_or(|id| id.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{FIELD_PATH}.id"), "");
        delta.set("id", encode_string(&spec.context.id("call_")));
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

//! Fields of messages to those that the profile accepts: refused ones are dropped, and tool results get their tool's name.

use crate::accepts::{MessageNamePolicy, MessageRules};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message, Messages, Role};
use crate::json::is_empty_list;
use std::collections::BTreeMap;

/// Drops the extra fields that the upstream refuses, and those that are `null` if it refuses these. An empty list of calls is
/// refused by OpenAI's API, and means nothing to others.
pub(super) fn drop_refused(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    message.retain_extra(|key, value| {
        let is_null = value.trim() == "null";
        let is_refused = rules.drop_fields.iter().any(|field| field == key);
        if is_refused || (is_null && rules.drop_null_fields) {
            let code = if is_null { DiagnosticCode::NullDropped } else { DiagnosticCode::ParamDropped };
            diagnostics.record(code, &format!("messages[{i}].{key}"), "");
            return false;
        }
        let has_no_calls = key == "tool_calls" && is_empty_list(value);
        if has_no_calls {
            let field = format!("messages[{i}].{key}");
            diagnostics.record(DiagnosticCode::NullDropped, &field, "an empty list");
        }
        !has_no_calls
    });
}

/// Drops the message's `name` if the upstream refuses it.
pub(super) fn drop_name(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    let is_accepted = match rules.name_field {
        MessageNamePolicy::Drop => false,
        MessageNamePolicy::Tool => message.role == Role::Tool,
        MessageNamePolicy::Keep => true,
    };
    if is_accepted || message.name.is_none() {
        return;
    }
    message.edit().name = None;
    diagnostics.record(DiagnosticCode::ParamDropped, &format!("messages[{i}].name"), "");
}

/// Gives tool results the name of the tool that was called, if the upstream requires it.
pub(super) fn name_tool_results(
    messages: &mut Messages,
    rules: &MessageRules,
    diagnostics: &mut Diagnostics,
) {
    if !rules.tool_result_name {
        return;
    }
    let mut names_by_id: BTreeMap<String, String> = BTreeMap::new();
    for (i, message) in messages.iter_mut().enumerate() {
        let mut name = None;
        for block in &message.blocks {
            match block {
                Block::ToolCall { id, name, .. } => drop(names_by_id.insert(id.clone(), name.clone())),
                Block::ToolResult { id, .. } => name = names_by_id.get(id).cloned(),
                _ => {}
            }
        }
        if message.role == Role::Tool && message.name.is_none() && name.is_some() {
            message.edit().name = name.map(Into::into);
            diagnostics.record(DiagnosticCode::FieldFilled, &format!("messages[{i}].name"), "");
        }
    }
}

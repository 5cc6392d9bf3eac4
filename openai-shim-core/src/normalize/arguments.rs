//! The arguments of calls in the history to JSON objects, for upstreams that refuse anything else.

use crate::accepts::MessageRules;
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Message};
use crate::json::{ValueKind, encode_string, value_kind};
use serde::de::IgnoredAny;

pub(super) fn normalize(
    message: &mut Message,
    rules: &MessageRules,
    i: usize,
    diagnostics: &mut Diagnostics,
) {
    if !rules.object_arguments {
        return;
    }
    message.edit_each_block(|block| {
        let Block::ToolCall { arguments, .. } = &**block else { return };
        let Some((object, code)) = as_object(arguments) else { return };
        diagnostics.record(code, &format!("messages[{i}]"), "not an object");
        if let Block::ToolCall { arguments, .. } = block.edit() {
            *arguments = object;
        }
    });
}

/// The object that stands for arguments that are none, and what to report of it; `None` for an object.
fn as_object(arguments: &str) -> Option<(String, DiagnosticCode)> {
    let is_json = serde_json::from_str::<IgnoredAny>(arguments).is_ok();
    Some(match value_kind(arguments) {
        ValueKind::Object if is_json => return None,
        ValueKind::Null if is_json => (String::from("{}"), DiagnosticCode::ToolArgumentsShaped),
        _ if arguments.trim().is_empty() => (String::from("{}"), DiagnosticCode::ToolArgumentsShaped),
        _ if is_json => (format!(r#"{{"arguments":{arguments}}}"#), DiagnosticCode::ToolArgumentsShaped),
        _ => {
            (format!(r#"{{"arguments":{}}}"#, encode_string(arguments)), DiagnosticCode::ToolArgumentsInvalid)
        }
    })
}

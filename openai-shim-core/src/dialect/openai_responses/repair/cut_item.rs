//! The last item of a response that is incomplete: an upstream that labels it as completed is corrected.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, encode_array};

/// Labels an item as incomplete; `None` if it is no content of the model, or is not labelled as completed.
pub(super) fn label_item(item: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut item = Object::parse(item.as_bytes()).ok()?;
    let item_type = item.str("type")?;
    let is_content = matches!(item_type.as_ref(), "message" | "function_call" | "custom_tool_call");
    if !is_content || item.str("status").as_deref() != Some("completed") {
        return None;
    }
    diagnostics.record(DiagnosticCode::FinishReasonDerived, "output[].status", "incomplete");
    item.set("status", "\"incomplete\"");
    Some(item.to_json())
}

/// Labels the last item of an incomplete response.
pub(super) fn label_last_item(response: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    if response.str("status").as_deref() != Some("incomplete") {
        return;
    }
    let Some(output) = response.array("output") else { return };
    let Some((last, others)) = output.split_last() else { return };
    if let Some(labelled) = label_item(last, diagnostics) {
        let mut output: Vec<&str> = others.to_vec();
        output.push(&labelled);
        let output = encode_array(&output);
        response.set("output", output);
    }
}

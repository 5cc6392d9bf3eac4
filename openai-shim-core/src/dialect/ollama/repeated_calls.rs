//! A line without the calls that a line before it has told: some servers send all calls so far with every line.

use crate::canonical::{Diagnostics, ReportedCalls};
use crate::json::{Object, encode_array};

/// Returns a line without repeated calls; `None` if it has none.
pub(super) fn drop_repeated(
    line: &Object<'_>,
    reported: &mut ReportedCalls,
    diagnostics: &mut Diagnostics,
) -> Option<Object<'static>> {
    let mut shortened = None;
    if let Some(text) = line.get("message").filter(|text| text.contains("\"tool_calls\""))
        && let Ok(mut message) = Object::parse(text.as_bytes())
        && drop_from(&mut message, "message.tool_calls[]", reported, diagnostics)
    {
        let mut line = line.clone().into_owned();
        line.set("message", message.to_json());
        shortened = Some(line);
    }
    if line.get("tool_calls").is_some() {
        let mut own = line.clone().into_owned();
        if drop_from(&mut own, "tool_calls[]", reported, diagnostics) {
            let calls = own.remove("tool_calls").unwrap_or_default().into_owned();
            shortened.get_or_insert(own).set("tool_calls", calls);
        }
    }
    shortened
}

/// Takes repeated calls out of an object's `tool_calls`; returns whether there were any.
fn drop_from(
    object: &mut Object<'_>,
    field_path: &str,
    reported: &mut ReportedCalls,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Some(calls) = object.array("tool_calls") else { return false };
    let all = calls.len();
    let new: Vec<String> = calls
        .into_iter()
        .filter(|json| {
            let call = Object::parse(json.as_bytes()).unwrap_or_default();
            let function = call.object("function").unwrap_or_default();
            let (id, name) = (call.str("id").unwrap_or_default(), function.str("name").unwrap_or_default());
            let arguments = function.get("arguments").unwrap_or_default();
            !reported.is_repeated([&id, &name, arguments.trim()], field_path, diagnostics)
        })
        .map(str::to_owned)
        .collect();
    let has_repeated = new.len() < all;
    if has_repeated {
        object.set("tool_calls", encode_array(&new));
    }
    has_repeated
}

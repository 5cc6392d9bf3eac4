//! Parts and tools that only this API has, to what other dialects can read of them.
//!
//! <https://ai.google.dev/api/caching#Part>

use super::json_keys::parse_object;
use crate::dialect::NativeContent;
use std::borrow::Cow;

/// The parts with a text: the part's kind, the member that has the text, and what precedes it.
const READABLE: &[(&str, &str, &str)] = &[
    ("executableCode", "code", "Code:\n"),
    ("codeExecutionResult", "output", "Output of the code:\n"),
    ("toolCall", "args", "Call of a tool: "),
    ("toolResponse", "response", "Result of a tool: "),
];

/// Describes a part or a tool.
pub(super) fn describe(json: &str) -> NativeContent {
    let part = parse_object(json).unwrap_or_default();
    for (kind, key, label) in READABLE {
        let Some(content) = part.get(kind).and_then(parse_object) else { continue };
        let text = content.str(key).or_else(|| content.non_null(key).map(Cow::Borrowed)).unwrap_or_default();
        let text = if text.is_empty() { String::new() } else { format!("{label}{text}") };
        return NativeContent::named(*kind).with_text(text);
    }
    NativeContent::by_type(json)
}

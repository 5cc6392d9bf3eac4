//! One tool call of a message, in requests and answers.

use super::NAME;
use super::request::leftovers;
use crate::canonical::{Block, Extra};
use crate::json::{Kind, Object, peek, quote, text_of};

/// Reads a tool call; with it whether its arguments came as an object. A custom tool's input is text, and the call's own
/// members are kept beside it.
pub(super) fn read(call: &str) -> (Block, bool) {
    let object = Object::parse(call.as_bytes()).unwrap_or_default();
    let custom = object.object("custom");
    let is_custom = custom.is_some();
    let function = custom.or_else(|| object.object("function")).unwrap_or_default();
    let arguments = function.get(if is_custom { "input" } else { "arguments" }).unwrap_or("\"\"");
    let changed = peek(arguments) != Kind::String;
    let known: &[&str] = if is_custom { &["id"] } else { &["id", "type", "function", "index"] };
    let block = Block::ToolCall {
        id: object.str("id").unwrap_or_default().into_owned(),
        name: function.str("name").unwrap_or_default().into_owned(),
        arguments: text_of(arguments).into_owned(),
        extra: leftovers(&object, known),
    };
    (block, changed)
}

/// Writes a tool call.
pub(super) fn write(id: &str, name: &str, arguments: &str, extra: &Extra) -> String {
    let mut call = Object::new();
    call.set("id", quote(id));
    if extra.of(NAME).iter().all(|(key, _)| key != "custom") {
        call.set("type", "\"function\"");
        call.set("function", format!(r#"{{"name":{},"arguments":{}}}"#, quote(name), quote(arguments)));
    }
    for (key, value) in extra.of(NAME) {
        call.set(key.as_str(), value.get());
    }
    call.to_json()
}

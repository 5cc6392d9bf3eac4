//! Blocks and tools that only this API has, to what other dialects can read of them.

use crate::dialect::NativeContent;
use crate::dialect::native_content::{join_lines, labelled_lines};
use crate::json::{Object, ValueKind, string_or_json, value_kind};
use std::borrow::Cow;

/// Describes a block or a tool.
pub(super) fn describe(json: &str) -> NativeContent {
    let object = Object::parse(json.as_bytes()).unwrap_or_default();
    let content = NativeContent::by_type(json);
    let kind = content.name.clone();
    if kind.starts_with("tool_search_tool_") && kind != "tool_search_tool_result" {
        return content.covered();
    }
    let text = match kind.as_str() {
        "tool_reference" => text_of(&object, "tool_name"),
        "tool_addition" | "tool_removal" => {
            // Changes of tools are already in the request's tools; a server of tools is no tool of it.
            let tool = object.object("tool").unwrap_or_default();
            let is_covered =
                matches!(tool.str("type").as_deref(), Some("tool_reference" | "tool_definition"));
            return if is_covered { content.covered() } else { content };
        }
        // A compaction without content failed, and means nothing.
        "compaction" if object.non_null("encrypted_content").is_none() => return content.covered(),
        "server_tool_use" | "mcp_tool_use" => {
            let name = object.str("name").unwrap_or_default();
            let is_search = name.starts_with("tool_search_tool");
            match object.non_null("input") {
                _ if is_search => return content.covered(),
                Some(input) => format!("Call of {name}: {input}"),
                None => String::new(),
            }
        }
        "web_search_tool_result" => labelled(
            "Web search",
            lines_of_items(&object, &[("title", ""), ("url", ""), ("error_code", "error")]),
        ),
        "tool_search_tool_result" => return content.covered(),
        "web_fetch_tool_result" => {
            let result = object.object("content").unwrap_or_default();
            let document = result.object("content").unwrap_or_default();
            let source = document.object("source").unwrap_or_default();
            let data = if source.str("type").as_deref() == Some("text") {
                text_of(&source, "data")
            } else {
                String::new()
            };
            let members = [("url", ""), ("error_code", "error")];
            labelled(
                "Page",
                join_lines([labelled_lines(&result, &members), text_of(&document, "title"), data]),
            )
        }
        "mcp_tool_result" => labelled("Result", lines_of_items(&object, &[("text", "")])),
        "advisor_tool_result" => {
            labelled("Advice", lines_of_items(&object, &[("text", ""), ("error_code", "error")]))
        }
        kind if kind.ends_with("code_execution_tool_result") => {
            let members = [
                ("stdout", ""),
                ("stderr", "stderr"),
                ("return_code", "exit code"),
                ("content", ""),
                ("lines", ""),
                ("error_code", "error"),
            ];
            labelled("Output of the code", lines_of_items(&object, &members))
        }
        _ => String::new(),
    };
    // A tool by the name under which the model knows it, too.
    match object.str("name") {
        Some(name) if text.is_empty() && name != kind => NativeContent::named(format!("{kind}: {name}")),
        _ => content.with_text(text),
    }
}

fn labelled(label: &str, text: String) -> String {
    if text.is_empty() { text } else { format!("{label}:\n{text}") }
}

/// Returns members of a block's content, an object or a list of objects, as lines.
fn lines_of_items(object: &Object<'_>, members: &[(&str, &str)]) -> String {
    let Some(content) = object.non_null("content") else { return String::new() };
    let lines = |json: &str| labelled_lines(&Object::parse(json.as_bytes()).unwrap_or_default(), members);
    match value_kind(content) {
        ValueKind::Array => join_lines(object.array("content").unwrap_or_default().into_iter().map(lines)),
        ValueKind::Object => lines(content),
        _ => string_or_json(content).into_owned(),
    }
}

fn text_of(object: &Object<'_>, key: &str) -> String {
    object.str(key).map(Cow::into_owned).unwrap_or_default()
}

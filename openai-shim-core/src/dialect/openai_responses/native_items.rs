//! Items and tools that only this API has, to what other dialects can read of them.

use super::client_tools::ClientTool;
use super::extra_fields::parse_or_empty;
use crate::canonical::{Block, Media, MediaSource};
use crate::dialect::NativeContent;
use crate::dialect::native_content::{join_lines, labelled_lines};
use crate::json::{Object, string_or_json};
use std::borrow::Cow;

/// Returns the picture that the server's own tool drew; `None` for other items.
pub(super) fn generated_image(json: &str) -> Option<Block> {
    let item = parse_or_empty(json);
    let is_image = item.str("type").as_deref() == Some("image_generation_call");
    let data = item.str("result").filter(|data| is_image && !data.is_empty())?;
    let format = item.str("output_format").unwrap_or(Cow::Borrowed("png"));
    let source = MediaSource::base64(format!("image/{format}"), data);
    Some(Block::Image(Box::new(Media::new(source))))
}

/// Describes an item or a tool.
pub(super) fn describe(json: &str) -> NativeContent {
    let item = parse_or_empty(json);
    let content = NativeContent::by_type(json);
    let kind = content.name.clone();
    let labelled = |label: &str, text: String| {
        if text.is_empty() { text } else { format!("{label}:\n{text}") }
    };
    let text = match kind.as_str() {
        // What a search by the server finds is offered from the start.
        "tool_search" | "tool_search_call" => return content.covered(),
        "additional_tools" | "tool_search_output" => return describe_tools(&item, content),
        "configuration_update" => {
            let has_only_effort = item.iter().all(|(key, value)| match key {
                "reasoning" => parse_or_empty(value).iter().all(|(key, _)| key == "effort"),
                _ => matches!(key, "type" | "id"),
            });
            return if has_only_effort { content.covered() } else { content };
        }
        "message" => texts_of(&item, "content"),
        "web_search_call" => {
            let action = item.object("action").unwrap_or_default();
            let sources = action.array("sources").unwrap_or_default();
            let sources = sources.iter().map(|source| text_of(&parse_or_empty(source), "url"));
            let members = [("query", ""), ("queries", "queries"), ("url", ""), ("pattern", "")];
            let text = join_lines([labelled_lines(&action, &members), join_lines(sources)]);
            labelled("Web search", text)
        }
        "file_search_call" => {
            let results = item.array("results").unwrap_or_default();
            let results = results
                .iter()
                .map(|result| labelled_lines(&parse_or_empty(result), &[("filename", "file"), ("text", "")]));
            labelled(
                "File search",
                join_lines([labelled_lines(&item, &[("queries", "queries")]), join_lines(results)]),
            )
        }
        "code_interpreter_call" => {
            let outputs = item.array("outputs").unwrap_or_default();
            let logs = outputs.iter().map(|output| text_of(&parse_or_empty(output), "logs"));
            join_lines([
                labelled("Code", text_of(&item, "code")),
                labelled("Output of the code", join_lines(logs)),
            ])
        }
        "program" => labelled("Code", text_of(&item, "code")),
        "program_output" => labelled("Output of the code", text_of(&item, "result")),
        "mcp_call" => {
            let label = format!("Call of {}", item.str("name").unwrap_or_default());
            let members = [("arguments", "arguments"), ("output", "output"), ("error", "error")];
            labelled(&label, labelled_lines(&item, &members))
        }
        "shell_call" => {
            let action = item.object("action").unwrap_or_default();
            let commands = action.array("commands").unwrap_or_default();
            labelled(
                "Commands",
                join_lines(commands.iter().map(|command| string_or_json(command).into_owned())),
            )
        }
        "shell_call_output" => {
            let outputs = item.array("output").unwrap_or_default();
            let members = [("stdout", ""), ("stderr", "stderr")];
            let outputs = outputs.iter().map(|output| labelled_lines(&parse_or_empty(output), &members));
            labelled("Output of the commands", join_lines(outputs))
        }
        _ => String::new(),
    };
    content.with_text(text)
}

/// Describes an item that lists tools: those that can be offered are among the request's.
fn describe_tools(item: &Object<'_>, content: NativeContent) -> NativeContent {
    let listed = item.array("tools").unwrap_or_default();
    let lost = listed.iter().filter_map(|tool| {
        let tool = parse_or_empty(tool);
        let kind = tool.str("type").unwrap_or(Cow::Borrowed("function")).into_owned();
        let is_offered = matches!(kind.as_str(), "function" | "custom" | "namespace" | "tool_search")
            || ClientTool::of_tool(&tool).is_some();
        (!is_offered).then_some(kind)
    });
    let lost: Vec<String> = lost.collect();
    if lost.is_empty() { content.covered() } else { NativeContent::named(lost.join(", ")) }
}

fn text_of(object: &Object<'_>, key: &str) -> String {
    object.str(key).map(Cow::into_owned).unwrap_or_default()
}

fn texts_of(object: &Object<'_>, key: &str) -> String {
    let parts = object.array(key).unwrap_or_default();
    join_lines(parts.iter().map(|part| text_of(&parse_or_empty(part), "text")))
}

//! A field that an upstream refused to the adaptation that leaves it out, or sends it otherwise.

use super::adaptation::Adaptation;
use super::sent_request::{SentRequest, USER_DATA};
use crate::canonical::ToolChoice;

/// Parameters without which it is another request, in all dialects.
const INDISPENSABLE: [&str; 13] = [
    "model",
    "messages",
    "prompt",
    "input",
    "contents",
    "system",
    "systemInstruction",
    "instructions",
    "functions",
    "stream",
    "generationConfig",
    "options",
    "text",
];

/// Fields below a parameter without which it says something else.
const INDISPENSABLE_FIELDS: [&str; 26] = [
    "arguments",
    "call_id",
    "content",
    "data",
    "description",
    "encrypted_content",
    "enum",
    "function",
    "function_call",
    "functionDeclarations",
    "id",
    "input",
    "input_schema",
    "items",
    "name",
    "output",
    "parameters",
    "parts",
    "properties",
    "role",
    "source",
    "text",
    "tool_call_id",
    "tool_calls",
    "tool_use_id",
    "type",
];

/// Where the dialects have the response format.
const FORMAT_PATHS: [&[&str]; 10] = [
    &["response_format"],
    &["response_format", "type"],
    &["text", "format"],
    &["text", "format", "type"],
    &["output_config", "format"],
    &["output_format"],
    &["format"],
    &["generationConfig", "responseMimeType"],
    &["generationConfig", "responseSchema"],
    &["generationConfig", "responseJsonSchema"],
];

/// The adaptation for a field, by its path; `None` for one that cannot be left out.
pub(super) fn leave_out(path: &[String], request: &SentRequest<'_>) -> Option<Adaptation> {
    let name = path.join(".");
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        // A server that does not know them refuses the client's, too.
        ["stream_options", ..] => Some(Adaptation::DropStreamOptions),
        _ if request.is_addition(&name) => Some(Adaptation::OmitAddition(name)),
        ["tools"] => leave_tools_out(request),
        ["tool_choice" | "toolConfig", ..] => leave_choice_out(request),
        path if FORMAT_PATHS.contains(&path) => leave_format_out(name, request),
        [key] => leave_param_out(key, request),
        ["messages", "name"] => Some(Adaptation::DropMessageNames),
        [.., field] if INDISPENSABLE_FIELDS.contains(field) => None,
        ["messages", "reasoning_content" | "reasoning" | "reasoning_details"] => {
            Some(Adaptation::DropReasoning)
        }
        ["messages", field] => Some(Adaptation::DropMessageField((*field).to_owned())),
        ["tools", "strict"] | ["tools", "function", "strict"] => Some(Adaptation::DropStrict),
        [first, .., keyword] if path.iter().skip(1).any(|name| USER_DATA.contains(name)) => {
            // What is in the user's data is no field of the API, but for the keywords of schemas.
            (*first == "tools").then(|| Adaptation::DropSchemaKeyword((*keyword).to_owned()))
        }
        _ => Some(Adaptation::DropParam(name)),
    }
}

fn leave_param_out(key: &str, request: &SentRequest<'_>) -> Option<Adaptation> {
    let drop = || Adaptation::DropParam(key.to_owned());
    let other_limit = |to: &str| match request.body.get(to) {
        Some(_) => drop(),
        None => Adaptation::RenameParam { from: key.to_owned(), to: to.to_owned() },
    };
    match key {
        _ if INDISPENSABLE.contains(&key) => None,
        "n" => (request.number(key)? <= 1.0).then(drop),
        "max_tokens" => Some(other_limit("max_completion_tokens")),
        "max_completion_tokens" => Some(other_limit("max_tokens")),
        _ => Some(drop()),
    }
}

/// Leaves the tools out where the request means nearly the same without them.
pub(super) fn leave_tools_out(request: &SentRequest<'_>) -> Option<Adaptation> {
    if request.body.array("tools").is_some_and(|tools| tools.is_empty()) {
        return Some(Adaptation::DropParam(String::from("tools")));
    }
    request.can_do_without_tools().then_some(Adaptation::DropTools)
}

fn leave_choice_out(request: &SentRequest<'_>) -> Option<Adaptation> {
    match request.request.tool_choice.as_ref() {
        Some(ToolChoice::Auto) => {
            request.body.get("tool_choice")?;
            Some(Adaptation::DropParam(String::from("tool_choice")))
        }
        Some(ToolChoice::None) => None,
        _ => other_tool_choice(&[], false, request),
    }
}

fn leave_format_out(name: String, request: &SentRequest<'_>) -> Option<Adaptation> {
    match request.response_format() {
        Some(format @ ("json_schema" | "json_object")) => {
            Some(Adaptation::FormatAsInstruction(format.to_owned()))
        }
        Some(_) => Some(Adaptation::DropParam(name)),
        None => None,
    }
}

/// Another tool choice than the forced one that was refused; `is_complete` if `accepted` is known to list all.
pub(super) fn other_tool_choice(
    accepted: &[&str],
    is_complete: bool,
    request: &SentRequest<'_>,
) -> Option<Adaptation> {
    let can_force = accepted.contains(&"required") || accepted.contains(&"any");
    let only_auto = is_complete || (accepted.contains(&"auto") && !can_force);
    match request.request.tool_choice.as_ref()? {
        ToolChoice::Required if accepted.contains(&"required") => None,
        ToolChoice::Required if accepted.contains(&"any") => Some(Adaptation::RequiredAsAny),
        ToolChoice::Required => Some(Adaptation::RequiredAsAuto),
        ToolChoice::Function(_) if only_auto => Some(Adaptation::NamedAsAuto),
        ToolChoice::Function(_) => Some(Adaptation::NamedAsRequired),
        _ => None,
    }
}

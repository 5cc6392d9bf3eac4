//! Decides what `echo` answers: a chat request in, the last message's text or a demanded tool call out.

use super::error::EchoError;
use super::example_value;
use openai_shim_core::json::{Object, ValueKind, string_or_json, value_kind};

/// What echo answers.
pub(super) enum EchoResponse {
    Text(String),
    ToolCall {
        name: String,
        arguments: String,
        /// `tool_choice` names the function: OpenAI's finish reason is then `stop`.
        is_named: bool,
    },
}

impl EchoResponse {
    pub(super) fn finish_reason(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::ToolCall { is_named: true, .. } => "stop",
            Self::ToolCall { is_named: false, .. } => "tool_calls",
        }
    }

    /// The number of tokens; a word counts as one.
    pub(super) fn tokens(&self) -> usize {
        match self {
            Self::Text(text) => count_words(text),
            Self::ToolCall { name, arguments, .. } => count_words(name) + arguments.split(',').count(),
        }
    }
}

/// The text of the last message, or the tool call that `tool_choice` demands.
pub(super) fn choose(request: &Object<'_>) -> Result<EchoResponse, EchoError> {
    let messages = request
        .array("messages")
        .ok_or_else(|| EchoError::invalid("messages", "`messages` must be a list of messages."))?;
    if messages.is_empty() {
        return Err(EchoError::invalid("messages", "`messages` must hold at least one message."));
    }
    let last = messages.iter().rev().find_map(|message| {
        let message = Object::parse(message.as_bytes()).ok()?;
        let role = message.str("role")?.into_owned();
        (role == "user" || role == "tool").then(|| (role, message_text(&message)))
    });
    let (role, text) = last.unwrap_or_default();
    // After a tool result the answer is text even if a call is demanded: otherwise an agent's loop would never end.
    match demanded_call(request)? {
        Some(call) if role != "tool" => Ok(call),
        _ if text.is_empty() => Ok(EchoResponse::Text(String::from("(nothing was said)"))),
        _ => Ok(EchoResponse::Text(text)),
    }
}

/// The number of tokens of all messages; a word counts as one.
pub(super) fn prompt_tokens(request: &Object<'_>) -> usize {
    let messages = request.array("messages").unwrap_or_default();
    messages
        .iter()
        .filter_map(|m| Object::parse(m.as_bytes()).ok())
        .map(|m| count_words(&message_text(&m)))
        .sum()
}

fn count_words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A message's text; other content parts become `[image]`, `[audio]` or `[file]`.
fn message_text(message: &Object<'_>) -> String {
    let Some(content) = message.get("content") else { return String::new() };
    if value_kind(content) != ValueKind::Array {
        return string_or_json(content).into_owned();
    }
    let parts = message.array("content").unwrap_or_default();
    let texts = parts.into_iter().filter_map(|part| Object::parse(part.as_bytes()).ok()).map(|part| {
        match (part.str("text"), part.str("type").as_deref()) {
            (Some(text), _) => text.into_owned(),
            (None, Some("image_url")) => String::from("[image]"),
            (None, Some("input_audio")) => String::from("[audio]"),
            (None, _) => String::from("[file]"),
        }
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// The call that `tool_choice` demands.
fn demanded_call(request: &Object<'_>) -> Result<Option<EchoResponse>, EchoError> {
    let Some(choice) = request.non_null("tool_choice") else { return Ok(None) };
    let tools = request.array("tools").unwrap_or_default();
    let tools: Vec<Object<'_>> = tools.iter().filter_map(|tool| function(tool)).collect();
    let name = Object::parse(choice.as_bytes()).ok().and_then(|choice| {
        choice.object("function").and_then(|f| f.str("name").map(std::borrow::Cow::into_owned))
    });
    let tool = match (string_or_json(choice).as_ref(), &name) {
        ("none" | "auto", _) => return Ok(None),
        ("required", _) => tools.first().ok_or_else(|| {
            EchoError::invalid(
                "tool_choice",
                "`tool_choice` is \"required\", but there are no functions in `tools`.",
            )
        })?,
        (_, Some(name)) => {
            tools.iter().find(|tool| tool.str("name").as_deref() == Some(name)).ok_or_else(|| {
                EchoError::invalid(
                    "tool_choice",
                    format!("`tool_choice` names {name:?}, which is not in `tools`."),
                )
            })?
        }
        _ => {
            let text = "`tool_choice` must be \"none\", \"auto\", \"required\" or name a function.";
            return Err(EchoError::invalid("tool_choice", text));
        }
    };
    let arguments = tool.non_null("parameters").map_or_else(|| String::from("{}"), example_value::example);
    let name_called = tool.str("name").unwrap_or_default().into_owned();
    Ok(Some(EchoResponse::ToolCall { name: name_called, arguments, is_named: name.is_some() }))
}

/// The function definition of a tool.
fn function(tool: &str) -> Option<Object<'static>> {
    Some(Object::parse(tool.as_bytes()).ok()?.object("function")?.into_owned())
}

//! What echo says, or which tool it calls.

use super::{EchoError, example_value};
use openai_shim_core::json::{Object, ValueKind, string_or_json, value_kind};

/// What is answered: words, or a call.
pub(super) enum EchoResponse {
    Words(String),
    Call {
        name: String,
        arguments: String,
        /// The client named the function: then OpenAI itself ends with `stop`.
        named: bool,
    },
}

impl EchoResponse {
    pub(super) fn finish(&self) -> &'static str {
        match self {
            Self::Words(_) | Self::Call { named: true, .. } => "stop",
            Self::Call { named: false, .. } => "tool_calls",
        }
    }

    /// Tokens, as far as words are tokens.
    pub(super) fn tokens(&self) -> usize {
        match self {
            Self::Words(text) => words(text),
            Self::Call { name, arguments, .. } => words(name) + arguments.split(',').count(),
        }
    }
}

/// The last message said back, or the call that was demanded.
pub(super) fn answer(request: &Object<'_>) -> Result<EchoResponse, EchoError> {
    let messages = request
        .array("messages")
        .ok_or_else(|| EchoError::invalid("messages", "`messages` must be a list of messages."))?;
    if messages.is_empty() {
        return Err(EchoError::invalid("messages", "`messages` must hold at least one message."));
    }
    let last = messages.iter().rev().find_map(|message| {
        let message = Object::parse(message.as_bytes()).ok()?;
        let role = message.str("role")?.into_owned();
        (role == "user" || role == "tool").then(|| (role, said(&message)))
    });
    let (role, words) = last.unwrap_or_default();
    // With a tool's result in hand even a demanding model speaks; else nobody's loop would ever end.
    match demanded(request)? {
        Some(call) if role != "tool" => Ok(call),
        _ if words.is_empty() => Ok(EchoResponse::Words(String::from("(nothing was said)"))),
        _ => Ok(EchoResponse::Words(words)),
    }
}

/// How many tokens the messages have, as far as words are tokens.
pub(super) fn prompt_tokens(request: &Object<'_>) -> usize {
    let messages = request.array("messages").unwrap_or_default();
    messages.iter().filter_map(|m| Object::parse(m.as_bytes()).ok()).map(|m| words(&said(&m))).sum()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A message's text; what is no text is named.
fn said(message: &Object<'_>) -> String {
    let Some(content) = message.get("content") else { return String::new() };
    if value_kind(content) != ValueKind::Array {
        return string_or_json(content).into_owned();
    }
    let parts = message.array("content").unwrap_or_default();
    let said = parts.into_iter().filter_map(|part| Object::parse(part.as_bytes()).ok()).map(|part| {
        match (part.str("text"), part.str("type").as_deref()) {
            (Some(text), _) => text.into_owned(),
            (None, Some("image_url")) => String::from("[image]"),
            (None, Some("input_audio")) => String::from("[audio]"),
            (None, _) => String::from("[file]"),
        }
    });
    said.collect::<Vec<_>>().join(" ")
}

/// The call that `tool_choice` demands.
fn demanded(request: &Object<'_>) -> Result<Option<EchoResponse>, EchoError> {
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
    let called = tool.str("name").unwrap_or_default().into_owned();
    Ok(Some(EchoResponse::Call { name: called, arguments, named: name.is_some() }))
}

/// The function of a tool.
fn function(tool: &str) -> Option<Object<'static>> {
    Some(Object::parse(tool.as_bytes()).ok()?.object("function")?.into_owned())
}

//! The body of a refused request to the facts that adaptations depend on.

use super::refused_request::RefusedRequest;
use crate::canonical::{Addition, Block, Request, ResponseFormat, Role, Tool};
use crate::json::member_path::{is_same_name, resolve, search};
use crate::json::{Object, ValueKind, decode_string, value_kind};

/// The JSON form of a message's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentShape {
    /// Absent or `null`.
    Null,
    /// A string.
    String,
    /// A list of parts, all of them text.
    TextParts,
    /// Anything else.
    Other,
}

/// One message.
#[derive(Debug)]
pub(super) struct SentMessage<'a> {
    /// Its role.
    pub role: String,
    /// The form of its content.
    pub content: ContentShape,
    /// All its fields.
    pub object: Object<'a>,
}

/// A refused body.
#[derive(Debug)]
pub(super) struct SentRequest<'a> {
    /// The body.
    pub body: &'a Object<'a>,
    /// Its messages.
    pub messages: Vec<SentMessage<'a>>,
    /// The body, decoded.
    pub request: &'a Request,
    /// What the client did not send.
    pub additions: &'a [Addition],
}

/// Where the body has a field that an error names: the names that lead to it, in the body's spelling and without indexes.
pub(super) type FieldPath = Vec<String>;

/// The lists of messages in the dialects' bodies.
const MESSAGE_LISTS: [&str; 3] = ["messages", "input", "contents"];

/// Members with data of the user or the model: what is in them are no fields of the API.
pub(super) const USER_DATA: [&str; 12] = [
    "parameters",
    "input_schema",
    "parametersJsonSchema",
    "schema",
    "responseSchema",
    "responseJsonSchema",
    "arguments",
    "args",
    "response",
    "metadata",
    "data",
    // A tool's input; at the top it is the list of messages.
    "input",
];

fn is_user_data(path: &[String]) -> bool {
    path.last().is_some_and(|key| USER_DATA.contains(&key.as_str()) && (path.len() > 1 || key != "input"))
}

/// Names of upstreams' own APIs in errors, with the parameters that became them.
const ALIASES: &[(&str, &str)] = &[
    ("maxoutputtokens", "max_completion_tokens"),
    ("maxoutputtokens", "max_tokens"),
    ("maxnewtokens", "max_tokens"),
    ("stopsequences", "stop"),
    ("responseformat.type", "response_format"),
];

/// The segments of a path: `messages[0].role`, `#/n`, `body.tools.0`.
pub(super) fn path_segments(path: &str) -> Vec<&str> {
    let mut segments: Vec<&str> =
        path.split(['.', '[', ']', '/', '#', '\'']).filter(|segment| !segment.is_empty()).collect();
    while matches!(segments.first(), Some(&("body" | "request" | "parameter" | "params" | "query")))
        && segments.len() > 1
    {
        segments.remove(0);
    }
    segments
}

impl<'a> SentRequest<'a> {
    pub(super) fn new(refused: &RefusedRequest<'a>) -> Self {
        let RefusedRequest { body, request, additions } = *refused;
        let read = |raw: &'a str| {
            let object = Object::parse(raw.as_bytes()).ok()?;
            let role = object.str("role").unwrap_or_default().into_owned();
            let content = object.get("content").map_or(ContentShape::Null, content_shape);
            Some(SentMessage { role, content, object })
        };
        let list = MESSAGE_LISTS.iter().find_map(|key| body.array(key)).unwrap_or_default();
        let messages = list.into_iter().filter_map(read).collect();
        Self { body, messages, request, additions }
    }

    /// A parameter in the body's spelling, if it was sent.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        let spelled = |name: &str| {
            self.body.iter().find(|(key, _)| is_same_name(key, name)).map(|(key, _)| key.to_owned())
        };
        spelled(name).or_else(|| {
            let letters = name.replace(['_', '-'], "").to_ascii_lowercase();
            ALIASES.iter().filter(|(alias, _)| *alias == letters).find_map(|(_, key)| spelled(key))
        })
    }

    /// Where the body has the field of this name or path: nowhere, at one place, or, for a name without a path, at several.
    pub(super) fn locate(&self, path: &str) -> Vec<FieldPath> {
        let segments = path_segments(path);
        let [name] = segments.as_slice() else {
            return resolve(self.body, &segments).into_iter().collect();
        };
        if let Some(key) = self.key(name) {
            return vec![vec![key]];
        }
        // Names without a mark of code are ordinary words, and stand for many things in a body.
        let is_code =
            |key: &String| key == "strict" || key.contains(|c: char| c == '_' || c.is_ascii_uppercase());
        let mut found = search(self.body, name, &is_user_data);
        found.retain(|path| path.last().is_some_and(is_code));
        found
    }

    /// The message that a path leads to.
    pub(super) fn message(&self, path: &str) -> Option<&SentMessage<'a>> {
        let segments = path_segments(path);
        let index = segments.iter().skip_while(|s| **s != "messages").nth(1)?;
        self.messages.get(index.parse::<usize>().ok()?)
    }

    /// Whether a message has the role.
    pub(super) fn has_role(&self, role: &str) -> bool {
        self.messages.iter().any(|m| m.role == role)
            || Role::parse(role)
                .is_some_and(|role| self.request.messages.iter().any(|message| message.role == role))
    }

    /// Whether the client did not send the field at this path.
    pub(super) fn is_addition(&self, path: &str) -> bool {
        self.additions.iter().any(|addition| addition.name == path)
    }

    /// Whether there are tools, all of them functions, without which the request means nearly the same.
    pub(super) fn can_do_without_tools(&self) -> bool {
        let tools = &self.request.tools;
        !tools.is_empty()
            && tools.iter().all(|tool| matches!(tool, Tool::Function { .. }))
            && self.request.can_do_without_tools()
    }

    /// Whether a message has the field, and not as `null`.
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.messages.iter().any(|m| m.object.non_null(name).is_some())
    }

    /// The number at a path through objects.
    pub(super) fn number_at(&self, path: &[String]) -> Option<f64> {
        let (last, above) = path.split_last()?;
        let mut object = self.body.clone();
        for key in above {
            object = object.object(key)?.into_owned();
        }
        object.get(last)?.trim().parse().ok()
    }

    /// The value of a parameter that is a number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.body.get(key)?.trim().parse().ok()
    }

    /// The type of the response format, by OpenAI's names.
    pub(super) fn response_format(&self) -> Option<&'static str> {
        Some(match (*self.request.response_format).as_ref()? {
            ResponseFormat::Text => "text",
            ResponseFormat::JsonObject => "json_object",
            ResponseFormat::JsonSchema { .. } => "json_schema",
            ResponseFormat::TextEnum(_) | ResponseFormat::Native { .. } => return None,
        })
    }

    /// Whether an assistant message calls tools.
    pub(super) fn has_calls(&self) -> bool {
        self.blocks().any(|block| matches!(block, Block::ToolCall { .. }))
    }

    /// The ids of tool calls, and those in tool results.
    pub(super) fn call_ids(&self) -> impl Iterator<Item = &str> {
        self.blocks().filter_map(|block| match block {
            Block::ToolCall { id, .. } | Block::ToolResult { id, .. } => Some(id.as_str()),
            _ => None,
        })
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.request.messages.iter().flat_map(|message| &message.blocks)
    }
}

/// OpenAI's name of a parameter.
pub(super) fn openai_name(key: &str) -> &str {
    match key {
        "maxOutputTokens" | "max_output_tokens" | "num_predict" => "max_tokens",
        _ => key,
    }
}

fn content_shape(raw: &str) -> ContentShape {
    match value_kind(raw) {
        ValueKind::Null => ContentShape::Null,
        ValueKind::String => ContentShape::String,
        ValueKind::Array => {
            let parts: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap_or_default();
            let is_text = |part: &&serde_json::value::RawValue| {
                Object::parse(part.get().as_bytes())
                    .is_ok_and(|p| p.get("type").and_then(decode_string).as_deref() == Some("text"))
            };
            if !parts.is_empty() && parts.iter().all(is_text) {
                ContentShape::TextParts
            } else {
                ContentShape::Other
            }
        }
        _ => ContentShape::Other,
    }
}

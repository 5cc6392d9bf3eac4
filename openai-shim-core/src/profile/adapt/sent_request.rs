//! The body of a refused request to the facts that adaptations depend on.

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
}

/// Where the body has a field that an error names, in the body's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FieldLocation {
    /// A parameter.
    Param(String),
    /// A field inside a parameter.
    InsideParam(String),
    /// A field of messages.
    Message(String),
    /// A field of a tool.
    Tool(String),
}

/// Whether two names differ in spelling only: `presencePenalty` is `presence_penalty`.
fn is_same_name(a: &str, b: &str) -> bool {
    let letters = |s: &str| {
        s.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    letters(a) == letters(b)
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
    pub(super) fn new(body: &'a Object<'a>) -> Self {
        let read = |raw: &'a str| {
            let object = Object::parse(raw.as_bytes()).ok()?;
            let role = object.str("role").unwrap_or_default().into_owned();
            let content = object.get("content").map_or(ContentShape::Null, content_shape);
            Some(SentMessage { role, content, object })
        };
        let messages = body.array("messages").unwrap_or_default().into_iter().filter_map(read).collect();
        Self { body, messages }
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

    /// Where the body has the field of this name or path, if it does.
    pub(super) fn locate(&self, path: &str) -> Option<FieldLocation> {
        let segments = path_segments(path);
        let (first, last) = (*segments.first()?, *segments.last()?);
        if segments.len() == 1 {
            if let Some(key) = self.key(first) {
                return Some(FieldLocation::Param(key));
            }
            // These are fields of nothing else.
            return match last {
                "reasoning_content" => Some(FieldLocation::Message(last.to_owned())),
                "strict" => Some(FieldLocation::Tool(last.to_owned())),
                _ => None,
            };
        }
        match first {
            // Not fields of a message's calls or parts.
            "messages"
                if !segments.iter().any(|s| matches!(*s, "tool_calls" | "content" | "function_call")) =>
            {
                let name = self
                    .messages
                    .iter()
                    .flat_map(|m| m.object.iter())
                    .find(|(key, _)| is_same_name(key, last))
                    .map(|(key, _)| key.to_owned())?;
                Some(FieldLocation::Message(name))
            }
            "messages" => None,
            "tools" => Some(FieldLocation::Tool(last.to_owned())),
            _ => self.key(first).map(FieldLocation::InsideParam),
        }
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
    }

    /// Whether a message has the field, and not as `null`.
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.messages.iter().any(|m| m.object.non_null(name).is_some())
    }

    /// The value of a parameter that is a number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.body.get(key)?.trim().parse().ok()
    }

    /// The type of `response_format`.
    pub(super) fn response_format(&self) -> Option<String> {
        self.body.object("response_format")?.str("type").map(std::borrow::Cow::into_owned)
    }

    /// Whether an assistant message calls tools.
    pub(super) fn has_calls(&self) -> bool {
        self.messages.iter().any(|m| m.object.non_null("tool_calls").is_some())
    }

    /// The ids of tool calls, and those in tool results.
    pub(super) fn call_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for message in &self.messages {
            ids.extend(message.object.str("tool_call_id").map(std::borrow::Cow::into_owned));
            for call in message.object.array("tool_calls").unwrap_or_default() {
                let call = Object::parse(call.as_bytes()).unwrap_or_default();
                ids.extend(call.str("id").map(std::borrow::Cow::into_owned));
            }
        }
        ids
    }

    /// Whether a tool has `strict`.
    pub(super) fn has_strict(&self) -> bool {
        self.body.array("tools").unwrap_or_default().into_iter().any(|tool| {
            let tool = Object::parse(tool.as_bytes()).unwrap_or_default();
            tool.object("function").is_some_and(|f| f.get("strict").is_some())
        })
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

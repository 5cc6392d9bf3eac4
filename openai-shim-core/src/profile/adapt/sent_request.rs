//! What was sent, as far as lessons ask for it.

use crate::json::{Object, ValueKind, decode_string, value_kind};

/// What a message's content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentShape {
    /// Absent or `null`.
    None,
    /// A string.
    Text,
    /// Parts, all of them text.
    TextParts,
    /// Anything else.
    Other,
}

/// One message.
#[derive(Debug)]
pub(super) struct SentMessage<'a> {
    /// Its role.
    pub role: String,
    /// What its content is.
    pub content: ContentShape,
    /// All its members.
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

/// Where a name that an error gives stands in the body, in the body's own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FieldLocation {
    /// A parameter.
    Param(String),
    /// Something inside a parameter.
    Inside(String),
    /// A member of messages.
    Field(String),
    /// A member of a tool.
    Tool(String),
}

/// Names that mean the same: `presencePenalty` is `presence_penalty`.
fn same(a: &str, b: &str) -> bool {
    let letters = |s: &str| {
        s.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    letters(a) == letters(b)
}

/// What upstreams call a parameter behind their OpenAI layer.
const ALIASES: &[(&str, &str)] = &[
    ("maxoutputtokens", "max_completion_tokens"),
    ("maxoutputtokens", "max_tokens"),
    ("maxnewtokens", "max_tokens"),
    ("stopsequences", "stop"),
    ("responseformat.type", "response_format"),
];

/// The steps of a path: `messages[0].role`, `#/n`, `body.tools.0`.
pub(super) fn steps(path: &str) -> Vec<&str> {
    let mut steps: Vec<&str> =
        path.split(['.', '[', ']', '/', '#', '\'']).filter(|step| !step.is_empty()).collect();
    while matches!(steps.first(), Some(&("body" | "request" | "parameter" | "params" | "query")))
        && steps.len() > 1
    {
        steps.remove(0);
    }
    steps
}

impl<'a> SentRequest<'a> {
    pub(super) fn new(body: &'a Object<'a>) -> Self {
        let read = |raw: &'a str| {
            let object = Object::parse(raw.as_bytes()).ok()?;
            let role = object.str("role").unwrap_or_default().into_owned();
            let content = object.get("content").map_or(ContentShape::None, content);
            Some(SentMessage { role, content, object })
        };
        let messages = body.array("messages").unwrap_or_default().into_iter().filter_map(read).collect();
        Self { body, messages }
    }

    /// The body's own spelling of a parameter.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        let spelled =
            |name: &str| self.body.iter().find(|(key, _)| same(key, name)).map(|(key, _)| key.to_owned());
        spelled(name).or_else(|| {
            let letters = name.replace(['_', '-'], "").to_ascii_lowercase();
            ALIASES.iter().filter(|(alias, _)| *alias == letters).find_map(|(_, key)| spelled(key))
        })
    }

    /// Where a name stands, if it does.
    pub(super) fn place(&self, path: &str) -> Option<FieldLocation> {
        let steps = steps(path);
        let (first, last) = (*steps.first()?, *steps.last()?);
        if steps.len() == 1 {
            if let Some(key) = self.key(first) {
                return Some(FieldLocation::Param(key));
            }
            // These stand nowhere else.
            let place = match last {
                "reasoning_content" => FieldLocation::Field(last.to_owned()),
                "strict" => FieldLocation::Tool(last.to_owned()),
                _ => return None,
            };
            return Some(place);
        }
        match first {
            // Not what stands in a message's calls or parts.
            "messages" if !steps.iter().any(|s| matches!(*s, "tool_calls" | "content" | "function_call")) => {
                let name = self
                    .messages
                    .iter()
                    .flat_map(|m| m.object.iter())
                    .find(|(key, _)| same(key, last))
                    .map(|(key, _)| key.to_owned())?;
                Some(FieldLocation::Field(name))
            }
            "messages" => None,
            "tools" => Some(FieldLocation::Tool(last.to_owned())),
            _ => self.key(first).map(FieldLocation::Inside),
        }
    }

    /// The message that a path points to.
    pub(super) fn message(&self, path: &str) -> Option<&SentMessage<'a>> {
        let steps = steps(path);
        let index = steps.iter().skip_while(|s| **s != "messages").nth(1)?;
        self.messages.get(index.parse::<usize>().ok()?)
    }

    /// Whether a message has the role.
    pub(super) fn has_role(&self, role: &str) -> bool {
        self.messages.iter().any(|m| m.role == role)
    }

    /// Whether a message has the member, and not as `null`.
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.messages.iter().any(|m| m.object.non_null(name).is_some())
    }

    /// The number that a parameter has.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.body.get(key)?.trim().parse().ok()
    }

    /// The kind of `response_format`.
    pub(super) fn format(&self) -> Option<String> {
        self.body.object("response_format")?.str("type").map(std::borrow::Cow::into_owned)
    }

    /// Whether an assistant message calls tools.
    pub(super) fn has_calls(&self) -> bool {
        self.messages.iter().any(|m| m.object.non_null("tool_calls").is_some())
    }

    /// The ids of calls, and of the calls that results belong to.
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

fn content(raw: &str) -> ContentShape {
    match value_kind(raw) {
        ValueKind::Null => ContentShape::None,
        ValueKind::String => ContentShape::Text,
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

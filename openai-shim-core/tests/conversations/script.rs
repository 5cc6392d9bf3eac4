//! A conversation that a client sends, and what it means: the same steps are written as the client's JSON and as `Item`s.

use serde_json::{Value, json};

/// Who a text is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Author {
    System,
    User,
    Assistant,
}

/// One thing that a conversation contains, in no dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Text {
        author: Author,
        text: String,
    },
    Call {
        name: String,
        arguments: Value,
    },
    /// The result of the call with this number in the conversation.
    Result {
        call: usize,
        text: String,
        failed: bool,
    },
    /// A picture, by its data; `of` is the number of the call in whose result it is.
    Picture {
        data: String,
        of: Option<usize>,
    },
    Reasoning {
        text: String,
    },
    /// What only the vendor that signed or encrypted it can read.
    Sealed {
        data: String,
    },
}

impl Item {
    /// The item's kind, as the names of differences contain it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { author: Author::System, .. } => "system text",
            Self::Text { .. } => "text",
            Self::Call { .. } => "call",
            Self::Result { .. } => "result",
            Self::Picture { .. } => "picture",
            Self::Reasoning { .. } => "reasoning",
            Self::Sealed { .. } => "signature",
        }
    }
}

/// A conversation and its last answer.
pub struct Conversation {
    pub name: &'static str,
    pub client: &'static str,
    /// The path of the request; it names the model in some dialects.
    pub path: &'static str,
    pub body: Value,
    pub items: Vec<Item>,
    /// The names of the functions that the client offers, in order, as the client writes them.
    pub tools: Vec<String>,
    /// The calls of the answer: the number of the tool, and its arguments.
    pub answer: Vec<(usize, Value)>,
}

/// A picture that differs from every other one: its data begins like a PNG file.
pub fn picture(number: usize) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    let sign = char::from(SIGNS[number % SIGNS.len()]);
    format!("iVBORw0KGgoAAAANSUhEUgAAAA{}", sign.to_string().repeat(14))
}

/// A JSON schema of one text member.
pub fn schema(member: &str) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {member: {"type": "string", "description": format!("The {member}.")}},
        "required": [member],
        "additionalProperties": false,
    })
}

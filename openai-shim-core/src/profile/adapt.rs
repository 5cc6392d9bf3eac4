//! What an upstream's refusal teaches: the one thing to do differently.
//!
//! [`learn`] reads the error against the body that was refused. The wordings are a table (`learn/table.rs`), each row with
//! its source. A lesson is only given when it is certain, and when it would change this very request. It holds for later
//! requests to the same upstream and model too, so what depends on the moment (a key, a quota, a prompt that is too long,
//! one field without its companion) teaches nothing. Nor does what OpenAI itself refuses: that is the client's to mend.

mod apply;
mod decide;
mod error_text;
mod message_pattern;
mod refusals;
mod sent_request;

use crate::error::{ErrorKind, StatusError};
use crate::json::{Object, encode_string};
use sent_request::SentRequest;

/// One thing to do differently with one upstream and model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Adaptation {
    /// Leave a parameter out.
    DropParam(String),
    /// Send a parameter under another name.
    RenameParam {
        /// The name that was refused.
        from: String,
        /// The name to use.
        to: String,
    },
    /// Move a parameter into a range. The ends are decimal numbers.
    ClampParam {
        /// The parameter.
        name: String,
        /// The lowest value that is accepted.
        low: String,
        /// The highest value that is accepted.
        high: String,
    },
    /// Send a role under another name.
    Role {
        /// The role that was refused.
        from: String,
        /// The role to use.
        to: String,
    },
    /// Send lists of text parts as one string.
    FlattenText,
    /// Merge system messages and put them first.
    SingleSystem,
    /// Merge neighbours of one role.
    Alternate,
    /// Send `""` where an assistant message has no content.
    EmptyContent,
    /// Put an assistant message between a tool's result and the user.
    BridgeToolUser,
    /// Mark a last message of the assistant as the beginning of the answer (`prefix`).
    PrefixAssistant,
    /// Send tool call ids of nine letters and digits.
    ToolIdsNine,
    /// Send tool call ids of at most 40 characters.
    ToolIdsForty,
    /// Send the reasoning of earlier answers along.
    ReasoningRequired,
    /// Leave the reasoning of earlier answers out.
    ReasoningRefused,
    /// Leave the names of speakers out.
    DropName,
    /// Leave a member out of messages.
    DropMessageField(String),
    /// Leave `stream_options` out.
    NoStreamOptions,
    /// Ask for whole answers.
    NoStream,
    /// Always ask for a stream.
    StreamOnly,
    /// Say `any` for `tool_choice: "required"`.
    RequiredAsAny,
    /// Say `auto` for `tool_choice: "required"`.
    RequiredAsAuto,
    /// Say `required`, with that tool alone, where one tool is named.
    NamedAsRequired,
    /// Say `auto`, with that tool alone, where one tool is named.
    NamedAsAuto,
    /// Leave `strict` out of tools.
    DropStrict,
    /// Ask for JSON without the schema.
    FormatJsonObject,
    /// Ask for JSON by a schema that says no more than "an object".
    FormatJsonSchema,
    /// Ask for this format in words.
    FormatInstruction(String),
}

impl Adaptation {
    /// The line that makes it permanent, below `[[upstream.quirks.models]]`.
    ///
    /// ```
    /// use openai_shim_core::profile::Lesson;
    /// assert_eq!(Lesson::DropParam("logit_bias".into()).toml(), r#"params.drop = ["logit_bias"]"#);
    /// ```
    pub fn toml(&self) -> String {
        match self {
            Self::DropParam(name) => format!("params.drop = [{}]", string(name)),
            Self::RenameParam { from, to } => {
                format!("params.rename = {{ {} = {} }}", key(from), string(to))
            }
            Self::ClampParam { name, low, high } => {
                format!("params.clamp = {{ {} = [{low}, {high}] }}", key(name))
            }
            Self::Role { from, to } => format!("messages.roles = {{ {} = {} }}", key(from), string(to)),
            Self::DropMessageField(name) => format!("messages.drop = [{}]", string(name)),
            Self::FormatInstruction(format) => format!("format.{} = \"instruction\"", key(format)),
            other => other.plain().0.to_owned(),
        }
    }

    /// The same in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::DropParam(name) => format!("leave {name} out"),
            Self::RenameParam { from, to } => format!("send {from} as {to}"),
            Self::ClampParam { name, low, high } => format!("keep {name} between {low} and {high}"),
            Self::Role { from, to } => format!("send role {from} as {to}"),
            Self::DropMessageField(name) => format!("leave {name} out of messages"),
            Self::FormatInstruction(format) => format!("ask for {format} in words"),
            other => other.plain().1.to_owned(),
        }
    }

    /// The line and the words of a lesson that names nothing.
    fn plain(&self) -> (&'static str, &'static str) {
        match self {
            Self::FlattenText => ("messages.flatten_text = true", "send text parts as one string"),
            Self::SingleSystem => {
                ("messages.single_system = true", "merge system messages and put them first")
            }
            Self::Alternate => ("messages.alternate = true", "merge neighbouring messages of one role"),
            Self::EmptyContent => {
                ("messages.empty_content = true", "send \"\" where an assistant message has no content")
            }
            Self::BridgeToolUser => {
                ("messages.bridge_tool_user = true", "put an assistant message between tool and user")
            }
            Self::PrefixAssistant => {
                ("messages.prefill = \"prefix\"", "mark a last assistant message as prefix")
            }
            Self::ToolIdsNine => {
                ("messages.tool_ids = \"nine\"", "send tool call ids of nine letters and digits")
            }
            Self::ToolIdsForty => {
                ("messages.tool_ids = \"forty\"", "send tool call ids of at most 40 characters")
            }
            Self::ReasoningRequired => {
                ("messages.reasoning = \"restore\"", "send earlier reasoning along with tool calls")
            }
            Self::ReasoningRefused => ("messages.reasoning = \"drop\"", "leave earlier reasoning out"),
            Self::DropName => ("messages.names = \"drop\"", "leave the names of speakers out"),
            Self::NoStreamOptions => ("stream.options = false", "leave stream_options out"),
            Self::NoStream => ("stream.supported = false", "ask for whole answers"),
            Self::StreamOnly => ("stream.only = true", "always ask for a stream"),
            Self::RequiredAsAny => ("tools.required = \"any\"", "say any for a required tool call"),
            Self::RequiredAsAuto => ("tools.required = \"auto\"", "say auto for a required tool call"),
            Self::NamedAsRequired => ("tools.named = \"required\"", "say required for a named tool"),
            Self::NamedAsAuto => ("tools.named = \"auto\"", "say auto for a named tool"),
            Self::DropStrict => ("tools.drop_strict = true", "leave strict out of tools"),
            Self::FormatJsonObject => {
                ("format.json_schema = \"json_object\"", "ask for JSON without a schema")
            }
            Self::FormatJsonSchema => {
                ("format.json_object = \"json_schema\"", "ask for JSON by an open schema")
            }
            Self::DropParam(_)
            | Self::RenameParam { .. }
            | Self::ClampParam { .. }
            | Self::Role { .. }
            | Self::DropMessageField(_)
            | Self::FormatInstruction(_) => ("", ""),
        }
    }
}

fn string(text: &str) -> String {
    encode_string(text).replace('\u{7f}', "\\u007f")
}

/// A bare key where TOML allows one.
fn key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(bare) { text.to_owned() } else { string(text) }
}

/// What a refusal teaches, if anything. `sent` is the body that was refused.
///
/// ```
/// use openai_shim_core::error::{ErrorKind, StatusError};
/// use openai_shim_core::{json::Object, profile::learn};
/// let sent = Object::parse(br#"{"model":"m","store":true,"messages":[]}"#).unwrap();
/// let error = StatusError::new(400, ErrorKind::InvalidRequest, "property 'store' is unsupported");
/// assert_eq!(learn(&error, &sent).unwrap().toml(), r#"params.drop = ["store"]"#);
/// ```
pub fn adaptation_for(error: &StatusError, sent: &Object<'_>) -> Option<Adaptation> {
    let about_the_request = matches!(
        error.kind,
        ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Upstream
    );
    let spec = matches!(error.status, 400 | 404 | 422);
    // Templates fail as the server's fault, and some servers check requests in the wrong place.
    let late = matches!(error.status, 424 | 500 | 501);
    if !about_the_request || !(spec || late) {
        return None;
    }
    let said = error_text::ErrorText::new(error);
    if refusals::GUARDS.iter().any(|guard| said.text.contains(guard)) {
        return None;
    }
    let sent = SentRequest::new(sent);
    refusals::ROWS.iter().filter(|row| spec || row.late).find_map(|row| decide::row(row, &said, &sent))
}

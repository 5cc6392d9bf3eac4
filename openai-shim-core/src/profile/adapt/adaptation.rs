//! One change of a profile that follows from an upstream error, as TOML and as a sentence.

use crate::accepts::AuxiliaryApi;
use crate::json::encode_string;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One change of the profile of an upstream and model.
///
/// It is printed as the line of TOML that makes it permanent, below `[[upstream.quirks.model_overrides]]` of the server's
/// configuration or `[[model_overrides]]` of a profile. It is stored with serde.
///
/// ```
/// use openai_shim_core::profile::{Adaptation, ModelOverride};
/// let adaptation = Adaptation::DropParam("logit_bias".into());
/// assert_eq!(adaptation.to_string(), r#"params.drop = ["...", "logit_bias"]"#);
/// assert_eq!(toml::from_str::<ModelOverride>(&adaptation.to_string())?, adaptation.layer());
///
/// let stored = serde_json::to_string(&adaptation)?;
/// assert_eq!(serde_json::from_str::<Adaptation>(&stored)?, adaptation);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Adaptation {
    /// Drop a parameter, or a member of one by its path (`tools.cache_control`).
    DropParam(String),
    /// Send a parameter or a header only if the client sends it: do not add it.
    OmitAddition(String),
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
    RenameRole {
        /// The role that was refused.
        from: String,
        /// The role to use.
        to: String,
    },
    /// Send lists of text parts as one string.
    ContentAsString,
    /// Merge system messages and put them first.
    MergeSystem,
    /// Merge adjacent messages of one role.
    MergeSameRole,
    /// Send `""` where an assistant message has no content.
    EmptyContent,
    /// Insert an assistant message between a tool result and a user message.
    AssistantAfterTool,
    /// Send an assistant message at the end with `prefix`.
    PrefixPrefill,
    /// Send tool call ids of nine letters and digits.
    ToolCallIdsAlnum9,
    /// Send tool call ids of at most 40 characters.
    ToolCallIdsMax40,
    /// Send the reasoning of earlier turns.
    RestoreReasoning,
    /// Drop the reasoning of earlier turns.
    DropReasoning,
    /// Drop the names of messages.
    DropMessageNames,
    /// Drop a field from messages.
    DropMessageField(String),
    /// Drop `stream_options`.
    DropStreamOptions,
    /// Request non-streaming responses only.
    DisableStreaming,
    /// Request streams only.
    RequireStreaming,
    /// Send `tool_choice: "required"` as `any`.
    RequiredAsAny,
    /// Send `tool_choice: "required"` as `auto`.
    RequiredAsAuto,
    /// Send the choice of one tool as `required`, with that tool alone.
    NamedAsRequired,
    /// Send the choice of one tool as `auto`, with that tool alone.
    NamedAsAuto,
    /// Drop `strict` from tools.
    DropStrict,
    /// Drop a keyword from the schemas of tools.
    DropSchemaKeyword(String),
    /// Drop the tools: the model has none.
    DropTools,
    /// Request JSON without the schema.
    SchemaAsJsonObject,
    /// Request any JSON object by a schema that allows every object.
    JsonObjectAsSchema,
    /// Request this response format by a sentence.
    FormatAsInstruction(String),
    /// Drop a parameter of requests to an auxiliary API.
    DropAuxiliaryParam {
        /// The API.
        api: AuxiliaryApi,
        /// The parameter, or the path of a member.
        name: String,
    },
    /// Send long lists to an auxiliary API in several requests.
    LimitItems {
        /// The API.
        api: AuxiliaryApi,
        /// The most items of one request.
        max: u32,
    },
}

impl fmt::Display for Adaptation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DropParam(name) => write!(f, "params.drop = [\"...\", {}]", toml_string(name)),
            Self::OmitAddition(name) => write!(f, "params.client_only = [\"...\", {}]", toml_string(name)),
            Self::DropSchemaKeyword(name) => {
                write!(f, "tools.schema.drop_keywords = [\"...\", {}]", toml_string(name))
            }
            Self::RenameParam { from, to } => {
                write!(f, "params.rename = {{ {} = {} }}", toml_key(from), toml_string(to))
            }
            Self::ClampParam { name, low, high } => {
                write!(f, "params.clamp = {{ {} = [{low}, {high}] }}", toml_key(name))
            }
            Self::RenameRole { from, to } => {
                write!(f, "messages.roles = {{ {} = {} }}", toml_key(from), toml_string(to))
            }
            Self::DropMessageField(name) => {
                write!(f, "messages.drop_fields = [\"...\", {}]", toml_string(name))
            }
            Self::FormatAsInstruction(format) => {
                write!(f, "response_format.{} = \"instruction\"", toml_key(format))
            }
            Self::DropAuxiliaryParam { api, name } => {
                write!(f, "{}.drop = [\"...\", {}]", api.section(), toml_string(name))
            }
            Self::LimitItems { api, max } => write!(f, "{}.max_items = {max}", api.section()),
            other => f.write_str(other.fixed_texts().0),
        }
    }
}

impl Adaptation {
    /// The change in a few words, in the imperative.
    pub fn describe(&self) -> String {
        match self {
            Self::DropParam(name) => format!("leave {name} out"),
            Self::OmitAddition(name) => format!("send {name} only if the client does"),
            Self::DropSchemaKeyword(name) => format!("leave {name} out of the schemas of tools"),
            Self::RenameParam { from, to } => format!("send {from} as {to}"),
            Self::ClampParam { name, low, high } => format!("keep {name} between {low} and {high}"),
            Self::RenameRole { from, to } => format!("send role {from} as {to}"),
            Self::DropMessageField(name) => format!("leave {name} out of messages"),
            Self::FormatAsInstruction(format) => format!("ask for {format} in words"),
            Self::DropAuxiliaryParam { api, name } => {
                format!("leave {name} out of requests for {}", api.section())
            }
            Self::LimitItems { api, max } => {
                format!("send at most {max} items in one request for {}", api.section())
            }
            other => other.fixed_texts().1.to_owned(),
        }
    }

    /// TOML and description of a variant without data; empty for the others.
    fn fixed_texts(&self) -> (&'static str, &'static str) {
        match self {
            Self::ContentAsString => ("messages.content = \"string\"", "send text parts as one string"),
            Self::MergeSystem => ("messages.merge_system = true", "merge system messages and put them first"),
            Self::MergeSameRole => {
                ("messages.merge_same_role = true", "merge neighbouring messages of one role")
            }
            Self::EmptyContent => (
                "messages.tool_call_content = \"empty\"",
                "send \"\" where an assistant message has no content",
            ),
            Self::AssistantAfterTool => {
                ("messages.assistant_after_tool = true", "put an assistant message between tool and user")
            }
            Self::PrefixPrefill => {
                ("messages.prefill = \"prefix\"", "mark a last assistant message as prefix")
            }
            Self::ToolCallIdsAlnum9 => {
                ("messages.tool_call_ids = \"alnum_9\"", "send tool call ids of nine letters and digits")
            }
            Self::ToolCallIdsMax40 => {
                ("messages.tool_call_ids = \"max_40\"", "send tool call ids of at most 40 characters")
            }
            Self::RestoreReasoning => {
                ("messages.reasoning_history = \"restore\"", "send earlier reasoning along with tool calls")
            }
            Self::DropReasoning => ("messages.reasoning_history = \"drop\"", "leave earlier reasoning out"),
            Self::DropMessageNames => ("messages.name_field = \"drop\"", "leave the names of speakers out"),
            Self::DropStreamOptions => ("stream.accepts_options = false", "leave stream_options out"),
            Self::DisableStreaming => ("stream.supported = false", "ask for whole answers"),
            Self::RequireStreaming => ("stream.required = true", "always ask for a stream"),
            Self::RequiredAsAny => ("tools.required_choice = \"any\"", "say any for a required tool call"),
            Self::RequiredAsAuto => ("tools.required_choice = \"auto\"", "say auto for a required tool call"),
            Self::NamedAsRequired => ("tools.named_choice = \"required\"", "say required for a named tool"),
            Self::NamedAsAuto => ("tools.named_choice = \"auto\"", "say auto for a named tool"),
            Self::DropStrict => ("tools.drop_strict = true", "leave strict out of tools"),
            Self::DropTools => ("tools.supported = false", "leave the tools out"),
            Self::SchemaAsJsonObject => {
                ("response_format.json_schema = \"json_object\"", "ask for JSON without a schema")
            }
            Self::JsonObjectAsSchema => {
                ("response_format.json_object = \"json_schema\"", "ask for JSON by an open schema")
            }
            Self::DropParam(_)
            | Self::OmitAddition(_)
            | Self::DropSchemaKeyword(_)
            | Self::RenameParam { .. }
            | Self::ClampParam { .. }
            | Self::RenameRole { .. }
            | Self::DropMessageField(_)
            | Self::FormatAsInstruction(_)
            | Self::DropAuxiliaryParam { .. }
            | Self::LimitItems { .. } => ("", ""),
        }
    }
}

/// A string of TOML. JSON leaves DEL as it is, which TOML forbids.
fn toml_string(text: &str) -> String {
    encode_string(text).replace('\u{7f}', "\\u007f")
}

/// A bare key where TOML allows one.
fn toml_key(text: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(is_bare) { text.to_owned() } else { toml_string(text) }
}

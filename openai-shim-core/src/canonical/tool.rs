//! Tools that the client offers, and the tool choice.

use super::ExtraFields;
use crate::error::static_text::{self, StaticText};
use crate::json::RawJson;
use serde::{Deserialize, Serialize};

/// A tool that the model may call.
///
/// ```
/// use openai_shim_core::canonical::{Tool, ToolChoice};
/// use openai_shim_core::exchange::ClientRequest;
/// use openai_shim_core::dialect;
/// let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],
///     "tools":[{"name":"weather","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}}"#;
/// let request = ClientRequest::read(dialect("anthropic-messages")?, "/v1/messages", body.into())?;
/// let names: Vec<_> = request.request().tools.iter().filter_map(Tool::name).collect();
/// assert_eq!(names, ["weather"]);
/// assert!(matches!(*request.request().tool_choice, Some(ToolChoice::Required)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Tool {
    /// A function with a JSON schema.
    Function {
        /// The function's name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// The raw JSON schema of the arguments.
        parameters: Option<RawJson>,
        /// Whether arguments must follow the schema exactly.
        strict: Option<bool>,
        /// Fields without a place in this model.
        extra: ExtraFields,
    },
    /// A tool that only its own dialect defines.
    Native {
        /// The dialect.
        #[serde(deserialize_with = "static_text::deserialize")]
        dialect: StaticText,
        /// The tool's raw JSON.
        raw: RawJson,
    },
}

/// The key of an extra field of a function, or of a response format, that holds its schema in a language of the dialect's own. An
/// encoder of this dialect writes it in place of the JSON schema.
pub const NATIVE_SCHEMA: &str = ".schema";

/// The key of an extra field of a request that holds the client's tools in OpenAI's legacy form: its responses have that form, too.
pub const LEGACY_FUNCTIONS: &str = ".functions";

impl Tool {
    /// The function's name; `None` if the tool is native.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Function { name, .. } => Some(name),
            Self::Native { .. } => None,
        }
    }
}

/// Which tool the model may or must call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// The model must not call a tool.
    None,
    /// The model must call some tool.
    Required,
    /// The model must call this function.
    Function(String),
    /// The model may call only these tools.
    Allowed {
        /// The names of the functions; a native tool is named by its name, or else by its type.
        names: Vec<String>,
        /// It must call one of them.
        is_required: bool,
    },
    /// A tool choice that only its own dialect defines.
    Native {
        /// The dialect.
        #[serde(deserialize_with = "static_text::deserialize")]
        dialect: StaticText,
        /// The choice's raw JSON.
        raw: RawJson,
    },
}

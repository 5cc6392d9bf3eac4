//! Tools that the client offers, and the tool choice.

use super::ExtraFields;
use serde_json::value::RawValue;

/// A tool that the model may call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Tool {
    /// A function with a JSON schema.
    Function {
        /// The function's name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// The raw JSON schema of the arguments.
        parameters: Option<Box<RawValue>>,
        /// Whether arguments must follow the schema exactly.
        strict: Option<bool>,
        /// Fields without a place in this model.
        extra: ExtraFields,
    },
    /// A tool that only its own dialect defines.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The tool's raw JSON.
        raw: Box<RawValue>,
    },
}

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
#[derive(Debug, Clone)]
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
    /// A tool choice that only its own dialect defines.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The choice's raw JSON.
        raw: Box<RawValue>,
    },
}

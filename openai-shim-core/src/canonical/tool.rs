//! Tools: what the client offers, and which one it demands.

use super::ExtraFields;
use serde_json::value::RawValue;

/// A tool that the model may call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Tool {
    /// A function with a JSON schema.
    Function {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// The JSON schema of its arguments, raw.
        parameters: Option<Box<RawValue>>,
        /// Whether arguments must follow the schema exactly.
        strict: Option<bool>,
        /// Leftovers.
        extra: ExtraFields,
    },
    /// A tool that only its own dialect knows, whole and raw.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The tool's JSON.
        raw: Box<RawValue>,
    },
}

impl Tool {
    /// The name of a function.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Function { name, .. } => Some(name),
            Self::Native { .. } => None,
        }
    }
}

/// Whether and which tool must be called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This function must be called.
    Function(String),
    /// A choice that only its own dialect knows.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The choice's JSON.
        raw: Box<RawValue>,
    },
}

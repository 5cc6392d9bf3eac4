//! The kinds of tool calls: of functions, of custom tools and of tools that the client runs.

use super::client_tools::ClientTool;
use crate::canonical::input_to_arguments;
use crate::json::{Object, string_or_json};

/// The kind of a tool call, and of the tool that it calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ToolCallKind {
    /// A function with JSON arguments (`function_call`).
    #[default]
    Function,
    /// A custom tool with free text as input (`custom_tool_call`).
    Custom,
    /// A tool that only this API has and that the client runs (`local_shell_call`, …).
    Client(&'static ClientTool),
}

impl ToolCallKind {
    /// Returns the kind of an item by its `type`; `None` if it is no call of a function or custom tool.
    ///
    /// In a response, calls of client-run tools are native items: only an upstream of this dialect makes them.
    pub(super) fn of_item(item_type: &str) -> Option<Self> {
        match item_type {
            "function_call" => Some(Self::Function),
            "custom_tool_call" => Some(Self::Custom),
            _ => None,
        }
    }

    /// Returns the `type` of an item.
    pub(super) fn item_type(self) -> &'static str {
        match self {
            Self::Function => "function_call",
            Self::Custom => "custom_tool_call",
            Self::Client(tool) => tool.call_type,
        }
    }

    /// Returns the beginning of the ids of such items.
    pub(super) fn id_prefix(self) -> &'static str {
        match self {
            Self::Function => "fc_",
            Self::Custom => "ctc_",
            Self::Client(tool) => tool.id_prefix,
        }
    }

    /// Returns the keys of an item that our model has a place for, beside its name.
    pub(super) fn known_keys(self) -> [&'static str; 2] {
        match self {
            Self::Function => ["call_id", "arguments"],
            Self::Custom => ["call_id", "input"],
            Self::Client(tool) => tool.known_call_keys(),
        }
    }

    /// Returns the arguments of a call item as JSON text.
    pub(super) fn arguments(self, item: &Object<'_>) -> String {
        let value = |key: &str| item.get(key).map(string_or_json).unwrap_or_default();
        match self {
            Self::Function => value("arguments").into_owned(),
            Self::Custom => input_to_arguments(&value("input")),
            Self::Client(tool) => tool.arguments(item),
        }
    }
}

//! Which tools, and which choice among them, a side accepts.

use super::schema::{SchemaLayer, SchemaRules};
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which tools, and which choice among them, an upstream accepts.
    pub struct ToolRules, ToolLayer {
        /// Tools are accepted; otherwise none are sent.
        pub supported: bool = true,
        /// How `tool_choice: "required"` is sent.
        pub required_choice: ToolChoiceSupport,
        /// How the choice of one function by name is sent.
        pub named_choice: ToolChoiceSupport,
        /// How the choice among some of the functions is sent: `native`, or else by offering only these.
        pub allowed_choice: ToolChoiceSupport = ToolChoiceSupport::Required,
        /// With `tool_choice: "none"` no tools are sent.
        pub omit_for_none: bool,
        /// `strict` is dropped from functions.
        pub drop_strict: bool,
        /// Functions have a schema: one without parameters gets an empty object.
        pub require_parameters: bool,
        /// Which schemas of parameters.
        pub schema: SchemaRules => SchemaLayer,
        /// Which schemas of strict functions, over the rules of `schema`.
        pub strict_schema: SchemaLayer => SchemaLayer,
        /// Tools that the history calls are declared, even if the client no longer offers any.
        pub declare_from_history: bool,
    }
}

keywords! {
    /// How a forced tool choice is sent.
    ToolChoiceSupport {
        Native "As in OpenAI's API.",
        Any "As `any`.",
        Required "As `required`, and only that tool is offered.",
        Auto "As `auto`, and a sentence asks for the call.",
    }
}

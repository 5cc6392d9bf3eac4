//! Which tools, and which choice among them, a side accepts.

use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which tools, and which choice among them, an upstream accepts.
    #[derive(Eq)]
    pub struct ToolRules, ToolLayer {
        /// Tools are accepted. Otherwise they are dropped, unless a call is demanded or the history has calls: without them
        /// such a request would be another one.
        pub supported: bool = true,
        /// How `tool_choice: "required"` is sent.
        pub required_choice: ToolChoiceSupport,
        /// How the choice of one function by name is sent.
        pub named_choice: ToolChoiceSupport,
        /// `strict` is dropped from functions.
        pub drop_strict: bool,
        /// Keywords that are dropped from schemas.
        pub drop_schema_keywords: Vec<String>,
        /// `$ref` in schemas is replaced by the schema that it refers to.
        pub inline_refs: bool,
        /// Schemas of strict functions get every key required and `additionalProperties: false`.
        pub close_strict_schemas: bool,
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

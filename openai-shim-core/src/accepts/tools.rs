//! Which tools, and which choice among them, a side accepts.

use super::schema::{SchemaLayer, SchemaRules};
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which tools, and which choice among them, an upstream accepts.
    pub struct ToolRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::{SchemaLayer, ToolChoiceSupport, ToolLayer};
    /// let tools = ToolLayer::default()
    ///     .with_named_choice(ToolChoiceSupport::Auto)
    ///     .with_schema(SchemaLayer::default().with_drop_keywords(["$schema"]));
    /// assert_eq!(tools.named_choice, Some(ToolChoiceSupport::Auto));
    /// ```
    ToolLayer {
        /// No tools are sent: the API has none.
        pub omit: bool as with_omit,
        /// Tools are accepted. Otherwise they are dropped, unless a call is demanded or the history has calls: without them
        /// such a request would be another one.
        pub supported: bool as with_supported = true,
        /// Which names of tools are accepted. Others are sent in another form, and the client gets its own back.
        pub names: ToolNameFormat as with_names,
        /// Each tool has a name of its own: of several tools of one name, the last one is sent.
        pub unique_names: bool as with_unique_names,
        /// Which names of a function's parameters are accepted. Others are sent in another form, and the client gets its own back.
        pub property_names: PropertyNameFormat as with_property_names,
        /// How `tool_choice: "required"` is sent.
        pub required_choice: ToolChoiceSupport as with_required_choice,
        /// How the choice of one function by name is sent.
        pub named_choice: ToolChoiceSupport as with_named_choice,
        /// How the choice among some of the functions is sent: `native`, or else by offering only these.
        pub allowed_choice: ToolChoiceSupport as with_allowed_choice = ToolChoiceSupport::Required,
        /// Without functions no choice is sent, whatever other tools there are.
        pub choice_needs_functions: bool as with_choice_needs_functions,
        /// With `tool_choice: "none"` no tools are sent.
        pub omit_for_none: bool as with_omit_for_none,
        /// `strict` is dropped from functions.
        pub drop_strict: bool as with_drop_strict,
        /// Functions have a schema: one without parameters gets an empty object.
        pub require_parameters: bool as with_require_parameters,
        /// Which schemas of parameters.
        pub schema: SchemaRules => SchemaLayer as with_schema,
        /// Which schemas of strict functions, over the rules of `schema`.
        pub strict_schema: SchemaLayer => SchemaLayer as with_strict_schema,
        /// Tools that the history calls are declared, even if the client no longer offers any.
        pub declare_from_history: bool as with_declare_from_history,
    }
}

keywords! {
    /// Which names of tools an upstream accepts.
    ToolNameFormat {
        Any "Any.",
        Word64 = "word_64" "Up to 64 letters, digits, `_` and `-`.",
        Word128 = "word_128" "Up to 128 letters, digits, `_` and `-`.",
        Identifier64 = "identifier_64" "Up to 64 letters, digits, `_` and `-`, the first of them a letter or `_`.",
        Dotted128 = "dotted_128" "Up to 128 letters, digits, `_`, `-`, `.` and `:`, the first of them a letter or `_`.",
    }
}

keywords! {
    /// Which names of a function's parameters an upstream accepts.
    PropertyNameFormat {
        Any "Any.",
        Dotted64 = "dotted_64" "Up to 64 letters, digits, `_`, `-` and `.`.",
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

//! Which response formats a side accepts.

use super::schema::{SchemaLayer, SchemaRules};
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which response formats an upstream accepts.
    pub struct ResponseFormatRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::{ResponseFormatLayer, ResponseFormatSupport};
    /// let formats = ResponseFormatLayer::default().with_json_schema(ResponseFormatSupport::JsonObject);
    /// assert_eq!(formats.json_schema, Some(ResponseFormatSupport::JsonObject));
    /// ```
    ResponseFormatLayer {
        /// How a JSON schema is requested.
        pub json_schema: ResponseFormatSupport as with_json_schema,
        /// How any JSON object is requested.
        pub json_object: ResponseFormatSupport as with_json_object,
        /// How one of some texts is requested.
        pub text_enum: ResponseFormatSupport as with_text_enum = ResponseFormatSupport::Instruction,
        /// Whether a format is accepted beside functions. Otherwise a sentence states it.
        pub beside_tools: FormatBesideTools as with_beside_tools,
        /// Which schemas. One whose root cannot be the object that these rules demand is requested by a sentence.
        pub schema: SchemaRules => SchemaLayer as with_schema,
        /// Which schemas of strict formats, over the rules of `schema`.
        pub strict_schema: SchemaLayer => SchemaLayer as with_strict_schema,
        /// The name of a schema has one to 64 letters, digits, `_` and `-`: others are replaced by `_`.
        pub restrict_names: bool as with_restrict_names,
        /// With `json_object` a message must have the word JSON: a sentence is added where none has it.
        pub requires_json_word: bool as with_requires_json_word,
        /// `text`, which is the default anyway, is dropped.
        pub omit_text: bool as with_omit_text,
        /// With a response format no stream is requested: the client gets a simulated stream of the non-streaming
        /// response.
        pub disable_streaming: bool as with_disable_streaming,
    }
}

keywords! {
    /// Whether a response format is accepted beside functions.
    FormatBesideTools {
        Any "It is.",
        Unforced "Only if no call is demanded.",
        Nothing = "none" "It is not.",
    }
}

keywords! {
    /// How a response format is requested.
    ResponseFormatSupport {
        Native "As in OpenAI's API.",
        JsonSchema "As a JSON schema.",
        JsonObject "As `json_object`, and a sentence states the schema.",
        Instruction "By a sentence only.",
    }
}

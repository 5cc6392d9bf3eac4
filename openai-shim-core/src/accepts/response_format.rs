//! Which response formats a side accepts.

use super::schema::{SchemaLayer, SchemaRules};
use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which response formats an upstream accepts.
    pub struct ResponseFormatRules, ResponseFormatLayer {
        /// How a JSON schema is requested.
        pub json_schema: ResponseFormatSupport,
        /// How any JSON object is requested.
        pub json_object: ResponseFormatSupport,
        /// How one of some texts is requested.
        pub text_enum: ResponseFormatSupport = ResponseFormatSupport::Instruction,
        /// Whether a format is accepted beside functions. Otherwise a sentence states it.
        pub beside_tools: FormatBesideTools,
        /// Which schemas. One whose root cannot be the object that these rules demand is requested by a sentence.
        pub schema: SchemaRules => SchemaLayer,
        /// Which schemas of strict formats, over the rules of `schema`.
        pub strict_schema: SchemaLayer => SchemaLayer,
        /// The name of a schema has one to 64 letters, digits, `_` and `-`: others are replaced by `_`.
        pub restrict_names: bool,
        /// With `json_object` a message must have the word JSON: a sentence is added where none has it.
        pub requires_json_word: bool,
        /// `text`, which is the default anyway, is dropped.
        pub omit_text: bool,
        /// With a response format no stream is requested: the client gets a simulated stream of the non-streaming
        /// response.
        pub disable_streaming: bool,
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

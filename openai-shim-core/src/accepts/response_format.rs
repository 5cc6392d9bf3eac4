//! Which response formats a side accepts.

use crate::overlay::{Rule, rules};
use serde::{Deserialize, Serialize};

rules! {
    /// Which response formats an upstream accepts.
    #[derive(Eq)]
    pub struct ResponseFormatRules, ResponseFormatLayer {
        /// How a JSON schema is requested.
        pub json_schema: ResponseFormatSupport,
        /// How any JSON object is requested.
        pub json_object: ResponseFormatSupport,
        /// `text`, which is the default anyway, is dropped.
        pub omit_text: bool,
        /// With a response format no stream is requested: the client gets a simulated stream of the non-streaming
        /// response.
        pub disable_streaming: bool,
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

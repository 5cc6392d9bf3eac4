//! The dialects: wire formats of clients and upstreams, one module each, and their registry.
//!
//! | module | feature | dialects |
//! |---|---|---|
//! | `openai_chat` | `openai-chat` | `openai-chat`: OpenAI's chat completions, and what other vendors made of them |
//! | `openai_completions` | `openai-completions` | `openai-completions`: OpenAI's completions of a prompt |
//! | `openai_responses` | `openai-responses` | `openai-responses`: OpenAI's Responses |
//! | `anthropic` | `anthropic` | `anthropic-messages`: Anthropic's Messages |
//! | `ollama` | `ollama` | `ollama-chat` and `ollama-generate`: Ollama's own API |
//! | `gemini` | `gemini` | `gemini`: Google's Gemini API |
//!
//! Each module has a constant for each of its dialects, and with the feature `wire` the API's objects as types. A name is parsed
//! by [`dialect`], or by `parse`.

// A dialect is a `WireFormat` in `DIALECTS`: adding one takes its folder, its `pub mod` line and its line in the registry.
// No code outside a dialect's folder names it, and no dialect names another.
//
// | file | what goes in and what comes out |
// |-|-|
// | `handle` | `Dialect`: which dialect, as a small value |
// | `known` | the name of a dialect, or the place of a parameter → what is known of it, whether this build has the dialect or not |
// | `traits` | what a dialect implements: `WireFormat`, `Decoder`, `Encoder`, `StreamRepairer` |
// | `auxiliary` | the traits and route tables of model lists, token counts, embeddings, stored responses, … |
// | `media` | the trait of routes for speech, transcripts and pictures |
// | `media_upstream` | the trait by which upstreams of a dialect are asked for speech, transcripts and pictures |
// | `route_lookup` | method, path and headers → the dialect and its auxiliary route |
// | `url` | paths and queries → pattern matches, decoded segments, parameters |
// | `shape` | a payload and a table of its known fields → errors and warnings about wrong types |
// | `params` | the name of a parameter → its place in a dialect's requests |
// | `citations` | extra fields of one dialect → the sources they cite, for another one to encode |
// | `passthrough` | frames → the same bytes, followed by the dialect's decoder |
// | `listed_objects` | objects that came where a list is due: one item, or a map by index → the list |
// | `json_syntax` | an upstream's text that is nearly JSON → JSON, with diagnostics |
// | `named_model` | a forwarded request → the model that it names, and the same request with another |
// | `native_content` | blocks and tools that only one dialect defines → what others can read of them |
// | `rerank` | rankings of documents, in the forms of several vendors |
// | `reasoning_tags` | where a profile says that text contains reasoning → the mode of the parser |
// | `error_in_success` | a response with a successful status → the error that it reports all the same |
// | `openai_error` | error responses of OpenAI's family ↔ errors |
// | `openai_headers` | the headers of OpenAI's family |
// | `text_body` | error bodies that are no JSON, to a sentence |
// | `openai_service_tier` | the service tier of a response, which OpenAI's chat and Responses share |
// | `openai_usage` | the `usage` object that OpenAI's chat and text completions share |
// | `StreamedText` | where the text of an answer stands in a dialect's streams |
// | `tool_params` | the parameters of tools whose schema a vendor defines → a JSON schema, and arguments that fit |
// | `<dialect>/` | payloads and streams of one wire format ↔ requests, responses and events |

#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(not(feature = "internals"))]
pub(crate) mod auxiliary;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod auxiliary;
mod citations;
mod error_in_success;
#[cfg(feature = "gemini")]
pub mod gemini;
mod handle;
pub(crate) mod json_syntax;
mod known;
mod listed_objects;
#[cfg(not(feature = "internals"))]
pub(crate) mod media;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod media;
#[cfg(not(feature = "internals"))]
pub(crate) mod media_upstream;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod media_upstream;
#[cfg(not(feature = "internals"))]
pub(crate) mod named_model;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod named_model;
mod native_content;
#[cfg(feature = "ollama")]
pub mod ollama;
#[cfg(feature = "openai-chat")]
pub mod openai_chat;
#[cfg(feature = "openai-completions")]
pub mod openai_completions;
mod openai_error;
mod openai_headers;
#[cfg(feature = "openai-responses")]
pub mod openai_responses;
mod openai_service_tier;
mod openai_usage;
#[cfg(not(feature = "internals"))]
pub(crate) mod params;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod params;
mod passthrough;
pub(crate) mod reasoning_tags;
#[cfg(not(feature = "internals"))]
pub(crate) mod rerank;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod rerank;
#[cfg(not(feature = "internals"))]
pub(crate) mod route_lookup;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod route_lookup;
#[cfg(not(feature = "internals"))]
pub(crate) mod shape;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod shape;
mod streamed_text;
mod text_body;
mod tool_params;
mod traits;
#[cfg(feature = "wire")]
pub(crate) mod typed_request;
#[cfg(not(feature = "internals"))]
pub(crate) mod url;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod url;

use citations::{cited, read_citations};
pub use handle::Dialect;
pub(crate) use known::feature_of;

internals! {
    use auxiliary::{AuxiliaryRoute, DialectHeaders};
    use error_in_success::failure_in_success;
    use native_content::NativeContent;
    use openai_error::wait_in_headers;
    use params::Params;
    use passthrough::{Passthrough, pass};
    use shape::Shape;
    use streamed_text::{StreamedText, TextPlace};
    use traits::{Decoder, Encoded, Encoder, Endpoint, Repaired, StreamRepairer, WireFormat};
}

use crate::error::ClientError;

#[cfg(not(any(
    feature = "openai-chat",
    feature = "openai-completions",
    feature = "openai-responses",
    feature = "anthropic",
    feature = "gemini",
    feature = "ollama",
)))]
compile_error!(
    "openai-shim-core needs a dialect: turn on at least one of its features openai-chat, openai-completions, \
     openai-responses, anthropic, gemini and ollama"
);

/// The registry: every dialect, in the order in which they are listed. There is no other list of them.
pub static DIALECTS: &[Dialect] = &[
    #[cfg(feature = "openai-chat")]
    openai_chat::DIALECT,
    #[cfg(feature = "openai-completions")]
    openai_completions::DIALECT,
    #[cfg(feature = "openai-responses")]
    openai_responses::DIALECT,
    #[cfg(feature = "anthropic")]
    anthropic::DIALECT,
    #[cfg(feature = "ollama")]
    ollama::CHAT,
    #[cfg(feature = "ollama")]
    ollama::GENERATE,
    #[cfg(feature = "gemini")]
    gemini::DIALECT,
];

/// The registry's first dialect, used for paths that belong to none.
///
/// ```
/// use openai_shim_core::dialect::{DEFAULT_DIALECT, DIALECTS};
/// assert_eq!(DEFAULT_DIALECT, DIALECTS[0]);
/// ```
pub static DEFAULT_DIALECT: Dialect = match DIALECTS {
    [first, ..] => *first,
    [] => panic!("the registry is empty"),
};

/// Returns the dialect with that name (`openai-chat`, …).
///
/// ```
/// assert!(openai_shim_core::dialect("openai-chat").is_ok());
/// ```
///
/// # Errors
/// There is no such dialect, and the message lists those that there are; or this build lacks it, and the message names the
/// feature that adds it.
pub fn dialect(name: &str) -> Result<Dialect, ClientError> {
    DIALECTS.iter().copied().find(|dialect| dialect.name() == name).ok_or_else(|| {
        if let Some(feature) = feature_of(name) {
            return ClientError::invalid(format!(
                "The dialect {name:?} is not part of this build; turn on the feature `{feature}` of openai-shim-core."
            ));
        }
        let known: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
        ClientError::invalid(format!("There is no dialect {name:?}; there are: {}.", known.join(", ")))
    })
}

/// Whether some dialect has a parameter at that place, also one that this build lacks.
pub(crate) fn is_param_place(path: &str) -> bool {
    known::is_param_place(path) || DIALECTS.iter().any(|dialect| dialect.params().name(path).is_some())
}

impl std::str::FromStr for Dialect {
    type Err = ClientError;
    fn from_str(name: &str) -> Result<Self, ClientError> {
        dialect(name)
    }
}

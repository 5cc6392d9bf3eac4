//! The dialects, one folder for each wire format, and their registry.
//!
//! | file | what goes in and what comes out |
//! |-|-|
//! | [`handle`](Dialect) | [`Dialect`]: which dialect, as a small value |
//! | [`traits`](WireFormat) | what a dialect implements: [`WireFormat`], [`Decoder`], [`Encoder`], [`StreamRepairer`] |
//! | [`auxiliary`] | the traits and route tables of model lists, token counts, embeddings, stored responses, … |
//! | [`media`] | the trait of routes for speech, transcripts and pictures |
//! | [`media_upstream`] | the trait by which upstreams of a dialect are asked for speech, transcripts and pictures |
//! | [`route_lookup`] | method, path and headers → the dialect and its auxiliary route |
//! | [`url`] | paths and queries → pattern matches, decoded segments, parameters |
//! | [`shape`] | a payload and a table of its known fields → errors and warnings about wrong types |
//! | [`params`] | the name of a parameter → its place in a dialect's requests |
//! | `citations` | extra fields of one dialect → the sources they cite, for another one to encode |
//! | [`passthrough`](Passthrough) | frames → the same bytes, followed by the dialect's decoder |
//! | `listed_objects` | objects that came where a list is due: one item, or a map by index → the list |
//! | `json_syntax` | an upstream's text that is nearly JSON → JSON, with diagnostics |
//! | [`named_model`] | a forwarded request → the model that it names, and the same request with another |
//! | `native_content` | blocks and tools that only one dialect defines → what others can read of them |
//! | [`rerank`] | rankings of documents, in the forms of several vendors |
//! | `reasoning_tags` | where a profile says that text contains reasoning → the mode of the parser |
//! | `error_in_success` | a response with a successful status → the error that it reports all the same |
//! | `openai_error` | error responses of OpenAI's family ↔ errors |
//! | `openai_headers` | the headers of OpenAI's family |
//! | `text_body` | error bodies that are no JSON, to a sentence |
//! | `openai_service_tier` | the service tier of a response, which OpenAI's chat and Responses share |
//! | `openai_usage` | the `usage` object that OpenAI's chat and text completions share |
//! | [`StreamedText`] | where the text of an answer stands in a dialect's streams |
//! | `tool_params` | the parameters of tools whose schema a vendor defines → a JSON schema, and arguments that fit |
//! | `<dialect>/` | payloads and streams of one wire format ↔ requests, responses and events |
//!
//! A dialect is a [`WireFormat`] in [`DIALECTS`]: adding one takes its folder, its `pub mod` line and its line in the registry.
//! No code outside a dialect's folder names it, and no dialect names another.

pub mod anthropic;
pub mod auxiliary;
mod citations;
mod error_in_success;
pub mod gemini;
mod handle;
pub(crate) mod json_syntax;
mod listed_objects;
pub mod media;
pub mod media_upstream;
pub mod named_model;
mod native_content;
pub mod ollama;
pub mod openai_chat;
pub mod openai_completions;
mod openai_error;
mod openai_headers;
pub mod openai_responses;
mod openai_service_tier;
mod openai_usage;
pub mod params;
mod passthrough;
pub(crate) mod reasoning_tags;
pub mod rerank;
pub mod route_lookup;
pub mod shape;
mod streamed_text;
mod text_body;
mod tool_params;
mod traits;
pub(crate) mod typed_request;
pub mod url;

pub use auxiliary::{AuxiliaryRoute, DialectHeaders};
use citations::{cited, read_citations};
pub use error_in_success::failure_in_success;
pub use handle::Dialect;
pub use native_content::NativeContent;
pub use params::Params;
pub use passthrough::{Passthrough, pass};
pub use shape::Shape;
pub use streamed_text::{StreamedText, TextPlace};
pub use traits::{Decoder, Encoded, Encoder, Endpoint, Repaired, StreamRepairer, WireFormat};
pub use typed_request::TypedRequest;

use crate::error::ClientError;

/// The registry: every dialect, in the order in which they are listed. There is no other list of them.
pub static DIALECTS: &[Dialect] = &[
    openai_chat::DIALECT,
    openai_completions::DIALECT,
    openai_responses::DIALECT,
    anthropic::DIALECT,
    ollama::CHAT,
    ollama::GENERATE,
    gemini::DIALECT,
];

/// The registry's first dialect, used for paths that belong to none.
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
/// There is no such dialect; the message lists those that there are.
pub fn dialect(name: &str) -> Result<Dialect, ClientError> {
    DIALECTS.iter().copied().find(|dialect| dialect.name() == name).ok_or_else(|| {
        let known: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
        ClientError::invalid(format!("There is no dialect {name:?}; there are: {}.", known.join(", ")))
    })
}

impl std::str::FromStr for Dialect {
    type Err = ClientError;
    fn from_str(name: &str) -> Result<Self, ClientError> {
        dialect(name)
    }
}

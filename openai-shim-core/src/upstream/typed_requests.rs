//! [`TypedRequest`]: the request types of all dialects, each with its path, its response and its chunks.

use crate::dialect::{Dialect, anthropic, gemini, ollama, openai_chat, openai_completions, openai_responses};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A typed request, for [`Shim::call`](super::Shim::call) and [`Shim::stream`](super::Shim::stream). The types of this crate
/// implement it, and no other can.
///
/// ```
/// use openai_shim_core::dialect::gemini::wire::ModelRequest;
/// use openai_shim_core::upstream::TypedRequest;
/// assert_eq!(<ModelRequest as TypedRequest>::DIALECT.name(), "gemini");
/// ```
pub trait TypedRequest: sealed::ToHttp {
    /// The type of a whole response.
    type Response: DeserializeOwned + Send + 'static;
    /// The type of a chunk or an event of a stream.
    type Chunk: DeserializeOwned + Send + Unpin + 'static;
    /// The dialect.
    const DIALECT: Dialect;
}

mod sealed {
    use bytes::Bytes;

    /// What no one outside can implement.
    pub trait ToHttp {
        /// The request as HTTP.
        fn to_http(&self, stream: bool) -> Result<http::Request<Bytes>, http::Error>;
    }
}

fn post(path: &str, body: &impl Serialize) -> Result<http::Request<Bytes>, http::Error> {
    // Typed payloads have text as keys, so writing one cannot fail.
    let body = serde_json::to_vec(body).unwrap_or_default();
    http::Request::post(path).header(http::header::CONTENT_TYPE, "application/json").body(body.into())
}

macro_rules! typed_requests {
    ($($dialect:expr, $path:literal: $request:path => $response:path, $chunk:path;)*) => {$(
        impl sealed::ToHttp for $request {
            fn to_http(&self, stream: bool) -> Result<http::Request<Bytes>, http::Error> {
                post($path, &self.clone().with_stream(stream))
            }
        }

        impl TypedRequest for $request {
            type Response = $response;
            type Chunk = $chunk;
            const DIALECT: Dialect = $dialect;
        }
    )*};
}

typed_requests! {
    openai_chat::DIALECT, "/v1/chat/completions":
        openai_chat::wire::ChatRequest => openai_chat::wire::ChatCompletion, openai_chat::wire::ChatCompletionChunk;
    openai_completions::DIALECT, "/v1/completions":
        openai_completions::wire::CompletionRequest => openai_completions::wire::Completion, openai_completions::wire::Completion;
    openai_responses::DIALECT, "/v1/responses":
        openai_responses::wire::ResponsesRequest => openai_responses::wire::ResponseObject, openai_responses::wire::StreamEvent;
    anthropic::DIALECT, "/v1/messages":
        anthropic::wire::MessagesRequest => anthropic::wire::Message, anthropic::wire::StreamEvent;
    ollama::CHAT, "/api/chat":
        ollama::wire::ChatRequest => ollama::wire::ChatResponse, ollama::wire::ChatResponse;
    ollama::GENERATE, "/api/generate":
        ollama::wire::GenerateRequest => ollama::wire::GenerateResponse, ollama::wire::GenerateResponse;
}

/// What stands in a path as it is.
const PATH_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

impl sealed::ToHttp for gemini::wire::ModelRequest {
    fn to_http(&self, stream: bool) -> Result<http::Request<Bytes>, http::Error> {
        let model = utf8_percent_encode(&self.model, PATH_SEGMENT);
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        post(&format!("/v1beta/models/{model}:{method}"), &self.body)
    }
}

impl TypedRequest for gemini::wire::ModelRequest {
    type Response = gemini::wire::GenerateContentResponse;
    type Chunk = gemini::wire::GenerateContentResponse;
    const DIALECT: Dialect = gemini::DIALECT;
}

//! The embedded upstream: it says back what it is told, and calls tools when it must. For first steps and for tests.
//!
//! It speaks OpenAI's chat dialect to the letter: what differs at a client's end was done by the translation.

mod embeddings;
mod example_value;
mod response;
mod wire;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use openai_shim_core::json::Object;
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Upstream, UpstreamError};
use std::time::Duration;

/// The upstream `echo`, with one model of the same name.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use openai_shim_core::Upstream;
/// use openai_shim_server::upstream::echo::Echo;
/// let request = http::Request::get("/models").body(bytes::Bytes::new()).unwrap();
/// assert_eq!(Echo.send(request).await.unwrap().status(), 200);
/// # });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Echo;

#[async_trait]
impl Upstream for Echo {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        let (parts, body) = request.into_parts();
        let answered = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/models") => Ok(wire::whole(StatusCode::OK, wire::MODELS)),
            (&Method::POST, "/chat/completions") => read(&body).and_then(|request| chat(&request)),
            (&Method::POST, "/embeddings") => read(&body).and_then(|request| embeddings::embed(&request)),
            (method, path) => Err(EchoError {
                status: StatusCode::NOT_FOUND,
                message: format!("echo has no {method} {path}."),
                param: None,
                code: Some("unknown_url"),
            }),
        };
        Ok(answered.unwrap_or_else(|fault| wire::error(&fault)))
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        Some(super::clock())
    }
}

/// Why a request is refused.
struct EchoError {
    status: StatusCode,
    message: String,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl EchoError {
    fn invalid(param: impl Into<Option<&'static str>>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), param: param.into(), code: None }
    }
}

fn read(body: &[u8]) -> Result<Object<'_>, EchoError> {
    Object::parse(body)
        .map_err(|error| EchoError::invalid(None, format!("The body is no JSON object: {error}.")))
}

fn chat(request: &Object<'_>) -> Result<Response<UpstreamBody>, EchoError> {
    let answer = response::answer(request)?;
    let asks_usage = request.object("stream_options").and_then(|options| options.bool("include_usage"));
    Ok(match request.bool("stream") {
        Some(true) => wire::stream(request, &answer, asks_usage == Some(true)),
        _ => wire::completion(request, &answer),
    })
}

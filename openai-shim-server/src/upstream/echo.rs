//! The embedded upstream `echo`: repeats the last message, and calls a tool when `tool_choice` demands one. For first steps and
//! for tests.
//!
//! It follows OpenAI's chat dialect exactly: every difference that a client sees comes from the translation.

mod embeddings;
mod error;
mod example_value;
mod response;
mod writer;

use crate::clock;
use async_trait::async_trait;
use bytes::Bytes;
use error::EchoError;
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
        let result = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/models") => Ok(writer::json(StatusCode::OK, writer::MODELS)),
            (&Method::POST, "/chat/completions") => parse(&body).and_then(|request| chat(&request)),
            (&Method::POST, "/embeddings") => parse(&body).and_then(|request| embeddings::embed(&request)),
            (method, path) => Err(EchoError {
                status: StatusCode::NOT_FOUND,
                message: format!("echo has no {method} {path}."),
                param: None,
                code: Some("unknown_url"),
            }),
        };
        Ok(result.unwrap_or_else(|error| writer::error(&error)))
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn clock(&self) -> Option<Duration> {
        Some(clock::monotonic())
    }
}

fn parse(body: &[u8]) -> Result<Object<'_>, EchoError> {
    Object::parse(body)
        .map_err(|error| EchoError::invalid(None, format!("The body is no JSON object: {error}.")))
}

fn chat(request: &Object<'_>) -> Result<Response<UpstreamBody>, EchoError> {
    let response = response::choose(request)?;
    let wants_usage = request.object("stream_options").and_then(|options| options.bool("include_usage"));
    Ok(match request.bool("stream") {
        Some(true) => writer::stream(request, &response, wants_usage == Some(true)),
        _ => writer::completion(request, &response),
    })
}

//! The typed client: typed requests in, typed responses and chunks out, of every dialect and through any upstream.

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::dialect::{
    anthropic, gemini, ollama, openai_chat, openai_completions, openai_responses,
};
use openai_shim_core::error::ErrorKind;
use openai_shim_core::upstream::{CallError, TypedRequest};
use openai_shim_core::{Shim, Upstream, UpstreamBody, UpstreamError, profile};
use std::error::Error;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

/// Answers "hello", streamed if that is requested; what follows the text of a stream is chosen by the model's name.
struct Greeter;

#[async_trait]
impl Upstream for Greeter {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let request = String::from_utf8(request.into_body().to_vec()).unwrap();
        if request.contains("\"unreachable\"") {
            let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            return Err(UpstreamError::transport("The upstream could not be reached.").with_source(refused));
        }
        if request.contains("\"limited\"") {
            let body =
                r#"{"error":{"message":"Slow down.","type":"rate_limit_error","code":null,"param":null}}"#;
            let mut response = http::Response::new(UpstreamBody::Complete(body.into()));
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            return Ok(response);
        }
        let body = if request.contains("\"stream\":true") {
            let text = r#"data: {"id":"a","choices":[{"index":0,"delta":{"content":"hello"}}]}"#;
            let end = if request.contains("\"broken\"") {
                r#"{"error":{"message":"It broke.","type":"server_error"}}"#
            } else {
                r#"{"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
            };
            format!("{text}\n\ndata: {end}\n\ndata: [DONE]\n\n")
        } else {
            r#"{"id":"a","choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}"#.to_owned()
        };
        Ok(http::Response::new(UpstreamBody::Complete(body.into())))
    }
}

fn shim() -> Shim {
    Shim::builder(Greeter, profile("compatible").unwrap())
        .clock(|| Duration::from_secs(1_234_567_890))
        .entropy(|| 7)
        .build()
        .unwrap()
}

async fn chunks<T: TypedRequest>(request: &T) -> Vec<Result<T::Chunk, CallError>> {
    let mut stream = pin!(shim().stream(request));
    let mut all = Vec::new();
    while let Some(chunk) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        all.push(chunk);
    }
    all
}

/// Whole, streamed, and with a stream that fails; the texts are found in what is printed.
async fn greets<T: TypedRequest>(request: impl Fn(&str) -> T)
where
    T::Response: Debug,
    T::Chunk: Debug,
{
    let name = T::DIALECT.name();
    let whole = shim().call(&request("m")).await.unwrap();
    assert!(format!("{whole:?}").contains("hello"), "{name}: {whole:?}");

    let streamed = chunks(&request("m")).await;
    assert!(streamed.iter().all(Result::is_ok), "{name}: {streamed:?}");
    assert!(format!("{streamed:?}").contains("hello"), "{name}: {streamed:?}");

    let broken = chunks(&request("broken")).await;
    let (last, before) = broken.split_last().unwrap();
    assert!(
        before.iter().all(Result::is_ok) && format!("{before:?}").contains("hello"),
        "{name}: {broken:?}"
    );
    let error = last.as_ref().err().unwrap_or_else(|| panic!("{name}: {broken:?}"));
    assert_eq!(error.message(), "It broke.", "{name}");

    for error in [
        shim().call(&request("limited")).await.err().unwrap(),
        chunks(&request("limited")).await.remove(0).err().unwrap(),
    ] {
        let found = (error.kind(), error.status(), error.message());
        let expected =
            (ErrorKind::RateLimited, Some(StatusCode::TOO_MANY_REQUESTS), String::from("Slow down."));
        assert_eq!(found, expected, "{name}");
        assert_eq!(error.to_string(), "slow down", "{name}");
    }
}

#[tokio::test]
async fn requests_of_every_dialect_get_their_own_types() {
    greets(|model| {
        let messages = [openai_chat::wire::Message::new("user", "hi")];
        openai_chat::wire::ChatRequest::new(model, messages)
    })
    .await;
    greets(|model| openai_completions::wire::CompletionRequest::new(model, "hi")).await;
    greets(|model| openai_responses::wire::ResponsesRequest::new(model, "hi")).await;
    greets(|model| {
        let messages = [anthropic::wire::MessageParam::new("user", "hi")];
        anthropic::wire::MessagesRequest::new(model, 50, messages)
    })
    .await;
    greets(|model| {
        let contents = [gemini::wire::Content::new("user", "hi")];
        gemini::wire::GenerateContentRequest::new(contents).for_model(model)
    })
    .await;
    greets(|model| ollama::wire::ChatRequest::new(model, [ollama::wire::Message::new("user", "hi")])).await;
    greets(|model| ollama::wire::GenerateRequest::new(model, "hi")).await;
}

#[tokio::test]
async fn a_request_that_cannot_be_served_is_an_error_that_names_the_field() {
    let error = shim().call(&openai_chat::wire::ChatRequest::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.status(), None);
    assert!(error.error().param().is_some(), "{error:?}");
}

#[tokio::test]
async fn the_cause_of_a_failure_is_its_source() {
    let request = openai_completions::wire::CompletionRequest::new("unreachable", "hi");
    let error = shim().call(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "the upstream could not be reached");
    assert_eq!(error.source().unwrap().to_string(), "connection refused");
}

#[test]
fn calls_and_streams_can_move_to_another_thread() {
    fn is_send<T: Send + 'static>(_: T) {}
    let shim = shim();
    let request = ollama::wire::GenerateRequest::new("m", "hi");
    is_send(shim.call(&request));
    is_send(shim.stream(&request));
}

//! A server with keys, without sockets, in front of an upstream that counts tokens as it is told.
#![allow(dead_code, unreachable_pub, missing_docs)] // each test file uses only a part

use crate::support::{TestResponse, parse, stop, text};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_core::Stream;
use http::{Method, Request, Response, StatusCode};
use openai_shim_core::upstream::UpstreamBody;
use openai_shim_core::{Upstream, UpstreamError};
use openai_shim_server::router;
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::ServiceExt as _;

pub const UPSTREAM: &str =
    "[[upstream]]\nname = \"up\"\nbase_url = \"echo\"\nmodels = [\"m\", \"other\", \"claude-5\"]\n";

/// An upstream that reports a usage, and whose streams end when the test says so.
#[derive(Clone, Default)]
pub struct Counting {
    /// Tokens of a response; `None`: none are reported.
    pub usage: Option<(u64, u64)>,
    pub status: Option<u16>,
    pub requests: Arc<AtomicUsize>,
    pub streams: Arc<Mutex<Vec<UnboundedSender<String>>>>,
}

impl Counting {
    pub fn reporting(input: u64, output: u64) -> Self {
        Self { usage: Some((input, output)), ..Self::default() }
    }

    fn usage(&self) -> Value {
        self.usage.map_or(Value::Null, |(input, output)| {
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
        })
    }

    /// Sends events on all open streams.
    pub fn send(&self, event: &str) {
        for stream in self.streams.lock().unwrap().iter() {
            let _ = stream.send(format!("data: {event}\n\n"));
        }
    }

    /// Ends all open streams.
    pub fn end(&self) {
        let usage = self.usage();
        self.send(&stop());
        self.send(&json!({"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":usage}).to_string());
        self.send("[DONE]");
        self.streams.lock().unwrap().clear();
    }
}

#[async_trait]
impl Upstream for Counting {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<UpstreamBody>, UpstreamError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let mut response = Response::builder()
            .status(self.status.unwrap_or(200))
            .header("x-ratelimit-limit-requests", "999999")
            .header("x-ratelimit-reset-tokens", "9s")
            .header("anthropic-ratelimit-input-tokens-remaining", "5")
            .header("content-type", "application/json");
        let body = if body["stream"] == true {
            let (sender, receiver) = unbounded_channel();
            sender.send(format!("data: {}\n\n", text("begun"))).unwrap();
            self.streams.lock().unwrap().push(sender);
            response.headers_mut().unwrap().insert("content-type", "text/event-stream".parse().unwrap());
            UpstreamBody::Stream(Box::pin(Events(receiver)))
        } else if request.uri().path().ends_with("/embeddings") {
            let data = json!([{"object": "embedding", "index": 0, "embedding": [0.5]}]);
            let usage = json!({"prompt_tokens": 8, "total_tokens": 8});
            UpstreamBody::Complete(
                json!({"object": "list", "data": data, "model": "m", "usage": usage}).to_string().into(),
            )
        } else if self.status.is_some() {
            UpstreamBody::Complete(r#"{"error":{"message":"No.","type":"x","code":null}}"#.into())
        } else {
            let choice = json!({"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"});
            let body = json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": self.usage()});
            UpstreamBody::Complete(body.to_string().into())
        };
        Ok(response.body(body).unwrap())
    }
}

pub struct Events(UnboundedReceiver<String>);

impl Stream for Events {
    type Item = Result<Bytes, UpstreamError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|event| event.map(|event| Ok(Bytes::from(event))))
    }
}

/// A key with these lines.
pub fn key(name: &str, lines: &str) -> String {
    format!("[[key]]\nname = \"{name}\"\nkey = \"the-key-of-{name}\"\n{lines}\n")
}

pub fn shim(keys: &str, upstream: &Counting) -> Router {
    let retry = "[retry]\nattempts = 1\n[fallback]\nwhen = \"never\"\n";
    router(parse(&format!("{keys}\n{UPSTREAM}\n{retry}")), Arc::new(upstream.clone()))
}

pub async fn open(shim: &Router, name: &str, method: Method, path: &str, body: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer the-key-of-{name}"));
    shim.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

pub async fn call(shim: &Router, name: &str, method: Method, path: &str, body: &str) -> TestResponse {
    TestResponse::of_router(open(shim, name, method, path, body).await).await
}

pub const CHAT: &str = r#"{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}"#;
pub const STREAM: &str =
    r#"{"model":"m","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

pub async fn chat(shim: &Router, name: &str) -> TestResponse {
    call(shim, name, Method::POST, "/v1/chat/completions", CHAT).await
}

/// The first bytes of a stream, and the rest.
pub async fn begin_stream(shim: &Router, name: &str) -> BodyDataStream {
    let response = open(shim, name, Method::POST, "/v1/chat/completions", STREAM).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    assert!(next(&mut stream).await.is_some_and(|bytes| bytes.starts_with(b"data: ")));
    stream
}

pub async fn next(stream: &mut BodyDataStream) -> Option<Bytes> {
    std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await.map(Result::unwrap)
}

/// The value of a metric.
pub async fn metric(shim: &Router, name: &str, line: &str) -> u64 {
    let metrics = call(shim, name, Method::GET, "/metrics", "").await.body;
    let prefix = format!("openai_shim_{line} ");
    let value = metrics.lines().find_map(|metric| metric.strip_prefix(&prefix));
    value.unwrap_or_else(|| panic!("{line}: {metrics}")).parse().unwrap()
}

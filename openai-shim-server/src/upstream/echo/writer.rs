//! Writes echo's answers in OpenAI's wire format: completions, streams, errors, the model list.

use super::error::EchoError;
use super::response::{EchoResponse, prompt_tokens};
use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use openai_shim_core::UpstreamError;
use openai_shim_core::json::{Object, encode_string};
use openai_shim_core::upstream::UpstreamBody;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

/// The model list.
pub(super) const MODELS: &str =
    r#"{"object":"list","data":[{"id":"echo","object":"model","created":0,"owned_by":"openai-shim"}]}"#;

/// A non-streaming response.
pub(super) fn completion(request: &Object<'_>, answer: &EchoResponse) -> Response<UpstreamBody> {
    let id = next_id();
    let message = match answer {
        EchoResponse::Text(text) => format!(r#""content":{},"refusal":null"#, encode_string(text)),
        EchoResponse::ToolCall { name, arguments, .. } => format!(
            r#""content":null,"refusal":null,"tool_calls":[{{"id":"call_{id}","type":"function","function":{{"name":{},"arguments":{}}}}}]"#,
            encode_string(name),
            encode_string(arguments)
        ),
    };
    let body = format!(
        r#"{{{},"choices":[{{"index":0,"message":{{"role":"assistant",{message}}},"logprobs":null,"finish_reason":"{}"}}],"usage":{}}}"#,
        identity(request, &id, "chat.completion"),
        answer.finish_reason(),
        usage(request, answer)
    );
    json(StatusCode::OK, body)
}

/// A stream: the role, then one chunk per word, then the end.
pub(super) fn stream(
    request: &Object<'_>,
    answer: &EchoResponse,
    wants_usage: bool,
) -> Response<UpstreamBody> {
    let id = next_id();
    let identity = identity(request, &id, "chat.completion.chunk");
    let event = |choices: &str, usage: &str| {
        let usage = if wants_usage { format!(",\"usage\":{usage}") } else { String::new() };
        Bytes::from(format!("data: {{{identity},\"choices\":[{choices}]{usage}}}\n\n"))
    };
    let chunk = |delta: &str, finish: &str| {
        let choice = format!(r#"{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{finish}}}"#);
        event(&choice, "null")
    };
    let mut events = VecDeque::new();
    match answer {
        EchoResponse::Text(text) => {
            events.push_back(chunk(r#""role":"assistant","content":"","refusal":null"#, "null"));
            let tokens = text.split_inclusive(char::is_whitespace);
            events
                .extend(tokens.map(|token| chunk(&format!("\"content\":{}", encode_string(token)), "null")));
        }
        EchoResponse::ToolCall { name, arguments, .. } => {
            let opening = format!(
                r#""role":"assistant","content":null,"refusal":null,"tool_calls":[{{"index":0,"id":"call_{id}","type":"function","function":{{"name":{},"arguments":""}}}}]"#,
                encode_string(name)
            );
            events.push_back(chunk(&opening, "null"));
            // In several chunks, as models send arguments: a client that joins them wrongly fails here first.
            events.extend(arguments.split_inclusive([',', ':']).map(|fragment| {
                let delta = format!(
                    r#""tool_calls":[{{"index":0,"function":{{"arguments":{}}}}}]"#,
                    encode_string(fragment)
                );
                chunk(&delta, "null")
            }));
        }
    }
    events.push_back(chunk("", &encode_string(answer.finish_reason())));
    if wants_usage {
        events.push_back(event("", &usage(request, answer)));
    }
    events.push_back(Bytes::from_static(b"data: [DONE]\n\n"));
    let mut response = Response::new(UpstreamBody::Stream(Box::pin(PacedEvents { events, is_ready: false })));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    response
}

/// A response with a JSON body.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<UpstreamBody> {
    let mut response = Response::new(UpstreamBody::Complete(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error in OpenAI's envelope.
pub(super) fn error(error: &EchoError) -> Response<UpstreamBody> {
    let or_null = |text: Option<&str>| text.map_or_else(|| String::from("null"), encode_string);
    let body = format!(
        r#"{{"error":{{"message":{},"type":"invalid_request_error","param":{},"code":{}}}}}"#,
        encode_string(&error.message),
        or_null(error.param),
        or_null(error.code)
    );
    json(error.status, body)
}

/// The fields that every response begins with: id, object, created, model.
fn identity(request: &Object<'_>, id: &str, object: &str) -> String {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let model = request.str("model").filter(|model| !model.is_empty());
    let model = encode_string(model.as_deref().unwrap_or("echo"));
    format!(r#""id":"chatcmpl-{id}","object":"{object}","created":{created},"model":{model}"#)
}

fn usage(request: &Object<'_>, answer: &EchoResponse) -> String {
    let (prompt, completion) = (prompt_tokens(request), answer.tokens());
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{}}}"#,
        prompt + completion
    )
}

/// A unique id: a conversation may have several calls.
fn next_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("echo{nanos:016x}{:04x}", COUNT.fetch_add(1, Ordering::Relaxed) & 0xffff)
}

/// Yields to the runtime between two events, as events of a real model arrive separately.
struct PacedEvents {
    events: VecDeque<Bytes>,
    is_ready: bool,
}

impl Stream for PacedEvents {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            return Poll::Ready(self.events.pop_front().map(Ok));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

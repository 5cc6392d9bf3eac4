//! The embedded upstream: it says back what it is told, and calls tools when it must. For first steps and for tests.

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use openai_shim_core::json::{Kind, Object, peek, quote, text, text_of};
use openai_shim_core::upstream::ReplyBody;
use openai_shim_core::{Upstream, UpstreamError};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

/// The upstream `echo`, with one model of the same name.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

#[async_trait]
impl Upstream for Echo {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<ReplyBody>, UpstreamError> {
        let (parts, body) = request.into_parts();
        Ok(match (parts.method, parts.uri.path()) {
            (Method::GET, "/models") => whole(
                StatusCode::OK,
                r#"{"object":"list","data":[{"id":"echo","object":"model","created":0,"owned_by":"openai-shim"}]}"#,
            ),
            (Method::POST, "/chat/completions") => chat(&body),
            (Method::POST, "/embeddings") => embeddings(&body),
            (method, path) => error(StatusCode::NOT_FOUND, &format!("echo has no {method} {path}.")),
        })
    }

    async fn pause(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// What is answered: words, or a call.
enum Answer {
    Words(String),
    Call { name: String, arguments: String },
}

fn chat(body: &[u8]) -> Response<ReplyBody> {
    let Ok(request) = Object::parse(body) else {
        return error(StatusCode::BAD_REQUEST, "The body is not a JSON object.");
    };
    let answer = answer(&request);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let model = request.str("model").filter(|m| !m.is_empty()).map_or_else(|| String::from("echo"), Into::into);
    let prompt = body.len() as u64 / 4;
    let identity = format!(r#""created":{now},"model":{}"#, quote(&model));
    let finish = match &answer {
        Answer::Words(_) => "stop",
        // With a function demanded by name OpenAI itself says `stop`.
        Answer::Call { .. } if named_tool(&request).is_some() => "stop",
        Answer::Call { .. } => "tool_calls",
    };
    let said = match &answer {
        Answer::Words(words) => words.split_whitespace().count() as u64,
        Answer::Call { .. } => 8,
    };
    let usage = format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{said},"total_tokens":{}}}"#,
        prompt + said
    );
    if request.bool("stream") == Some(true) {
        let include = request.object("stream_options").and_then(|o| o.bool("include_usage")).unwrap_or(false);
        return stream(&answer, &identity, finish, include.then_some(usage.as_str()));
    }
    let message = match &answer {
        Answer::Words(words) => format!(r#""content":{},"refusal":null"#, quote(words)),
        Answer::Call { name, arguments } => format!(
            r#""content":null,"refusal":null,"tool_calls":[{{"id":"call_echo","type":"function","function":{{"name":{},"arguments":{}}}}}]"#,
            quote(name),
            quote(arguments)
        ),
    };
    whole(
        StatusCode::OK,
        format!(
            r#"{{"id":"chatcmpl-echo","object":"chat.completion",{identity},"choices":[{{"index":0,"message":{{"role":"assistant",{message}}},"logprobs":null,"finish_reason":"{finish}"}}],"usage":{usage}}}"#
        ),
    )
}

fn stream(answer: &Answer, identity: &str, finish: &str, usage: Option<&str>) -> Response<ReplyBody> {
    let event = |choices: &str, usage: &str| {
        Bytes::from(format!(
            "data: {{\"id\":\"chatcmpl-echo\",\"object\":\"chat.completion.chunk\",{identity},\"choices\":{choices}{usage}}}\n\n"
        ))
    };
    let chunk = |delta: &str, finish: &str| {
        event(&format!(r#"[{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{finish}}}]"#), "")
    };
    let mut events = VecDeque::new();
    match answer {
        Answer::Words(words) => {
            events.push_back(chunk(r#""role":"assistant","content":"""#, "null"));
            for word in words.split_inclusive(' ') {
                events.push_back(chunk(&format!("\"content\":{}", quote(word)), "null"));
            }
        }
        Answer::Call { name, arguments } => {
            events.push_back(chunk(
                &format!(
                    r#""role":"assistant","content":null,"tool_calls":[{{"index":0,"id":"call_echo","type":"function","function":{{"name":{},"arguments":""}}}}]"#,
                    quote(name)
                ),
                "null",
            ));
            events.push_back(chunk(
                &format!(r#""tool_calls":[{{"index":0,"function":{{"arguments":{}}}}}]"#, quote(arguments)),
                "null",
            ));
        }
    }
    events.push_back(chunk("", &quote(finish)));
    if let Some(usage) = usage {
        events.push_back(event("[]", &format!(",\"usage\":{usage}")));
    }
    events.push_back(Bytes::from_static(b"data: [DONE]\n\n"));
    let mut response = Response::new(ReplyBody::Stream(Box::pin(Events { events, ready: false })));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// One event at a time, as a real model sends them.
struct Events {
    events: VecDeque<Bytes>,
    ready: bool,
}

impl Stream for Events {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready = !self.ready;
        if self.ready {
            return Poll::Ready(self.events.pop_front().map(Ok));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The last message said back, or the call that was demanded.
fn answer(request: &Object<'_>) -> Answer {
    let messages = request.array("messages").unwrap_or_default();
    let last = messages.iter().rev().find_map(|m| {
        let message = Object::parse(m.as_bytes()).ok()?;
        let role = message.str("role")?.into_owned();
        (role == "user" || role == "tool").then(|| (role, said(&message)))
    });
    let (role, words) = last.unwrap_or_default();
    if role != "tool" {
        let demanded = named_tool(request).or_else(|| {
            (request.str("tool_choice").as_deref() == Some("required")).then(|| first_tool(request)).flatten()
        });
        if let Some(name) = demanded {
            let arguments = parameters(request, &name).map_or_else(|| String::from("{}"), |schema| example(&schema, 0));
            return Answer::Call { name, arguments };
        }
    }
    Answer::Words(if words.is_empty() { String::from("(nothing was said)") } else { words })
}

fn said(message: &Object<'_>) -> String {
    let Some(content) = message.get("content") else { return String::new() };
    if peek(content) != Kind::Array {
        return text_of(content).into_owned();
    }
    let parts = message.array("content").unwrap_or_default();
    let words: Vec<String> = parts
        .into_iter()
        .filter_map(|part| Object::parse(part.as_bytes()).ok())
        .map(|part| match part.str("text") {
            Some(text) => text.into_owned(),
            None => match part.str("type").as_deref() {
                Some("image_url") => String::from("[image]"),
                Some("input_audio") => String::from("[audio]"),
                _ => String::from("[file]"),
            },
        })
        .collect();
    words.join(" ")
}

fn named_tool(request: &Object<'_>) -> Option<String> {
    Some(request.object("tool_choice")?.object("function")?.str("name")?.into_owned())
}

fn first_tool(request: &Object<'_>) -> Option<String> {
    let tools = request.array("tools")?;
    Some(Object::parse(tools.first()?.as_bytes()).ok()?.object("function")?.str("name")?.into_owned())
}

fn parameters(request: &Object<'_>, name: &str) -> Option<String> {
    request.array("tools")?.into_iter().find_map(|tool| {
        let tool = Object::parse(tool.as_bytes()).ok()?;
        let function = tool.object("function")?;
        (function.str("name").as_deref() == Some(name)).then(|| function.get("parameters").map(str::to_owned))?
    })
}

/// The smallest value that a JSON schema accepts, as far as it is simple.
fn example(schema: &str, depth: usize) -> String {
    let Ok(schema) = Object::parse(schema.as_bytes()) else { return String::from("null") };
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key) {
            return value.to_owned();
        }
    }
    if let Some(first) = schema.array("enum").and_then(|list| list.first().map(|v| (*v).to_owned())) {
        return first;
    }
    let kind = schema.str("type").map(std::borrow::Cow::into_owned);
    let kind = kind.or_else(|| schema.array("type")?.first().and_then(|t| text(t)).map(std::borrow::Cow::into_owned));
    match kind.as_deref() {
        Some("string") => String::from("\"\""),
        Some("number" | "integer") => schema.get("minimum").unwrap_or("0").to_owned(),
        Some("boolean") => String::from("false"),
        Some("array") => String::from("[]"),
        Some("null") => String::from("null"),
        _ if depth > 8 => String::from("{}"),
        _ => {
            let properties = schema.object("properties").unwrap_or_default();
            let required: Vec<String> =
                schema.get("required").and_then(|r| serde_json::from_str(r).ok()).unwrap_or_default();
            let members: Vec<String> = required
                .iter()
                .map(|name| {
                    let value = properties.get(name).map_or_else(|| String::from("null"), |s| example(s, depth + 1));
                    format!("{}:{value}", quote(name))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// Vectors of eight numbers that depend on the text alone.
fn embeddings(body: &[u8]) -> Response<ReplyBody> {
    let Ok(request) = Object::parse(body) else {
        return error(StatusCode::BAD_REQUEST, "The body is not a JSON object.");
    };
    let inputs: Vec<String> = match request.get("input").map(|i| (peek(i), i)) {
        Some((Kind::String, input)) => vec![text_of(input).into_owned()],
        Some((Kind::Array, _)) => {
            request.array("input").unwrap_or_default().into_iter().map(|i| text_of(i).into_owned()).collect()
        }
        _ => return error(StatusCode::BAD_REQUEST, "`input` must be a text or a list of texts."),
    };
    let base64 = request.str("encoding_format").as_deref() == Some("base64");
    let data: Vec<String> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(input);
            let embedding = if base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|v| v.to_le_bytes()).collect();
                quote(&base64_of(&bytes))
            } else {
                let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
                format!("[{}]", numbers.join(","))
            };
            format!(r#"{{"object":"embedding","index":{index},"embedding":{embedding}}}"#)
        })
        .collect();
    let tokens: usize = inputs.iter().map(|i| i.split_whitespace().count()).sum();
    let model = request.get("model").unwrap_or("\"echo\"").to_owned();
    whole(
        StatusCode::OK,
        format!(
            r#"{{"object":"list","data":[{}],"model":{model},"usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}}}"#,
            data.join(",")
        ),
    )
}

fn vector(text: &str) -> [f32; 8] {
    let mut vector = [0.0_f32; 8];
    for (at, byte) in text.bytes().enumerate() {
        if let Some(slot) = vector.get_mut(at % 8) {
            *slot = (*slot + f32::from(byte) / 255.0).fract();
        }
    }
    vector
}

fn base64_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            let digit = DIGITS.get(digit).copied().unwrap_or(b'A');
            out.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn whole(status: StatusCode, body: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Complete(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn error(status: StatusCode, message: &str) -> Response<ReplyBody> {
    let body = format!(
        r#"{{"error":{{"message":{},"type":"invalid_request_error","param":null,"code":null}}}}"#,
        quote(message)
    );
    whole(status, body)
}

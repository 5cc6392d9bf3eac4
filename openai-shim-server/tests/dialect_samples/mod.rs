//! Generates the sample payloads of a dialect with the dialect itself: its client's requests and its upstream's responses.

use super::{DialectSample, PARAMETERS};
use openai_shim_core::canonical::{
    Block, BlockKind, Choice, Delta, Event, ExtraFields, FinishReason, Message, Request, Response,
    ResponseContext, ResponseSpec, Role, Tool, Usage,
};
use openai_shim_core::error::StatusError;
use openai_shim_core::framing::Framer;
use openai_shim_core::json::RawJson;
use openai_shim_core::{Context, Diagnostics, Dialect, Error, ErrorKind, UpstreamError};

/// The events of a stream.
pub(crate) fn events(dialect: Dialect, body: &[u8]) -> Vec<Event> {
    let mut decoder = dialect.decoder(&spec(), &context());
    let (mut framer, mut events) = (Framer::new(1 << 20), Vec::new());
    framer.push(body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    events
}

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

fn spec() -> ResponseSpec {
    ResponseSpec::new(&request(true, true), &Context::fixed())
}

fn request(stream: bool, tools: bool) -> Request {
    let mut request = Request::default();
    (request.model, request.stream) = (String::from("m"), stream);
    request.messages.push(Message::text(Role::User, "hi"));
    if tools {
        request.tools.edit().push(Tool::Function {
            name: String::from("weather"),
            description: None,
            parameters: Some(RawJson::parse(PARAMETERS).unwrap()),
            strict: None,
            extra: ExtraFields::default(),
        });
    }
    request
}

/// The path of the dialect's own clients: the endpoint that ends like the path of an upstream request.
fn path(dialect: Dialect, stream: bool) -> &'static str {
    let encoded = dialect.encode_request(&request(stream, false), None, &mut Diagnostics::default()).unwrap();
    let (path, query) = encoded.path.split_once('?').unwrap_or((&encoded.path, ""));
    let endpoints = dialect.endpoints().iter().map(|endpoint| endpoint.path.replace("{model}", "m"));
    let own = endpoints.into_iter().find(|own| own.ends_with(path)).unwrap();
    if query.is_empty() { own.leak() } else { format!("{own}?{query}").leak() }
}

fn encode_response(dialect: Dialect, block: Block, finish: FinishReason) -> &'static str {
    let (mut response, mut choice) = (Response::default(), Choice::default());
    (choice.blocks, choice.finish) = (vec![block], Some(finish));
    (response.choices, response.usage) = (vec![choice], Some(Usage::new(3, 2)));
    (response.id, response.model, response.created) = (Some("x".into()), Some("m".into()), Some(1));
    let body = dialect.encode_response(&response, &spec(), &mut context(), &mut Diagnostics::default());
    String::from_utf8(body).unwrap().leak()
}

/// A stream with the deltas `Hel` and `lo`.
fn stream(dialect: Dialect) -> Vec<&'static str> {
    let delta = |text: &str| Event::Delta { choice: 0, block: 0, delta: Delta::Text(text.to_owned()) };
    let event_groups = [
        vec![
            Event::Start { id: Some("x".into()), model: Some("m".into()), created: Some(1) },
            Event::Open { choice: 0, block: 0, kind: BlockKind::Text },
            delta("Hel"),
        ],
        vec![delta("lo")],
        vec![
            Event::Close { choice: 0, block: 0 },
            Event::Finish { choice: 0, reason: FinishReason::Stop },
            Event::Usage(Usage::new(3, 2)),
            Event::End,
        ],
    ];
    let mut encoder = dialect.encoder(&spec(), &context());
    let mut written = |events: &[Event]| -> &'static str {
        let mut out = Vec::new();
        for event in events {
            encoder.event(event, &mut out);
        }
        String::from_utf8(out).unwrap().leak()
    };
    event_groups.iter().map(|events| written(events)).collect()
}

fn read(dialect: Dialect, body: &str) -> (String, String) {
    let read = dialect
        .decode_response(body.as_bytes(), &spec(), &mut context(), &mut Diagnostics::default())
        .unwrap();
    let (mut text, mut call) = (String::new(), String::new());
    for block in read.choices.iter().flat_map(|choice| &choice.blocks) {
        match block {
            Block::ToolCall { name, .. } => call.clone_from(name),
            block => text.push_str(block.as_text().unwrap_or_default()),
        }
    }
    (text, call)
}

pub(crate) fn generate_sample(dialect: Dialect) -> DialectSample {
    let failure = StatusError::new(401, ErrorKind::Authentication, "No key.");
    let (_, error) = dialect.encode_error(&Error::Upstream(UpstreamError::Status(Box::new(failure))));
    let error: &'static str = String::from_utf8(error.to_vec()).unwrap().leak();
    let call = Block::ToolCall {
        id: String::from("call_1"),
        name: String::from("weather"),
        arguments: String::from(r#"{"city":"Oslo"}"#),
        signature: None,
        extra: ExtraFields::default(),
    };
    let call = encode_response(dialect, call, FinishReason::ToolCalls);
    let stream = stream(dialect);
    DialectSample {
        name: dialect.name(),
        path: path(dialect, false),
        stream_path: path(dialect, true),
        ask: Box::new(move |stream, tools| {
            let request = request(stream, tools);
            let encoded = dialect.encode_request(&request, None, &mut Diagnostics::default()).unwrap();
            serde_json::from_str(&encoded.body.to_json()).unwrap()
        }),
        text: encode_response(dialect, Block::text("Hello"), FinishReason::Stop),
        call,
        stream,
        content_type: dialect.stream_content_type(),
        error,
        read: Box::new(move |answer| read(dialect, &answer.to_string())),
        stream_text: Box::new(move |body| {
            let texts = events(dialect, body.as_bytes()).into_iter().map(|event| match event {
                Event::Delta { delta: Delta::Text(text), .. } => text,
                _ => String::new(),
            });
            texts.collect()
        }),
        is_complete_stream: Box::new(move |body| {
            events(dialect, body.as_bytes()).last() == Some(&Event::End)
        }),
        message: Box::new(move |body| {
            let (status, headers) = (http::StatusCode::UNAUTHORIZED, http::HeaderMap::new());
            let (body, mut diagnostics) = (body.to_string(), Diagnostics::default());
            let error = dialect.decode_error(status, &headers, body.as_bytes(), &mut diagnostics);
            // A diagnostic means that the error had no readable message.
            if diagnostics.is_empty() { error.message().to_owned() } else { String::new() }
        }),
        tools: !read(dialect, call).1.is_empty(),
    }
}

//! Names of parameters that an upstream refuses, from every client dialect: the upstream gets accepted and distinct ones, in the
//! declaration and in the history, and calls come back in the client's, whole and streamed, wherever the stream is split.

mod common;

use common::answer::{response_of, written};
use openai_shim_core::canonical::{
    Block, Diagnostics, ExtraFields, FinishReason, Message, Request, Role, Tool, fold,
};
use openai_shim_core::dialect::dialect;
use openai_shim_core::exchange::{ClientRequest, Exchange, Retry, Settings, Step};
use openai_shim_core::json::raw;
use openai_shim_core::{Context, Dialect, profile};
use serde_json::{Value, json};

const CLIENTS: [&str; 5] = ["openai-chat", "openai-responses", "anthropic-messages", "ollama-chat", "gemini"];

/// Names that Anthropic refuses, two of them with one beginning, and one that it takes.
fn names() -> Vec<String> {
    let long = |end: &str| format!("{}{end}", "filter".repeat(12));
    vec![
        "filter[id]".into(),
        "$top".into(),
        "Account Number".into(),
        "größe".into(),
        long("a"),
        long("b"),
        "city".into(),
    ]
}

fn arguments() -> Value {
    Value::Object(names().into_iter().enumerate().map(|(i, name)| (name, json!(i))).collect())
}

fn call(id: &str, arguments: &str) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: String::from("search"),
        arguments: arguments.to_owned(),
        signature: None,
        extra: ExtraFields::default(),
    }
}

/// A request of this client that declares the names and has called the tool.
fn start(client: Dialect, stream: bool) -> Exchange {
    let properties: Vec<String> = names().iter().map(|name| format!("{}:{{}}", json!(name))).collect();
    let required = json!(names());
    let mut request = Request::default();
    request.model = String::from("claude-sonnet-4-5");
    request.stream = stream;
    request.tools.set(vec![Tool::Function {
        name: String::from("search"),
        description: None,
        parameters: Some(raw(format!(
            r#"{{"type":"object","properties":{{{}}},"required":{required}}}"#,
            properties.join(",")
        ))),
        strict: None,
        extra: ExtraFields::default(),
    }]);
    request.messages.push(Message::text(Role::User, "hi"));
    request.messages.push(Message::new(Role::Assistant, vec![call("c1", &arguments().to_string())]));
    let result = Block::ToolResult {
        id: String::from("c1"),
        blocks: vec![Block::text("none")],
        is_error: false,
        extra: ExtraFields::default(),
    };
    request.messages.push(Message::new(Role::Tool, vec![result]));
    let encoded = client.encode_request(&request, None, &mut Diagnostics::default()).unwrap();
    let incoming = ClientRequest::read(client, &encoded.path, encoded.body.to_json().into()).unwrap();
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    Exchange::start(incoming, profile("anthropic").unwrap(), settings, Context::fixed()).unwrap()
}

/// The arguments of the call that a client reads in these bytes.
fn received(client: Dialect, exchange: &mut Exchange, chunks: &[&[u8]], stream: bool) -> Value {
    let mut out = Vec::new();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    for chunk in chunks {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    let spec = openai_shim_core::canonical::ResponseSpec::new(&Request::default(), &Context::fixed());
    let mut context =
        openai_shim_core::canonical::ResponseContext::new(&Request::default(), Context::fixed());
    let response = if stream {
        let (mut decoder, mut events) = (client.decoder(&spec, &context), Vec::new());
        let mut framer = openai_shim_core::framing::Framer::new(1 << 20);
        framer.push(&out, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        fold(&events).unwrap()
    } else {
        client.decode_response(&out, &spec, &mut context, &mut Diagnostics::default()).unwrap()
    };
    let calls = response.choices[0].blocks.iter().find_map(|block| match block {
        Block::ToolCall { arguments, .. } => Some(serde_json::from_str(arguments).unwrap()),
        _ => None,
    });
    calls.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&out)))
}

#[test]
fn refused_names_are_sent_in_another_form_and_come_back() {
    let upstream = dialect("anthropic-messages").unwrap();
    for name in CLIENTS {
        let client = dialect(name).unwrap();
        for stream in [false, true] {
            let mut exchange = start(client, stream);
            let Step::Send { request, .. } = exchange.next() else { panic!("nothing to send") };
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let schema = &body["tools"][0]["input_schema"];
            let sent: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
            let is_accepted = |name: &&String| {
                name.len() <= 64
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
            };
            assert_eq!(sent.len(), names().len(), "{name}: {schema}");
            assert!(sent.iter().all(is_accepted) && sent.iter().any(|name| *name == "city"), "{schema}");
            let mut required: Vec<&str> =
                schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            required.sort_unstable();
            assert_eq!(required, sent, "{name}: {schema}");
            let input = body["messages"][1]["content"][0]["input"].as_object().unwrap();
            assert_eq!(input.keys().collect::<Vec<_>>(), sent, "{name}: {body}");
            assert!(
                exchange.report().diagnostics.iter().any(|d| d.code.as_str() == "property-name-mapped"),
                "{name}"
            );

            let answer = response_of(vec![call("c2", &json!(input).to_string())], FinishReason::ToolCalls);
            let bytes = written(upstream, &answer, &Request::default(), stream);
            assert_eq!(received(client, &mut exchange, &[&bytes], stream), arguments(), "{name}");
            for at in (0..bytes.len()).filter(|_| stream) {
                let mut exchange = start(client, stream);
                exchange.next();
                let (head, tail) = bytes.split_at(at);
                assert_eq!(
                    received(client, &mut exchange, &[head, tail], stream),
                    arguments(),
                    "{name} at {at}"
                );
            }
        }
    }
}

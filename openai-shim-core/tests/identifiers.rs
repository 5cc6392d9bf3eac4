//! Names of tools and ids of calls that an upstream does not accept, from every client dialect to every upstream dialect: what is
//! sent is accepted and distinct, and answers have the client's names, whole and streamed, wherever the stream is split.

mod common;

use common::answer::{response_of, written};
use openai_shim_core::accepts::AcceptsLayer;
use openai_shim_core::canonical::{
    Block, Diagnostics, ExtraFields, FinishReason, Message, Request, Role, Tool, ToolChoice,
};
use openai_shim_core::exchange::{ClientRequest, Exchange, Retry, Settings, Step};
use openai_shim_core::json::raw;
use openai_shim_core::{Context, Dialect, Profile, dialect, profile};
use serde_json::{Value, json};

/// The dialects with tool calls.
const WITH_CALLS: [&str; 5] =
    ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat"];

/// Names of tools that some upstream does not accept, and names near them.
fn names() -> Vec<String> {
    let long = |end: &str| format!("mcp__{}__{end}", "server".repeat(20));
    let names = [
        "mcp/ctx/query-docs",
        "calendar.respond",
        "calendar_respond",
        "calendar-respond",
        "calendar:respond",
        "calendar respond",
        "wetter_für_münchen",
        "天気",
        "1st",
        "plain",
        "a",
        &"x".repeat(64),
        &"x".repeat(65),
        &"y".repeat(128),
    ];
    let names = names.iter().map(|name| (*name).to_owned());
    names.chain([long("one"), long("two")]).collect()
}

/// Whether an upstream of this dialect accepts a name, by its vendor's documents.
fn accepts(dialect: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match dialect {
        "openai-chat" | "openai-responses" => (1..=64).contains(&name.len()) && name.chars().all(word),
        "anthropic-messages" => (1..=128).contains(&name.len()) && name.chars().all(word),
        "gemini" => {
            (1..=128).contains(&name.len())
                && name.chars().all(|c| word(c) || c == '.' || c == ':')
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        }
        _ => true,
    }
}

fn call(id: &str, name: &str) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: String::from("{}"),
        signature: None,
        extra: ExtraFields::default(),
    }
}

/// A client's request that offers tools, has called the first of them, and demands it again if it `is_chosen`.
fn request(client: Dialect, names: &[String], is_chosen: bool) -> (String, String) {
    let mut request = Request::default();
    request.model = String::from("m");
    let tool = |name: &String| Tool::Function {
        name: name.clone(),
        description: None,
        parameters: Some(raw(r#"{"type":"object","properties":{}}"#)),
        strict: None,
        extra: ExtraFields::default(),
    };
    request.tools = names.iter().map(tool).collect::<Vec<_>>().into();
    if is_chosen {
        request.tool_choice.set(Some(ToolChoice::Function(names[0].clone())));
    }
    let result = Block::ToolResult {
        id: String::from("c1"),
        blocks: vec![Block::text("done")],
        is_error: false,
        extra: ExtraFields::default(),
    };
    request.messages = vec![
        Message::text(Role::User, "go"),
        Message::new(Role::Assistant, vec![call("c1", &names[0])]),
        Message::new(Role::Tool, vec![result]),
    ]
    .into();
    let encoded = client.encode_request(&request, None, &mut Diagnostics::default()).unwrap();
    (encoded.path, encoded.body.to_json())
}

fn profile_in(dialect: &str) -> Profile {
    let mut upstream = profile("compatible").unwrap();
    dialect.clone_into(&mut upstream.dialect);
    upstream
}

fn start(client: Dialect, upstream: Profile, path: &str, body: &str, stream: bool) -> Exchange {
    let mut value: Value = serde_json::from_str(body).unwrap();
    let path = if client.name() == "gemini" {
        String::from(if stream {
            "/v1beta/models/m:streamGenerateContent"
        } else {
            "/v1beta/models/m:generateContent"
        })
    } else {
        value["stream"] = json!(stream);
        path.to_owned()
    };
    let incoming = ClientRequest::read(client, &path, value.to_string().into()).unwrap();
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    Exchange::start(incoming, upstream, settings, Context::fixed()).unwrap()
}

/// The request that goes to the upstream, as its dialect reads it.
fn sent(exchange: &mut Exchange, upstream: Dialect) -> Request {
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing to send") };
    let path = request.uri().path().to_owned();
    upstream.decode_request(&path, request.body(), &mut Diagnostics::default()).unwrap()
}

/// An upstream's answer that calls a tool.
fn answer(upstream: Dialect, name: &str, stream: bool) -> Vec<u8> {
    let response = response_of(vec![Block::text("Let me see."), call("c9", name)], FinishReason::ToolCalls);
    written(upstream, &response, &Request::default(), stream)
}

/// What the client gets for an answer in these chunks.
fn received(exchange: &mut Exchange, chunks: &[&[u8]]) -> String {
    let mut out = Vec::new();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    for chunk in chunks {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn called_names(request: &Request) -> Vec<String> {
    let blocks = request.messages.iter().flat_map(|message| &message.blocks);
    let names = blocks.filter_map(|block| match block {
        Block::ToolCall { name, .. } => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

#[test]
fn names_of_tools_fit_the_upstream_and_stay_distinct() {
    for from in WITH_CALLS {
        let client = dialect(from).unwrap();
        for to in WITH_CALLS {
            let mut listed = names();
            for _ in 0..listed.len() {
                listed.rotate_left(1);
                // Ollama has no tool choice.
                let is_chosen = ![from, to].contains(&"ollama-chat");
                let (path, body) = request(client, &listed, is_chosen);
                let mut exchange = start(client, profile_in(to), &path, &body, false);
                let request = sent(&mut exchange, dialect(to).unwrap());
                let mut sent: Vec<_> =
                    request.tools.iter().map(|tool| tool.name().unwrap().to_owned()).collect();
                match &*request.tool_choice {
                    Some(ToolChoice::Function(chosen)) => assert_eq!(chosen, &sent[0], "{from} to {to}"),
                    _ => assert!(!is_chosen, "{from} to {to}"),
                }
                assert_eq!(called_names(&request), sent[..1], "{from} to {to}");
                for (name, original) in sent.iter().zip(&listed) {
                    assert!(accepts(to, name), "{from} to {to}: {name}");
                    assert!(
                        name == original || !accepts(to, original),
                        "{from} to {to}: {original} was renamed"
                    );
                }
                sent.sort();
                sent.dedup();
                assert_eq!(sent.len(), listed.len(), "{from} to {to}");
            }
        }
    }
}

#[test]
fn answers_have_the_clients_names_whole_and_streamed() {
    for from in WITH_CALLS {
        let client = dialect(from).unwrap();
        for to in WITH_CALLS {
            let upstream = dialect(to).unwrap();
            for original in ["mcp/ctx/query-docs", "天気", "plain", &names().pop().unwrap()] {
                let (path, body) = request(client, &[original.to_owned(), String::from("other")], false);
                for stream in [false, true] {
                    let begin = || start(client, profile_in(to), &path, &body, stream);
                    let mut exchange = begin();
                    let name = sent(&mut exchange, upstream).tools[0].name().unwrap().to_owned();
                    let whole = answer(upstream, &name, stream);
                    let received_whole = received(&mut exchange, &[&whole]);
                    let json_name = json!(original).to_string();
                    let what = format!("{from} to {to}, {original}: {received_whole}");
                    assert!(received_whole.contains(&json_name), "{what}");
                    assert!(name == original || !received_whole.contains(&name), "{what}");
                    if !stream {
                        continue;
                    }
                    let step = match (from == to, original) {
                        (true, "mcp/ctx/query-docs") => 1,
                        _ => 41,
                    };
                    for at in (0..whole.len()).step_by(step) {
                        let mut exchange = begin();
                        exchange.next();
                        let (head, tail) = whole.split_at(at);
                        assert_eq!(
                            received(&mut exchange, &[head, tail]),
                            received_whole,
                            "{from} to {to} at {at}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn answer_in_text_and_an_echo_have_the_clients_names() {
    // A call in the text of an answer.
    let tools = json!([{"type": "function", "function": {"name": "a.b", "parameters": {"type": "object", "properties": {}}}}]);
    let body =
        json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools}).to_string();
    let chat = dialect("openai-chat").unwrap();
    for stream in [false, true] {
        let mut exchange = start(chat, profile_in("openai-chat"), "", &body, stream);
        let name = sent(&mut exchange, chat).tools[0].name().unwrap().to_owned();
        let markup = format!("<tool_call>{{\"name\": \"{name}\", \"arguments\": {{}}}}</tool_call>");
        let answer = if stream {
            let chunk = json!({"choices": [{"index": 0, "delta": {"content": markup}}]});
            let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
            format!("data: {chunk}\n\ndata: {end}\n\ndata: [DONE]\n\n")
        } else {
            json!({"choices": [{"index": 0, "message": {"content": markup}, "finish_reason": "stop"}]})
                .to_string()
        };
        let received = received(&mut exchange, &[answer.as_bytes()]);
        assert!(received.contains(r#""name":"a.b""#), "{received}");
    }
    // Responses repeat the tools of their request.
    let responses = dialect("openai-responses").unwrap();
    let body = json!({"model": "m", "input": "x", "tools": [{"type": "function", "name": "a.b", "parameters": {"type": "object", "properties": {}}, "strict": false}],
        "tool_choice": {"type": "function", "name": "a.b"}}).to_string();
    let mut exchange = start(responses, profile_in("openai-responses"), "", &body, false);
    let Step::Send { request, .. } = exchange.next() else { panic!() };
    let request_body: Value = serde_json::from_slice(request.body()).unwrap();
    let answer = json!({"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [
        {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}],
        "tools": request_body["tools"], "tool_choice": request_body["tool_choice"]});
    assert_ne!(request_body["tools"][0]["name"], "a.b");
    let received: Value =
        serde_json::from_str(&received(&mut exchange, &[answer.to_string().as_bytes()])).unwrap();
    assert_eq!(
        (&received["tools"][0]["name"], &received["tool_choice"]["name"]),
        (&json!("a.b"), &json!("a.b"))
    );
}

#[test]
fn tools_in_long_namespaces_stay_apart_and_come_back() {
    let namespace = |name: &str| {
        let name = format!("{}{name}", "n".repeat(60));
        json!({"type": "namespace", "name": name, "description": "d", "tools": [{"type": "function", "name": "search", "parameters": {"type": "object", "properties": {}}}]})
    };
    let body = json!({"model": "m", "input": "x", "tools": [namespace("a"), namespace("b")]}).to_string();
    let (client, upstream) = (dialect("openai-responses").unwrap(), dialect("openai-chat").unwrap());
    for number in 0..2 {
        let mut exchange = start(client, profile_in("openai-chat"), "", &body, false);
        let tools = sent(&mut exchange, upstream).tools;
        let name = tools[number].name().unwrap();
        assert!(accepts("openai-chat", name) && tools[0].name() != tools[1].name());
        let received: Value =
            serde_json::from_str(&received(&mut exchange, &[&answer(upstream, name, false)])).unwrap();
        let call = received["output"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["type"] == "function_call")
            .unwrap();
        assert_eq!(call["name"], "search");
        assert_eq!(call["namespace"], format!("{}{}", "n".repeat(60), ["a", "b"][number]));
    }
}

/// The upstream request of a chat history with these calls and results, under rules.
fn sent_ids(rules: Value, to: &str, ids: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let calls: Vec<_> = ids
        .iter()
        .map(|(id, _)| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}))
        .collect();
    let mut messages = vec![
        json!({"role": "user", "content": "x"}),
        json!({"role": "assistant", "content": null, "tool_calls": calls}),
    ];
    messages.extend(ids.iter().map(|(_, id)| json!({"role": "tool", "tool_call_id": id, "content": "r"})));
    let body = json!({"model": "m", "messages": messages}).to_string();
    let mut upstream = profile_in(to);
    let layer: AcceptsLayer = serde_json::from_value(rules).unwrap();
    upstream.messages = layer.messages;
    let mut exchange = start(dialect("openai-chat").unwrap(), upstream, "", &body, false);
    let request = sent(&mut exchange, dialect(to).unwrap());
    let (mut calls, mut results) = (Vec::new(), Vec::new());
    for block in request.messages.iter().flat_map(|message| &message.blocks) {
        match block {
            Block::ToolCall { id, .. } => calls.push(id.clone()),
            Block::ToolResult { id, .. } => results.push(id.clone()),
            _ => {}
        }
    }
    (calls, results)
}

/// Whether an id has a format.
type Fits = fn(&str) -> bool;

#[test]
fn ids_of_calls_fit_every_format_and_stay_distinct() {
    let long = "z".repeat(80);
    let ids = ["a:b", "a_b", "a.b", &long, &format!("{long}y"), "", "functions.weather:0", "x", "x", "天"];
    let ids: Vec<_> = ids.iter().map(|id| (*id, *id)).collect();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let formats: [(&str, Fits); 6] = [
        ("any", |_| true),
        ("alnum_9", |id| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric())),
        ("max_40", |id| id.len() <= 40),
        ("max_64", |id| id.len() <= 64),
        ("word", |_| true),
        ("word_64", |id| id.len() <= 64),
    ];
    for to in WITH_CALLS {
        for (format, fits) in formats {
            let (calls, results) = sent_ids(json!({"messages": {"tool_call_ids": format}}), to, &ids);
            assert_eq!(calls, results, "{format} to {to}");
            let mut distinct = calls.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), ids.len(), "{format} to {to}: {calls:?}");
            for id in &calls {
                assert!(!id.is_empty() && fits(id), "{format} to {to}: {id}");
                assert!(!format.starts_with("word") || id.chars().all(word), "{format} to {to}: {id}");
            }
        }
    }
}

#[test]
fn each_dialect_gets_ids_that_its_vendor_accepts() {
    let long = format!("a:b/{}", "z".repeat(80));
    for (to, fits) in [
        ("openai-responses", (|id| id.len() <= 64) as fn(&str) -> bool),
        ("anthropic-messages", |id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')),
    ] {
        let (calls, results) = sent_ids(json!({}), to, &[(&long, &long), ("ok", "ok")]);
        assert!(calls == results && calls[1] == "ok" && fits(&calls[0]), "{to}: {calls:?} {results:?}");
    }
}

#[test]
fn choice_among_some_tools_has_their_new_names() {
    let tools: Vec<_> = ["a.b", "c/d", "e"].iter().map(|name| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}})).collect();
    let allowed: Vec<_> =
        ["a.b", "e"].iter().map(|name| json!({"type": "function", "function": {"name": name}})).collect();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools,
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": allowed}}})
    .to_string();
    for to in WITH_CALLS {
        let mut exchange = start(dialect("openai-chat").unwrap(), profile_in(to), "", &body, false);
        let request = sent(&mut exchange, dialect(to).unwrap());
        let listed: Vec<_> = request.tools.iter().map(|tool| tool.name().unwrap().to_owned()).collect();
        assert!(listed.iter().all(|name| accepts(to, name)), "{to}: {listed:?}");
        // Where there is no such choice only these tools are offered.
        match &*request.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) => {
                assert_eq!(names, &[listed[0].clone(), listed[2].clone()], "{to}");
            }
            _ => assert_eq!(listed.len(), 2, "{to}: {listed:?}"),
        }
    }
}

#[test]
fn tool_that_is_offered_twice_is_offered_once() {
    let tool = |description: &str| json!({"type": "function", "function": {"name": "f", "description": description, "parameters": {"type": "object", "properties": {}}}});
    for (second, severity) in [("d", "info"), ("other", "warning")] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [tool("d"), tool(second)]});
        for to in ["openai-chat", "anthropic-messages", "gemini"] {
            let mut exchange =
                start(dialect("openai-chat").unwrap(), profile_in(to), "", &body.to_string(), false);
            let diagnostics = exchange.diagnostics();
            let found = diagnostics.iter().find(|d| d.path == "tools[0]").unwrap();
            assert_eq!(found.severity().as_str(), severity, "{to}: {found}");
            let request = sent(&mut exchange, dialect(to).unwrap());
            assert!(
                matches!(request.tools.as_slice(), [Tool::Function { description: Some(text), .. }] if text == second),
                "{to}"
            );
        }
    }
}

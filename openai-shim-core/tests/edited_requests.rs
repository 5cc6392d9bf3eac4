//! Requests that a program changes before they are sent: what was changed is what the upstream gets, in every dialect.

mod common;

use bytes::Bytes;
use common::{Fixture, fixtures};
use http::{HeaderMap, StatusCode};
use openai_shim_core::canonical::{Diagnostics, Message, Role};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::profile::{Profile, profile};
use openai_shim_core::{Context, Exchange, PayloadKind, Settings, Step, dialect};
use serde_json::{Value, json};

const SECRET: &str = "555-1234";

fn read(client: Dialect, body: &[u8]) -> Option<ClientRequest> {
    let path = client.endpoints()[0].path.replace("{model}", "m");
    ClientRequest::read(client, &path, Bytes::copy_from_slice(body)).ok()
}

fn requests() -> Vec<Fixture> {
    fixtures(&[PayloadKind::Request])
}

fn native(upstream: Dialect) -> Profile {
    let profile = Profile::native(upstream).unwrap_or_else(|| profile("compatible").unwrap());
    profile.with_only_dialect(upstream.name())
}

/// The request to an upstream.
fn sent(request: &ClientRequest, upstream: Dialect) -> Option<(String, Vec<u8>)> {
    let mut exchange =
        Exchange::start(request.clone(), native(upstream), Settings::default(), Context::fixed()).ok()?;
    let Step::Send { request, .. } = exchange.next() else { return None };
    Some((request.uri().to_string(), request.into_body().to_vec()))
}

/// Whether a text has the secret, in JSON inside of strings too.
fn leaks(text: &str) -> bool {
    fn in_value(value: &Value) -> bool {
        match value {
            Value::String(text) => leaks(text),
            Value::Array(items) => items.iter().any(in_value),
            Value::Object(members) => members.iter().any(|(key, value)| leaks(key) || in_value(value)),
            _ => false,
        }
    }
    text.contains("555")
        || serde_json::from_str(text)
            .is_ok_and(|value: Value| (value.is_object() || value.is_array()) && in_value(&value))
}

fn redact(text: &str) -> Option<String> {
    text.contains(SECRET).then(|| text.replace(SECRET, "[phone]"))
}

#[test]
fn a_request_that_is_not_changed_keeps_its_bytes() {
    for fixture in requests() {
        let Some(mut request) = read(fixture.dialect, &fixture.body) else { continue };
        // Decoding repairs some requests; those are sent in the repaired form anyway.
        if request.request().messages.is_changed() || request.request().tools.is_changed() {
            continue;
        }
        let before = request.body().to_vec();
        request.edit(|_| {}).unwrap();
        request.rewrite_text(|_| None).unwrap();
        assert!(request.body() == before, "{fixture:?}");
    }
}

#[test]
fn changed_parameters_reach_every_upstream() {
    for client in DIALECTS {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "prompt": "hi", "input": "hi",
            "max_tokens": 50, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
        let Some(mut request) = read(*client, body.to_string().as_bytes()) else { continue };
        request
            .edit(|request| {
                request.temperature = Some(0.5);
                request.stop.set(vec![String::from("END")]);
                request.model = String::from("other");
            })
            .unwrap();
        assert_eq!(request.model(), "other");
        for upstream in DIALECTS {
            let Some((path, body)) = sent(&request, *upstream) else { continue };
            let received = upstream
                .decode_request(&path, &Bytes::from(body.clone()), &mut Diagnostics::default())
                .unwrap();
            let text = String::from_utf8_lossy(&body);
            assert_eq!(received.model, "other", "{} to {}: {text}", client.name(), upstream.name());
            if client.params().path("temperature").is_some()
                && upstream.params().path("temperature").is_some()
            {
                assert_eq!(
                    received.temperature,
                    Some(0.5),
                    "{} to {}: {text}",
                    client.name(),
                    upstream.name()
                );
            }
            if client.params().path("stop").is_some() && upstream.params().path("stop").is_some() {
                assert_eq!(*received.stop, ["END"], "{} to {}: {text}", client.name(), upstream.name());
            }
        }
    }
}

#[test]
fn a_limit_keeps_the_name_that_the_client_uses() {
    for (body, expected) in [
        (
            r#"{"model":"m","max_completion_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
            r#"{"model":"m","max_completion_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
        (
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
            r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
    ] {
        let mut request = read(dialect("openai-chat").unwrap(), body.as_bytes()).unwrap();
        request.edit(|request| request.max_tokens.as_mut().unwrap().tokens = 5).unwrap();
        assert_eq!(String::from_utf8_lossy(request.body()), expected);
        request.edit(|request| request.max_tokens = None).unwrap();
        assert!(!String::from_utf8_lossy(request.body()).contains("max_"));
    }
}

#[test]
fn instructions_that_are_put_first_reach_every_upstream_and_the_rest_stays() {
    for fixture in requests() {
        let Some(mut request) = read(fixture.dialect, &fixture.body) else { continue };
        let messages = request.request().messages.len();
        if messages == 0 || request.prepend_system("Say nothing of unicorns.").is_err() {
            continue;
        }
        if request.request().is_prompt {
            continue;
        }
        let now = &request.request().messages;
        let texts: Vec<_> =
            now.iter().filter(|message| message.role != Role::User).map(Message::joined_text).collect();
        assert!(texts.iter().any(|text| text.contains("Say nothing of unicorns.")), "{fixture:?}\n{now:?}");
        for upstream in DIALECTS {
            if let Some((_, body)) = sent(&request, *upstream) {
                let body = String::from_utf8_lossy(&body).into_owned();
                assert!(
                    body.contains("Say nothing of unicorns."),
                    "to {}: {fixture:?}\n{body}",
                    upstream.name()
                );
            }
        }
    }
}

#[test]
fn the_client_keeps_the_choice_of_a_stream() {
    let mut request = read(
        dialect("openai-chat").unwrap(),
        br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#,
    )
    .unwrap();
    request.edit(|request| request.stream = false).unwrap();
    assert!(request.wants_stream());
}

/// A body with the secret in every place that the dialect has, and in places that it has not.
fn body_with_secrets(client: Dialect) -> Value {
    let s = |text: &str| format!("{text} {SECRET}");
    let schema = json!({"type": "object", "description": s("schema"), "properties": {s("p"): {"type": "string", "enum": [s("e")], "default": s("d")}}});
    let arguments = format!(r#"{{"number":"555\u002d1234","of":{{"{SECRET}":["{SECRET}"]}}}}"#);
    let unknown = json!({"a": [s("unknown"), {s("k"): s("v")}]});
    match client.name() {
        "anthropic-messages" => {
            json!({"model": "m", "max_tokens": 50, "system": [{"type": "text", "text": s("system"), "x": s("x")}], "metadata": {"user_id": s("user")},
            "stop_sequences": [s("stop")], "unknown": unknown, "tools": [{"name": "t", "description": s("tool"), "input_schema": schema}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": s("hi")}, {"type": "image", "source": {"type": "url", "url": format!("https://e.com/{SECRET}.png")}}, {"type": "document", "title": s("title"), "source": {"type": "text", "media_type": "text/plain", "data": s("document")}}]},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": s("thought"), "signature": "c2ln"}, {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {"a": s("input"), "b": [s("b")]}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": s("result")}]}]}]})
        }
        "openai-responses" => {
            json!({"model": "m", "instructions": s("system"), "user": s("user"), "metadata": {s("k"): s("v")}, "unknown": unknown,
            "tools": [{"type": "function", "name": "t", "description": s("tool"), "parameters": schema}],
            "text": {"format": {"type": "json_schema", "name": "f", "schema": schema}},
            "input": [{"role": "user", "content": [{"type": "input_text", "text": s("hi")}, {"type": "input_file", "filename": s("file"), "file_data": "data:text/plain;base64,aGk="}]},
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": s("thought")}], "encrypted_content": "c2ln"},
                {"type": "function_call", "call_id": "c1", "name": "t", "arguments": arguments},
                {"type": "function_call_output", "call_id": "c1", "output": s("result")}]})
        }
        "gemini" => {
            json!({"systemInstruction": {"parts": [{"text": s("system")}]}, "unknown": unknown, "labels": {s("k"): s("v")},
            "generationConfig": {"stopSequences": [s("stop")], "responseMimeType": "application/json", "responseJsonSchema": schema},
            "tools": [{"functionDeclarations": [{"name": "t", "description": s("tool"), "parametersJsonSchema": schema}]}],
            "contents": [{"role": "user", "parts": [{"text": s("hi")}, {"fileData": {"mimeType": "image/png", "fileUri": format!("https://e.com/{SECRET}.png")}}]},
                {"role": "model", "parts": [{"text": s("thought"), "thought": true}, {"functionCall": {"name": "t", "args": {"a": s("input")}}, "thoughtSignature": "c2ln"}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "t", "response": {"r": s("result")}}}]}]})
        }
        "ollama-generate" => {
            json!({"model": "m", "prompt": s("hi"), "system": s("system"), "suffix": s("suffix"), "format": schema, "options": {"stop": [s("stop")]}, "unknown": unknown})
        }
        "openai-completions" => {
            json!({"model": "m", "prompt": [s("hi")], "suffix": s("suffix"), "user": s("user"), "stop": [s("stop")], "unknown": unknown})
        }
        _ => {
            json!({"model": "m", "user": s("user"), "stop": [s("stop")], "metadata": {s("k"): s("v")}, "unknown": unknown,
            "options": {"stop": [s("stop")]}, "format": schema, "response_format": {"type": "json_schema", "json_schema": {"name": "f", "description": s("d"), "schema": schema}},
            "tools": [{"type": "function", "function": {"name": "t", "description": s("tool"), "parameters": schema}}],
            "messages": [{"role": "system", "content": s("system")}, {"role": "user", "name": s("ann"), "content": s("hi")},
                {"role": "assistant", "content": s("yes"), "reasoning_content": s("thought"), "x": s("x"),
                    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "t", "arguments": if client.name() == "ollama-chat" { json!({"a": s("input")}) } else { json!(arguments) }}}]},
                {"role": "tool", "tool_call_id": "call_1", "content": s("result")}]})
        }
    }
}

#[test]
fn text_that_is_redacted_reaches_no_upstream_from_any_place() {
    for client in DIALECTS {
        let body = body_with_secrets(*client).to_string();
        let Some(mut request) = read(*client, body.as_bytes()) else {
            // A dialect that this suite does not know.
            continue;
        };
        request.rewrite_text(redact).unwrap();
        assert!(!leaks(&String::from_utf8_lossy(request.body())), "{}: {:?}", client.name(), request.body());
        let mut reached = 0;
        for upstream in DIALECTS {
            let Some((path, body)) = sent(&request, *upstream) else { continue };
            let body = String::from_utf8_lossy(&body).into_owned();
            assert!(!leaks(&body) && !leaks(&path), "{} to {}: {body}", client.name(), upstream.name());
            reached += usize::from(body.contains("hi [phone]"));
        }
        assert!(reached >= 2, "{}: the rest of the text arrives", client.name());
    }
}

#[test]
fn a_change_that_makes_no_request_leaves_everything_as_it_was() {
    for client in DIALECTS {
        let body = body_with_secrets(*client).to_string();
        let Some(mut request) = read(*client, body.as_bytes()) else { continue };
        let before = (request.body().to_vec(), request.request().messages.len(), request.model().to_owned());
        let texts = ["messages", "prompt", "input", "contents"];
        let rewritten = request.rewrite_text(|text| texts.contains(&text).then(|| format!("no {text}")));
        if rewritten.is_err() {
            let after =
                (request.body().to_vec(), request.request().messages.len(), request.model().to_owned());
            assert_eq!(before, after, "{}", client.name());
            assert!(sent(&request, *client).is_some(), "{}", client.name());
        }
    }
}

#[test]
fn a_request_that_is_sent_again_in_another_form_is_redacted_too() {
    let body = body_with_secrets(dialect("openai-chat").unwrap()).to_string();
    let mut request = read(dialect("openai-chat").unwrap(), body.as_bytes()).unwrap();
    request.rewrite_text(redact).unwrap();
    let profile = profile("compatible").unwrap();
    let mut exchange = Exchange::start(request, profile, Settings::default(), Context::fixed()).unwrap();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(StatusCode::BAD_REQUEST, &HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    let refusal =
        br#"{"error":{"message":"Unrecognized request argument supplied: metadata","param":"metadata"}}"#;
    exchange.push(refusal, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!("{}", String::from_utf8_lossy(&out)) };
    let body = String::from_utf8_lossy(request.body()).into_owned();
    assert!(!body.contains("metadata") && body.contains("[phone]") && !leaks(&body), "{body}");
}

#[test]
fn every_string_of_every_request_can_be_rewritten() {
    fn mark(value: &mut Value, count: &mut usize) {
        match value {
            Value::String(text) => {
                text.push_str(SECRET);
                *count += 1;
            }
            Value::Array(items) => items.iter_mut().for_each(|item| mark(item, count)),
            Value::Object(members) => members.values_mut().for_each(|value| mark(value, count)),
            _ => {}
        }
    }
    for fixture in requests() {
        let Ok(mut value) = serde_json::from_slice::<Value>(&fixture.body) else { continue };
        let original = value.clone();
        let mut count = 0;
        mark(&mut value, &mut count);
        // Words of the API are marked too, so that the request may not be one until the mark is removed.
        let Some(mut request) = read(fixture.dialect, value.to_string().as_bytes()) else { continue };
        let mut visited = 0;
        let removed = request.rewrite_text(|text| {
            visited += usize::from(text.contains(SECRET));
            text.contains(SECRET).then(|| text.replace(SECRET, ""))
        });
        if removed.is_ok() {
            let now: Value = serde_json::from_slice(request.body()).unwrap();
            assert_eq!(now, original, "{fixture:?}");
            assert!(visited >= count, "{fixture:?}");
        }
    }
}

#[test]
fn signed_reasoning_that_is_changed_loses_its_signature_and_nothing_else_does() {
    let body = |thought: &str| {
        json!({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": SECRET}, {"role": "assistant", "content": [
            {"type": "thinking", "thinking": thought, "signature": "c2ln"}, {"type": "text", "text": "x"}]}, {"role": "user", "content": "go on"}]})
    };
    let anthropic = dialect("anthropic-messages").unwrap();
    for (thought, signed) in [("they said 555-1234", false), ("nothing of it", true)] {
        let mut request = read(anthropic, body(thought).to_string().as_bytes()).unwrap();
        request.rewrite_text(redact).unwrap();
        assert_eq!(String::from_utf8_lossy(request.body()).contains("c2ln"), signed, "{thought}");
        let exchange =
            Exchange::start(request, native(anthropic), Settings::default(), Context::fixed()).unwrap();
        let codes: Vec<_> =
            exchange.diagnostics().iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        assert_eq!(codes.contains(&"signature-removed"), !signed, "{codes:?}");
    }
}

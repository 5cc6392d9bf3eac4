//! Gemini as the client's and as the upstream's dialect: paths, stream framings, signatures, ids, schemas, losses.

mod common;

use common::state::Setup;
use common::{chat, fixtures};
use openai_shim_core::canonical::{DiagnosticCode, Severity};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::gemini::wire::{
    ErrorResponse, GenerateContentRequest, GenerateContentResponse,
};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings, Target};
use openai_shim_core::{
    Diagnostics, Dialect, Exchange, Outcome, PayloadKind, Profile, Step, dialect, profile,
};
use serde_json::{Value, json};

fn gemini() -> Dialect {
    dialect("gemini").unwrap()
}

fn settings() -> Setup {
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.adapt = false;
    settings.fallback.when = FallbackPolicy::Never;
    Setup::new(settings, None)
}

/// Runs one exchange; returns the path and body of the upstream request, the client's body, and the exchange.
fn exchange(
    request: (Dialect, &str, &Value),
    upstream: Dialect,
    setup: Setup,
    answer: (u16, &str),
) -> (String, Value, String, Exchange) {
    exchange_with(request, target(upstream), setup, answer)
}

fn target(upstream: Dialect) -> Target {
    Target::new(Profile::native(upstream).unwrap_or_else(|| profile("compatible").unwrap()))
}

fn exchange_with(
    (client, path, body): (Dialect, &str, &Value),
    target: Target,
    setup: Setup,
    (status, answer): (u16, &str),
) -> (String, Value, String, Exchange) {
    let incoming = ClientRequest::read(client, path, body.to_string().into()).unwrap();
    let mut exchange = setup.start(incoming, target).unwrap();
    let Step::Send { request, .. } = setup.next(&mut exchange) else { panic!("nothing is sent") };
    let (sent, bytes) = (request.uri().to_string(), request.into_body());
    exchange.head(http::StatusCode::from_u16(status).unwrap(), &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    for chunk in answer.as_bytes().chunks(11) {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    assert!(matches!(setup.next(&mut exchange), Step::Done));
    (sent, serde_json::from_slice(&bytes).unwrap(), String::from_utf8(out).unwrap(), exchange)
}

const HELLO: &str = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
const CHAT_STREAM: &str = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"finish_reason\":null}]}\n\ndata: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn hello() -> Value {
    serde_json::from_str(HELLO).unwrap()
}

#[test]
fn gemini_path_sets_model_and_stream_for_a_chat_upstream() {
    let path = "/v1beta/models/gpt-x:streamGenerateContent?alt=sse";
    let (sent, body, out, exchange) =
        exchange((gemini(), path, &hello()), chat(), settings(), (200, CHAT_STREAM));
    assert_eq!(
        (sent.as_str(), &body["model"], &body["stream"]),
        ("/chat/completions", &json!("gpt-x"), &json!(true))
    );
    assert_eq!(body["messages"], json!([{"role":"user","content":"hi"}]));
    let chunks: Vec<Value> = out
        .split("\n\n")
        .filter(|e| !e.is_empty())
        .map(|e| serde_json::from_str(e.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let texts: Vec<_> =
        chunks.iter().map(|c| c["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Hel", "lo", ""]);
    assert_eq!(chunks.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    let reply = exchange.response_head().unwrap();
    assert_eq!(reply.headers[http::header::CONTENT_TYPE], "text/event-stream");
}

#[test]
fn stream_without_alt_sse_is_a_json_array() {
    let path = "/v1beta/models/m:streamGenerateContent?key=x";
    let gemini_stream = common::fixture(PayloadKind::Stream, "parallel_calls_each_in_a_chunk").body;
    let gemini_stream = String::from_utf8(gemini_stream).unwrap();
    for (upstream, answer, items) in [(chat(), CHAT_STREAM, 3), (gemini(), gemini_stream.as_str(), 4)] {
        let (_, _, out, exchange) = exchange((gemini(), path, &hello()), upstream, settings(), (200, answer));
        let chunks: Vec<Value> = serde_json::from_str(&out).unwrap();
        assert_eq!(chunks.len(), items, "{out}");
        assert!(out.starts_with("[{") && out.ends_with("}\n]\n"), "{out}");
        assert_eq!(exchange.response_head().unwrap().headers[http::header::CONTENT_TYPE], "application/json");
        assert_eq!(exchange.stream_content_type(), "application/json");
        // White space between items is ignored.
        let spaced = out.replace(",\r\n", "\n,\r\n\n");
        assert_eq!(serde_json::from_str::<Vec<Value>>(&spaced).unwrap(), chunks);
    }
}

#[test]
fn failed_json_array_stream_ends_with_the_error() {
    let path = "/v1beta/models/m:streamGenerateContent";
    let cut =
        CHAT_STREAM.split("data: {\"id\":\"a\"").take(2).collect::<Vec<_>>().join("data: {\"id\":\"a\"");
    let own = |f: &common::Fixture| f.name == "cut" && f.dialect.name() == gemini().name();
    let gemini_cut = fixtures(&[PayloadKind::Stream]).into_iter().find(own).unwrap();
    let gemini_cut = String::from_utf8(gemini_cut.body).unwrap();
    for (upstream, answer) in [(chat(), cut.as_str()), (gemini(), gemini_cut.as_str())] {
        let (_, _, out, exchange) = exchange((gemini(), path, &hello()), upstream, settings(), (200, answer));
        let chunks: Vec<Value> = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
        assert_eq!(chunks.last().unwrap()["error"]["status"], "INTERNAL", "{out}");
        assert!(chunks.iter().all(|c| c["candidates"][0].get("finishReason").is_none()));
        assert_eq!(exchange.report().outcome, Outcome::Truncated);
    }
}

#[test]
fn chat_request_for_gemini_has_the_model_in_the_path() {
    let answer =
        r#"{"candidates":[{"content":{"parts":[{"text":"hello"}],"role":"model"},"finishReason":"STOP"}]}"#;
    for (model, path) in [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash:generateContent"),
        ("a:b?c", "/models/a%3Ab%3Fc:generateContent"),
    ] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let (sent, body, out, _) = exchange((chat(), "", &body), gemini(), settings(), (200, answer));
        assert_eq!(sent, path);
        assert!(body.get("model").is_none());
        assert!(out.contains("\"content\":\"hello\""), "{out}");
    }
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let (sent, ..) = exchange((chat(), "", &body), gemini(), settings(), (200, "data: {}\n\n"));
    assert_eq!(sent, "/models/m:streamGenerateContent?alt=sse");
}

#[test]
fn model_name_cannot_leave_its_path_segment() {
    for model in ["..", "a/../b", ""] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let incoming = ClientRequest::read(chat(), "", body.to_string().into()).unwrap();
        let mut upstream_profile = profile("compatible").unwrap();
        upstream_profile.dialect = "gemini".to_owned();
        let error = settings().start(incoming, upstream_profile).unwrap_err();
        assert_eq!(error.param(), Some("model"), "{model:?}: {error}");
    }
    for path in
        ["/v1beta/models/..:generateContent", "/v1beta/models/%2e%2e/x:generateContent", "/v1beta/models/a"]
    {
        let error = ClientRequest::read(gemini(), path, HELLO.into()).unwrap_err();
        assert_eq!(error.param(), Some("model"), "{path}: {error}");
    }
}

/// Converts a Gemini response to the next request of a chat client, as its SDK would, and back.
fn next_turn(calls: &Value) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "weather?"})];
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
    for call in calls.as_array().unwrap() {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"}));
    }
    let body = json!({"model": "m", "messages": messages});
    exchange((chat(), "", &body), gemini(), settings(), (200, "{}")).1
}

#[test]
fn gemini_signature_survives_a_round_trip_through_a_chat_client() {
    let plain = json!({"model": "m", "messages": [{"role": "user", "content": "weather?"}]});
    let answer = common::fixture(PayloadKind::Response, "parallel_calls_signed").body;
    let answer = String::from_utf8(answer).unwrap();
    let (_, _, out, _) = exchange((chat(), "", &plain), gemini(), settings(), (200, &answer));
    let out: Value = serde_json::from_str(&out).unwrap();
    let sent = next_turn(&out["choices"][0]["message"]["tool_calls"]);
    let parts = &sent["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "c2lnLTE=");
    assert!(parts[1].get("thoughtSignature").is_none());
    assert_eq!(parts[0]["functionCall"]["args"], json!({"city": "Oslo", "when": {"day": 1.0}}));
    // Both results are in one turn, with the names of their calls.
    let results = sent["contents"][2]["parts"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (call, result) in parts.as_array().unwrap().iter().zip(results) {
        let (call, result) = (&call["functionCall"], &result["functionResponse"]);
        assert_eq!((&call["name"], &call["id"]), (&result["name"], &result["id"]));
        assert_eq!(result["response"], json!({"output": "sunny"}));
    }
}

#[test]
fn dropped_signature_is_restored_from_the_store() {
    let mut settings = settings();
    settings.store = Some(std::sync::Arc::default());
    for (stream, kind, name) in [
        (false, PayloadKind::Response, "parallel_calls_signed"),
        (true, PayloadKind::Stream, "parallel_calls_each_in_a_chunk"),
    ] {
        let plain =
            json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "weather?"}]});
        let answer = String::from_utf8(common::fixture(kind, name).body).unwrap();
        let (_, _, out, _) = exchange((chat(), "", &plain), gemini(), settings.clone(), (200, &answer));
        let at = out.find("\"id\":\"call_").unwrap();
        let id = out[at + 6..].split('"').next().unwrap();
        // Such a client keeps nothing else of a call.
        let call = json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": "{}"}});
        let next = json!({"model": "m", "messages": [{"role": "user", "content": "weather?"},
            {"role": "assistant", "content": null, "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": "x"}]});
        let (_, sent, _, exchange_done) =
            exchange((chat(), "", &next), gemini(), settings.clone(), (200, "{}"));
        assert_eq!(sent["contents"][1]["parts"][0]["thoughtSignature"], "c2lnLTE=", "{sent}");
        assert!(exchange_done.report().diagnostics.iter().all(|d| d.severity() != Severity::Error));
    }
}

#[test]
fn streamed_signature_accompanies_the_first_delta_of_its_call() {
    let plain = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "weather?"}]});
    let answer = common::fixture(PayloadKind::Stream, "parallel_calls_each_in_a_chunk").body;
    let answer = String::from_utf8(answer).unwrap();
    let (_, _, out, _) = exchange((chat(), "", &plain), gemini(), settings(), (200, &answer));
    let mut calls: Vec<Value> = Vec::new();
    for data in out.lines().filter_map(|l| l.strip_prefix("data: ")).filter(|d| d.starts_with('{')) {
        let chunk: Value = serde_json::from_str(data).unwrap();
        for call in chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            if call["function"].get("name").is_some() {
                calls.push(call.clone());
            } else {
                calls.last_mut().unwrap()["function"]["arguments"] = call["function"]["arguments"].clone();
            }
        }
    }
    assert_eq!(calls.iter().map(|c| c["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    let sent = next_turn(&json!(calls));
    let parts = &sent["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "c2lnLTE=");
    assert_eq!(parts[2]["functionCall"]["name"], "time");
}

#[test]
fn gemini_client_receives_the_signature_of_a_chat_upstream() {
    let answer = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln","other":1}}}]},"finish_reason":"tool_calls"}]}"#;
    let (_, _, out, _) =
        exchange((gemini(), "/v1beta/models/m:generateContent", &hello()), chat(), settings(), (200, answer));
    let out: Value = serde_json::from_str(&out).unwrap();
    let content = &out["candidates"][0]["content"];
    assert_eq!(content["parts"][0]["thoughtSignature"], "c2ln");
    let next = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}, content,
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": 1}}}]}]});
    let (_, sent, ..) =
        exchange((gemini(), "/v1beta/models/m:generateContent", &next), chat(), settings(), (200, "{}"));
    let call = &sent["messages"][1]["tool_calls"][0];
    assert_eq!(call["extra_content"], json!({"google": {"thought_signature": "c2ln"}}));
    assert_eq!((&call["id"], &sent["messages"][2]["tool_call_id"]), (&json!("c1"), &json!("c1")));
}

#[test]
fn generated_call_ids_are_stable_and_never_sent_to_google() {
    let turn = |more: &[Value]| {
        let mut contents = vec![
            json!({"role": "user", "parts": [{"text": "go"}]}),
            json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {"n": 2}}}]}),
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}, {"functionResponse": {"name": "f", "response": {"a": 2}}}]}),
        ];
        contents.extend(more.iter().cloned());
        json!({"contents": contents})
    };
    let ids = |body: &Value| -> Vec<String> {
        let request = gemini().decode_request(
            "/v1beta/models/m:generateContent",
            &bytes::Bytes::copy_from_slice(body.to_string().as_bytes()),
            &mut Diagnostics::default(),
        );
        let request = request.unwrap();
        let again =
            gemini().encode_request(&request, None, &mut Diagnostics::default()).unwrap().body.to_json();
        assert!(!again.contains("\"id\""), "{again}");
        let sent = chat().encode_request(&request, None, &mut Diagnostics::default()).unwrap().body.to_json();
        let sent: Value = serde_json::from_str(&sent).unwrap();
        let calls = sent["messages"][1]["tool_calls"].as_array().unwrap().iter().map(|c| &c["id"]);
        let results = [&sent["messages"][2]["tool_call_id"], &sent["messages"][3]["tool_call_id"]];
        calls.chain(results).map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let first = ids(&turn(&[]));
    assert_eq!((&first[0], &first[1]), (&first[2], &first[3]));
    assert_ne!(first[0], first[1]);
    assert_eq!(first, ids(&turn(&[json!({"role": "user", "parts": [{"text": "on"}]})])));
}

/// Converts a chat request; returns the Gemini request and the diagnostics.
fn to_gemini(more: &Value) -> (Value, Vec<String>) {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let sent = convert(
        &ConversionInput::request(chat(), body.to_string().as_bytes())
            .to(gemini())
            .profile(profile("compatible").unwrap()),
    );
    assert!(sent.ok, "{sent}");
    (serde_json::from_slice(&sent.body).unwrap(), sent.diagnostics.iter().map(ToString::to_string).collect())
}

#[test]
fn tool_choice_becomes_a_function_calling_mode() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for (choice, config) in [
        (json!("auto"), json!({"mode": "AUTO"})),
        (json!("none"), json!({"mode": "NONE"})),
        (json!("required"), json!({"mode": "ANY"})),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
    ] {
        let (body, diagnostics) = to_gemini(&json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(body["toolConfig"]["functionCallingConfig"], config);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
    }
    // Google rejects a tool choice without tools; it has no effect, so nothing is reported.
    assert!(to_gemini(&json!({"tool_choice": "auto"})).0.get("toolConfig").is_none());
}

#[test]
fn reasoning_effort_becomes_a_budget_with_visible_thoughts() {
    for (effort, config) in [
        ("none", json!({"thinkingBudget": 0})),
        ("low", json!({"thinkingBudget": 1024, "includeThoughts": true})),
        ("medium", json!({"thinkingBudget": 8192, "includeThoughts": true})),
        ("high", json!({"thinkingBudget": 24576, "includeThoughts": true})),
    ] {
        let (body, _) = to_gemini(&json!({"reasoning_effort": effort}));
        assert_eq!(body["generationConfig"]["thinkingConfig"], config);
    }
    let (body, diagnostics) = to_gemini(&json!({"reasoning_effort": "cosmic"}));
    assert!(body.get("generationConfig").is_none());
    assert_eq!(diagnostics, ["feature-unsupported [warning] reasoning_effort: cosmic"]);
}

#[test]
fn schema_keywords_rejected_by_google_are_removed_and_reported() {
    let parameters = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
        "$defs": {"city": {"type": "string", "minLength": 1, "description": "a city"}},
        "properties": {
            "from": {"$ref": "#/$defs/city"},
            "to": {"$ref": "#/$defs/city", "description": "the other one"},
            "kind": {"const": "fast"},
            "n": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10},
        },
        "required": ["from"],
    });
    let (body, diagnostics) = to_gemini(
        &json!({"tools": [{"type": "function", "function": {"name": "go", "parameters": parameters}}]}),
    );
    let schema = &body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"];
    assert_eq!(
        *schema,
        json!({"type": "object", "additionalProperties": false, "required": ["from"], "properties": {
            "from": {"$ref": "#/$defs/city"},
            "to": {"type": "string", "description": "the other one (minLength: 1)"},
            "kind": {"enum": ["fast"]},
            "n": {"type": "integer", "minimum": 1, "description": "exclusiveMaximum: 10"},
        }, "$defs": {"city": {"type": "string", "description": "a city (minLength: 1)"}}})
    );
    assert_eq!(diagnostics.len(), 2, "{diagnostics:?}");
    assert!(
        diagnostics
            .contains(&"schema-reduced [warning] tools[0].function.parameters: exclusiveMaximum".to_owned())
    );
    // A function without parameters has no schema, because Google rejects an object without properties.
    let none = json!({"type": "object", "properties": {}});
    let (body, _) =
        to_gemini(&json!({"tools": [{"type": "function", "function": {"name": "now", "parameters": none}}]}));
    assert_eq!(body["tools"][0]["functionDeclarations"][0], json!({"name": "now"}));
}

#[test]
fn response_format_becomes_mime_type_and_schema() {
    let (body, _) = to_gemini(&json!({"response_format": {"type": "json_object"}}));
    assert_eq!(body["generationConfig"], json!({"responseMimeType": "application/json"}));
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}});
    let (body, _) = to_gemini(&json!({"response_format": format}));
    assert_eq!(
        body["generationConfig"],
        json!({"responseMimeType": "application/json", "responseJsonSchema": schema})
    );
}

#[test]
fn parameters_unknown_to_google_are_reported() {
    let more = json!({"user": "u", "parallel_tool_calls": false, "logit_bias": {"1": 2}, "store": true});
    let (body, diagnostics) = to_gemini(&more);
    assert_eq!(body, hello());
    assert_eq!(diagnostics.len(), 4, "{diagnostics:?}");
}

#[test]
fn images_in_a_tool_result_become_parts_after_it() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    let messages = json!([
        {"role": "user", "content": "look"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "see", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "{\"ok\":true}"}, image]},
    ]);
    let (body, diagnostics) = to_gemini(&json!({ "messages": messages }));
    let parts = &body["contents"][2]["parts"];
    assert_eq!(parts[0]["functionResponse"]["response"], json!({"ok": true}));
    // Older models take it only from the user.
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}});
    assert!(body["contents"].to_string().contains(&image.to_string()), "{body}");
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
}

#[test]
fn system_message_in_the_middle_moves_first_and_is_reported() {
    let messages = json!([{"role": "user", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user", "content": "c"}]);
    let (body, diagnostics) = to_gemini(&json!({ "messages": messages }));
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "b"}]}));
    assert_eq!(body["contents"].as_array().unwrap().len(), 2);
    assert!(diagnostics[0].starts_with("messages-merged"), "{diagnostics:?}");
}

#[test]
fn retry_delay_of_google_is_kept_in_both_dialects() {
    let body = r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}]"#;
    let plain = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let (_, _, out, exchange_done) = exchange((chat(), "", &plain), gemini(), settings(), (429, body));
    assert_eq!(exchange_done.response_head().unwrap().headers[http::header::RETRY_AFTER], "4");
    assert!(out.contains("rate_limit_exceeded"), "{out}");
    let answer = r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#;
    let (_, _, out, _) =
        exchange((gemini(), "/v1beta/models/m:generateContent", &hello()), chat(), settings(), (429, answer));
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&out["error"]["code"], &out["error"]["status"]), (&json!(429), &json!("RESOURCE_EXHAUSTED")));
}

#[test]
fn alias_is_restored_in_every_chunk() {
    let target = target(gemini()).with_model("gemini-2.5-flash");
    let answer = String::from_utf8(common::fixture(PayloadKind::Stream, "code_ran").body).unwrap();
    let path = "/v1beta/models/my-alias:streamGenerateContent?alt=sse";
    let (sent, _, out, exchange) =
        exchange_with((gemini(), path, &hello()), target, settings(), (200, &answer));
    assert_eq!(sent, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
    assert!(!out.contains("gemini-2.5-flash") && out.contains("my-alias"), "{out}");
    // Fields that only Google has are encoded as they were.
    for field in ["executableCode", "codeExecutionResult", "groundingMetadata"] {
        assert_eq!(out.matches(field).count(), 1, "{field}: {out}");
    }
    assert!(exchange.report().diagnostics.has(DiagnosticCode::ModelAliased));
}

#[test]
fn default_token_limit_is_added_to_the_generation_config() {
    let mut settings = settings();
    settings.default_max_tokens = Some(99);
    let body =
        json!({"contents": hello()["contents"], "generationConfig": {"temperature": 1.0}, "unknown": [1]});
    let incoming =
        ClientRequest::read(gemini(), "/v1beta/models/m:generateContent", body.to_string().into()).unwrap();
    let mut upstream_profile = profile("compatible").unwrap();
    (upstream_profile.dialect, upstream_profile.params.require_max_tokens) =
        ("gemini".to_owned(), Some(true));
    let mut exchange = settings.start(incoming, upstream_profile).unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(sent["generationConfig"], json!({"temperature": 1.0, "maxOutputTokens": 99}));
    assert_eq!(sent["unknown"], json!([1]));
}

#[test]
fn endless_response_ends_with_an_error() {
    let call = |n: usize| format!("{{\"functionCall\":{{\"name\":\"f{n}\",\"args\":{{}}}}}}");
    let text = "x".repeat(60_000);
    let goes_on = format!(
        "{{\"functionCall\":{{\"partialArgs\":[{{\"jsonPath\":\"$.a\",\"stringValue\":\"{text}\"}}],\"willContinue\":true}}}}"
    );
    let chunk = |index: usize, part: &str| {
        format!("data: {{\"candidates\":[{{\"index\":{index},\"content\":{{\"parts\":[{part}]}}}}]}}\n\n")
    };
    let many_calls: String = (0..3000).map(|n| chunk(0, &call(n))).collect();
    let many_candidates: String = (0..300).map(|n| chunk(n, "{\"text\":\"a\"}")).collect();
    let long_call = chunk(0, &call(0)) + &chunk(0, &goes_on).repeat(400);
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    for answer in [many_calls, many_candidates, long_call] {
        let (_, _, out, _) = exchange((chat(), "", &body), gemini(), settings(), (200, &answer));
        let end = &out[out.len().saturating_sub(300)..];
        assert!(end.contains("upstream_too_large"), "{end}");
    }
}

#[test]
fn encoded_payloads_survive_the_typed_model() {
    let without_nulls = |value: &Value| value.to_string().replace(".0", "");
    let survives = |json: &str, again: String| {
        let (before, after): (Value, Value) =
            (serde_json::from_str(json).unwrap(), serde_json::from_str(&again).unwrap());
        assert_eq!(without_nulls(&before), without_nulls(&after), "{json}");
    };
    for fixture in fixtures(&[PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error]) {
        if fixture.name == common::NO_TEXT || fixture.name == "enums_as_numbers" {
            continue;
        }
        let body = String::from_utf8(fixture.convert(gemini()).body).unwrap();
        for json in
            body.split("\n\n").map(|e| e.strip_prefix("data: ").unwrap_or(e)).filter(|e| e.starts_with('{'))
        {
            if json.contains("\"error\":{") {
                let typed: ErrorResponse = serde_json::from_str(json).unwrap();
                survives(json, serde_json::to_string(&typed).unwrap());
            } else {
                let typed: GenerateContentResponse = serde_json::from_str(json).unwrap();
                survives(json, serde_json::to_string(&typed).unwrap());
            }
        }
    }
    for fixture in fixtures(&[PayloadKind::Request]) {
        let conversion = fixture.convert(gemini());
        if conversion.ok && fixture.name != "underscored_keys" {
            let body = String::from_utf8(conversion.body).unwrap();
            let typed: GenerateContentRequest = serde_json::from_str(&body).unwrap();
            survives(&body, serde_json::to_string(&typed).unwrap());
        }
    }
}

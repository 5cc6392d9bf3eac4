//! The Responses dialect as the client's and as the upstream's dialect.

mod common;

use common::chat;
use openai_shim_core::canonical::{DiagnosticCode, Diagnostics};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::exchange::{ClientRequest, Settings, Target};
use openai_shim_core::{Context, Dialect, Exchange, Outcome, PayloadKind, dialect, profile};
use proptest::prelude::*;
use serde_json::{Value, json};

fn own() -> Dialect {
    dialect("openai-responses").unwrap()
}

fn request(from: Dialect, to: Dialect, body: &Value) -> (Conversion, Value) {
    let conversion = convert(
        &ConversionInput::request(from, body.to_string().as_bytes())
            .to(to)
            .profile(profile("compatible").unwrap()),
    );
    let sent = serde_json::from_slice(&conversion.body).unwrap();
    (conversion, sent)
}

/// Converts an upstream's response for the client that sent this request.
fn answer(from: Dialect, to: Dialect, spec: &Value, body: &str, kind: PayloadKind) -> String {
    let conversion = convert(
        &ConversionInput::new(kind, from, body.as_bytes())
            .to(to)
            .profile(profile("compatible").unwrap())
            .for_request(spec.to_string().as_bytes()),
    );
    assert!(conversion.ok, "{conversion}");
    String::from_utf8(conversion.body).unwrap()
}

fn events(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn kinds(body: &str) -> Vec<String> {
    events(body).iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect()
}

const CHAT_CALL: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"NAME","arguments":ARGUMENTS}}]},"finish_reason":"tool_calls"}]}"#;

fn call(name: &str, arguments: &str) -> String {
    CHAT_CALL.replace("NAME", name).replace("ARGUMENTS", &Value::from(arguments).to_string())
}

fn chunks(deltas: &[Value], finish: &str) -> String {
    let chunk = |delta: &Value, finish: &Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        format!(
            "data: {}\n\n",
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices})
        )
    };
    let mut out: String = deltas.iter().map(|delta| chunk(delta, &Value::Null)).collect();
    out += &chunk(&json!({}), &finish.into());
    out + "data: [DONE]\n\n"
}

#[test]
fn custom_tool_becomes_a_function_and_its_call_becomes_custom_again() {
    let spec = json!({"model": "m", "input": "hi", "tools": [{"type": "custom", "name": "patch", "description": "Edits."}]});
    let mut forced = spec.clone();
    forced["tool_choice"] = json!({"type": "custom", "name": "patch"});
    let (_, sent) = request(own(), chat(), &forced);
    assert_eq!(sent["tools"][0]["function"]["parameters"]["required"], json!(["input"]));
    assert_eq!(sent["tool_choice"], json!({"type": "function", "function": {"name": "patch"}}));
    let read = own()
        .decode_request(
            "",
            &bytes::Bytes::copy_from_slice(forced.to_string().as_bytes()),
            &mut Diagnostics::default(),
        )
        .unwrap();
    let again = own().encode_request(&read, None, &mut Diagnostics::default()).unwrap().body.to_json();
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), forced);
    let response =
        answer(chat(), own(), &spec, &call("patch", r#"{"input":"*** \"a\"\n"}"#), PayloadKind::Response);
    let item = &serde_json::from_str::<Value>(&response).unwrap()["output"][0];
    assert_eq!(
        (&item["type"], &item["input"], &item["call_id"]),
        (&json!("custom_tool_call"), &json!("*** \"a\"\n"), &json!("call_1"))
    );
    let deltas = [
        json!({"role": "assistant", "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "patch", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"input\":\"a\\n"}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "b\"}"}}]}),
    ];
    let stream = answer(chat(), own(), &spec, &chunks(&deltas, "tool_calls"), PayloadKind::Stream);
    assert_eq!(
        kinds(&stream),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.custom_tool_call_input.delta",
            "response.custom_tool_call_input.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(events(&stream)[4]["input"], "a\nb");
    assert_eq!(events(&stream)[6]["response"]["output"][0]["input"], "a\nb");
}

#[test]
fn namespaced_tool_gets_one_name_and_its_call_two_again() {
    let inner =
        json!([{"type": "function", "name": "read", "parameters": {}}, {"type": "custom", "name": "write"}]);
    let spec = json!({"model": "m", "input": "hi", "tools": [{"type": "namespace", "name": "files", "description": "", "tools": inner}]});
    let (_, sent) = request(own(), chat(), &spec);
    assert_eq!(sent["tools"][0]["function"]["name"], "files__read");
    // A model may omit the namespace if the name is unambiguous.
    for (name, kind) in
        [("files__read", "function_call"), ("read", "function_call"), ("write", "custom_tool_call")]
    {
        let response = answer(chat(), own(), &spec, &call(name, r#"{"input":"x"}"#), PayloadKind::Response);
        let item = &serde_json::from_str::<Value>(&response).unwrap()["output"][0];
        assert_eq!((&item["type"], &item["namespace"]), (&json!(kind), &json!("files")), "{response}");
        assert!(["read", "write"].contains(&item["name"].as_str().unwrap()));
    }
    let other = answer(chat(), own(), &spec, &call("other", "{}"), PayloadKind::Response);
    assert_eq!(serde_json::from_str::<Value>(&other).unwrap()["output"][0]["name"], "other");
}

#[test]
fn turn_of_several_items_becomes_one_chat_message() {
    let items = json!([
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": "2"},
        {"role": "assistant", "content": "Done."},
    ]);
    let (_, sent) = request(own(), chat(), &json!({"model": "m", "input": items}));
    let roles: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "assistant"]);
    let turn = &sent["messages"][1];
    assert_eq!((&turn["content"], &turn["reasoning_content"]), (&json!("Let me see."), &json!("Hm.")));
    assert_eq!(turn["tool_calls"].as_array().unwrap().len(), 2);
}

#[test]
fn images_of_tool_results_follow_all_results_in_a_chat_request() {
    let items = json!([
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": [
            {"type": "input_text", "text": "a map"}, {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"}]},
    ]);
    let spec = json!({"model": "m", "input": items});
    let (conversion, sent) = request(own(), chat(), &spec);
    let roles: Vec<&str> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"], "{conversion}");
    // There are two results: a text tells which one has the image.
    let content = &sent["messages"][4]["content"];
    assert_eq!(
        (&content[0]["type"], &content[1]["type"]),
        (&json!("text"), &json!("image_url")),
        "{conversion}"
    );
    let read = own()
        .decode_request(
            "",
            &bytes::Bytes::copy_from_slice(spec.to_string().as_bytes()),
            &mut Diagnostics::default(),
        )
        .unwrap();
    let again = own().encode_request(&read, None, &mut Diagnostics::default()).unwrap().body.to_json();
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), spec);
}

#[test]
fn reference_to_upstream_state_passes_only_to_its_own_dialect() {
    let by_reference = [
        (
            json!({"model": "m", "previous_response_id": "resp_1", "input": "go on"}),
            "previous_response_not_found",
            "previous_response_id",
        ),
        (
            json!({"model": "m", "conversation": "conv_1", "input": "go on"}),
            "unsupported_parameter",
            "conversation",
        ),
        (json!({"model": "m", "prompt": {"id": "pmpt_1"}}), "unsupported_parameter", "prompt"),
        (json!({"model": "m", "input": [{"type": "item_reference", "id": "rs_1"}]}), "", "input[0]"),
    ];
    for (body, code, param) in by_reference {
        let (refused, error) = request(own(), chat(), &body);
        assert_eq!(refused.status, Some(400), "{refused}");
        assert_eq!(
            (error["error"]["code"].as_str().unwrap_or_default(), error["error"]["param"].as_str().unwrap()),
            (code, param)
        );
        let (passed, sent) = request(own(), own(), &body);
        assert!(passed.ok && sent == body, "{passed}");
        assert_eq!(passed.body, body.to_string().as_bytes(), "not byte for byte");
    }
}

#[test]
fn encrypted_reasoning_survives_a_chat_client() {
    let sealed = json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "c2VhbGVk"});
    let silent = json!({"id": "rs_2", "type": "reasoning", "summary": [], "encrypted_content": "bW9yZQ=="});
    for item in [sealed, silent] {
        let done = json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"});
        let body = json!({"id": "resp_1", "status": "completed", "output": [item, done]}).to_string();
        let steps = [
            json!({"type": "response.created", "response": {"id": "resp_1"}}),
            json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
            json!({"type": "response.output_item.done", "output_index": 1, "item": done}),
            json!({"type": "response.completed", "response": {"status": "completed"}}),
        ];
        let stream = steps.map(|event| format!("data: {event}\n\n")).concat();
        let spec = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        let response = answer(own(), chat(), &spec, &body, PayloadKind::Response);
        let mut messages =
            vec![serde_json::from_str::<Value>(&response).unwrap()["choices"][0]["message"].clone()];
        // The deltas of a stream, assembled as a client would.
        let deltas = events(
            answer(own(), chat(), &spec, &stream, PayloadKind::Stream).trim_end_matches("data: [DONE]\n\n"),
        );
        let mut streamed = json!({"role": "assistant", "content": null, "tool_calls": messages[0]["tool_calls"], "reasoning_details": []});
        for delta in deltas.iter().map(|chunk| &chunk["choices"][0]["delta"]) {
            for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
                streamed["reasoning_details"].as_array_mut().unwrap().push(detail.clone());
            }
            if let Some(text) = delta["reasoning_content"].as_str() {
                streamed["reasoning_content"] = text.into();
            }
        }
        messages.push(streamed);
        for message in messages {
            let again = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}, message, {"role": "tool", "tool_call_id": "call_1", "content": "ok"}]});
            let (conversion, sent) = request(chat(), own(), &again);
            assert_eq!(sent["input"][1]["encrypted_content"], item["encrypted_content"], "{conversion}");
            assert_eq!(sent["input"][1]["summary"], item["summary"], "{conversion}");
            assert_eq!(sent["input"][2]["type"], "function_call", "{conversion}");
        }
    }
}

#[test]
fn signature_of_another_dialect_survives_a_responses_client() {
    let anthropic = dialect("anthropic-messages").unwrap();
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}, {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="}, {"type": "text", "text": "Hello"}],
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    let spec = json!({"model": "m", "input": "hi"});
    let response = answer(anthropic, own(), &spec, &body.to_string(), PayloadKind::Response);
    let output = serde_json::from_str::<Value>(&response).unwrap()["output"].clone();
    assert!(output[0]["encrypted_content"].as_str().unwrap().ends_with(":c2lnbmVk"), "{output}");
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    input.extend(output.as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "and?"}));
    let again = json!({"model": "m", "max_output_tokens": 9, "input": input});
    let (conversion, sent) = request(own(), anthropic, &again);
    let content = &sent["messages"][1]["content"];
    assert_eq!(
        content[0],
        json!({"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}),
        "{conversion}"
    );
    assert_eq!(content[1], json!({"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="}), "{conversion}");
    // An upstream of this dialect cannot read it and does not receive it.
    let as_chat = answer(anthropic, chat(), &chat_request(), &body.to_string(), PayloadKind::Response);
    let message = serde_json::from_str::<Value>(&as_chat).unwrap()["choices"][0]["message"].clone();
    let (conversion, sent) = request(
        chat(),
        own(),
        &json!({"model": "m", "messages": [{"role": "user", "content": "hi"}, message]}),
    );
    assert!(!sent.to_string().contains("c2lnbmVk"), "{conversion}");
    assert!(conversion.diagnostics.has(DiagnosticCode::FeatureUnsupported));
}

fn chat_request() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn response_echoes_the_request_parameters() {
    let tool = json!({"type": "function", "name": "f", "parameters": {"type": "object"}});
    let spec = json!({"model": "m", "input": "hi", "instructions": "Be brief.", "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 9,
        "parallel_tool_calls": false, "metadata": {"a": "b"}, "reasoning": {"effort": "low"}, "truncation": "auto", "tools": [tool],
        "tool_choice": {"type": "function", "name": "f"}, "text": {"verbosity": "low"}, "store": false, "user": "u"});
    let response = answer(chat(), own(), &spec, &call("f", "{}"), PayloadKind::Response);
    let echoed: Value = serde_json::from_str(&response).unwrap();
    for key in [
        "instructions",
        "temperature",
        "top_p",
        "max_output_tokens",
        "parallel_tool_calls",
        "metadata",
        "truncation",
        "tool_choice",
        "store",
        "user",
    ] {
        assert_eq!(echoed[key], spec[key], "{key}");
    }
    assert_eq!(echoed["reasoning"], json!({"effort": "low", "summary": null}));
    assert_eq!(echoed["text"], json!({"verbosity": "low", "format": {"type": "text"}}));
    assert_eq!(echoed["tools"][0]["strict"], Value::Null);
    // A parameter of a wrong type is not echoed.
    let odd =
        json!({"model": "m", "input": "hi", "temperature": "hot", "tool_choice": "some", "metadata": []});
    let echoed: Value =
        serde_json::from_str(&answer(chat(), own(), &odd, &call("f", "{}"), PayloadKind::Response)).unwrap();
    assert_eq!(
        (&echoed["temperature"], &echoed["tool_choice"], &echoed["metadata"]),
        (&Value::Null, &json!("auto"), &json!({}))
    );
}

#[test]
fn stream_is_numbered_from_zero_and_ends_once() {
    let deltas = [
        json!({"role": "assistant", "reasoning_content": "Hm."}),
        json!({"content": "Hel"}),
        json!({"content": "lo"}),
        json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{\"b\""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}, {"index": 1, "function": {"arguments": ":2}"}}]}),
    ];
    let spec = json!({"model": "m", "input": "hi"});
    let stream = answer(chat(), own(), &spec, &chunks(&deltas, "tool_calls"), PayloadKind::Stream);
    let events = events(&stream);
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], n);
    }
    for block in stream.split_terminator("\n\n") {
        let (name, data) = block.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: ").unwrap(), data["type"]);
    }
    let added: Vec<u64> = events
        .iter()
        .filter(|e| e["type"] == "response.output_item.added")
        .map(|e| e["output_index"].as_u64().unwrap())
        .collect();
    assert_eq!(added, [0, 1, 2, 3]);
    assert!(kinds(&stream).contains(&"response.reasoning_summary_text.delta".to_owned()));
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    let done: Vec<&Value> =
        events.iter().filter(|e| e["type"] == "response.output_item.done").map(|e| &e["item"]).collect();
    assert_eq!(last["response"]["output"].as_array().unwrap().iter().collect::<Vec<_>>(), done);
}

#[test]
fn broken_stream_ends_as_failed_not_completed() {
    let response = chunks(&[json!({"role": "assistant", "content": "Hel"})], "stop");
    let cut = response.split_once("data: ").unwrap().1.split_once("\n\n").unwrap().0;
    let conversion = convert(
        &ConversionInput::stream(chat(), format!("data: {cut}\n\n").as_bytes())
            .to(own())
            .profile(profile("compatible").unwrap()),
    );
    assert_eq!(conversion.outcome, Some(Outcome::Truncated));
    let stream = String::from_utf8(conversion.body).unwrap();
    assert_eq!(kinds(&stream).last().unwrap(), "response.failed");
    assert!(!stream.contains("response.completed"));
    assert_eq!(events(&stream).last().unwrap()["response"]["status"], "failed");
}

#[test]
fn alias_is_restored_in_passthrough_streams() {
    let body = br#"{"model":"alias","stream":true,"input":"hi"}"#.to_vec();
    let mut upstream_profile = profile("compatible").unwrap();
    upstream_profile.dialect = "openai-responses".to_owned();
    let incoming = ClientRequest::read(own(), "", body.into()).unwrap();
    let target = Target::new(upstream_profile).with_model("m-1");
    let mut exchange = Exchange::start(incoming, target, Settings::default(), Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    exchange
        .push(
            &common::fixtures(&[PayloadKind::Stream])
                .iter()
                .find(|f| f.dialect.name() == own().name() && f.name == "well_formed_text")
                .unwrap()
                .body,
            &mut out,
        )
        .unwrap();
    exchange.finish(&mut out).unwrap();
    for event in events(&String::from_utf8(out).unwrap()) {
        assert!(event.get("response").is_none_or(|r| r["model"] == "alias"), "{event}");
    }
}

#[test]
fn chat_client_reaches_a_responses_upstream() {
    let tool = json!({"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}});
    let schema = json!({"type": "json_schema", "json_schema": {"name": "a", "description": "d", "schema": {"type": "object"}, "strict": true}});
    let body = json!({"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [
        {"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}],
        "tools": [tool], "tool_choice": {"type": "function", "function": {"name": "f"}}, "response_format": schema, "max_tokens": 9,
        "reasoning_effort": "low", "verbosity": "low", "metadata": {"a": "b"}, "stop": ["x"], "seed": 1, "n": 2});
    let (conversion, sent) = request(chat(), own(), &body);
    assert_eq!(
        sent["tools"][0],
        json!({"type": "function", "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}, "strict": false})
    );
    assert_eq!(sent["tool_choice"], json!({"type": "function", "name": "f"}));
    assert_eq!(
        sent["text"],
        json!({"format": {"type": "json_schema", "name": "a", "schema": {"type": "object", "properties": {}, "additionalProperties": false, "required": []}, "strict": true, "description": "d"}, "verbosity": "low"})
    );
    assert_eq!(
        (&sent["max_output_tokens"], &sent["reasoning"], &sent["store"]),
        (&json!(16), &json!({"effort": "low"}), &json!(false))
    );
    assert_eq!(
        sent["input"][1]["content"][1],
        json!({"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"})
    );
    let dropped: Vec<&str> = conversion
        .diagnostics
        .iter()
        .filter(|d| d.code == DiagnosticCode::ParamDropped)
        .map(|d| d.path.as_str())
        .collect();
    assert_eq!(dropped, ["seed", "stop"], "{conversion}");
}

#[test]
fn json_schema_keeps_format_and_description_for_a_chat_upstream() {
    let format = json!({"type": "json_schema", "name": "a", "description": "d", "schema": {"type": "object"}, "strict": true});
    let (_, sent) = request(
        own(),
        chat(),
        &json!({"model": "m", "input": "hi", "text": {"format": format, "verbosity": "low"}}),
    );
    assert_eq!(
        sent["response_format"]["json_schema"],
        json!({"name": "a", "description": "d", "schema": {"type": "object", "properties": {}, "additionalProperties": false, "required": []}, "strict": true})
    );
    assert_eq!(sent["verbosity"], "low");
}

#[test]
fn endless_stream_of_items_ends_with_an_error() {
    let (mut decoder, mut out) = (own().decoder(&spec(), &context()), Vec::new());
    let mut framer = openai_shim_core::framing::Framer::new(1 << 20);
    for n in 0..10_000 {
        let event = json!({"type": "response.output_item.added", "output_index": n, "item": {"type": "message", "id": format!("m{n}")}});
        framer
            .push(format!("data: {event}\n\n").as_bytes(), &mut |frame| decoder.frame(frame, &mut out))
            .unwrap();
    }
    let last = format!("{:?}", out.last().unwrap());
    assert!(last.contains("TooLarge"), "{last}");
}

#[test]
fn arguments_buffered_over_the_limit_end_with_an_error() {
    let (mut decoder, mut out) = (own().decoder(&spec(), &context()), Vec::new());
    let mut framer = openai_shim_core::framing::Framer::new(1 << 20);
    let event = json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "x".repeat(100_000)});
    for _ in 0..400 {
        framer
            .push(format!("data: {event}\n\n").as_bytes(), &mut |frame| decoder.frame(frame, &mut out))
            .unwrap();
    }
    let last = format!("{:?}", out.last().unwrap());
    assert!(last.contains("TooLarge"), "{last}");
}

fn context() -> openai_shim_core::canonical::ResponseContext {
    openai_shim_core::canonical::ResponseContext::new(
        &openai_shim_core::canonical::Request::default(),
        Context::fixed(),
    )
}

fn spec() -> openai_shim_core::canonical::ResponseSpec {
    openai_shim_core::canonical::ResponseSpec::new(
        &openai_shim_core::canonical::Request::default(),
        &Context::fixed(),
    )
}

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn captured_requests_decode_and_reach_a_chat_upstream() {
    let Some(shared) = common::shared("captures") else { return };
    let mut read = 0;
    for client in std::fs::read_dir(shared.join("captures")).unwrap().flatten() {
        for file in std::fs::read_dir(client.path()).unwrap().flatten() {
            let capture: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
            let path = capture["path"].as_str().unwrap_or_default();
            if !path.ends_with("/responses") || !capture["body"].is_object() {
                continue;
            }
            let mut body = capture["body"].clone();
            // Lists of tools were shortened, and end with a marker.
            if let Some(tools) = body["tools"].as_array_mut() {
                tools.retain(|tool| tool.get("_more_tools").is_none());
            }
            let mut diagnostics = Diagnostics::default();
            let request = own().decode_request(
                path,
                &bytes::Bytes::copy_from_slice(body.to_string().as_bytes()),
                &mut diagnostics,
            );
            let request = request.unwrap_or_else(|e| panic!("{}: {e}", file.path().display()));
            assert!(diagnostics.is_empty(), "{}: {diagnostics:?}", file.path().display());
            assert!(
                request.same_dialect_only.is_none(),
                "{}: {:?}",
                file.path().display(),
                request.same_dialect_only
            );
            let encoded = chat().encode_request(&request, None, &mut diagnostics).unwrap();
            let lost: Vec<_> = diagnostics
                .iter()
                .filter(|d| d.severity() > openai_shim_core::canonical::Severity::Info)
                .map(ToString::to_string)
                .collect();
            println!("{}: {lost:?}", file.path().display());
            assert!(encoded.body.array("messages").is_some_and(|messages| !messages.is_empty()));
            read += 1;
        }
    }
    assert!(read >= 20, "{read}");
}

#[test]
fn output_for_every_fixture_is_strict() {
    for fixture in common::fixtures(&[PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error]) {
        if fixture.name == common::NO_TEXT {
            continue;
        }
        for kind in [PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error] {
            let mut fixture = fixture.clone();
            fixture.kind = kind;
            let body = String::from_utf8(fixture.convert(own()).body).unwrap();
            let passed = fixture.dialect.name() == own().name() && body.starts_with("event: ");
            // Unknown items pass unchanged.
            if !(passed && fixture.name == "unknown_events") {
                common::strict_responses::check(&body, &format!("{} {kind:?}", fixture.name));
            }
        }
    }
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn output_for_mutilated_input_is_strict(fixture in common::mutilated()) {
        for kind in [PayloadKind::Stream, PayloadKind::Response] {
            let mut fixture = fixture.clone();
            fixture.kind = kind;
            let conversion = fixture.convert(own());
            // A stream that passes is repaired frame by frame, and may lack events that were removed.
            if fixture.dialect.name() != own().name() {
                let what = format!("{} {kind:?}\n{}\n{conversion}", fixture.name, String::from_utf8_lossy(&fixture.body));
                common::strict_responses::check(&String::from_utf8(conversion.body.clone()).unwrap(), &what);
            }
        }
    }
}

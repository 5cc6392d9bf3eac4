//! Calls, text and reasoning of an answer arrive once and whole, however the upstream cuts and wraps them, for every client.

mod common;

use common::content::{Answer, frames, list, read, text};
use openai_shim_core::convert::ConversionInput;
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::{Conversion, PayloadKind, convert, dialect, profile};
use serde_json::{Value, json};

fn convert_as(
    from: &str,
    to: &str,
    kind: PayloadKind,
    body: &[u8],
    request: Option<&[u8]>,
    name: &str,
) -> Conversion {
    convert(&{
        let mut input = ConversionInput::new(kind, dialect(from).unwrap(), body)
            .to(dialect(to).unwrap())
            .profile(profile(name).unwrap());
        input.request = request;
        input
    })
}

/// Dialects whose clients get calls, text and reasoning.
fn clients() -> impl Iterator<Item = &'static str> {
    let names = DIALECTS.iter().map(|dialect| dialect.name());
    names.filter(|name| !["openai-completions", "ollama-generate"].contains(name))
}

/// Converts a body for every client, and compares what the client sees.
fn check(from: &str, kind: PayloadKind, body: &str, request: Option<&Value>, wanted: &Answer) {
    for to in clients() {
        // The request is one of chat; the client's own is what it becomes in the client's dialect.
        let request = request.map(|request| {
            let body = request.to_string().into_bytes();
            convert_as("openai-chat", to, PayloadKind::Request, &body, None, "compatible").body
        });
        let converted = convert_as(from, to, kind, body.as_bytes(), request.as_deref(), "compatible");
        let out = String::from_utf8(converted.body.clone()).unwrap();
        assert!(converted.ok, "{from} to {to}: {out}");
        assert_eq!(read(to, kind, &out), *wanted, "{from} to {to}\n{body}\n{out}\n{converted}");
    }
}

fn chat_stream(deltas: &[Value], finish: &str) -> String {
    let mut out = String::new();
    for delta in deltas {
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
        out.extend(["data: ", &chunk.to_string(), "\n\n"]);
    }
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]});
    out + &format!("data: {chunk}\n\ndata: [DONE]\n\n")
}

fn chat_whole(message: Value, finish: &str) -> String {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}]})
    .to_string()
}

fn events(list: &[Value]) -> String {
    let written: Vec<_> =
        list.iter().map(|event| format!("event: {}\ndata: {event}\n\n", text(&event["type"]))).collect();
    written.concat()
}

fn call(fields: Value) -> Value {
    json!({"tool_calls": [fields]})
}

fn calls(list: &[(&str, Value)]) -> Answer {
    let calls = list.iter().map(|(name, arguments)| ((*name).to_owned(), arguments.clone())).collect();
    Answer { calls, ..Answer::default() }
}

#[test]
fn a_placeholder_in_the_first_delta_of_a_call_is_no_argument() {
    let placeholders =
        [json!({"arguments": null}), json!({"arguments": {}}), json!({}), json!({"arguments": ""})];
    for mut function in placeholders {
        function["name"] = json!("f");
        let first = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
        let next = |text: &str| call(json!({"index": 0, "function": {"arguments": text}}));
        let deltas = [call(first.clone()), next("{\"a\":"), next("\"b\"}")];
        check(
            "openai-chat",
            PayloadKind::Stream,
            &chat_stream(&deltas, "tool_calls"),
            None,
            &calls(&[("f", json!({"a": "b"}))]),
        );
        let deltas = [call(first)];
        check(
            "openai-chat",
            PayloadKind::Stream,
            &chat_stream(&deltas, "tool_calls"),
            None,
            &calls(&[("f", json!({}))]),
        );
    }
}

fn tools(names: &[&str]) -> Value {
    let tools: Vec<Value> = names
        .iter()
        .map(|name| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}))
        .collect();
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}], "tools": tools})
}

#[test]
fn a_name_in_parts_is_put_together_and_a_repeated_name_is_not() {
    let known = tools(&["edit_existing_file", "edit_file", "edit", "papa"]);
    let cases: [(&[&str], &str); 6] = [
        (&["edit_ex", "isting_file"], "edit_existing_file"),
        (&["edit", "_", "file"], "edit_file"),
        (&["edit_file", "edit_file"], "edit_file"),
        (&["edit", "edit"], "edit"),
        (&["edit_", "edit_file", "edit_file"], "edit_file"),
        (&["pa", "pa"], "papa"),
    ];
    for (parts, name) in cases {
        for (with_index, with_id) in [(true, true), (true, false), (false, true), (false, false)] {
            let mut deltas: Vec<Value> = Vec::new();
            for (at, part) in parts.iter().enumerate() {
                let mut fields = json!({"function": {"name": part, "arguments": ""}});
                if with_index {
                    fields["index"] = json!(0);
                }
                if with_id || at == 0 {
                    fields["id"] = json!("call_1");
                }
                deltas.push(call(fields));
            }
            let mut last = json!({"function": {"arguments": "{\"path\":\"a\"}"}});
            if with_index {
                last["index"] = json!(0);
            }
            deltas.push(call(last));
            // Without an index, a repeated name begins another call.
            if (with_index || with_id) || !["edit_file", "edit"].contains(&parts[parts.len() - 1]) {
                let body = chat_stream(&deltas, "tool_calls");
                check(
                    "openai-chat",
                    PayloadKind::Stream,
                    &body,
                    Some(&known),
                    &calls(&[(name, json!({"path": "a"}))]),
                );
            }
        }
    }
    let deltas = [
        call(
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "other_", "arguments": ""}}),
        ),
        call(json!({"index": 0, "function": {"name": "tool", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": "{}"}})),
    ];
    let body = chat_stream(&deltas, "tool_calls");
    check("openai-chat", PayloadKind::Stream, &body, None, &calls(&[("other_tool", json!({}))]));
}

#[test]
fn calls_without_arguments_follow_one_another_although_their_names_might_go_on() {
    let known = tools(&["read", "read_file"]);
    let first = |index: u64, id: &str, name: &str| json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    let body = chat_stream(&[call(first(0, "a", "read")), call(first(1, "b", "read_file"))], "tool_calls");
    let wanted = calls(&[("read", json!({})), ("read_file", json!({}))]);
    check("openai-chat", PayloadKind::Stream, &body, Some(&known), &wanted);
}

#[test]
fn arguments_encoded_twice_are_an_object() {
    let object = json!({"a": "b \" \\ c", "n": [1]});
    let twice = serde_json::to_string(&object.to_string()).unwrap();
    let wanted = calls(&[("f", object)]);
    let function = json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": twice}});
    check(
        "openai-chat",
        PayloadKind::Response,
        &chat_whole(json!({"role": "assistant", "content": null, "tool_calls": [function]}), "tool_calls"),
        None,
        &wanted,
    );
    let item = json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": twice, "status": "completed"});
    let response = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": [item]});
    check("openai-responses", PayloadKind::Response, &response.to_string(), None, &wanted);
    let ollama = json!({"model": "m", "created_at": "2024-01-01T00:00:00Z", "done": true, "done_reason": "stop",
        "message": {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": twice}}]}});
    check("ollama-chat", PayloadKind::Response, &ollama.to_string(), None, &wanted);
    check("ollama-chat", PayloadKind::Stream, &format!("{ollama}\n"), None, &wanted);
    for at in (0..=twice.len()).filter(|at| twice.is_char_boundary(*at)) {
        let (head, tail) = twice.split_at(at);
        let first = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": head}});
        let next = json!({"index": 0, "function": {"arguments": tail}});
        check(
            "openai-chat",
            PayloadKind::Stream,
            &chat_stream(&[call(first), call(next)], "tool_calls"),
            None,
            &wanted,
        );
        let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": text}});
        let anthropic = events(&[
            json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}}),
            delta(head),
            delta(tail),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 3}}),
            json!({"type": "message_stop"}),
        ]);
        check("anthropic-messages", PayloadKind::Stream, &anthropic, None, &wanted);
        let delta = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": text});
        let mut begun = item.clone();
        (begun["arguments"], begun["status"]) = (json!(""), json!("in_progress"));
        let responses = events(&[
            json!({"type": "response.created", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": []}}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
            delta(head),
            delta(tail),
            json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 0, "arguments": twice}),
            json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
            json!({"type": "response.completed", "response": response}),
        ]);
        check("openai-responses", PayloadKind::Stream, &responses, None, &wanted);
    }
}

#[test]
fn arguments_go_on_behind_text_and_the_text_is_kept() {
    let first =
        json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}});
    let next = |text: &str| call(json!({"index": 0, "function": {"arguments": text}}));
    let body = chat_stream(
        &[
            call(first.clone()),
            next("{\"a\":"),
            json!({"content": "Wait"}),
            json!({"content": " a bit."}),
            next("1}"),
        ],
        "tool_calls",
    );
    let wanted = Answer { text: String::from("Wait a bit."), ..calls(&[("f", json!({"a": 1}))]) };
    check("openai-chat", PayloadKind::Stream, &body, None, &wanted);
    let body = chat_stream(&[call(first), json!({"content": "Wait a bit."})], "tool_calls");
    let wanted = Answer { text: String::from("Wait a bit."), ..calls(&[("f", json!({}))]) };
    check("openai-chat", PayloadKind::Stream, &body, None, &wanted);
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": []}})
}

fn completed(output: &[Value]) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": output}})
}

#[test]
fn text_with_another_number_in_its_deltas_than_in_its_item_comes_once() {
    let message = |texts: &[&str]| {
        let parts: Vec<Value> = texts
            .iter()
            .map(|text| json!({"type": "output_text", "text": text, "annotations": []}))
            .collect();
        json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": parts})
    };
    let about = |kind: &str, number: u64, key: &str, text: &str| json!({"type": format!("response.output_text.{kind}"), "item_id": "msg_1", "output_index": 0, "content_index": number, key: text});
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}});
    let cases = [
        (
            vec![
                about("delta", 1, "delta", "PO"),
                about("delta", 1, "delta", "NG"),
                about("done", 1, "text", "PONG"),
            ],
            vec!["PONG"],
        ),
        (
            vec![
                about("delta", 1, "delta", "PO"),
                about("delta", 1, "delta", "NG"),
                about("done", 0, "text", "PONG"),
            ],
            vec!["PONG"],
        ),
        (vec![about("delta", 1, "delta", "PO"), about("delta", 2, "delta", "NG")], vec!["PONG"]),
        (vec![about("delta", 1, "delta", "PO"), about("delta", 2, "delta", "NG")], vec!["PO", "NG"]),
        (vec![about("delta", 3, "delta", "PO"), about("delta", 3, "delta", "NG")], vec!["PO", "NG"]),
        (vec![about("done", 1, "text", "PONG")], vec!["PONG"]),
        (vec![], vec!["PO", "NG"]),
    ];
    for (deltas, texts) in cases {
        let item = message(&texts);
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        let mut list = vec![created(), added.clone()];
        list.extend(deltas);
        list.extend([done, completed(&[item])]);
        for to in clients().filter(|to| *to != "openai-responses") {
            let out = convert_as(
                "openai-responses",
                to,
                PayloadKind::Stream,
                events(&list).as_bytes(),
                None,
                "compatible",
            );
            let out = String::from_utf8(out.body).unwrap();
            assert_eq!(read(to, PayloadKind::Stream, &out).text, "PONG", "{to} {texts:?}\n{out}");
        }
        let out = convert_as(
            "openai-responses",
            "openai-responses",
            PayloadKind::Stream,
            events(&list).as_bytes(),
            None,
            "compatible",
        );
        for event in frames(std::str::from_utf8(&out.body).unwrap()) {
            let number = event["content_index"].as_u64();
            assert!(number.is_none_or(|number| number < 2), "{event}");
        }
    }
}

#[test]
fn calls_without_an_index_come_once_and_with_their_names() {
    let item = |id: &str, name: &str, arguments: &str, fields: &Value| {
        let mut item = json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments, "status": "completed"});
        for (key, value) in fields.as_object().unwrap() {
            item[key] = value.clone();
        }
        item
    };
    let delta = |id: Option<&str>, text: &str| match id {
        Some(id) => json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": text}),
        None => json!({"type": "response.function_call_arguments.delta", "delta": text}),
    };
    let added = |item: &Value| json!({"type": "response.output_item.added", "item": item});
    let done = |item: &Value| json!({"type": "response.output_item.done", "item": item});
    let wanted = calls(&[("f", json!({"a": 1})), ("g", json!({"b": 2}))]);
    for fields in [json!({}), json!({"id": ""}), json!({"id": null})] {
        let (f, g) = (item("fc_1", "f", r#"{"a":1}"#, &fields), item("fc_2", "g", r#"{"b":2}"#, &fields));
        let (f0, g0) = (item("fc_1", "f", "", &fields), item("fc_2", "g", "", &fields));
        for ids in [[Some("fc_1"), Some("fc_2")], [None, None], [Some("x"), Some("y")]] {
            let list = [
                created(),
                added(&f0),
                delta(ids[0], "{\"a\":"),
                delta(ids[0], "1}"),
                done(&f),
                added(&g0),
                delta(ids[1], "{\"b\":2}"),
                done(&g),
                completed(&[f.clone(), g.clone()]),
            ];
            check("openai-responses", PayloadKind::Stream, &events(&list), None, &wanted);
        }
        let list = [
            created(),
            added(&f0),
            added(&g0),
            delta(Some("fc_1"), "{\"a\":"),
            delta(Some("fc_2"), "{\"b\":2}"),
            delta(Some("fc_1"), "1}"),
            done(&f),
            done(&g),
            completed(&[f, g]),
        ];
        check("openai-responses", PayloadKind::Stream, &events(&list), None, &wanted);
    }
}

#[test]
fn a_name_that_is_whole_only_in_the_complete_item_is_the_calls() {
    let known = tools(&["get", "get_weather", "other"]);
    let item = |name: &Value, arguments: &str| json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": name, "arguments": arguments, "status": "completed"});
    let delta = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": text});
    let begun = [json!(""), json!(null), json!("get_"), json!("get_weather")];
    for name in begun {
        let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item(&name, "")});
        let whole = item(&json!("get_weather"), r#"{"a":1}"#);
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": whole});
        let wanted = calls(&[("get_weather", json!({"a": 1}))]);
        let deltas = [created(), added.clone(), delta("{\"a\":"), delta("1}")];
        for rest in [
            vec![done.clone(), completed(std::slice::from_ref(&whole))],
            vec![done, completed(&[])],
            vec![completed(&[whole])],
        ] {
            let list = [&deltas[..], &rest].concat();
            check("openai-responses", PayloadKind::Stream, &events(&list), Some(&known), &wanted);
        }
    }
    // A name that is no tool's is not lost, either, where the complete item lacks it or never comes.
    for rest in [vec![item(&json!(""), r#"{"a":1}"#)], vec![]] {
        let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item(&json!("unknown"), "")});
        let done = rest
            .iter()
            .map(|item| json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
        let mut list = vec![created(), added, delta("{\"a\":"), delta("1}")];
        list.extend(done);
        list.push(completed(&[]));
        let request = known.to_string().into_bytes();
        for to in clients().filter(|to| *to != "openai-responses") {
            let request =
                convert_as("openai-chat", to, PayloadKind::Request, &request, None, "compatible").body;
            let body = events(&list);
            let converted = convert_as(
                "openai-responses",
                to,
                PayloadKind::Stream,
                body.as_bytes(),
                Some(&request),
                "compatible",
            );
            let out = String::from_utf8(converted.body.clone()).unwrap();
            let wanted = calls(&[("unknown", json!({"a": 1}))]);
            assert_eq!(read(to, PayloadKind::Stream, &out), wanted, "{to}\n{body}\n{converted}");
        }
    }
}

#[test]
fn one_text_in_several_parts_is_one_message_of_a_response() {
    let gemini = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "The sum "}, {"text": "is 4."}]}, "finishReason": "STOP", "index": 0}], "modelVersion": "g"});
    let anthropic = json!({"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": null,
        "content": [{"type": "text", "text": "The sum "}, {"type": "text", "text": ""}, {"type": "text", "text": "is 4."}], "usage": {"input_tokens": 1, "output_tokens": 1}});
    for (from, body) in [("gemini", gemini), ("anthropic-messages", anthropic)] {
        let out = convert_as(
            from,
            "openai-responses",
            PayloadKind::Response,
            body.to_string().as_bytes(),
            None,
            "compatible",
        );
        let out: Value = serde_json::from_slice(&out.body).unwrap();
        assert_eq!(list(&out["output"]).len(), 1, "{out}");
        assert_eq!(out["output"][0]["content"][0]["text"], "The sum is 4.", "{out}");
    }
    let block = |index: u64, text: &str| {
        [
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}),
            json!({"type": "content_block_stop", "index": index}),
        ]
    };
    let mut list = vec![
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
    ];
    list.extend(block(0, "The sum "));
    list.extend(block(1, "is 4."));
    let cut = list.clone();
    list.extend([
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop"}),
    ]);
    for list in [list, cut] {
        let out = convert_as(
            "anthropic-messages",
            "openai-responses",
            PayloadKind::Stream,
            events(&list).as_bytes(),
            None,
            "compatible",
        );
        let out = frames(std::str::from_utf8(&out.body).unwrap());
        let last = out.last().unwrap();
        let text = &last["response"]["output"][0]["content"][0]["text"];
        assert_eq!(text, "The sum is 4.", "{last}");
        assert_eq!(out.iter().filter(|event| event["type"] == "response.output_item.done").count(), 1);
    }
}

#[test]
fn every_block_of_reasoning_in_front_of_the_answer_is_reasoning() {
    let wanted = Answer {
        text: String::from("PONG"),
        reasoning: String::from("User asks for PONG."),
        ..Answer::default()
    };
    let text = "<reasoning>User</reasoning><reasoning> </reasoning><reasoning>asks for </reasoning><reasoning>PONG.</reasoning>PONG";
    for at in 0..=text.len() {
        let (head, tail) = text.split_at(at);
        let deltas = [json!({"content": head}), json!({"content": tail})];
        check("openai-chat", PayloadKind::Stream, &chat_stream(&deltas, "stop"), None, &wanted);
    }
    let message = json!({"role": "assistant", "content": text});
    check("openai-chat", PayloadKind::Response, &chat_whole(message, "stop"), None, &wanted);
    let many: String = (0..500).map(|_| "<think>a</think>").collect();
    let wanted = Answer { text: String::from("b"), reasoning: "a".repeat(500), ..Answer::default() };
    let message = json!({"role": "assistant", "content": many + "b"});
    check("openai-chat", PayloadKind::Response, &chat_whole(message, "stop"), None, &wanted);
}

#[test]
fn text_up_to_a_closing_tag_that_nothing_opened_is_reasoning() {
    for tag in ["</think>", "</reasoning>", "[/THINK]"] {
        let content = format!("Let me think about it.\n{tag}\n\nPONG");
        let wanted = Answer {
            text: String::from("PONG"),
            reasoning: String::from("Let me think about it.\n"),
            ..Answer::default()
        };
        let message = json!({"role": "assistant", "content": content});
        check("openai-chat", PayloadKind::Response, &chat_whole(message, "stop"), None, &wanted);
    }
    for content in [
        "A model ends its thoughts with </think> and answers.",
        "```\nthoughts\n</think>\n```\nis how it looks.",
        "It writes <think>\nthoughts\n</think>\nand then the answer.",
        "The tag is </think>",
    ] {
        let wanted = Answer { text: content.to_owned(), ..Answer::default() };
        let message = json!({"role": "assistant", "content": content});
        check("openai-chat", PayloadKind::Response, &chat_whole(message, "stop"), None, &wanted);
    }
}

#[test]
fn arguments_that_came_as_text_are_an_object_for_gemini_clients_too() {
    let object = json!({"a": "b \" \\ c", "n": [1]});
    let once = Value::String(object.to_string());
    let twice = Value::String(once.to_string());
    let wanted = calls(&[("f", object)]);
    for args in [once, twice] {
        let response = json!({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "f", "args": args}}]}, "finishReason": "STOP", "index": 0}], "modelVersion": "m", "responseId": "r"});
        check("gemini", PayloadKind::Response, &response.to_string(), None, &wanted);
        check("gemini", PayloadKind::Stream, &format!("data: {response}\n\n"), None, &wanted);
    }
}

#[test]
fn legacy_calls_have_arguments_of_text() {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "functions": [{"name": "f", "parameters": {"type": "object"}}]}).to_string();
    let object = json!({"a": "b \" \\ c"});
    let (text, twice) = (object.to_string(), serde_json::to_string(&object.to_string()).unwrap());
    let convert = |kind, body: &str| {
        convert_as(
            "openai-chat",
            "openai-chat",
            kind,
            body.as_bytes(),
            Some(request.as_bytes()),
            "compatible",
        )
    };
    let joined = |body: &[u8]| -> (String, String) {
        let deltas = frames(std::str::from_utf8(body).unwrap());
        let field = |key: &str| -> String {
            deltas
                .iter()
                .map(|unit| {
                    let choice = &unit["choices"][0];
                    let call = [&choice["delta"]["function_call"], &choice["message"]["function_call"]];
                    call.into_iter().filter_map(|call| call[key].as_str()).collect::<String>()
                })
                .collect()
        };
        (field("name"), field("arguments"))
    };
    for arguments in [json!(text), json!(twice), object.clone()] {
        let message = json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": arguments}});
        let whole = convert(PayloadKind::Response, &chat_whole(message, "function_call"));
        assert_eq!(joined(&whole.body), (String::from("f"), text.clone()), "{whole}");
    }
    for first in
        [json!({"name": "f"}), json!({"name": "f", "arguments": null}), json!({"name": "f", "arguments": ""})]
    {
        for source in [&text, &twice] {
            for at in (0..=source.len()).filter(|at| source.is_char_boundary(*at)) {
                let (head, tail) = source.split_at(at);
                let deltas = [
                    json!({"function_call": first}),
                    json!({"function_call": {"arguments": head}}),
                    json!({"function_call": {"arguments": tail}}),
                ];
                let stream = convert(PayloadKind::Stream, &chat_stream(&deltas, "function_call"));
                assert_eq!(joined(&stream.body), (String::from("f"), text.clone()), "{stream}");
            }
        }
        let empty =
            convert(PayloadKind::Stream, &chat_stream(&[json!({"function_call": first})], "function_call"));
        assert_eq!(joined(&empty.body), (String::from("f"), String::from("{}")), "{empty}");
    }
}

#[test]
fn a_message_behind_the_deltas_of_its_text_is_not_told_twice() {
    let delta = |delta: Value, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let message = |content: &str, finish: Value| {
        json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}]})
    };
    let hello = Answer { text: String::from("Hello"), ..Answer::default() };
    for list in [
        vec![
            delta(json!({"content": "Hel"}), json!(null)),
            delta(json!({"content": "lo"}), json!(null)),
            message("Hello", json!("stop")),
        ],
        // Messages in place of deltas are parts.
        vec![message("Hel", json!(null)), message("lo", json!(null)), message("", json!("stop"))],
    ] {
        let written: Vec<_> = list.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        let body = written.concat();
        check("openai-chat", PayloadKind::Stream, &(body + "data: [DONE]\n\n"), None, &hello);
    }
}

#[test]
fn thinking_under_the_name_of_another_api_is_thinking() {
    let thoughts =
        Answer { text: String::from("Hello"), reasoning: String::from("Hmm."), ..Answer::default() };
    for key in ["thinking", "reasoning", "reasoning_content"] {
        let line = |message: Value, done: bool| {
            let reason = if done { json!("stop") } else { json!(null) };
            json!({"model": "m", "created_at": "2023-11-14T22:13:20Z", "message": message, "done": done, "done_reason": reason})
        };
        let whole = line(json!({"role": "assistant", "content": "Hello", key: "Hmm."}), true);
        check("ollama-chat", PayloadKind::Response, &whole.to_string(), None, &thoughts);
        let first = line(json!({"role": "assistant", "content": "", key: "Hmm."}), false);
        let last = line(json!({"role": "assistant", "content": "Hello"}), true);
        check("ollama-chat", PayloadKind::Stream, &format!("{first}\n{last}\n"), None, &thoughts);
    }
}

//! Text in requests and answers: empty, blank, without half of a character, never glued, and without a client's noise; from
//! every client's dialect to every upstream's.

use openai_shim_core::canonical::{Context, DiagnosticCode};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{ClientRequest, Exchange, Settings};
use openai_shim_core::profile::{Profile, profile};
use openai_shim_core::{PayloadKind, dialect};
use serde_json::{Value, json};

fn run(from: &str, to: &str, kind: PayloadKind, body: &[u8]) -> Conversion {
    let upstream = if kind == PayloadKind::Request { to } else { from };
    convert(&ConversionInput::new(kind, dialect(from).unwrap(), body).to(dialect(to).unwrap()).profile(
        Profile::native(upstream.parse().unwrap()).unwrap_or_else(|| profile("compatible").unwrap()),
    ))
}

fn sent(from: &str, to: &str, body: &str) -> Value {
    let conversion = run(from, to, PayloadKind::Request, body.as_bytes());
    assert!(conversion.ok, "{from} to {to}: {conversion}");
    serde_json::from_slice(&conversion.body)
        .unwrap_or_else(|error| panic!("{from} to {to}: {error}: {conversion}"))
}

/// A conversation with a call and its result, as each client writes it; the texts of the system, the assistant and the result.
fn conversations(system: &str, answer: &str, result: &str, arguments: &str) -> [(&'static str, String); 5] {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let quoted_arguments = quoted(arguments);
    [
        (
            "openai-chat",
            format!(
                r#"{{"model":"m","messages":[{{"role":"system","content":{system}}},{{"role":"user","content":"x"}},{{"role":"assistant","content":{answer},"tool_calls":[{{"id":"c1","type":"function","function":{{"name":"f","arguments":{quoted_arguments}}}}}]}},{{"role":"tool","tool_call_id":"c1","content":{result}}},{{"role":"assistant","content":{answer}}},{{"role":"user","content":"go"}}]}}"#
            ),
        ),
        (
            "openai-responses",
            format!(
                r#"{{"model":"m","instructions":{system},"input":[{{"role":"user","content":"x"}},{{"role":"assistant","content":{answer}}},{{"type":"function_call","call_id":"c1","name":"f","arguments":{quoted_arguments}}},{{"type":"function_call_output","call_id":"c1","output":{result}}},{{"role":"assistant","content":{answer}}},{{"role":"user","content":"go"}}]}}"#
            ),
        ),
        (
            "anthropic-messages",
            format!(
                r#"{{"model":"m","max_tokens":9,"system":{system},"messages":[{{"role":"user","content":"x"}},{{"role":"assistant","content":[{{"type":"text","text":{answer}}},{{"type":"tool_use","id":"c1","name":"f","input":{arguments}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c1","content":[{{"type":"text","text":{result}}}]}}]}},{{"role":"assistant","content":{answer}}},{{"role":"user","content":"go"}}]}}"#
            ),
        ),
        (
            "gemini",
            format!(
                r#"{{"model":"m","systemInstruction":{{"parts":[{{"text":{system}}}]}},"contents":[{{"role":"user","parts":[{{"text":"x"}}]}},{{"role":"model","parts":[{{"text":{answer}}},{{"functionCall":{{"id":"c1","name":"f","args":{arguments}}}}}]}},{{"role":"user","parts":[{{"functionResponse":{{"id":"c1","name":"f","response":{{"output":{result}}}}}}}]}},{{"role":"model","parts":[{{"text":{answer}}}]}},{{"role":"user","parts":[{{"text":"go"}}]}}]}}"#
            ),
        ),
        (
            "ollama-chat",
            format!(
                r#"{{"model":"m","messages":[{{"role":"system","content":{system}}},{{"role":"user","content":"x"}},{{"role":"assistant","content":{answer},"tool_calls":[{{"id":"c1","function":{{"name":"f","arguments":{arguments}}}}}]}},{{"role":"tool","tool_name":"f","tool_call_id":"c1","content":{result}}},{{"role":"assistant","content":{answer}}},{{"role":"user","content":"go"}}]}}"#
            ),
        ),
    ]
}

/// All texts of an Anthropic request that the API refuses.
fn refused_by_anthropic(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let texts = ["text", "content", "system"].iter().filter_map(|key| fields.get(*key));
            let texts = texts.filter_map(Value::as_str).filter(|text| text.trim().is_empty());
            found.extend(texts.map(|_| value.to_string()));
            fields.values().for_each(|value| refused_by_anthropic(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| refused_by_anthropic(value, found)),
        _ => {}
    }
}

#[test]
fn no_blank_text_goes_to_anthropic() {
    for blank in ["\"\"", "\" \"", "\"\\n\\n\"", "\"\\u00a0\\t\"", "\"\u{3000}\""] {
        for (client, body) in conversations(blank, blank, blank, "{}") {
            let sent = sent(client, "anthropic-messages", &body);
            let mut found = Vec::new();
            refused_by_anthropic(&sent, &mut found);
            assert_eq!(found, Vec::<String>::new(), "{client} {blank}: {sent}");
            let messages = sent["messages"].as_array().unwrap();
            assert!(messages.iter().all(|m| m["content"] != json!([])), "{client} {blank}: {sent}");
            assert!(messages.last().unwrap().to_string().contains("go"), "{sent}");
        }
    }
}

#[test]
fn acceptable_texts_pass_byte_for_byte() {
    for (client, body) in
        conversations("\"s\"", "\" a\"", "\"r \\ud83d\\ude00\"", "{\"a\":\"\\ud83d\\ude00\"}")
    {
        let declared = match client {
            "openai-chat" => r#""tools":[{"type":"function","function":{"name":"f"}}],"#,
            "anthropic-messages" => {
                r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"#
            }
            "ollama-chat" => r#""stream":false,"#,
            _ => "",
        };
        let body = body.replacen('{', &format!("{{{declared}"), 1);
        let conversion = run(client, client, PayloadKind::Request, body.as_bytes());
        assert_eq!(String::from_utf8(conversion.body).unwrap(), body, "{client}");
    }
}

#[test]
fn a_message_of_which_nothing_is_left_is_left_out() {
    let chat = r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"user","content":""},{"role":"assistant","content":[]},{"role":"system","content":""},{"role":"user","content":"go"}]}"#;
    let messages = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"a"},{"role":"system","content":[],"output_config":{"effort":"low"}},{"role":"user","content":[{"type":"unheard_of","a":1}]},{"role":"user","content":"go"}]}"#;
    let responses = r#"{"model":"m","input":[{"role":"user","content":"x"},{"role":"user","content":[]},{"role":"assistant","content":[]},{"type":"computer_call","id":"1"},{"role":"user","content":"go"}]}"#;
    let gemini = r#"{"model":"m","contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[]},{"role":"model","parts":[{"executableCode":{"code":"1"}}]},{"role":"user","parts":[{"text":"go"}]}]}"#;
    let clients = [
        ("openai-chat", chat),
        ("anthropic-messages", messages),
        ("openai-responses", responses),
        ("gemini", gemini),
    ];
    for (client, body) in clients {
        for upstream in ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat"] {
            if client == upstream {
                continue;
            }
            let sent = sent(client, upstream, body);
            let list = ["messages", "input", "contents"].iter().find_map(|key| sent[key].as_array()).unwrap();
            for message in list {
                let content = message.get("content").or(message.get("parts")).unwrap();
                assert!(
                    !content.is_null() && *content != json!("") && *content != json!([]),
                    "{client} to {upstream}: {sent}"
                );
            }
        }
    }
}

#[test]
fn the_only_message_stays_though_it_is_empty() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":""}]}"#;
    assert_eq!(sent("openai-chat", "openai-chat", body)["messages"][0]["content"], "");
    assert_eq!(sent("openai-chat", "ollama-chat", body)["messages"][0]["content"], "");
    for upstream in ["anthropic-messages", "gemini"] {
        let refused = run("openai-chat", upstream, PayloadKind::Request, body.as_bytes());
        assert!(!refused.ok && refused.to_string().contains("unsupported_content"), "{refused}");
    }
}

#[test]
fn no_list_of_empty_text_is_made() {
    let call = r#"{"type":"tool_use","id":"t1","name":"f","input":{}}"#;
    let result = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r"}]}"#;
    for content in [format!("[{call}]"), format!(r#"[{{"type":"text","text":""}},{call}]"#)] {
        let body = format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"x"}},{{"role":"assistant","content":{content}}},{result}]}}"#
        );
        for name in ["compatible", "ollama", "lm-studio", "anthropic-openai", "groq"] {
            let conversion = convert(
                &ConversionInput::request(dialect("anthropic-messages").unwrap(), body.as_bytes())
                    .to(dialect("openai-chat").unwrap())
                    .profile(profile(name).unwrap()),
            );
            let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
            let content = &sent["messages"][1]["content"];
            assert!(content.is_null() || content == "", "{name}: {conversion}");
        }
    }
    let own = r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"text","text":""}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}]}"#;
    assert_eq!(sent("openai-chat", "openai-chat", own)["messages"][1]["content"], "");
}

#[test]
fn texts_of_one_result_stay_apart() {
    let anthropic = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}]}]}"#;
    let chat = r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t1","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}]}"#;
    let responses = r#"{"model":"m","input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"t1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"t1","output":[{"type":"input_text","text":"one"},{"type":"input_text","text":"two"}]}]}"#;
    for (client, body) in
        [("anthropic-messages", anthropic), ("openai-chat", chat), ("openai-responses", responses)]
    {
        for upstream in DIALECTS {
            let sent = sent(client, upstream.name(), body).to_string();
            assert!(
                sent.contains("one") && sent.contains("two") && !sent.contains("onetwo"),
                "{client}: {sent}"
            );
        }
    }
}

#[test]
fn no_half_of_a_pair_goes_to_an_upstream() {
    let texts = ["\"a\\ud83d\"", "\"\\uDE00b\"", "\"{\\\"a\\\":\\\"\\\\ud83d\\\"}\"", "\"n\\u0000\""];
    for text in texts {
        for (client, body) in conversations(text, text, text, "{\"k\\ud83d\":\"v\\ude00\"}") {
            for upstream in DIALECTS {
                let conversion = run(client, upstream.name(), PayloadKind::Request, body.as_bytes());
                let out = String::from_utf8(conversion.body.clone()).unwrap();
                // `serde_json` reads no half of a pair.
                assert!(serde_json::from_str::<Value>(&out).is_ok(), "{client}: {conversion}");
                let lower = out.to_lowercase();
                assert!(
                    !lower.contains("\\ud83d") && !lower.contains("\\ude00") && !lower.contains("\\u0000"),
                    "{client}: {conversion}"
                );
                assert!(conversion.diagnostics.has(DiagnosticCode::LoneSurrogate), "{client}: {conversion}");
            }
        }
    }
}

#[test]
fn halves_in_adjacent_parts_are_put_together() {
    let parts = r#"[{"type":"text","text":"a\ud83d"},{"type":"text","text":"\ude00b"}]"#;
    let chat = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{parts}}}]}}"#);
    let anthropic =
        format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":{parts}}}]}}"#);
    let gemini =
        r#"{"model":"m","contents":[{"role":"user","parts":[{"text":"a\ud83d"},{"text":"\ude00b"}]}]}"#
            .to_owned();
    for (client, body) in [("openai-chat", chat), ("anthropic-messages", anthropic), ("gemini", gemini)] {
        for upstream in DIALECTS {
            let sent = sent(client, upstream.name(), &body).to_string();
            assert!(sent.contains('😀') && !sent.contains('\u{fffd}'), "{client}: {sent}");
        }
    }
}

/// A stream of an upstream with two deltas, the first of which ends with `first`, and the second begins with `second`.
fn stream_of(upstream: Dialect, first: &str, second: &str) -> Vec<u8> {
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!(
            "data: {}\n\n",
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
        )
    };
    let chat = [
        chunk(json!({"role": "assistant", "content": "a<1>"}), Value::Null),
        chunk(json!({"content": "<2>b"}), Value::Null),
        chunk(json!({}), json!("stop")),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let body = match upstream.name() {
        "openai-chat" => chat.into_bytes(),
        name => run("openai-chat", name, PayloadKind::Stream, chat.as_bytes()).body,
    };
    String::from_utf8(body).unwrap().replace("<1>", first).replace("<2>", second).into_bytes()
}

fn received(upstream: Dialect, client: Dialect, stream: &[u8], cut: usize) -> (String, Exchange) {
    let request = run(
        "openai-chat",
        client.name(),
        PayloadKind::Request,
        br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}"#,
    );
    let path = if client.name() == "gemini" { "/models/m:streamGenerateContent?alt=sse" } else { "" };
    let request = ClientRequest::read(client, path, request.body.into()).unwrap();
    let mut upstream_profile = profile("compatible").unwrap();
    upstream.name().clone_into(&mut upstream_profile.dialect);
    let mut exchange =
        Exchange::start(request, upstream_profile, Settings::default(), Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let (before, after) = stream.split_at(cut);
    let mut out = Vec::new();
    exchange.push(before, &mut out).unwrap();
    exchange.push(after, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), exchange)
}

#[test]
fn halves_in_two_deltas_are_put_together_at_every_cut() {
    for upstream in DIALECTS {
        let stream = stream_of(*upstream, "\\ud83d", "\\ude00");
        for client in DIALECTS {
            let (whole, exchange) = received(*upstream, *client, &stream, 0);
            let what = format!("{} to {}: {whole}", upstream.name(), client.name());
            assert!(whole.contains('😀') || whole.contains("\\ud83d\\ude00"), "{what}");
            assert!(!whole.contains('\u{fffd}') && !whole.contains("\\ufffd"), "{what}");
            assert!(exchange.diagnostics().has(DiagnosticCode::LoneSurrogate), "{what}");
            for cut in 0..=stream.len() {
                assert_eq!(received(*upstream, *client, &stream, cut).0, whole, "{cut}");
            }
        }
    }
}

#[test]
fn a_half_alone_is_replaced_in_streams_and_reported() {
    for upstream in DIALECTS {
        for (first, second) in [("\\ud83d", ""), ("", "\\ude00"), ("\\ud83d", "\\ud83d")] {
            let stream = stream_of(*upstream, first, second);
            for client in DIALECTS {
                let (out, exchange) = received(*upstream, *client, &stream, 0);
                let what = format!("{} to {}: {out}", upstream.name(), client.name());
                assert!(out.contains('\u{fffd}') || out.contains("\\ufffd"), "{what}");
                assert!(!out.contains("\\ud83d") && !out.contains("\\ude00"), "{what}");
                assert!(exchange.diagnostics().has(DiagnosticCode::LoneSurrogate), "{what}");
            }
        }
    }
}

#[test]
fn a_stream_that_breaks_off_behind_a_half_loses_no_text() {
    let frame = |text: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let stream = frame("a") + &frame("b\\ud83d");
    for client in DIALECTS {
        let (out, _) = received(dialect("openai-chat").unwrap(), *client, stream.as_bytes(), 0);
        assert!(out.contains("b\u{fffd}") || out.contains("b\\ufffd"), "{}: {out}", client.name());
    }
}

#[test]
fn whole_answers_have_no_half_of_a_pair() {
    let body = br#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a\ud83d \ud83d\ude00","refusal":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\ud83d\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    for client in DIALECTS {
        let conversion = run("openai-chat", client.name(), PayloadKind::Response, body);
        let out: Value = serde_json::from_slice(&conversion.body).unwrap();
        assert!(out.to_string().contains('😀') && !out.to_string().contains("\\ud83d"), "{conversion}");
        assert!(conversion.diagnostics.has(DiagnosticCode::LoneSurrogate), "{conversion}");
    }
}

#[test]
fn a_clients_nonce_reaches_its_own_vendor_only() {
    let nonce = "x-anthropic-billing-header: cc_version=2.1; cch=ab12;";
    let parts = format!(r#"[{{"type":"text","text":"{nonce}"}},{{"type":"text","text":"You are CC"}}]"#);
    let line = format!(r#""{nonce}\nYou are CC""#);
    for system in [parts, line] {
        let body = format!(
            r#"{{"model":"claude-opus-5","max_tokens":9,"system":{system},"messages":[{{"role":"user","content":"{nonce} is a line"}}]}}"#
        );
        // Another vendor's model, by the same API.
        let other = body.replace("claude-opus-5", "qwen3");
        let conversion =
            run("anthropic-messages", "anthropic-messages", PayloadKind::Request, other.as_bytes());
        let out = String::from_utf8(conversion.body.clone()).unwrap();
        assert_eq!(out.matches("cch=ab12").count(), 1, "only the user's: {conversion}");
        for upstream in DIALECTS {
            let conversion =
                run("anthropic-messages", upstream.name(), PayloadKind::Request, body.as_bytes());
            let out = String::from_utf8(conversion.body.clone()).unwrap();
            if upstream.name() == "anthropic-messages" {
                assert_eq!(out, body);
                continue;
            }
            assert_eq!(out.matches("cch=ab12").count(), 1, "only the user's: {conversion}");
            assert!(out.contains("You are CC"), "{conversion}");
            let detail = "a line that differs with each request";
            assert!(conversion.diagnostics.iter().any(|d| d.detail == detail), "{conversion}");
        }
    }
}

#[test]
fn deltas_that_a_client_stored_as_parts_are_one_text() {
    let parts = ["Hel", "lo ", "wor", "ld"];
    let chat: Vec<_> = parts.iter().map(|part| json!({"type": "text", "text": part})).collect();
    let output: Vec<_> =
        parts.iter().map(|part| json!({"type": "output_text", "text": part, "annotations": []})).collect();
    let gemini: Vec<_> = parts.iter().map(|part| json!({"text": part})).collect();
    let bodies = [
        (
            "openai-chat",
            json!({"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": chat}, {"role": "user", "content": "b"}]}),
        ),
        (
            "anthropic-messages",
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": chat}, {"role": "user", "content": "b"}]}),
        ),
        (
            "openai-responses",
            json!({"model": "m", "input": [{"role": "user", "content": "a"}, {"type": "message", "role": "assistant", "content": output}, {"role": "user", "content": "b"}]}),
        ),
        (
            "gemini",
            json!({"model": "m", "contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": gemini}, {"role": "user", "parts": [{"text": "b"}]}]}),
        ),
    ];
    for (from, body) in bodies {
        for to in DIALECTS {
            let request = sent(from, to.name(), &body.to_string()).to_string();
            assert!(request.contains("Hello world"), "{from} to {}: {request}", to.name());
        }
    }
    // What belongs to one of the parts keeps them apart.
    let marked = json!({"type": "text", "text": "Hel", "cache_control": {"type": "ephemeral"}});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [marked, chat[2]]}]});
    let request = sent("anthropic-messages", "anthropic-messages", &body.to_string());
    assert_eq!(request, body);
}

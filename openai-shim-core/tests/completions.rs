//! OpenAI's text completions as the client's and as the upstream's dialect.

mod common;

use common::chat;
use openai_shim_core::canonical::{
    BuiltInTemplate, ChatTemplate, DiagnosticCode, Diagnostics, Message, Role,
};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, LossPolicy, Retry, Settings, Target};
use openai_shim_core::{Context, Dialect, Exchange, PayloadKind, Profile, Step, dialect, profile};
use serde_json::{Value, json};

fn own() -> Dialect {
    dialect("openai-completions").unwrap()
}

fn profile_for() -> Profile {
    profile("compatible").unwrap()
}

fn request(from: Dialect, to: Dialect, upstream_profile: Profile, body: &Value) -> Conversion {
    let body = body.to_string();
    convert(&ConversionInput::request(from, body.as_bytes()).to(to).profile(upstream_profile))
}

fn answer(from: Dialect, kind: PayloadKind, spec: &Value, body: &str) -> Conversion {
    let to = if spec.get("prompt").is_some() { own() } else { chat() };
    let spec = spec.to_string();
    convert(&{
        let mut input = ConversionInput::new(kind, from, body.as_bytes())
            .to(to)
            .profile(profile_for())
            .for_request(spec.as_bytes());
        input.status = (kind == PayloadKind::Error).then_some(429);
        input
    })
}

fn value(conversion: &Conversion) -> Value {
    serde_json::from_slice(&conversion.body).unwrap_or_else(|e| panic!("{e}: {conversion}"))
}

fn text(conversion: &Conversion) -> String {
    String::from_utf8(conversion.body.clone()).unwrap()
}

/// Returns the chunks of a stream, as a client reads them.
fn chunks(conversion: &Conversion) -> Vec<Value> {
    common::sdk_client::documents(&text(conversion))
}

/// Returns the text of one choice.
fn choice_text(chunks: &[Value], index: u64) -> String {
    let choices = chunks.iter().filter_map(|c| c["choices"].as_array()).flatten();
    choices.filter(|c| c["index"] == index).map(|c| c["text"].as_str().unwrap_or_default()).collect()
}

fn codes(conversion: &Conversion) -> Vec<DiagnosticCode> {
    conversion.diagnostics.iter().map(|d| d.code).collect()
}

const CHAT: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":" a time.","refusal":null},"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;

fn chat_stream(deltas: &[Value], finish: &str) -> String {
    let chunk = |delta: &Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let mut all: String = deltas.iter().map(|delta| chunk(delta, Value::Null)).collect();
    all.push_str(&chunk(&json!({}), finish.into()));
    all + "data: [DONE]\n\n"
}

#[test]
fn prompt_becomes_a_message_for_a_chat_upstream() {
    let sent = request(
        own(),
        chat(),
        profile_for(),
        &json!({"model": "m", "prompt": ["hi"], "max_tokens": 5, "stop": "."}),
    );
    assert_eq!(
        value(&sent),
        json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5, "stop": ["."]})
    );
    assert!(sent.diagnostics.is_empty(), "{sent}");
}

#[test]
fn openai_default_is_not_written_into_the_request() {
    let sent = value(&request(own(), chat(), profile_for(), &json!({"model": "m", "prompt": "hi"})));
    assert_eq!(sent.get("max_tokens"), None);
}

#[test]
fn several_prompts_and_token_ids_reach_only_completions_upstreams() {
    for prompt in [json!(["a", "b"]), json!([1, 2]), json!([[1, 2], [3]])] {
        let body = json!({"model": "m", "prompt": prompt, "n": 2});
        let refused = request(own(), chat(), profile_for(), &body);
        let error = value(&refused);
        assert_eq!(
            (refused.status, error["error"]["param"].as_str()),
            (Some(400), Some("prompt")),
            "{refused}"
        );
        let mut single = profile_for();
        single.params.max_choices = Some(Some(1));
        for upstream_profile in [profile_for(), single] {
            let passed = request(own(), own(), upstream_profile, &body);
            assert_eq!(text(&passed), body.to_string());
            assert!(passed.diagnostics.is_empty(), "{passed}");
        }
    }
    // Two choices for each of two prompts.
    let choices: Vec<_> = (0..4)
        .map(|i| json!({"text": format!(" {i}"), "index": i, "logprobs": null, "finish_reason": "stop"}))
        .collect();
    let body =
        json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": choices,
        "usage": {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}})
        .to_string();
    let passed =
        answer(own(), PayloadKind::Response, &json!({"model": "m", "prompt": ["a", "b"], "n": 2}), &body);
    assert_eq!(text(&passed), body);
}

#[test]
fn completions_parameters_unknown_to_chat_are_reported() {
    let body = json!({"model": "m", "prompt": "hi", "suffix": "!", "best_of": 4, "n": 2});
    let sent = request(own(), chat(), profile_for(), &body);
    let lost: Vec<_> = sent.diagnostics.iter().map(|d| (d.code, d.path.as_str())).collect();
    assert_eq!(lost, [(DiagnosticCode::ParamDropped, "suffix"), (DiagnosticCode::ParamDropped, "best_of")]);
    // The best two of two are both; and a prompt that is echoed here is no loss.
    let body = json!({"model": "m", "prompt": "hi", "suffix": null, "best_of": 2, "n": 2, "echo": true});
    assert!(request(own(), chat(), profile_for(), &body).diagnostics.is_empty());
}

#[test]
fn suffix_for_a_chat_upstream_is_rejected_in_strict_mode() {
    let mut settings = Settings::default();
    settings.loss_policy = LossPolicy::Strict;
    let incoming =
        ClientRequest::read(own(), "", r#"{"model":"m","prompt":"hi","suffix":"!"}"#.into()).unwrap();
    let error = Exchange::start(incoming, profile_for(), settings, Context::fixed()).unwrap_err();
    assert_eq!(error.param(), Some("suffix"));
}

#[test]
fn request_encoded_without_its_source_keeps_every_field() {
    let all = [
        json!({"model": "m", "prompt": "hi", "echo": true, "best_of": 1, "logprobs": 3, "suffix": "!", "n": 2}),
        json!({"model": "m", "prompt": ["hi"], "best_of": 9, "logit_bias": {"1": 5}, "seed": 3, "user": "u"}),
        json!({"model": "m", "prompt": [[1], [2]], "n": 3, "min_p": 0.1, "stop": ["a"], "max_tokens": 9}),
        json!({"model": "m", "prompt": "x", "stream": true, "stream_options": {"include_usage": true}, "top_p": 0.5}),
    ];
    for body in all {
        let read = own()
            .decode_request(
                "",
                &bytes::Bytes::copy_from_slice(body.to_string().as_bytes()),
                &mut Diagnostics::default(),
            )
            .unwrap();
        let mut diagnostics = Diagnostics::default();
        let written = own().encode_request(&read, None, &mut diagnostics).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written.body.to_json()).unwrap(), body);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
    }
}

#[test]
fn chat_response_becomes_a_text_completion() {
    let got = answer(chat(), PayloadKind::Response, &json!({"model": "m", "prompt": "Once upon"}), CHAT);
    assert_eq!(
        value(&got),
        json!({"id": "chatcmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"text": " a time.", "index": 0, "logprobs": null, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}})
    );
}

#[test]
fn prompt_precedes_the_text_when_echo_is_set() {
    let spec = json!({"model": "m", "prompt": "Once upon", "echo": true, "stream": true});
    let response = value(&answer(chat(), PayloadKind::Response, &spec, CHAT));
    assert_eq!(response["choices"][0]["text"], "Once upon a time.");
    let stream = chat_stream(&[json!({"content": " a"}), json!({"content": " time."})], "stop");
    let got = chunks(&answer(chat(), PayloadKind::Stream, &spec, &stream));
    assert_eq!(choice_text(&got, 0), "Once upon a time.");
    // A stream for a non-streaming client, and an upstream that has echoed the prompt itself.
    let folded = value(&answer(chat(), PayloadKind::Response, &spec, &stream));
    assert_eq!(folded["choices"][0]["text"], "Once upon a time.");
    let chunk = |text: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"choices\":[{{\"text\":\"{text}\",\"index\":0,\"logprobs\":null,\"finish_reason\":{finish}}}],\"model\":\"m\"}}\n\n"
        )
    };
    let echoed =
        chunk("Once upon", "null") + &chunk(" <think>a</think> time.", "\"stop\"") + "data: [DONE]\n\n";
    let response = value(&answer(own(), PayloadKind::Response, &spec, &echoed));
    assert_eq!(response["choices"][0]["text"], "Once upon <think>a</think> time.");
    assert_eq!(text(&answer(own(), PayloadKind::Stream, &spec, &echoed)), echoed);
}

#[test]
fn calls_and_reasoning_in_a_text_completion_are_reported_as_lost() {
    let spec = json!({"model": "m", "prompt": "x", "stream": true});
    let call =
        json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let deltas =
        [json!({"reasoning_content": "hm"}), json!({"content": "yes"}), json!({"tool_calls": [call]})];
    let stream = chat_stream(&deltas, "tool_calls");
    for kind in [PayloadKind::Stream, PayloadKind::Response] {
        let got = answer(chat(), kind, &spec, &stream);
        let documents = chunks(&got);
        assert_eq!(choice_text(&documents, 0), "yes", "{got}");
        let lost: Vec<_> = got
            .diagnostics
            .iter()
            .filter(|d| d.code == DiagnosticCode::FeatureUnsupported)
            .map(|d| d.detail.as_str())
            .collect();
        assert_eq!(lost, ["reasoning", "a tool call"]);
        assert!(text(&got).contains(r#""finish_reason":"stop""#));
    }
}

#[test]
fn refusal_becomes_text() {
    let spec = json!({"model": "m", "prompt": "x", "stream": true});
    let stream = chat_stream(&[json!({"refusal": "No."})], "stop");
    for kind in [PayloadKind::Stream, PayloadKind::Response] {
        assert_eq!(choice_text(&chunks(&answer(chat(), kind, &spec, &stream)), 0), "No.");
    }
}

const LOGPROBS: &str = r#"{"content":[{"token":" é","logprob":-0.5,"bytes":[32,195,169],"top_logprobs":[{"token":" e","logprob":-1.5,"bytes":[32,101]}]},{"token":"!","logprob":-2,"bytes":[33],"top_logprobs":[]}],"refusal":null}"#;

#[test]
fn logprobs_convert_between_both_shapes() {
    let spec = json!({"model": "m", "prompt": "ab", "logprobs": 1, "echo": true});
    let body = CHAT.replace("\"logprobs\":null", &format!("\"logprobs\":{LOGPROBS}"));
    let legacy = &value(&answer(chat(), PayloadKind::Response, &spec, &body))["choices"][0]["logprobs"];
    assert_eq!(
        *legacy,
        json!({"text_offset": [2, 4], "token_logprobs": [-0.5, -2], "tokens": [" é", "!"],
            "top_logprobs": [{" e": -1.5, " é": -0.5}, {}]})
    );
    // Converted back, for a chat client.
    let body = json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"text": " é!", "index": 0, "logprobs": legacy, "finish_reason": "stop"}]})
    .to_string();
    let spec = json!({"model": "m", "messages": [{"role": "user", "content": "ab"}], "logprobs": true});
    let back = value(&answer(own(), PayloadKind::Response, &spec, &body));
    let content = back["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let tokens: Vec<_> =
        content.iter().map(|t| (t["token"].as_str().unwrap(), t["logprob"].as_f64().unwrap())).collect();
    assert_eq!(tokens, [(" é", -0.5), ("!", -2.0)]);
    assert_eq!(content[0]["bytes"], json!([32, 195, 169]));
}

#[test]
fn streamed_logprobs_accompany_their_text_and_fold_completely() {
    let chunk = |content: &str| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0,
            "delta": {"content": content}, "logprobs": {"content": [{"token": content, "logprob": -1, "bytes": null, "top_logprobs": []}], "refusal": null},
            "finish_reason": null}]})
    };
    let stream = format!("data: {}\n\ndata: {}\n\n{}", chunk("ab"), chunk("c"), chat_stream(&[], "stop"));
    let spec = json!({"model": "m", "prompt": "x", "logprobs": 0, "stream": true});
    let got = chunks(&answer(chat(), PayloadKind::Stream, &spec, &stream));
    let offsets: Vec<_> = got
        .iter()
        .filter_map(|c| c["choices"][0]["logprobs"]["text_offset"].as_array())
        .map(|offsets| offsets[0].as_u64().unwrap())
        .collect();
    assert_eq!(offsets, [0, 2]);
    let folded = value(&answer(chat(), PayloadKind::Response, &spec, &stream));
    assert_eq!(
        folded["choices"][0]["logprobs"],
        json!({"text_offset": [0, 2], "token_logprobs": [-1, -1], "tokens": ["ab", "c"], "top_logprobs": null})
    );
    // The same for a chat client.
    let spec = json!({"model": "m", "messages": [{"role": "user", "content": "ab"}], "logprobs": true});
    let folded = value(&answer(chat(), PayloadKind::Response, &spec, &stream));
    assert_eq!(folded["choices"][0]["logprobs"]["content"].as_array().unwrap().len(), 2);
}

#[test]
fn usage_is_the_last_chunk_and_only_on_request() {
    let usage = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;
    let stream = chat_stream(&[json!({"content": "a"})], "stop")
        .replace("data: [DONE]", &format!("{usage}\n\ndata: [DONE]"));
    for wanted in [true, false] {
        let spec =
            json!({"model": "m", "prompt": "x", "stream": true, "stream_options": {"include_usage": wanted}});
        let got = answer(chat(), PayloadKind::Stream, &spec, &stream);
        let counts: Vec<_> = chunks(&got).into_iter().filter(|c| c.get("usage").is_some()).collect();
        assert_eq!(counts.len(), usize::from(wanted), "{got}");
        if let Some(last) = counts.last() {
            assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(3)));
        }
    }
}

#[test]
fn errors_have_the_openai_envelope_for_both_dialects() {
    let body = r#"{"error":{"message":"Slow down.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#;
    for (from, spec) in [
        (chat(), json!({"model": "m", "prompt": "x"})),
        (own(), json!({"model": "m", "messages": [{"role": "user", "content": "x"}]})),
    ] {
        let got = answer(from, PayloadKind::Error, &spec, body);
        assert_eq!((got.status, text(&got).as_str()), (Some(429), body));
    }
}

fn conversation() -> Value {
    json!({"model": "m", "max_completion_tokens": 9, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": [{"type": "text", "text": "bye {content}"}]},
    ]})
}

fn templated(name: BuiltInTemplate) -> Profile {
    let mut upstream_profile = profile_for();
    let mut template = ChatTemplate::default();
    template.name = name;
    upstream_profile.messages.chat_template = Some(template);
    upstream_profile
}

#[test]
fn conversation_becomes_a_prompt_by_the_chat_template() {
    let expected = [
        (
            BuiltInTemplate::Plain,
            "Be brief.\n\nUser: hi\nAssistant: Hello!\nUser: bye {content}\nAssistant:",
            "\nUser:",
        ),
        (
            BuiltInTemplate::Chatml,
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nbye {content}<|im_end|>\n<|im_start|>assistant\n",
            "<|im_end|>",
        ),
        (
            BuiltInTemplate::Llama3,
            "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nbye {content}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            "<|eot_id|>",
        ),
        (
            BuiltInTemplate::Mistral,
            "[INST] Be brief.\n\nhi [/INST] Hello!</s>[INST] bye {content} [/INST]",
            "</s>",
        ),
    ];
    for (name, prompt, stop) in expected {
        let sent = request(chat(), own(), templated(name), &conversation());
        assert_eq!(value(&sent), json!({"model": "m", "prompt": prompt, "stop": [stop], "max_tokens": 9}));
        assert_eq!(codes(&sent), [DiagnosticCode::PromptRendered, DiagnosticCode::ParamRenamed], "{sent}");
    }
    // Without a template: plain text, and a single message is the prompt itself.
    let sent = value(&request(chat(), own(), profile_for(), &conversation()));
    assert!(sent["prompt"].as_str().unwrap().ends_with("\nAssistant:"), "{sent}");
    let single = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(value(&request(chat(), own(), profile_for(), &single))["prompt"], "hi");
    assert_eq!(
        value(&request(chat(), own(), templated(BuiltInTemplate::Plain), &single))["prompt"],
        "User: hi\nAssistant:"
    );
    // A prompt is not a conversation.
    let prompt = json!({"model": "m", "prompt": "hi"});
    assert_eq!(text(&request(own(), own(), templated(BuiltInTemplate::Chatml), &prompt)), prompt.to_string());
}

#[test]
fn last_assistant_message_becomes_the_end_of_the_prompt() {
    let mut body = conversation();
    body["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "Good"}));
    let sent = value(&request(chat(), own(), templated(BuiltInTemplate::Chatml), &body));
    assert!(sent["prompt"].as_str().unwrap().ends_with("<|im_start|>assistant\nGood"), "{sent}");
}

#[test]
fn chat_template_may_be_defined_in_the_profile() {
    let template: ChatTemplate = serde_json::from_value(json!({
        "name": "plain", "user": "Q: {content}\n", "assistant": "A: {content}\n", "generation_prompt": "A (short):", "stop_sequences": ["\nQ:"]
    }))
    .unwrap();
    assert_eq!(template.render(&[Message::text(Role::User, "hi")]), "Q: hi\nA (short):");
    assert_eq!(template.stop_sequences(), ["\nQ:"]);
    assert!(serde_json::from_value::<ChatTemplate>(json!({"name": "nonsense"})).is_err());
    assert!(serde_json::from_value::<ChatTemplate>(json!({"usr": "x"})).is_err());
}

#[test]
fn content_without_a_place_in_a_prompt_is_reported() {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    let body = json!({"model": "m", "tools": [tool], "tool_choice": "required", "response_format": {"type": "json_object"},
        "reasoning_effort": "low", "logit_bias": {"5": 1}, "logprobs": true, "top_logprobs": 2, "store": true, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]});
    let sent = request(chat(), own(), profile_for(), &body);
    let value = value(&sent);
    assert_eq!((&value["logprobs"], &value["logit_bias"]), (&json!(2), &json!({"5": 1})));
    assert_eq!(value["prompt"], "User: see\nAssistant: Calls f with {}\nUser: 42\nAssistant:");
    let lost: Vec<_> = sent.diagnostics.iter().map(|d| d.path.as_str()).collect();
    for path in [
        "messages[0].content",
        "messages[1]",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning_effort",
        "store",
    ] {
        assert!(lost.contains(&path), "{path} in {sent}");
    }
    assert!(!lost.contains(&"logit_bias") && !lost.contains(&"logprobs"), "{sent}");
}

#[test]
fn chat_client_receives_text_and_reasoning_separately() {
    let chunk = |text: &str, finish: Value| {
        let choice = json!({"text": text, "index": 0, "logprobs": null, "finish_reason": finish});
        json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]})
    };
    let stream = format!(
        "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        chunk("<think>hm</th", Value::Null),
        chunk("ink>\n\nyes", "length".into())
    );
    let spec = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}]});
    for kind in [PayloadKind::Stream, PayloadKind::Response] {
        let got = answer(own(), kind, &spec, &stream);
        assert_eq!(common::sdk_client::line(&text(&got)), "<hm> \"yes\" length");
    }
}

#[test]
fn response_has_the_clients_model_name() {
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.fallback.when = FallbackPolicy::Never;
    let mut upstream_profile = profile_for();
    upstream_profile.dialect = own().name().to_owned();
    let target = Target::new(upstream_profile).with_model("real");
    for stream in [true, false] {
        let body = json!({"model": "alias", "prompt": "x", "stream": stream}).to_string();
        let incoming = ClientRequest::read(own(), "", body.into()).unwrap();
        let mut exchange =
            Exchange::start(incoming, target.clone(), settings.clone(), Context::fixed()).unwrap();
        let Step::Send { request, .. } = exchange.next() else { panic!() };
        assert_eq!(request.uri().path(), "/completions");
        assert!(String::from_utf8_lossy(request.body()).contains("\"real\""));
        let mut out = Vec::new();
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        let answer = r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"real","choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":"stop"}]}"#;
        let answer = if stream { format!("data: {answer}\n\ndata: [DONE]\n\n") } else { answer.to_owned() };
        exchange.push(answer.as_bytes(), &mut out).unwrap();
        exchange.finish(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("\"alias\"") && !out.contains("\"real\""), "{out}");
    }
}

#[test]
fn upstream_with_completions_as_extra_dialect_receives_completions() {
    let path = |upstream_profile: &str, client: Dialect, body: Value| {
        let incoming = ClientRequest::read(client, "", body.to_string().into()).unwrap();
        let upstream_profile = profile(upstream_profile).unwrap();
        let mut exchange =
            Exchange::start(incoming, upstream_profile, Settings::default(), Context::fixed()).unwrap();
        let Step::Send { request, .. } = exchange.next() else { panic!() };
        (request.uri().path().to_owned(), String::from_utf8(request.body().to_vec()).unwrap())
    };
    let prompt = |model: &str| json!({"model": model, "prompt": "a", "suffix": "c"});
    assert_eq!(path("vllm", own(), prompt("m")), (String::from("/completions"), prompt("m").to_string()));
    assert_eq!(path("compatible", own(), prompt("m")).0, "/chat/completions");
    assert_eq!(path("openai", own(), prompt("gpt-3.5-turbo-instruct")).0, "/completions");
    assert_eq!(path("openai", own(), prompt("gpt-4o")).0, "/chat/completions");
    let messages = json!({"model": "m", "messages": [{"role": "user", "content": "a"}]});
    assert_eq!(path("vllm", chat(), messages).0, "/chat/completions");
}

#[test]
fn repaired_payload_needs_no_second_repair_and_is_strict() {
    let mut repaired = 0;
    for fixture in common::fixtures(&[PayloadKind::Response, PayloadKind::Stream]) {
        let once = fixture.convert(own());
        let broken = text(&once).contains("\"error\":{");
        if once.status != Some(200) || broken || fixture.name == common::NO_TEXT {
            continue;
        }
        let chunks = chunks(&once);
        for chunk in &chunks {
            let strings =
                ["id", "model"].iter().all(|key| chunk[key].as_str().is_some_and(|s| !s.is_empty()));
            assert!(strings && chunk["created"].is_u64() && chunk["object"] == "text_completion", "{once}");
            for choice in chunk["choices"].as_array().unwrap() {
                let ends =
                    matches!(choice["finish_reason"].as_str(), Some("stop" | "length" | "content_filter"));
                let goes_on = choice["finish_reason"].is_null() && fixture.kind == PayloadKind::Stream;
                assert!(
                    choice["text"].is_string() && choice["index"].is_u64() && (ends || goes_on),
                    "{once}"
                );
                assert!(choice["logprobs"].is_null() || choice["logprobs"]["tokens"].is_array(), "{once}");
            }
        }
        if chunks.iter().all(|chunk| choice_text(std::slice::from_ref(chunk), 0).is_empty()) {
            continue;
        }
        let mut again = fixture.clone();
        (again.dialect, again.body) = (own(), once.body.clone());
        (again.profile, again.request) = (profile_for(), fixture.request_in(own()));
        let twice = again.convert(own());
        assert_eq!(text(&twice), text(&once), "{}", fixture.name);
        let found: Vec<_> =
            twice.diagnostics.iter().filter(|d| d.code != DiagnosticCode::ContentAfterFinish).collect();
        assert!(found.is_empty(), "{}: {twice}", fixture.name);
        repaired += 1;
    }
    assert!(repaired > 100, "{repaired}");
}

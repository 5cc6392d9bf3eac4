//! Requests in the forms that their upstreams take: schemas, formats beside tools, switches of other servers, joined texts.

use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect;
use openai_shim_core::profile::{Profile, profile};
use serde_json::{Value, json};

fn run(from: &str, to: &str, upstream: Option<&str>, body: &Value) -> Conversion {
    let upstream = upstream.map(|name| profile(name).unwrap());
    convert(
        &ConversionInput::request(dialect(from).unwrap(), body.to_string().as_bytes())
            .to(dialect(to).unwrap())
            .profile(
                upstream
                    .or_else(|| Profile::native(to.parse().unwrap()))
                    .unwrap_or_else(|| profile("compatible").unwrap()),
            ),
    )
}

/// The request that is sent, and the warnings about it.
fn sent(from: &str, to: &str, upstream: Option<&str>, body: &Value) -> (Value, Vec<String>) {
    let conversion = run(from, to, upstream, body);
    assert!(conversion.ok, "{from} to {to}: {conversion}");
    let warnings = conversion.diagnostics.iter().filter(|d| d.severity().as_str() == "warning");
    let warnings = warnings.map(|d| format!("{} {} {}", d.code.as_str(), d.path, d.detail)).collect();
    (serde_json::from_slice(&conversion.body).unwrap(), warnings)
}

const UPSTREAMS: [(&str, Option<&str>); 5] = [
    ("openai-chat", Some("openai")),
    ("openai-chat", Some("xai")),
    ("openai-responses", None),
    ("anthropic-messages", None),
    ("gemini", None),
];

/// A request of a client of chat, or of Anthropic's, with one tool.
fn with_tool(client: &str, schema: &Value, strict: bool) -> Value {
    let messages = json!([{"role": "user", "content": "go"}]);
    if client == "openai-chat" {
        let function = json!({"name": "f", "parameters": schema, "strict": strict});
        json!({"model": "m", "messages": messages, "tools": [{"type": "function", "function": function}]})
    } else {
        let tool = json!({"name": "f", "input_schema": schema, "strict": strict});
        json!({"model": "m", "max_tokens": 9, "messages": messages, "tools": [tool]})
    }
}

/// The schema of the first tool of a request.
fn schema_of(body: &Value) -> Value {
    let tool = &body["tools"][0];
    let places = [
        tool.pointer("/function/parameters"),
        tool.pointer("/parameters"),
        tool.pointer("/input_schema"),
        tool.pointer("/functionDeclarations/0/parametersJsonSchema"),
    ];
    places.into_iter().flatten().next().cloned().unwrap_or_default()
}

#[test]
fn keywords_of_older_drafts_are_spelled_as_in_the_current_one() {
    let schema = json!({"type": "OBJECT", "properties": {
        "window": {"type": "array", "items": [{"type": "integer"}, {"type": "INTEGER"}], "additionalItems": false},
        "limit": {"type": ["NUMBER", "null"], "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false},
        "name": {"type": "string", "required": true},
        "anything": {"type": "any", "description": "d"}
    }});
    for client in ["openai-chat", "anthropic-messages"] {
        for (to, upstream) in UPSTREAMS {
            let (body, warnings) = sent(client, to, upstream, &with_tool(client, &schema, false));
            let sent = schema_of(&body);
            let window = &sent["properties"]["window"];
            assert_eq!(
                window["prefixItems"],
                json!([{"type": "integer"}, {"type": "integer"}]),
                "{to}: {sent}"
            );
            assert!(window.get("additionalItems").is_none() && !window["items"].is_array(), "{to}: {sent}");
            assert_eq!(sent["type"], "object", "{to}");
            assert_eq!(sent["properties"]["limit"]["type"], json!(["number", "null"]), "{to}");
            assert_eq!(sent["required"], json!(["name"]), "{to}: {sent}");
            assert!(sent["properties"]["name"].get("required").is_none(), "{to}: {sent}");
            assert!(sent["properties"]["anything"].get("type").is_none(), "{to}: {sent}");
            if to != "gemini" {
                assert_eq!(sent["properties"]["limit"]["exclusiveMinimum"], 0, "{to}: {sent}");
                assert_eq!(sent["properties"]["limit"]["maximum"], 9, "{to}: {sent}");
                assert_eq!(window["items"], false, "{to}: {sent}");
                assert!(warnings.iter().all(|w| !w.starts_with("schema")), "{to}: {warnings:?}");
            }
        }
    }
}

#[test]
fn each_schema_of_a_strict_tool_of_openai_names_its_type() {
    let schema = json!({"type": "object", "properties": {
        "mode": {"enum": ["a", "b"]}, "one": {"const": 1}, "maybe": {"enum": ["x", null]},
        "pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
        "list": {"type": "array"}, "any": {}, "inner": {"properties": {"a": {"type": "string"}}},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]}
    }});
    for (to, upstream) in [("openai-chat", Some("openai")), ("openai-responses", None)] {
        for client in ["openai-chat", "anthropic-messages"] {
            let (body, warnings) = sent(client, to, upstream, &with_tool(client, &schema, true));
            let sent = schema_of(&body);
            let type_of = |name: &str| sent["properties"][name]["type"].clone();
            assert_eq!(type_of("mode"), "string", "{sent}");
            assert_eq!(type_of("one"), "number");
            assert_eq!(type_of("maybe"), json!(["string", "null"]));
            assert_eq!(type_of("inner"), "object");
            assert_eq!(
                sent["properties"]["pair"]["items"],
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})
            );
            assert!(sent["properties"]["list"]["items"].get("type").is_some(), "{sent}");
            assert!(sent["properties"]["any"].get("type").is_some(), "{sent}");
            assert!(sent["properties"]["either"].get("type").is_none(), "{sent}");
            assert!(!warnings.is_empty(), "{sent}");
        }
    }
}

#[test]
fn a_format_that_is_refused_beside_tools_is_stated_in_a_sentence() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}});
    let request = |model: &str, choice: &str| {
        let mut body = with_tool("openai-chat", &schema, false);
        body["model"] = json!(model);
        body["response_format"] = format.clone();
        body["tool_choice"] = json!(choice);
        body
    };
    let has_format = |body: &Value| {
        body.get("response_format").is_some() || body.pointer("/generationConfig/responseMimeType").is_some()
    };
    for (to, upstream, model, choice, is_sent) in [
        ("gemini", None, "gemini-2.5-flash", "auto", false),
        ("gemini", None, "gemini-3-flash", "auto", true),
        ("openai-chat", Some("tgi"), "m", "auto", false),
        ("openai-chat", Some("sglang"), "m", "required", false),
        ("openai-chat", Some("sglang"), "m", "auto", true),
        ("openai-chat", Some("openai"), "m", "required", true),
    ] {
        let (body, warnings) = sent("openai-chat", to, upstream, &request(model, choice));
        assert_eq!(has_format(&body), is_sent, "{upstream:?} {model}: {body}");
        assert_eq!(body.to_string().contains("JSON schema"), !is_sent, "{upstream:?} {model}: {body}");
        let is_reported = warnings.iter().any(|w| w.starts_with("format-downgraded"));
        assert_eq!(is_reported, !is_sent, "{upstream:?} {model}: {warnings:?}");
        let mut alone = request(model, choice);
        for key in ["tools", "tool_choice"] {
            alone.as_object_mut().unwrap().remove(key);
        }
        assert!(has_format(&sent("openai-chat", to, upstream, &alone).0), "{upstream:?} {model}");
    }
    let own = json!({"model": "gemini-2.5-pro", "contents": [{"role": "user", "parts": [{"text": "go"}]}],
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {}}}});
    let (body, warnings) = sent("gemini", "gemini", None, &own);
    assert!(!has_format(&body) && body.pointer("/generationConfig/responseSchema").is_none(), "{body}");
    assert!(!warnings.is_empty() && body.to_string().contains("JSON"), "{body}");
}

#[test]
fn log_probabilities_are_a_number_where_the_upstream_takes_one() {
    let request = |more: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (params, expected) in [
        (json!({"logprobs": true, "top_logprobs": 3}), json!(3)),
        (json!({"logprobs": true}), json!(1)),
        (json!({"logprobs": false}), Value::Null),
        (json!({"logprobs": 2}), json!(2)),
    ] {
        let (body, _) = sent("openai-chat", "openai-chat", Some("together"), &request(params.clone()));
        assert_eq!(body.get("logprobs").unwrap_or(&Value::Null), &expected, "{params}");
        assert!(body.get("top_logprobs").is_none(), "{params}: {body}");
    }
}

#[test]
fn lists_of_texts_are_one_text_where_a_list_is_no_text() {
    let parts = json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]);
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": parts}, {"role": "user", "content": parts},
        {"role": "assistant", "content": parts, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": parts}
    ]});
    for upstream in ["together", "ollama", "ollama-cloud"] {
        let (body, _) = sent("openai-chat", "openai-chat", Some(upstream), &body);
        for message in body["messages"].as_array().unwrap() {
            // The model's own texts continue where they were split.
            let expected = if message["role"] == "assistant" { "onetwo" } else { "one\n\ntwo" };
            assert_eq!(message["content"], expected, "{upstream}: {message}");
        }
    }
}

#[test]
fn an_effort_is_reported_by_an_api_that_has_no_parameter_for_it() {
    for client in ["openai-chat", "anthropic-messages", "ollama-chat"] {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}]});
        match client {
            "openai-chat" => body["reasoning_effort"] = json!("high"),
            "anthropic-messages" => {
                body["max_tokens"] = json!(9);
                body["output_config"] = json!({"effort": "high"});
                body["thinking"] = json!({"type": "adaptive"});
            }
            _ => body["think"] = json!("high"),
        }
        for upstream in ["openai", "vllm", "compatible"] {
            let (_, warnings) = sent(client, "openai-completions", Some(upstream), &body);
            assert!(!warnings.is_empty(), "{client} to {upstream}");
        }
    }
}

#[test]
fn a_failed_tool_is_reported_where_a_prompt_cannot_say_so() {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "is_error": true, "content": "no"}]}
    ]});
    for to in ["openai-chat", "openai-completions", "openai-responses", "ollama-chat", "ollama-generate"] {
        let (_, warnings) = sent("anthropic-messages", to, None, &body);
        assert!(warnings.iter().any(|w| w.contains("messages[2]")), "{to}: {warnings:?}");
    }
    for to in ["anthropic-messages", "gemini"] {
        let (body, warnings) = sent("anthropic-messages", to, None, &body);
        assert!(warnings.is_empty() && body.to_string().contains("error"), "{to}: {warnings:?}");
    }
}

#[test]
fn parts_of_a_text_do_not_run_into_each_other() {
    let text = |text: &str| json!({"type": "text", "text": text});
    let search =
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}});
    let body = json!({"model": "m", "max_tokens": 9, "system": [text("s1"), text("s2")], "messages": [
        {"role": "user", "content": [text("u1"), text("u2")]},
        {"role": "assistant", "content": [text("a1"), search, text("a2"), {"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [text("r1"), text("r2")]}, text("u3")]}
    ]});
    for to in
        ["openai-chat", "openai-completions", "openai-responses", "ollama-chat", "ollama-generate", "gemini"]
    {
        let (body, _) = sent("anthropic-messages", to, None, &body);
        let body = body.to_string();
        for glued in ["s1s2", "u1u2", "a1Call", "}a2", "a2Calls", "r1r2", "r2u3"] {
            assert!(!body.contains(glued), "{to}: {glued}: {body}");
        }
    }
    // What the model wrote in several parts is one text.
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"}, {"role": "assistant", "content": [text("the sky "), text("is blue")]},
        {"role": "user", "content": "on"}
    ]});
    for to in ["openai-completions", "openai-responses"] {
        let (body, _) = sent("anthropic-messages", to, None, &body);
        assert!(body.to_string().contains("the sky is blue"), "{to}: {body}");
    }
}

#[test]
fn a_switch_that_is_on_by_default_is_a_wish_when_it_is_off() {
    for field in ["skip_special_tokens", "do_sample", "add_generation_prompt"] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}], field: false});
        for to in ["openai-responses", "anthropic-messages", "gemini", "ollama-chat"] {
            let (_, warnings) = sent("openai-chat", to, None, &body);
            assert!(warnings.iter().any(|w| w.contains(field)), "{to}: {field}: {warnings:?}");
        }
    }
}

#[test]
fn an_empty_stop_sequence_is_left_out() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}], "stop": ["", "a"]});
    for (to, place) in [
        ("openai-chat", "/stop"),
        ("gemini", "/generationConfig/stopSequences"),
        ("ollama-chat", "/options/stop"),
    ] {
        let (sent, _) = sent("openai-chat", to, None, &body);
        assert_eq!(sent.pointer(place), Some(&json!(["a"])), "{to}: {sent}");
    }
}

#[test]
fn what_loses_nothing_is_no_warning() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let old_format = json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "go"}],
        "output_format": {"type": "json_schema", "schema": schema}});
    let old_role = json!({"model": "m", "contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f", "args": {}}}]},
        {"role": "function", "parts": [{"functionResponse": {"id": "a", "name": "f", "response": {"output": "R"}}}]}
    ], "tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}]});
    for (to, upstream) in UPSTREAMS {
        for (from, body) in [("anthropic-messages", &old_format), ("gemini", &old_role)] {
            let (_, warnings) = sent(from, to, upstream, body);
            assert!(warnings.is_empty(), "{from} to {to}: {warnings:?}");
        }
    }
}

#[test]
fn a_choice_is_read_in_whatever_form_a_client_of_chat_writes_it() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}});
    let request = |choice: &Value| json!({"model": "m", "messages": [{"role": "user", "content": "go"}], "tools": [tool("f"), tool("g")], "tool_choice": choice});
    for (choice, expected) in [
        (json!({"type": "auto"}), json!({"type": "auto"})),
        (json!({"type": "any"}), json!({"type": "any"})),
        (json!({"type": "tool", "name": "f"}), json!({"type": "tool", "name": "f"})),
        (json!({"type": "function", "name": "f"}), json!({"type": "tool", "name": "f"})),
    ] {
        let (body, warnings) = sent("openai-chat", "anthropic-messages", None, &request(&choice));
        assert_eq!(body["tool_choice"], expected, "{choice}: {warnings:?}");
        assert!(warnings.is_empty(), "{choice}: {warnings:?}");
    }
    let (body, _) = sent("openai-chat", "openai-chat", Some("openai"), &request(&json!("any")));
    assert_eq!(body["tool_choice"], "required");
    let (body, _) = sent("openai-chat", "openai-chat", Some("litserve"), &request(&json!("required")));
    assert_eq!(body["tool_choice"], "any");
}

#[test]
fn no_tool_is_demanded_where_none_is_allowed() {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}});
    let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "go"}], "tools": [tool], "tool_choice": choice});
    for (to, upstream) in UPSTREAMS {
        let (body, warnings) = sent("openai-chat", to, upstream, &body);
        let body = body.to_string();
        assert!(
            !["\"any\"", "ANY", "required\"", "allowed"].iter().any(|choice| body.contains(choice)),
            "{to}: {body}"
        );
        assert!(!warnings.is_empty(), "{to}");
    }
}

#[test]
fn older_models_of_anthropic_get_system_messages_in_front() {
    let body = |model: &str| {
        json!({"model": model, "max_tokens": 9, "system": "S1", "messages": [
            {"role": "user", "content": "one"}, {"role": "system", "content": "S2"},
            {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}
        ]})
    };
    for (model, is_in_front) in [
        ("claude-sonnet-4-5", true),
        ("claude-opus-4-6", true),
        ("claude-opus-4-8", false),
        ("claude-opus-5", false),
        ("claude-sonnet-5", false),
    ] {
        let (sent, _) = sent("anthropic-messages", "anthropic-messages", None, &body(model));
        let system = sent["system"].to_string();
        assert_eq!(system.contains("S2"), is_in_front, "{model}: {sent}");
        let roles: Vec<_> = sent["messages"].as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
        assert_eq!(roles.contains(&json!("system")), !is_in_front, "{model}: {sent}");
    }
}

#[test]
fn a_schema_is_read_in_whatever_form_a_client_of_chat_writes_it() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    for format in [
        json!({"type": "json_schema", "schema": schema}),
        json!({"type": "json_schema", "name": "n", "schema": schema, "strict": true}),
        json!({"type": "json_object", "schema": schema}),
    ] {
        let body =
            json!({"model": "m", "messages": [{"role": "user", "content": "go"}], "response_format": format});
        for (to, place) in [
            ("openai-responses", "/text/format/schema"),
            ("anthropic-messages", "/output_config/format/schema"),
            ("gemini", "/generationConfig/responseJsonSchema"),
            ("ollama-chat", "/format"),
        ] {
            let (sent, warnings) = sent("openai-chat", to, None, &body);
            assert_eq!(sent.pointer(place), Some(&schema), "{to}: {format}: {sent}");
            assert!(warnings.is_empty(), "{to}: {format}: {warnings:?}");
        }
        let (sent, _) = sent("openai-chat", "openai-chat", Some("sglang"), &body);
        assert_eq!(sent["response_format"], format);
    }
    let described =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "description": "d"}});
    let body =
        json!({"model": "m", "messages": [{"role": "user", "content": "go"}], "response_format": described});
    for to in ["anthropic-messages", "gemini", "ollama-chat"] {
        let (_, warnings) = sent("openai-chat", to, None, &body);
        assert!(warnings.iter().any(|w| w.contains("description")), "{to}: {warnings:?}");
    }
}

#[test]
fn the_wish_for_citations_of_a_text_is_reported_where_it_is_lost() {
    let document = |enabled: bool| {
        let source = json!({"type": "text", "media_type": "text/plain", "data": "D"});
        json!({"type": "document", "source": source, "citations": {"enabled": enabled}})
    };
    let found = |enabled: bool| {
        let content = json!([{"type": "text", "text": "F"}]);
        json!({"type": "search_result", "source": "s", "title": "t", "content": content, "citations": {"enabled": enabled}})
    };
    for to in
        ["openai-chat", "openai-completions", "openai-responses", "ollama-chat", "ollama-generate", "gemini"]
    {
        for enabled in [true, false] {
            for block in [document(enabled), found(enabled)] {
                let result = json!({"type": "tool_result", "tool_use_id": "a", "content": [block]});
                let body = json!({"model": "m", "max_tokens": 99, "messages": [
                    {"role": "user", "content": [block, {"type": "text", "text": "go"}]},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
                    {"role": "user", "content": [result]}
                ]});
                let (_, warnings) = sent("anthropic-messages", to, None, &body);
                let is_reported = warnings.iter().any(|w| w.contains("citations"));
                assert_eq!(is_reported, enabled, "{to}: {block}: {warnings:?}");
            }
        }
    }
    let body =
        json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": [document(true)]}]});
    assert_eq!(sent("anthropic-messages", "anthropic-messages", None, &body).0, body);
}

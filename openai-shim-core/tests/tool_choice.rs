//! The choice among tools, from clients of every dialect to upstreams of every dialect; and OpenAI's legacy functions.

mod common;

use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::dialect;
use openai_shim_core::{PayloadKind, profile};
use serde_json::{Value, json};

const UPSTREAMS: [(&str, &str); 5] = [
    ("openai-chat", "openai"),
    ("openai-responses", "openai-responses"),
    ("anthropic-messages", "anthropic"),
    ("gemini", "gemini"),
    ("ollama-chat", "ollama-native"),
];

fn converted(
    from: &str,
    to: &str,
    upstream: &str,
    kind: PayloadKind,
    body: &Value,
    request: Option<&Value>,
) -> Conversion {
    let request = request.map(ToString::to_string);
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    convert(&{
        let mut input = ConversionInput::new(kind, dialect(from).unwrap(), text.as_bytes())
            .to(dialect(to).unwrap())
            .profile(profile(upstream).unwrap());
        input.request = request.as_deref().map(str::as_bytes);
        input
    })
}

fn sent(from: &str, to: &str, upstream: &str, body: &Value) -> (Value, Vec<String>) {
    let conversion = converted(from, to, upstream, PayloadKind::Request, body, None);
    assert!(conversion.ok, "{from} to {to}: {conversion}");
    let diagnostics = conversion.diagnostics.iter().map(ToString::to_string).collect();
    (serde_json::from_slice(&conversion.body).unwrap(), diagnostics)
}

fn is_warned(diagnostics: &[String], path: &str) -> bool {
    diagnostics.iter().any(|d| d.contains(&format!("[warning] {path}")))
}

/// A request that offers these functions.
fn offering(client: &str, names: &[&str]) -> Value {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let messages = json!([{"role": "user", "content": "hi"}]);
    let nested = |name: &&str| json!({"type": "function", "function": {"name": name, "parameters": schema}});
    match client {
        "openai-responses" => {
            let tool = |name: &&str| json!({"type": "function", "name": name, "parameters": schema, "strict": false});
            json!({"model": "m", "input": "hi", "tools": names.iter().map(tool).collect::<Vec<_>>()})
        }
        "gemini" => {
            let tool = |name: &&str| json!({"name": name, "parametersJsonSchema": schema});
            json!({"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
                "tools": [{"functionDeclarations": names.iter().map(tool).collect::<Vec<_>>()}]})
        }
        "anthropic-messages" => {
            let tool = |name: &&str| json!({"name": name, "input_schema": schema});
            json!({"model": "m", "max_tokens": 9, "messages": messages, "tools": names.iter().map(tool).collect::<Vec<_>>()})
        }
        _ => {
            json!({"model": "m", "messages": messages, "tools": names.iter().map(nested).collect::<Vec<_>>()})
        }
    }
}

/// The names of the functions in an upstream's request.
fn offered(body: &Value) -> Vec<String> {
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    let functions = tools.iter().flat_map(|tool| match tool["functionDeclarations"].as_array() {
        Some(list) => list.clone(),
        None => vec![tool.get("function").unwrap_or(tool).clone()],
    });
    functions.map(|function| function["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// How each dialect writes the choice among some tools.
fn allowing(client: &str, names: &[&str], required: bool) -> (String, Value) {
    let mode = if required { "required" } else { "auto" };
    match client {
        "openai-chat" => {
            let named = |name: &&str| json!({"type": "function", "function": {"name": name}});
            let tools: Vec<_> = names.iter().map(named).collect();
            (
                "tool_choice".into(),
                json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}),
            )
        }
        "openai-responses" => {
            let tools: Vec<_> = names.iter().map(|name| json!({"type": "function", "name": name})).collect();
            ("tool_choice".into(), json!({"type": "allowed_tools", "mode": mode, "tools": tools}))
        }
        _ => {
            let mode = if required { "ANY" } else { "VALIDATED" };
            (
                "toolConfig".into(),
                json!({"functionCallingConfig": {"mode": mode, "allowedFunctionNames": names}}),
            )
        }
    }
}

#[test]
fn the_choice_among_some_tools_reaches_every_upstream() {
    for client in ["openai-chat", "openai-responses", "gemini"] {
        for (upstream, vendor) in UPSTREAMS {
            for required in [true, false] {
                let mut body = offering(client, &["f", "g", "h"]);
                let (key, choice) = allowing(client, &["f", "g"], required);
                body[key] = choice;
                let (request, diagnostics) = sent(client, upstream, vendor, &body);
                let what = format!("{client} to {upstream}, {required}: {request} {diagnostics:?}");
                if matches!(upstream, "openai-chat" | "openai-responses" | "gemini") {
                    let (key, choice) = allowing(upstream, &["f", "g"], required);
                    assert_eq!(request[key], choice, "{what}");
                    assert_eq!(offered(&request), ["f", "g", "h"], "{what}");
                    continue;
                }
                assert_eq!(offered(&request), ["f", "g"], "{what}");
                if upstream == "anthropic-messages" {
                    let word = if required { "any" } else { "auto" };
                    assert_eq!(request["tool_choice"]["type"], word, "{what}");
                } else {
                    assert!(request.get("tool_choice").is_none(), "{what}");
                    assert_eq!(is_warned(&diagnostics, "tool_choice"), required, "{what}");
                }
            }
        }
    }
}

#[test]
fn only_allowed_tools_are_offered_to_upstreams_without_that_choice() {
    let mut body = offering("openai-chat", &["f", "g", "h"]);
    let (key, choice) = allowing("openai-chat", &["f", "g"], true);
    body[&key] = choice;
    for upstream in ["compatible", "mistral", "groq", "vllm"] {
        let (request, _) = sent("openai-chat", "openai-chat", upstream, &body);
        assert_eq!(
            (offered(&request), &request["tool_choice"]),
            (vec!["f".to_owned(), "g".to_owned()], &json!("required"))
        );
    }
    let (request, diagnostics) = sent("openai-chat", "openai-chat", "openai", &body);
    assert_eq!(request, body);
    assert!(diagnostics.is_empty());
}

#[test]
fn a_tool_that_is_not_offered_is_not_demanded() {
    for client in ["openai-chat", "openai-responses", "anthropic-messages", "gemini"] {
        let choices = match client {
            "openai-chat" => {
                vec![json!({"type": "function", "function": {"name": "x"}}), allowing(client, &["x"], true).1]
            }
            "openai-responses" => {
                vec![json!({"type": "function", "name": "x"}), allowing(client, &["x"], true).1]
            }
            "anthropic-messages" => vec![json!({"type": "tool", "name": "x"})],
            _ => vec![allowing(client, &["x"], true).1, allowing(client, &["x", "y"], true).1],
        };
        let key = if client == "gemini" { "toolConfig" } else { "tool_choice" };
        for choice in choices {
            for (upstream, vendor) in UPSTREAMS {
                let mut body = offering(client, &["f", "g"]);
                body[key] = choice.clone();
                let (request, diagnostics) = sent(client, upstream, vendor, &body);
                let what = format!("{client} to {upstream}, {choice}: {request} {diagnostics:?}");
                assert!(
                    !request.to_string().contains("\"x\"") && !request.to_string().contains("`x`"),
                    "{what}"
                );
                assert!(
                    !["\"required\"", "\"any\"", "\"ANY\""]
                        .iter()
                        .any(|word| request["tool_choice"].to_string().contains(word)),
                    "{what}"
                );
                assert!(is_warned(&diagnostics, "tool_choice"), "{what}");
            }
        }
    }
}

#[test]
fn a_choice_goes_with_the_last_tool() {
    for client in ["openai-chat", "openai-responses", "anthropic-messages", "gemini"] {
        for (upstream, vendor) in UPSTREAMS {
            let mut body = offering(client, &[]);
            let (native, key, choice) = match client {
                "anthropic-messages" => (
                    json!({"type": "web_search_20250305", "name": "web_search"}),
                    "tool_choice",
                    json!({"type": "tool", "name": "web_search"}),
                ),
                "gemini" => (
                    json!({"googleMaps": {}}),
                    "toolConfig",
                    json!({"functionCallingConfig": {"mode": "ANY"}}),
                ),
                "openai-responses" => (
                    json!({"type": "file_search", "vector_store_ids": ["v"]}),
                    "tool_choice",
                    json!("required"),
                ),
                _ => (json!({"type": "browser_search"}), "tool_choice", json!("required")),
            };
            body["tools"] = json!([native]);
            body[key] = choice;
            if client == upstream && client != "gemini" {
                assert_eq!(sent(client, upstream, vendor, &body).0, body);
                continue;
            }
            let (request, diagnostics) = sent(client, upstream, vendor, &body);
            let what = format!("{client} to {upstream}: {request} {diagnostics:?}");
            // Google refuses a choice among its own tools alone.
            if request.get("tools").is_none() || upstream == "gemini" && offered(&request) == [""] {
                assert!(
                    request.get("tool_choice").is_none() && request.get("toolConfig").is_none(),
                    "{what}"
                );
                assert!(!request.to_string().contains("Answer by calling"), "{what}");
                assert!(is_warned(&diagnostics, "tool_choice"), "{what}");
            }
        }
    }
}

#[test]
fn a_choice_without_tools_is_dropped_for_every_upstream() {
    for (upstream, vendor) in UPSTREAMS {
        for choice in ["auto", "none", "required"] {
            let mut body = offering("openai-chat", &[]);
            body["tool_choice"] = json!(choice);
            body["parallel_tool_calls"] = json!(true);
            let (request, diagnostics) = sent("openai-chat", upstream, vendor, &body);
            for key in ["tools", "tool_choice", "toolConfig", "parallel_tool_calls"] {
                assert!(request.get(key).is_none(), "{upstream}: {request}");
            }
            assert_eq!(is_warned(&diagnostics, "tool_choice"), choice == "required", "{diagnostics:?}");
        }
    }
}

#[test]
fn ollama_is_offered_what_may_be_called() {
    let with = |choice: Value| {
        let mut body = offering("openai-chat", &["f", "g"]);
        body["tool_choice"] = choice;
        sent("openai-chat", "ollama-chat", "compatible", &body)
    };
    let (request, _) = with(json!("none"));
    assert!(request.get("tools").is_none() && request.get("tool_choice").is_none());
    let (request, diagnostics) = with(json!({"type": "function", "function": {"name": "g"}}));
    assert_eq!(offered(&request), ["g"]);
    assert!(request["messages"][0]["content"].as_str().unwrap().contains("`g`"));
    assert!(is_warned(&diagnostics, "tool_choice"));
    let (request, diagnostics) = with(json!("required"));
    assert_eq!(offered(&request), ["f", "g"]);
    assert!(is_warned(&diagnostics, "tool_choice"));
}

fn legacy() -> Value {
    json!({"model": "m", "functions": [
        {"name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {}}}, {"name": "other"}],
        "function_call": {"name": "get_weather"}, "messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": null, "function_call": {"name": "get_weather", "arguments": "{\"a\":1}"}},
        {"role": "function", "name": "get_weather", "content": "sunny"},
        {"role": "user", "content": "and now?"}]})
}

#[test]
fn legacy_functions_are_tools_elsewhere() {
    let body = legacy();
    for (upstream, vendor) in UPSTREAMS {
        let (request, diagnostics) = sent("openai-chat", upstream, vendor, &body);
        if upstream == "openai-chat" {
            assert_eq!(request, body, "{diagnostics:?}");
            continue;
        }
        let what = format!("{upstream}: {request} {diagnostics:?}");
        assert_eq!(offered(&request)[0], "get_weather", "{what}");
        assert!(!is_warned(&diagnostics, "function"), "{what}");
        let text = request.to_string();
        assert!(text.contains("sunny") && !text.contains("function_call\":{"), "{what}");
        match upstream {
            "anthropic-messages" => {
                assert_eq!(request["tool_choice"], json!({"type": "tool", "name": "get_weather"}), "{what}");
                let (call, result) =
                    (&request["messages"][1]["content"][0], &request["messages"][2]["content"][0]);
                assert_eq!((&call["type"], &call["input"]), (&json!("tool_use"), &json!({"a": 1})), "{what}");
                assert_eq!(call["id"], result["tool_use_id"], "{what}");
            }
            "openai-responses" => {
                assert_eq!(
                    request["tool_choice"],
                    json!({"type": "function", "name": "get_weather"}),
                    "{what}"
                );
                assert_eq!(request["input"][1]["call_id"], request["input"][2]["call_id"], "{what}");
            }
            "gemini" => {
                assert_eq!(
                    request["contents"][1]["parts"][0]["functionCall"]["args"],
                    json!({"a": 1}),
                    "{what}"
                );
                assert_eq!(
                    request["contents"][2]["parts"][0]["functionResponse"]["name"], "get_weather",
                    "{what}"
                );
            }
            _ => assert_eq!(offered(&request), ["get_weather"], "{what}"),
        }
    }
}

#[test]
fn legacy_functions_that_must_change_keep_their_form() {
    let mut body = legacy();
    body["functions"][1]["parameters"] = json!({"type": "object"});
    let (request, _) = sent("openai-chat", "openai-chat", "openai", &body);
    assert_eq!(request["functions"][1]["parameters"], json!({"type": "object", "properties": {}}));
    assert_eq!((&request["function_call"], request.get("tools")), (&body["function_call"], None));
    assert_eq!(request["messages"], body["messages"]);
}

#[test]
fn answers_to_legacy_functions_have_the_legacy_form_however_they_are_split() {
    let answers = [
        (
            "anthropic-messages",
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"a": 1}}], "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}}),
        ),
        (
            "gemini",
            json!({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"a": 1}}}]}, "finishReason": "STOP"}]}),
        ),
    ];
    for (upstream, answer) in answers {
        let whole =
            converted(upstream, "openai-chat", "compatible", PayloadKind::Response, &answer, Some(&legacy()));
        let body: Value = serde_json::from_slice(&whole.body).unwrap();
        let choice = &body["choices"][0];
        assert_eq!(choice["message"]["function_call"]["name"], "get_weather", "{whole}");
        assert_eq!(choice["finish_reason"], "function_call", "{whole}");
        assert!(choice["message"].get("tool_calls").is_none(), "{whole}");
    }
}

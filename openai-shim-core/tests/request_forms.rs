//! Requests in the forms that their upstreams take: schemas, formats beside tools, switches of other servers, joined texts.

use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::profile::{native_profile, profile};
use openai_shim_core::{Context, PayloadKind, dialect};
use serde_json::{Value, json};

fn run(from: &str, to: &str, upstream: Option<&str>, body: &Value) -> Conversion {
    let upstream = upstream.map(|name| profile(name).unwrap());
    convert(&ConversionInput {
        from: dialect(from).unwrap(),
        to: dialect(to).unwrap(),
        profile: upstream.or_else(|| native_profile(to)).unwrap_or_else(|| profile("compatible").unwrap()),
        kind: PayloadKind::Request,
        body: body.to_string().as_bytes(),
        request: None,
        status: None,
        context: Context::fixed(),
    })
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

//! Schemas of tools and of structured output, from clients of every dialect to upstreams of every dialect.

mod common;

use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::dialect;
use openai_shim_core::profile;
use serde_json::{Value, json};

const CLIENTS: [&str; 5] = ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat"];

/// Each upstream dialect with the profile of its vendor.
const UPSTREAMS: [(&str, &str); 5] = [
    ("openai-chat", "openai"),
    ("openai-responses", "openai-responses"),
    ("anthropic-messages", "anthropic"),
    ("gemini", "gemini"),
    ("ollama-chat", "ollama-native"),
];

/// The upstream's request, and the diagnostics.
fn sent(from: &str, to: &str, upstream: &str, body: &Value) -> (Value, Vec<String>) {
    let (text, diagnostics) = sent_text(from, to, upstream, &body.to_string());
    (serde_json::from_str(&text).unwrap(), diagnostics)
}

fn sent_text(from: &str, to: &str, upstream: &str, body: &str) -> (String, Vec<String>) {
    let conversion = convert(
        &ConversionInput::request(dialect(from).unwrap(), body.as_bytes())
            .to(dialect(to).unwrap())
            .profile(profile(upstream).unwrap()),
    );
    assert!(conversion.ok, "{from} to {to}: {conversion}");
    let diagnostics = conversion.diagnostics.iter().map(ToString::to_string).collect();
    (String::from_utf8(conversion.body).unwrap(), diagnostics)
}

/// The request of a client that offers one function; `schema`: of its parameters.
fn with_tool(client: &str, schema: Option<&Value>, strict: bool) -> Value {
    let mut function = json!({"name": "f", "description": "d"});
    if let Some(schema) = schema {
        let key = match client {
            "anthropic-messages" => "input_schema",
            "gemini" => "parametersJsonSchema",
            _ => "parameters",
        };
        function[key] = schema.clone();
    }
    if strict && !matches!(client, "gemini" | "ollama-chat") {
        function["strict"] = json!(true);
    }
    let tool = match client {
        "openai-chat" | "ollama-chat" => json!({"type": "function", "function": function}),
        "openai-responses" => {
            function["type"] = json!("function");
            function
        }
        "gemini" => json!({"functionDeclarations": [function]}),
        _ => function,
    };
    let mut body = plain(client);
    body["tools"] = json!([tool]);
    body
}

fn plain(client: &str) -> Value {
    let messages = json!([{"role": "user", "content": "hi"}]);
    match client {
        "openai-responses" => json!({"model": "m", "input": "hi"}),
        "gemini" => json!({"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
        "anthropic-messages" => json!({"model": "m", "max_tokens": 9, "messages": messages}),
        "ollama-chat" => json!({"model": "m", "messages": messages, "stream": false}),
        _ => json!({"model": "m", "messages": messages}),
    }
}

/// The request of a client that asks for JSON by a schema.
fn with_format(client: &str, schema: &Value) -> Value {
    let mut body = plain(client);
    match client {
        "openai-chat" => {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "my schema", "strict": true, "schema": schema}});
        }
        "openai-responses" => {
            body["text"] = json!({"format": {"type": "json_schema", "strict": true, "schema": schema}});
        }
        "anthropic-messages" => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
        }
        "gemini" => {
            body["generationConfig"] =
                json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
        }
        _ => body["format"] = schema.clone(),
    }
    body
}

/// The schema of the only function; `None`: it has none.
fn tool_schema(upstream: &str, body: &Value) -> Option<Value> {
    let tool = &body["tools"][0];
    let (function, key) = match upstream {
        "openai-responses" => (tool, "parameters"),
        "anthropic-messages" => (tool, "input_schema"),
        "gemini" => (&tool["functionDeclarations"][0], "parametersJsonSchema"),
        _ => (&tool["function"], "parameters"),
    };
    assert_eq!(function["name"], "f", "{body}");
    function.get(key).filter(|schema| !schema.is_null()).cloned()
}

fn format_schema(upstream: &str, body: &Value) -> Value {
    match upstream {
        "openai-chat" => body["response_format"]["json_schema"]["schema"].clone(),
        "openai-responses" => body["text"]["format"]["schema"].clone(),
        "anthropic-messages" => body["output_config"]["format"]["schema"].clone(),
        "gemini" => body["generationConfig"]["responseJsonSchema"].clone(),
        _ => body["format"].clone(),
    }
}

/// All objects in a value that are schemas, as far as their keywords show.
fn nodes(value: &Value) -> Vec<&serde_json::Map<String, Value>> {
    match value {
        Value::Object(members) => std::iter::once(members).chain(members.values().flat_map(nodes)).collect(),
        Value::Array(items) => items.iter().flat_map(nodes).collect(),
        _ => Vec::new(),
    }
}

fn names(schema: &serde_json::Map<String, Value>, name: &str) -> bool {
    schema.get("type").is_some_and(|t| t == name || t.as_array().is_some_and(|l| l.contains(&json!(name))))
}

/// What the vendor refuses in the schema of a function.
fn refused_in_tool(upstream: &str, schema: Option<&Value>) -> Option<String> {
    let Some(schema) = schema else { return (upstream == "anthropic-messages").then(|| "none".to_owned()) };
    let root = schema.as_object().unwrap();
    let has_branches = ["anyOf", "oneOf", "allOf"].iter().any(|key| root.contains_key(*key));
    let is_bare = |node: &&serde_json::Map<String, Value>| {
        (names(node, "object") && !node.contains_key("properties"))
            || (names(node, "array") && !node.contains_key("items"))
    };
    let found = match upstream {
        "openai-chat" | "openai-responses" => {
            root.get("type") != Some(&json!("object")) || has_branches || nodes(schema).iter().any(is_bare)
        }
        "anthropic-messages" => root.get("type") != Some(&json!("object")) || has_branches,
        "gemini" => nodes(schema).iter().any(|node| {
            (node.contains_key("anyOf") && node.keys().any(|key| key != "anyOf" && key != "$defs"))
                || node.contains_key("allOf")
                || node.contains_key("const")
                || node.contains_key("nullable")
        }),
        _ => nodes(schema).iter().any(|node| node.contains_key("$ref")),
    };
    found.then(|| schema.to_string())
}

#[test]
fn every_upstream_gets_schemas_that_its_vendor_accepts() {
    let schemas = [
        None,
        Some(json!({})),
        Some(json!({"type": "object"})),
        Some(json!({"properties": {"a": {"type": "object"}, "b": {"type": ["array", "null"]}}})),
        Some(json!({"type": "object", "additionalProperties": {"type": "object"}})),
        Some(
            json!({"anyOf": [{"properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "string"}}}]}),
        ),
        Some(
            json!({"type": "object", "properties": {"x": {"type": "string", "description": "x", "anyOf": [{"pattern": "a"}, {"const": "b"}]}}}),
        ),
        Some(
            json!({"$ref": "#/$defs/R", "$defs": {"R": {"type": "object", "properties": {"e": {"$ref": "#/$defs/E"}}}, "E": {"allOf": [{"type": "string"}], "nullable": true}}}),
        ),
        Some(json!({"type": "object", "properties": {"yes": true, "no": false}})),
        Some(json!(true)),
        Some(json!({"type": "string"})),
        Some(json!({"type": ["object", "null"], "properties": {}})),
    ];
    for client in CLIENTS {
        for (upstream, vendor) in UPSTREAMS {
            for schema in &schemas {
                let body = with_tool(client, schema.as_ref(), false);
                let (request, diagnostics) = sent(client, upstream, vendor, &body);
                let found = tool_schema(upstream, &request);
                if client == "gemini" && upstream == "gemini" {
                    // Google ignores what it does not accept.
                    assert_eq!(found, *schema, "{diagnostics:?}");
                    continue;
                }
                let refused = refused_in_tool(upstream, found.as_ref());
                assert!(refused.is_none(), "{client} to {upstream}, {schema:?}: {refused:?} {diagnostics:?}");
                if found != *schema && schema.is_some() {
                    assert!(
                        diagnostics.iter().any(|d| d.starts_with("schema-")),
                        "{client} to {upstream}, {schema:?} as {found:?}: {diagnostics:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn accepted_schemas_pass_byte_for_byte() {
    let accepted = r##"{ "type": "object", "properties": {"a": {"items": {"$ref": "#/$defs/E"}, "type":"array"}},"required":["a"], "additionalProperties": false, "$defs": {"E": {"type":"string","enum":["x"]}} }"##;
    for (client, vendor) in UPSTREAMS.into_iter().take(4) {
        let schema: Value = serde_json::from_str(accepted).unwrap();
        for body in [
            with_tool(client, Some(&schema), false),
            with_tool(client, Some(&schema), true),
            with_format(client, &schema),
        ] {
            let mut body = body;
            if client == "openai-chat" && body.get("response_format").is_some() {
                body["response_format"]["json_schema"]["name"] = json!("fine");
            }
            if client == "openai-responses" && body.get("text").is_some() {
                body["text"]["format"]["name"] = json!("fine");
            }
            let text = body.to_string().replace(&schema.to_string(), accepted);
            assert!(text.contains(accepted));
            let (found, diagnostics) = sent_text(client, client, vendor, &text);
            assert!(found.contains(accepted), "{client}: {found} {diagnostics:?}");
            assert!(!diagnostics.iter().any(|d| d.contains("schema")), "{client}: {diagnostics:?}");
        }
    }
}

#[test]
fn structured_output_has_only_what_the_vendor_accepts() {
    let schema = json!({"type": "object", "properties": {
        "n": {"type": "integer", "minimum": 1, "maximum": 5, "multipleOf": 2},
        "s": {"type": "string", "minLength": 1, "maxLength": 9},
        "l": {"type": "array", "items": {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}, {"type": "null"}]}}}, "minItems": 2, "maxItems": 4, "uniqueItems": true},
    }, "required": ["n"]});
    let refused = |upstream: &str| -> &[&str] {
        match upstream {
            "openai-chat" | "openai-responses" => &["minLength", "maxLength", "uniqueItems", "oneOf"],
            "anthropic-messages" => &[
                "minimum",
                "maximum",
                "multipleOf",
                "minLength",
                "maxLength",
                "maxItems",
                "uniqueItems",
                "oneOf",
            ],
            "gemini" => &["multipleOf", "minLength", "maxLength", "uniqueItems"],
            _ => &[],
        }
    };
    for client in CLIENTS {
        for (upstream, vendor) in UPSTREAMS {
            let (request, diagnostics) = sent(client, upstream, vendor, &with_format(client, &schema));
            let found = format_schema(upstream, &request);
            let what = format!("{client} to {upstream}: {found} {diagnostics:?}");
            assert!(found["properties"]["n"]["type"] == "integer", "{what}");
            // Google ignores what it does not accept.
            if client == "gemini" && upstream == "gemini" {
                assert_eq!(found, schema);
                continue;
            }
            // Only strict formats are restricted at OpenAI.
            if upstream.starts_with("openai") && matches!(client, "gemini" | "ollama-chat") {
                continue;
            }
            for keyword in refused(upstream) {
                assert!(!nodes(&found).iter().any(|node| node.contains_key(*keyword)), "{keyword} {what}");
            }
            if matches!(upstream, "openai-chat" | "openai-responses" | "anthropic-messages") {
                let objects = nodes(&found).into_iter().filter(|node| names(node, "object"));
                assert!(
                    objects.into_iter().all(|node| node["additionalProperties"] == json!(false)),
                    "{what}"
                );
            }
            if upstream.starts_with("openai") {
                assert_eq!(found["required"], json!(["l", "n", "s"]), "{what}");
            }
            if upstream == "anthropic-messages" {
                assert_eq!(found["required"], json!(["n"]), "{what}");
                assert_eq!(found["properties"]["l"]["minItems"], 1, "{what}");
                let stated = &found["properties"]["n"]["description"];
                assert!(stated.as_str().unwrap().contains("minimum: 1"), "{what}");
            }
            if !refused(upstream).is_empty() {
                let warned =
                    diagnostics.iter().any(|d| d.starts_with("schema-reduced [warning] response_format"));
                assert!(warned, "{what}");
            }
        }
    }
}

#[test]
fn names_of_formats_are_put_right() {
    for (client, upstream) in [
        ("openai-chat", "openai-chat"),
        ("openai-chat", "openai-responses"),
        ("openai-responses", "openai-chat"),
        ("openai-responses", "openai-responses"),
        ("gemini", "openai-chat"),
    ] {
        let schema =
            json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
        let (request, _) = sent(client, upstream, "compatible", &with_format(client, &schema));
        let name = match upstream {
            "openai-chat" => &request["response_format"]["json_schema"]["name"],
            _ => &request["text"]["format"]["name"],
        };
        let expected = if client == "openai-chat" { "my_schema" } else { "response" };
        assert_eq!(name, expected, "{client} to {upstream}: {request}");
    }
}

#[test]
fn moonshot_gets_types_in_the_branches() {
    for client in CLIENTS {
        let schema = json!({"type": "object", "properties": {"x": {"type": "string", "anyOf": [{"maxLength": 1}, {"minLength": 3}]}}, "anyOf": [{"required": ["x"]}, {"required": []}]});
        let (request, diagnostics) =
            sent(client, "openai-chat", "moonshot", &with_tool(client, Some(&schema), false));
        let found = tool_schema("openai-chat", &request).unwrap();
        let both =
            |node: &serde_json::Map<String, Value>| node.contains_key("anyOf") && node.contains_key("type");
        assert!(!nodes(&found).into_iter().any(both), "{client}: {found}");
        assert_eq!(
            found["properties"]["x"]["anyOf"][1],
            json!({"type": "string", "minLength": 3}),
            "{found}"
        );
        assert!(diagnostics.iter().all(|d| !d.starts_with("schema-reduced")), "{diagnostics:?}");
    }
}

#[test]
fn googles_own_schemas_become_json_schemas() {
    let parameters = json!({"type": "OBJECT", "properties": {
        "s": {"type": "STRING", "enum": ["a", "b"], "nullable": true},
        "u": {"any_of": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": true}}});
    let mut body = plain("gemini");
    body["tools"] = json!([{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]);
    for (upstream, vendor) in UPSTREAMS {
        let (request, diagnostics) = sent("gemini", upstream, vendor, &body);
        if upstream == "gemini" {
            assert_eq!(request["tools"], body["tools"]);
            assert!(diagnostics.is_empty(), "{diagnostics:?}");
            continue;
        }
        let found = tool_schema(upstream, &request).unwrap();
        let s = &found["properties"]["s"];
        assert_eq!(
            (&s["type"], &s["enum"]),
            (&json!(["string", "null"]), &json!(["a", "b", null])),
            "{upstream}"
        );
        assert_eq!(found["properties"]["u"]["anyOf"][2], json!({"type": "null"}), "{upstream}");
    }
}

#[test]
fn one_of_some_texts_is_asked_for_in_words_elsewhere() {
    let mut body = plain("gemini");
    body["generationConfig"] =
        json!({"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["p", "q"]}});
    for (upstream, vendor) in UPSTREAMS {
        let (request, diagnostics) = sent("gemini", upstream, vendor, &body);
        if upstream == "gemini" {
            assert_eq!(request["generationConfig"], body["generationConfig"]);
            continue;
        }
        assert!(request.to_string().contains("`p`, `q`"), "{upstream}: {request}");
        assert!(diagnostics.contains(&"format-downgraded [warning] response_format: a sentence".to_owned()));
    }
}

#[test]
fn a_list_is_asked_for_in_words_where_json_must_be_an_object() {
    let schema = json!({"type": "array", "items": {"type": "string"}});
    let mut body = plain("ollama-chat");
    body["format"] = schema.clone();
    let (request, diagnostics) = sent("ollama-chat", "openai-chat", "openai", &body);
    assert!(request.get("response_format").is_none() && request.to_string().contains("one JSON value"));
    assert!(diagnostics.iter().any(|d| d.starts_with("format-downgraded")));
    let (request, _) = sent("ollama-chat", "anthropic-messages", "anthropic", &body);
    assert_eq!(format_schema("anthropic-messages", &request), schema);
}

#[test]
fn json_without_a_schema_is_asked_for_in_words_where_there_is_no_parameter() {
    let mut body = plain("openai-chat");
    body["response_format"] = json!({"type": "json_object"});
    let (request, diagnostics) = sent("openai-chat", "anthropic-messages", "compatible", &body);
    assert!(request["system"].to_string().contains("JSON object"), "{request}");
    assert!(diagnostics.iter().any(|d| d.starts_with("format-downgraded")));
}

#[test]
fn openai_gets_the_word_json_with_json_object() {
    let mut ollama = plain("ollama-chat");
    ollama["format"] = json!("json");
    let mut chat = plain("openai-chat");
    chat["response_format"] = json!({"type": "json_object"});
    for (client, body) in [("ollama-chat", ollama), ("openai-chat", chat)] {
        for (upstream, vendor) in UPSTREAMS.into_iter().take(2) {
            let (request, diagnostics) = sent(client, upstream, vendor, &body);
            let text = if upstream == "openai-chat" { &request["messages"] } else { &request["input"] };
            assert!(text.to_string().contains("Answer with JSON."), "{request}");
            assert!(diagnostics.iter().any(|d| d.contains("the word JSON was added")), "{diagnostics:?}");
        }
        let (request, _) = sent(client, "openai-chat", "compatible", &body);
        assert_eq!(request["messages"], plain("openai-chat")["messages"]);
    }
    let mut named = plain("openai-chat");
    named["response_format"] = json!({"type": "json_object"});
    named["messages"][0]["content"] = json!("as Json, please");
    let (request, _) = sent("openai-chat", "openai-chat", "openai", &named);
    assert_eq!(request, named);
}

#[test]
fn a_boolean_schema_of_an_answer_is_any_json() {
    let (request, _) =
        sent("openai-chat", "ollama-chat", "ollama-native", &with_format("openai-chat", &json!(true)));
    assert_eq!(request["format"], "json");
}

#[test]
fn a_schema_beside_json_object_is_a_schema_elsewhere() {
    let mut body = plain("openai-chat");
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    body["response_format"] = json!({"type": "json_object", "schema": schema});
    let (request, _) = sent("openai-chat", "openai-chat", "llama-cpp", &body);
    assert_eq!(request["response_format"], body["response_format"]);
    let (request, _) = sent("openai-chat", "anthropic-messages", "anthropic", &body);
    assert_eq!(format_schema("anthropic-messages", &request), schema);
}

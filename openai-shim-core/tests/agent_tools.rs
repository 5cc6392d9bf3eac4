//! The forms of agents: tools that the client runs, references to tools, compactions, and tools that the provider runs, from each
//! dialect that has them to every other one and back.

mod common;

use bytes::Bytes;
use common::{chat, strict_responses};
use openai_shim_core::canonical::{DiagnosticCode, Diagnostics, Severity};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{ClientRequest, Retry, Settings};
use openai_shim_core::{Context, Dialect, Exchange, PayloadKind, dialect, profile};
use serde_json::{Value, json};

fn named(name: &str) -> Dialect {
    dialect(name).unwrap()
}

fn responses() -> Dialect {
    named("openai-responses")
}

fn anthropic() -> Dialect {
    named("anthropic-messages")
}

fn convert_body(
    from: Dialect,
    to: Dialect,
    kind: PayloadKind,
    body: &[u8],
    request: Option<&Value>,
) -> Conversion {
    let request = request.map(|request| request.to_string().into_bytes());
    convert(&{
        let mut input = ConversionInput::new(kind, from, body).to(to).profile(profile("compatible").unwrap());
        input.request = request.as_deref();
        input
    })
}

fn send(from: Dialect, to: Dialect, body: &Value) -> Conversion {
    convert_body(from, to, PayloadKind::Request, body.to_string().as_bytes(), None)
}

fn sent(conversion: &Conversion) -> Value {
    assert!(conversion.ok, "{conversion}");
    serde_json::from_slice(&conversion.body).unwrap()
}

/// All dialects but one, with whether they have tools.
fn others(own: Dialect) -> impl Iterator<Item = (Dialect, bool)> {
    let has_tools = |dialect: Dialect| !matches!(dialect.name(), "openai-completions" | "ollama-generate");
    let name = own.name();
    DIALECTS
        .iter()
        .filter(move |dialect| dialect.name() != name)
        .map(move |dialect| (*dialect, has_tools(*dialect)))
}

/// The names and schemas of the functions that a request offers, in any dialect.
fn offered(body: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let declared = tool["functionDeclarations"].as_array();
        let functions = declared.map_or_else(|| vec![tool], |list| list.iter().collect());
        for function in functions {
            let function = if function["function"].is_object() { &function["function"] } else { function };
            let schema = ["parameters", "input_schema", "parametersJsonSchema"].map(|key| &function[key]);
            let schema = schema.into_iter().find(|schema| schema.is_object()).cloned().unwrap_or_default();
            found.extend(function["name"].as_str().map(|name| (name.to_owned(), schema)));
        }
    }
    found
}

fn names(body: &Value) -> Vec<String> {
    offered(body).into_iter().map(|(name, _)| name).collect()
}

/// All strings of some JSON; JSON in strings is read too.
fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            out.push(text.clone());
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                strings(&inner, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(members) => members.values().for_each(|member| strings(member, out)),
        _ => {}
    }
}

fn contains(value: &Value, text: &str) -> bool {
    let mut all = Vec::new();
    strings(value, &mut all);
    all.iter().any(|found| found.contains(text))
}

fn without_tools(body: &Value) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove("tools");
    body
}

/// An upstream of the client's own dialect gets the client's bytes.
fn passes_unchanged(dialect: Dialect, request: &Value) {
    let conversion = send(dialect, dialect, request);
    assert_eq!(String::from_utf8_lossy(&conversion.body), request.to_string(), "{conversion}");
}

fn warnings(conversion: &Conversion) -> Vec<String> {
    let all = conversion.diagnostics.iter().filter(|d| d.code.severity() > Severity::Info);
    all.map(ToString::to_string).collect()
}

fn reports(conversion: &Conversion, code: DiagnosticCode, text: &str) -> bool {
    conversion.diagnostics.iter().any(|d| d.code == code && d.to_string().contains(text))
}

/// A tool that only the Responses API has and that the client runs.
struct Form {
    tool: Value,
    function: &'static str,
    /// A call and its result as items of the input.
    call: Value,
    output: Value,
    /// The arguments as another dialect has them.
    arguments: Value,
    /// A text of the result.
    result: &'static str,
}

fn forms() -> Vec<Form> {
    vec![
        Form {
            tool: json!({"type": "local_shell"}),
            function: "local_shell",
            call: json!({"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "status": "completed",
                "action": {"type": "exec", "command": ["ls", "-la"], "env": {}, "working_directory": "/w", "timeout_ms": 1000}}),
            output: json!({"type": "local_shell_call_output", "id": "call_1", "output": "a.txt b.txt"}),
            arguments: json!({"command": ["ls", "-la"], "working_directory": "/w", "timeout_ms": 1000}),
            result: "a.txt b.txt",
        },
        Form {
            tool: json!({"type": "shell", "environment": {"type": "local"}}),
            function: "shell",
            call: json!({"type": "shell_call", "call_id": "call_1", "status": "completed", "environment": {"type": "local"},
                "action": {"commands": ["ls", "pwd"], "timeout_ms": 500, "max_output_length": 100}}),
            output: json!({"type": "shell_call_output", "call_id": "call_1", "max_output_length": 100, "output": [
                {"stdout": "a.txt b.txt", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
                {"stdout": "/w", "stderr": "slow", "outcome": {"type": "timeout"}}]}),
            arguments: json!({"commands": ["ls", "pwd"], "timeout_ms": 500, "max_output_length": 100}),
            result: "a.txt b.txt",
        },
        Form {
            tool: json!({"type": "apply_patch"}),
            function: "apply_patch",
            call: json!({"type": "apply_patch_call", "id": "apc_1", "call_id": "call_1", "status": "completed",
                "operation": {"type": "update_file", "path": "a.txt", "diff": "@@\n-a\n+b"}}),
            output: json!({"type": "apply_patch_call_output", "call_id": "call_1", "status": "completed", "output": "patched a.txt"}),
            arguments: json!({"type": "update_file", "path": "a.txt", "diff": "@@\n-a\n+b"}),
            result: "patched a.txt",
        },
        Form {
            tool: json!({"type": "computer_use_preview", "display_width": 1024, "display_height": 768, "environment": "linux"}),
            function: "computer",
            call: json!({"type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed",
                "pending_safety_checks": [], "action": {"type": "click", "button": "left", "x": 10, "y": 20}}),
            output: json!({"type": "computer_call_output", "call_id": "call_1",
                "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,iVBORw0KGgo="}}),
            arguments: json!({"type": "click", "button": "left", "x": 10, "y": 20}),
            result: "",
        },
        Form {
            tool: json!({"type": "computer"}),
            function: "computer",
            call: json!({"type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed",
                "pending_safety_checks": [], "actions": [{"type": "screenshot"}, {"type": "type", "text": "hi"}]}),
            output: json!({"type": "computer_call_output", "call_id": "call_1",
                "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,iVBORw0KGgo="}}),
            arguments: json!({"actions": [{"type": "screenshot"}, {"type": "type", "text": "hi"}]}),
            result: "",
        },
        Form {
            tool: json!({"type": "tool_search", "execution": "client", "description": "Finds tools.",
                "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}),
            function: "tool_search",
            call: json!({"type": "tool_search_call", "call_id": "call_1", "execution": "client", "status": "completed",
                "arguments": {"query": "rates"}}),
            output: json!({"type": "tool_search_output", "call_id": "call_1", "execution": "client", "status": "completed",
                "tools": [{"type": "function", "name": "lookup_rate", "parameters": {"type": "object", "properties": {}}}]}),
            arguments: json!({"query": "rates"}),
            result: "lookup_rate",
        },
    ]
}

impl Form {
    fn request(&self) -> Value {
        json!({
            "model": "m",
            "tools": [self.tool, {"type": "function", "name": "own", "parameters": {"type": "object", "properties": {}}}],
            "input": [
                {"role": "user", "content": "do it"},
                self.call,
                self.output,
                {"role": "user", "content": "go on"},
            ],
        })
    }
}

#[test]
fn a_client_run_tool_is_a_function_everywhere_with_its_call_and_its_result() {
    for form in forms() {
        for (upstream, has_tools) in others(responses()) {
            let conversion = send(responses(), upstream, &form.request());
            let body = sent(&conversion);
            let what = format!("{} to {}: {conversion}", form.tool["type"], upstream.name());
            if has_tools {
                assert!(warnings(&conversion).is_empty(), "{what}");
                let offered = offered(&body);
                let schema = offered.iter().find(|(name, _)| name == form.function);
                let schema = &schema.unwrap_or_else(|| panic!("{what}")).1;
                for key in form.arguments.as_object().unwrap().keys() {
                    assert!(schema["properties"][key].is_object(), "{key} of {what}");
                }
                assert!(contains(&without_tools(&body), form.function), "{what}");
            }
            for text in form.arguments.as_object().unwrap().values().filter_map(Value::as_str) {
                let history = without_tools(&body);
                // In a prompt the arguments are part of a text.
                let escaped = Value::from(text).to_string();
                let is_sent = contains(&history, text) || contains(&history, escaped.trim_matches('"'));
                assert!(is_sent, "{text} in {what}");
            }
            assert!(contains(&without_tools(&body), form.result), "{what}");
        }
    }
}

#[test]
fn an_upstream_of_the_same_dialect_gets_the_clients_bytes() {
    for form in forms() {
        let request = form.request();
        passes_unchanged(responses(), &request);
        let conversion = send(responses(), responses(), &request);
        assert_eq!(conversion.diagnostics.iter().count(), 0, "{conversion}");
    }
}

#[test]
fn what_another_rule_changed_is_written_back_in_its_own_form() {
    for form in forms() {
        let request = form.request();
        let body = Bytes::from(request.to_string());
        let mut diagnostics = Diagnostics::default();
        let mut decoded = responses().decode_request("", &body, &mut diagnostics).unwrap();
        decoded.messages.iter_mut().for_each(openai_shim_core::canonical::Message::mark_changed);
        let _ = decoded.tools.edit();
        let encoded = responses().encode_request(&decoded, Some(&body), &mut diagnostics).unwrap();
        let written: Value = serde_json::from_str(&encoded.body.to_json()).unwrap();
        assert_eq!(written["tools"], request["tools"], "{}", form.tool);
        for (position, expected) in [(1, &form.call), (2, &form.output)] {
            assert_eq!(&written["input"][position], expected, "{}", form.tool);
        }
        assert_eq!(diagnostics.iter().count(), 0, "{diagnostics:?}");
    }
}

/// A chat completion that calls a function.
fn chat_answer(name: &str, arguments: &Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0,
        "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_9", "type": "function", "function": {"name": name, "arguments": arguments.to_string()}}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

/// A chat stream that calls a function.
fn chat_stream(name: &str, arguments: &Value) -> String {
    let mut out = String::new();
    let mut push = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices});
        out.extend(["data: ", &chunk.to_string(), "\n\n"]);
    };
    push(
        json!({"role": "assistant", "content": null, "tool_calls": [
        {"index": 0, "id": "call_9", "type": "function", "function": {"name": name, "arguments": ""}}]}),
        Value::Null,
    );
    let text = arguments.to_string();
    let middle = (text.len() / 2..text.len()).find(|i| text.is_char_boundary(*i)).unwrap();
    for half in [&text[..middle], &text[middle..]] {
        push(json!({"tool_calls": [{"index": 0, "function": {"arguments": half}}]}), Value::Null);
    }
    push(json!({}), "tool_calls".into());
    out + "data: [DONE]\n\n"
}

/// An upstream's answer in each dialect that has calls, made from a chat answer.
fn answers(kind: PayloadKind, chat_body: &str) -> Vec<(Dialect, Vec<u8>)> {
    let upstreams = DIALECTS.iter().filter(|d| !matches!(d.name(), "openai-completions" | "ollama-generate"));
    let answer = |upstream: Dialect| {
        let body = convert_body(chat(), upstream, kind, chat_body.as_bytes(), None).body;
        (upstream, if upstream.name() == chat().name() { chat_body.as_bytes().to_vec() } else { body })
    };
    upstreams.map(|upstream| answer(*upstream)).collect()
}

fn events(body: &[u8]) -> Vec<Value> {
    let body = String::from_utf8_lossy(body);
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The members of a call that do not come from ids and statuses.
fn essence(item: &Value) -> Value {
    let mut item = item.clone();
    for key in ["id", "call_id", "status"] {
        item.as_object_mut().unwrap().remove(key);
    }
    item
}

#[test]
fn a_call_comes_back_as_the_clients_own_item_whole() {
    for form in forms() {
        let chat_body = chat_answer(form.function, &form.arguments).to_string();
        for (upstream, body) in answers(PayloadKind::Response, &chat_body) {
            if upstream.name() == responses().name() {
                continue;
            }
            let conversion =
                convert_body(upstream, responses(), PayloadKind::Response, &body, Some(&form.request()));
            let answer = sent(&conversion);
            strict_responses::check(&answer.to_string(), upstream.name());
            let item = &answer["output"][0];
            assert_eq!(essence(item), essence(&form.call), "{} of {}", form.tool, upstream.name());
            assert_eq!(item["status"], "completed");
        }
    }
}

#[test]
fn a_call_comes_back_as_the_clients_own_item_in_a_stream() {
    for form in forms() {
        let chat_body = chat_stream(form.function, &form.arguments);
        for (upstream, body) in answers(PayloadKind::Stream, &chat_body) {
            if upstream.name() == responses().name() {
                continue;
            }
            let conversion =
                convert_body(upstream, responses(), PayloadKind::Stream, &body, Some(&form.request()));
            assert!(conversion.ok, "{conversion}");
            strict_responses::check(&String::from_utf8_lossy(&conversion.body), upstream.name());
            let events = events(&conversion.body);
            let of_type = |kind: &str| {
                events.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("{kind}"))
            };
            let done = &of_type("response.output_item.done")["item"];
            assert_eq!(essence(done), essence(&form.call), "{} of {}", form.tool, upstream.name());
            let added = of_type("response.output_item.added");
            assert_eq!((&added["item"]["type"], &added["item"]["id"]), (&done["type"], &done["id"]));
            assert_eq!(added["item"]["status"], "in_progress");
            assert_eq!(&of_type("response.completed")["response"]["output"][0], done);
            assert!(!events.iter().any(|event| event["type"].as_str().unwrap().contains("function_call")));
        }
    }
}

#[test]
fn a_stream_with_a_clients_own_item_does_not_depend_on_chunks() {
    let pass = |form: &Form, chunks: &[&[u8]]| {
        let mut request = form.request();
        request["stream"] = true.into();
        let incoming = ClientRequest::read(responses(), "", Bytes::from(request.to_string())).unwrap();
        let mut settings = Settings::default();
        settings.retry = Retry::none();
        let mut exchange =
            Exchange::start(incoming, profile("compatible").unwrap(), settings, Context::fixed()).unwrap();
        exchange.next();
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        let mut out = Vec::new();
        for chunk in chunks {
            exchange.push(chunk, &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
        out
    };
    for form in forms() {
        let body = chat_stream(form.function, &form.arguments).into_bytes();
        let unsplit = pass(&form, &[&body]);
        for at in 0..=body.len() {
            assert_eq!(pass(&form, &[&body[..at], &body[at..]]), unsplit, "{} at {at}", form.tool);
        }
    }
}

#[test]
fn arguments_that_do_not_fit_become_the_call_of_a_function() {
    let cases = [
        ("local_shell", json!({"type": "local_shell"}), json!({"cmd": 1})),
        ("apply_patch", json!({"type": "apply_patch"}), json!({"type": "update_file", "path": "a"})),
        ("computer", json!({"type": "computer_use_preview"}), json!({"type": "jump"})),
    ];
    for (function, tool, arguments) in cases {
        let request = json!({"model": "m", "input": "x", "tools": [tool]});
        for (kind, body) in [
            (PayloadKind::Response, chat_answer(function, &arguments).to_string()),
            (PayloadKind::Stream, chat_stream(function, &arguments)),
        ] {
            let conversion = convert_body(chat(), responses(), kind, body.as_bytes(), Some(&request));
            let text = String::from_utf8_lossy(&conversion.body).into_owned();
            strict_responses::check(&text, function);
            assert!(reports(&conversion, DiagnosticCode::ToolArgumentsInvalid, ""), "{conversion}");
            let output = match kind {
                PayloadKind::Response => sent(&conversion)["output"].clone(),
                _ => events(&conversion.body).pop().unwrap()["response"]["output"].clone(),
            };
            assert_eq!(output[0]["type"], "function_call", "{text}");
            assert_eq!(output[0]["arguments"], arguments.to_string());
        }
    }
}

#[test]
fn arguments_in_another_form_are_put_right() {
    let cases = [
        (
            json!({"type": "local_shell"}),
            "local_shell",
            json!({"command": "ls | wc", "timeout_ms": null}),
            "action",
            json!({"type": "exec", "command": ["bash", "-lc", "ls | wc"], "env": {}}),
        ),
        (
            json!({"type": "shell"}),
            "shell",
            json!({"commands": "ls", "timeout_ms": "100.0"}),
            "action",
            json!({"commands": ["ls"], "timeout_ms": 100, "max_output_length": null}),
        ),
        (
            json!({"type": "local_shell"}),
            "local_shell",
            json!({"action": {"type": "exec", "command": ["ls"], "env": {"A": 1}}}),
            "action",
            json!({"type": "exec", "command": ["ls"], "env": {"A": "1"}}),
        ),
        (
            json!({"type": "computer_use_preview"}),
            "computer",
            json!({"type": "scroll", "x": 1.0, "y": 2, "scroll_y": 3}),
            "action",
            json!({"type": "scroll", "x": 1, "y": 2, "scroll_x": 0, "scroll_y": 3}),
        ),
    ];
    for (tool, function, arguments, key, expected) in cases {
        let request = json!({"model": "m", "input": "x", "tools": [tool]});
        let body = chat_answer(function, &arguments).to_string();
        let conversion =
            convert_body(chat(), responses(), PayloadKind::Response, body.as_bytes(), Some(&request));
        assert_eq!(sent(&conversion)["output"][0][key], expected, "{conversion}");
    }
}

#[test]
fn a_function_of_the_same_name_keeps_its_name() {
    let request = json!({
        "model": "m",
        "tools": [{"type": "shell"}, {"type": "function", "name": "shell", "parameters": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "shell"},
        "input": [
            {"role": "user", "content": "do it"},
            {"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls"]}},
            {"type": "shell_call_output", "call_id": "call_1", "output": []},
            {"type": "function_call", "call_id": "call_2", "name": "shell", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_2", "output": "x"},
        ],
    });
    let body = sent(&send(responses(), chat(), &request));
    assert_eq!(names(&body), ["shell_2", "shell"]);
    assert_eq!(body["tool_choice"]["function"]["name"], "shell_2");
    let called: Vec<&Value> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["tool_calls"][0]["function"].get("name"))
        .collect();
    assert_eq!(called, ["shell_2", "shell"]);
    for (function, item_type) in [("shell_2", "shell_call"), ("shell", "function_call")] {
        let answer = chat_answer(function, &json!({"commands": ["ls"]})).to_string();
        let conversion =
            convert_body(chat(), responses(), PayloadKind::Response, answer.as_bytes(), Some(&request));
        assert_eq!(sent(&conversion)["output"][0]["type"], item_type);
    }
    passes_unchanged(responses(), &request);
}

#[test]
fn a_choice_of_a_client_run_tool_is_that_of_its_function() {
    let request = json!({"model": "m", "input": "x", "tools": [{"type": "apply_patch"}], "tool_choice": {"type": "apply_patch"}});
    let body = sent(&send(responses(), chat(), &request));
    assert_eq!(body["tool_choice"], json!({"type": "function", "function": {"name": "apply_patch"}}));
}

#[test]
fn the_result_of_a_local_shell_may_name_the_item_of_its_call() {
    for output in [
        json!({"type": "local_shell_call_output", "id": "lsh_1", "output": "a.txt"}),
        json!({"type": "local_shell_call_output", "id": "call_1", "output": "a.txt"}),
        json!({"type": "local_shell_call_output", "call_id": "call_1", "output": "a.txt"}),
    ] {
        let call = json!({"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "status": "completed",
            "action": {"type": "exec", "command": ["ls"], "env": {}}});
        let request = json!({"model": "m", "tools": [{"type": "local_shell"}], "input": [{"role": "user", "content": "x"}, call, output]});
        let body = sent(&send(responses(), chat(), &request));
        assert_eq!(
            body["messages"][2],
            json!({"role": "tool", "content": "a.txt", "tool_call_id": "call_1"})
        );
    }
}

#[test]
fn tools_that_a_clients_search_found_are_offered_and_others_wait() {
    let deferred = |name: &str| json!({"type": "function", "name": name, "defer_loading": true, "parameters": {"type": "object", "properties": {}}});
    let search = json!({"type": "tool_search", "execution": "client", "parameters": {"type": "object", "properties": {}}});
    let namespace = json!({"type": "namespace", "name": "crm", "description": "", "tools": [deferred("orders"), {"type": "custom", "name": "note"}]});
    let request = json!({
        "model": "m",
        "tools": [deferred("hidden"), deferred("found"), search],
        "input": [
            {"role": "user", "content": "x"},
            {"type": "tool_search_call", "call_id": "s1", "execution": "client", "arguments": {}},
            {"type": "tool_search_output", "call_id": "s1", "execution": "client", "tools": [deferred("found"), namespace]},
        ],
    });
    for (upstream, has_tools) in others(responses()) {
        let conversion = send(responses(), upstream, &request);
        let body = sent(&conversion);
        if !has_tools {
            continue;
        }
        assert_eq!(names(&body), ["found", "tool_search", "crm__orders", "crm__note"], "{}", upstream.name());
        assert!(reports(&conversion, DiagnosticCode::ToolWithheld, "hidden"), "{conversion}");
        assert!(warnings(&conversion).is_empty(), "{conversion}");
        assert!(contains(&without_tools(&body), "found\ncrm__orders\ncrm__note"), "{conversion}");
    }
    // A found tool is called by the client's own name for it.
    let answer = chat_answer("crm__note", &json!({"input": "hi"})).to_string();
    let conversion =
        convert_body(chat(), responses(), PayloadKind::Response, answer.as_bytes(), Some(&request));
    let item = &sent(&conversion)["output"][0];
    assert_eq!(
        (&item["type"], &item["name"], &item["namespace"]),
        (&"custom_tool_call".into(), &"note".into(), &"crm".into())
    );
}

#[test]
fn deferred_tools_are_offered_at_once_where_the_server_would_search() {
    let request = json!({"model": "m", "input": "x", "tools": [
        {"type": "function", "name": "found", "defer_loading": true, "parameters": {"type": "object"}}, {"type": "tool_search"}]});
    let conversion = send(responses(), chat(), &request);
    assert_eq!(names(&sent(&conversion)), ["found"]);
    assert!(reports(&conversion, DiagnosticCode::ContentRewritten, "tool_search"), "{conversion}");
    let request = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], "tools": [
        {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"},
        {"name": "found", "defer_loading": true, "input_schema": {"type": "object"}}]});
    let conversion = send(anthropic(), chat(), &request);
    assert_eq!(names(&sent(&conversion)), ["found"]);
    assert!(warnings(&conversion).is_empty(), "{conversion}");
}

/// A request of Anthropic's API with these tools and messages.
fn messages_request(tools: &Value, messages: &Value) -> Value {
    json!({"model": "m", "max_tokens": 100, "tools": tools, "messages": messages})
}

#[test]
fn references_to_tools_are_their_names_and_offer_the_tools() {
    let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object", "properties": {}}, "defer_loading": true});
    let request = messages_request(
        &json!([{"name": "ToolSearch", "input_schema": {"type": "object", "properties": {}}}, tool("WebFetch"), tool("Hidden")]),
        &json!([
            {"role": "user", "content": "load WebFetch"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                {"type": "tool_reference", "tool_name": "WebFetch"}, {"type": "tool_reference", "tool_name": "Other"}]}]},
        ]),
    );
    for (upstream, has_tools) in others(anthropic()) {
        let conversion = send(anthropic(), upstream, &request);
        let body = sent(&conversion);
        assert!(contains(&without_tools(&body), "WebFetch\nOther"), "{}: {conversion}", upstream.name());
        if has_tools {
            assert_eq!(names(&body), ["ToolSearch", "WebFetch"], "{}", upstream.name());
            assert!(warnings(&conversion).is_empty(), "{conversion}");
        }
    }
    passes_unchanged(anthropic(), &request);
}

#[test]
fn client_run_tools_of_anthropic_are_functions_with_their_schema() {
    let cases = [
        (json!({"type": "bash_20250124", "name": "bash"}), "bash", json!({"command": "ls"})),
        (
            json!({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 100}),
            "str_replace_based_edit_tool",
            json!({"command": "view", "path": "/a", "view_range": [1, 2]}),
        ),
        (
            json!({"type": "text_editor_20250124", "name": "str_replace_editor"}),
            "str_replace_editor",
            json!({"command": "undo_edit", "path": "/a"}),
        ),
        (
            json!({"type": "memory_20250818", "name": "memory"}),
            "memory",
            json!({"command": "view", "path": "/memories"}),
        ),
        (
            json!({"type": "computer_20250124", "name": "computer", "display_width_px": 1024, "display_height_px": 768}),
            "computer",
            json!({"action": "left_click", "coordinate": [1, 2]}),
        ),
    ];
    for (tool, function, input) in cases {
        let request = messages_request(
            &json!([tool]),
            &json!([
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": function, "input": input, "caller": {"type": "direct"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}]},
            ]),
        );
        for (upstream, has_tools) in others(anthropic()) {
            let conversion = send(anthropic(), upstream, &request);
            let body = sent(&conversion);
            if !has_tools {
                continue;
            }
            assert!(warnings(&conversion).is_empty(), "{}: {conversion}", upstream.name());
            let offered = offered(&body);
            let [(name, schema)] = offered.as_slice() else { panic!("{conversion}") };
            assert_eq!(name, function);
            for key in input.as_object().unwrap().keys() {
                assert!(schema["properties"][key].is_object(), "{key} of {schema}");
            }
        }
        passes_unchanged(anthropic(), &request);
        // The call comes back under the tool's own name.
        let body = chat_answer(function, &input).to_string();
        let conversion =
            convert_body(chat(), anthropic(), PayloadKind::Response, body.as_bytes(), Some(&request));
        let block = &sent(&conversion)["content"][0];
        assert_eq!((&block["name"], &block["input"]), (&function.into(), &input));
    }
}

fn toolset_request() -> Value {
    messages_request(
        &json!([{"type": "computer_toolset_20260801", "configs": {"zoom": {"enabled": false}}},
            {"name": "computer_wait", "input_schema": {"type": "object"}}]),
        &json!([
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "key", "toolset_name": "computer", "input": {"text": "a"}, "caller": {"type": "direct"}},
                {"type": "tool_use", "id": "toolu_2", "name": "wait", "toolset_name": "computer", "input": {"duration": 1}},
                {"type": "tool_use", "id": "toolu_3", "name": "computer_wait", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "two"},
                {"type": "tool_result", "tool_use_id": "toolu_3", "content": "three"}]},
        ]),
    )
}

#[test]
fn a_toolset_is_a_function_for_each_of_its_members() {
    let request = toolset_request();
    for (upstream, has_tools) in others(anthropic()) {
        let conversion = send(anthropic(), upstream, &request);
        let body = sent(&conversion);
        if !has_tools {
            continue;
        }
        assert!(warnings(&conversion).is_empty(), "{}: {conversion}", upstream.name());
        let names = names(&body);
        assert_eq!(names.len(), 17, "{names:?}");
        for name in ["computer_key", "computer_left_click", "computer_wait_2", "computer_wait"] {
            assert!(names.iter().any(|known| known == name), "{name} of {names:?}");
        }
        assert!(!names.iter().any(|name| name == "computer_zoom"));
        let history = without_tools(&body);
        assert!(
            ["computer_key", "computer_wait_2"].iter().all(|name| contains(&history, name)),
            "{conversion}"
        );
    }
    passes_unchanged(anthropic(), &request);
}

#[test]
fn the_call_of_a_toolsets_member_comes_back_with_the_members_name() {
    let request = toolset_request();
    for (function, name, toolset) in [
        ("computer_key", "key", json!("computer")),
        ("computer_wait_2", "wait", json!("computer")),
        ("computer_wait", "computer_wait", Value::Null),
    ] {
        let input = json!({"text": "a"});
        for (kind, body) in [
            (PayloadKind::Response, chat_answer(function, &input).to_string()),
            (PayloadKind::Stream, chat_stream(function, &input)),
        ] {
            for (upstream, body) in answers(kind, &body) {
                if upstream.name() == anthropic().name() {
                    continue;
                }
                let conversion = convert_body(upstream, anthropic(), kind, &body, Some(&request));
                let block = match kind {
                    PayloadKind::Response => sent(&conversion)["content"][0].clone(),
                    _ => events(&conversion.body)
                        .into_iter()
                        .find(|e| e["type"] == "content_block_start")
                        .unwrap()["content_block"]
                        .clone(),
                };
                assert_eq!(
                    (&block["name"], &block["toolset_name"]),
                    (&name.into(), &toolset),
                    "{conversion}"
                );
            }
        }
    }
}

#[test]
fn changed_messages_keep_the_forms_of_anthropic() {
    let mut request = toolset_request();
    request["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": [{"type": "compaction", "content": "SUMMARY"}]}),
        json!({"role": "system", "content": [{"type": "text", "text": "a"}], "output_config": {"effort": "low"}}),
        json!({"role": "user", "content": [{"type": "text", "text": "a"}]}),
    ]);
    let body = Bytes::from(request.to_string());
    let mut diagnostics = Diagnostics::default();
    let mut decoded = anthropic().decode_request("", &body, &mut diagnostics).unwrap();
    decoded.messages.iter_mut().for_each(openai_shim_core::canonical::Message::mark_changed);
    let _ = decoded.tools.edit();
    let encoded = anthropic().encode_request(&decoded, Some(&body), &mut diagnostics).unwrap();
    let written: Value = serde_json::from_str(&encoded.body.to_json()).unwrap();
    assert_eq!(written, request);
}

#[test]
fn additions_and_removals_in_the_conversation_decide_which_tools_are_offered() {
    let tool = |name: &str, deferred: bool| json!({"name": name, "input_schema": {"type": "object", "properties": {}}, "defer_loading": deferred});
    let reference =
        |kind: &str, name: &str| json!({"type": kind, "tool": {"type": "tool_reference", "name": name}});
    let definition = json!({"type": "tool_addition", "tool": {"type": "tool_definition",
        "definition": {"name": "inline", "input_schema": {"type": "object", "properties": {}}}}});
    let request = messages_request(
        &json!([
            tool("always", false),
            tool("added", true),
            tool("waiting", true),
            tool("removed", false),
            tool("back", false)
        ]),
        &json!([
            {"role": "user", "content": "x"},
            {"role": "system", "content": [reference("tool_removal", "removed"), reference("tool_removal", "back"), reference("tool_addition", "added")]},
            {"role": "assistant", "content": "y"},
            {"role": "user", "content": "z"},
            {"role": "system", "content": [{"type": "text", "text": "Take care."}, reference("tool_addition", "back"), definition]},
        ]),
    );
    for (upstream, has_tools) in others(anthropic()) {
        let conversion = send(anthropic(), upstream, &request);
        let body = sent(&conversion);
        assert!(contains(&without_tools(&body), "Take care."), "{conversion}");
        if has_tools {
            assert_eq!(names(&body), ["always", "added", "back", "inline"], "{}", upstream.name());
            assert!(warnings(&conversion).is_empty(), "{conversion}");
        }
    }
    let body = sent(&send(anthropic(), chat(), &request));
    let roles: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(
        roles,
        ["user", "assistant", "user", "system"],
        "a message of which nothing is left is left out"
    );
    passes_unchanged(anthropic(), &request);
}

#[test]
fn the_effort_of_the_last_system_message_is_the_requests() {
    let effort = |level: &str| json!({"role": "system", "content": "s", "output_config": {"effort": level}});
    let mut request = messages_request(
        &json!([]),
        &json!([{"role": "user", "content": "x"}, effort("low"), {"role": "assistant", "content": "y"}, effort("high"), {"role": "user", "content": "z"}]),
    );
    request["thinking"] = json!({"type": "adaptive"});
    let conversion = send(anthropic(), chat(), &request);
    assert_eq!(sent(&conversion)["reasoning_effort"], "high", "{conversion}");
    assert!(!conversion.to_string().contains("output_config"), "{conversion}");
    let request = json!({"model": "m", "input": [{"role": "user", "content": "x"},
        {"type": "configuration_update", "reasoning": {"effort": "low"}}]});
    let conversion = send(responses(), chat(), &request);
    assert_eq!(sent(&conversion)["reasoning_effort"], "low", "{conversion}");
    assert!(warnings(&conversion).is_empty(), "{conversion}");
}

#[test]
fn a_compaction_that_can_be_read_stands_in_place_of_what_came_before() {
    let request = json!({"model": "m", "max_tokens": 100, "system": "rules", "messages": [
        {"role": "user", "content": "OLD QUESTION"},
        {"role": "assistant", "content": [{"type": "text", "text": "OLD ANSWER"}, {"type": "compaction", "content": "SUMMARY"},
            {"type": "text", "text": "NEW ANSWER"}]},
        {"role": "user", "content": "go on"}]});
    for (upstream, _) in others(anthropic()) {
        let conversion = send(anthropic(), upstream, &request);
        let body = sent(&conversion);
        for (text, is_sent) in [
            ("rules", true),
            ("OLD QUESTION", false),
            ("OLD ANSWER", false),
            ("SUMMARY", true),
            ("NEW ANSWER", true),
            ("go on", true),
        ] {
            assert_eq!(contains(&body, text), is_sent, "{text} to {}: {conversion}", upstream.name());
        }
        assert!(reports(&conversion, DiagnosticCode::NativeAsText, "compaction"), "{conversion}");
    }
    let body = sent(&send(anthropic(), chat(), &request));
    let roles: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    passes_unchanged(anthropic(), &request);
}

#[test]
fn a_compaction_without_content_means_nothing() {
    let request = json!({"model": "m", "max_tokens": 100, "messages": [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "compaction", "content": null}]}, {"role": "user", "content": "b"}]});
    for (upstream, _) in others(anthropic()) {
        let conversion = send(anthropic(), upstream, &request);
        let body = sent(&conversion);
        assert!(contains(&body, "a") && contains(&body, "b"), "{conversion}");
        assert!(warnings(&conversion).is_empty(), "{conversion}");
    }
}

#[test]
fn what_only_another_provider_can_read_or_do_is_refused() {
    let input = |item: Value| json!({"model": "m", "input": [{"role": "user", "content": "a"}, item]});
    let compaction = json!([{"type": "compaction", "compact_threshold": 200_000}]);
    let messages = json!([{"role": "user", "content": "a"}]);
    let cases = [
        (
            responses(),
            input(json!({"type": "compaction", "id": "cmp_1", "encrypted_content": "ENC"})),
            "compaction",
        ),
        (responses(), input(json!({"type": "compaction_trigger"})), "compact"),
        (
            responses(),
            json!({"model": "m", "input": "a", "context_management": compaction}),
            "context_management",
        ),
        (
            anthropic(),
            json!({"model": "m", "max_tokens": 9, "messages": messages, "compaction": {"type": "summarize"}}),
            "compaction",
        ),
        (
            anthropic(),
            json!({"model": "m", "max_tokens": 9, "messages": messages,
            "context_management": {"edits": [{"type": "compact_20260112"}]}}),
            "context_management",
        ),
    ];
    for (client, request, word) in cases {
        for (upstream, _) in others(client) {
            let conversion = send(client, upstream, &request);
            assert!(!conversion.ok, "{conversion}");
            assert_eq!(conversion.status, Some(400), "{conversion}");
            assert!(String::from_utf8_lossy(&conversion.body).contains(word), "{conversion}");
        }
        let conversion = send(client, client, &request);
        assert_eq!(conversion.body, request.to_string().as_bytes(), "{conversion}");
    }
    // Other edits of the context are only options: Claude Code always sends one.
    let request = json!({"model": "m", "max_tokens": 9, "messages": messages,
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}});
    let conversion = send(anthropic(), chat(), &request);
    assert!(
        conversion.ok && reports(&conversion, DiagnosticCode::ParamDropped, "context_management"),
        "{conversion}"
    );
}

#[test]
fn the_phase_of_a_message_is_reported_where_it_is_lost() {
    let request = json!({"model": "m", "input": [
        {"role": "user", "content": "a"},
        {"type": "message", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": "Looking."}]},
        {"role": "user", "content": "b"}]});
    for (upstream, _) in others(responses()) {
        let conversion = send(responses(), upstream, &request);
        assert!(conversion.to_string().contains("phase"), "{}: {conversion}", upstream.name());
    }
    let conversion = send(responses(), responses(), &request);
    assert_eq!(conversion.body, request.to_string().as_bytes());
}

#[test]
fn tools_that_the_provider_runs_are_left_out_with_a_warning_that_names_them() {
    let own = json!({"type": "function", "name": "own", "parameters": {"type": "object", "properties": {}}});
    for kind in ["web_search", "code_interpreter", "file_search", "image_generation", "mcp"] {
        let request = json!({"model": "m", "input": "x", "tools": [{"type": kind}, own]});
        for (upstream, has_tools) in others(responses()) {
            let conversion = send(responses(), upstream, &request);
            assert!(
                reports(&conversion, DiagnosticCode::FeatureUnsupported, kind),
                "{}: {conversion}",
                upstream.name()
            );
            if has_tools {
                assert_eq!(names(&sent(&conversion)), ["own"], "{conversion}");
            }
        }
        // Also where an item of the input adds it.
        let request = json!({"model": "m", "input": [{"type": "additional_tools", "role": "developer", "tools": [{"type": kind}, own]}, {"role": "user", "content": "x"}]});
        let conversion = send(responses(), chat(), &request);
        assert!(reports(&conversion, DiagnosticCode::FeatureUnsupported, kind), "{conversion}");
        assert_eq!(names(&sent(&conversion)), ["own"]);
    }
    let own = json!({"name": "own", "input_schema": {"type": "object", "properties": {}}});
    for (kind, name) in [
        ("web_search_20250305", "web_search"),
        ("advisor_20260301", "advisor"),
        ("code_execution_20260120", "code_execution"),
    ] {
        let request = messages_request(
            &json!([{"type": kind, "name": name}, own]),
            &json!([{"role": "user", "content": "x"}]),
        );
        for (upstream, has_tools) in others(anthropic()) {
            let conversion = send(anthropic(), upstream, &request);
            assert!(
                reports(&conversion, DiagnosticCode::FeatureUnsupported, name),
                "{}: {conversion}",
                upstream.name()
            );
            if has_tools {
                assert_eq!(names(&sent(&conversion)), ["own"], "{conversion}");
            }
        }
    }
}

#[test]
fn tools_that_only_programs_call_are_left_out() {
    let request = json!({"model": "m", "input": "x", "tools": [
        {"type": "function", "name": "program", "allowed_callers": ["programmatic"], "parameters": {"type": "object"}},
        {"type": "function", "name": "direct", "allowed_callers": ["direct"], "parameters": {"type": "object"}}]});
    let conversion = send(responses(), chat(), &request);
    assert_eq!(names(&sent(&conversion)), ["direct"]);
    assert!(warnings(&conversion).len() == 1 && conversion.to_string().contains("program"), "{conversion}");
    let request = messages_request(
        &json!([{"name": "program", "allowed_callers": ["code_execution_20260521"], "input_schema": {"type": "object"}},
            {"name": "direct", "input_schema": {"type": "object"}}]),
        &json!([{"role": "user", "content": "x"}]),
    );
    let conversion = send(anthropic(), chat(), &request);
    assert_eq!(names(&sent(&conversion)), ["direct"], "{conversion}");
}

#[test]
fn what_the_providers_tools_found_stays_readable() {
    let items = json!([
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "QUERY1", "sources": [{"type": "url", "url": "https://one"}]}},
        {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"], "results": [{"filename": "f.txt", "text": "FOUND2"}]},
        {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c", "code": "CODE3", "outputs": [{"type": "logs", "logs": "LOGS3"}]},
        {"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "ask", "arguments": "{}", "output": "ANSWER4"},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="}]);
    let mut input = vec![json!({"role": "user", "content": "x"})];
    input.extend(items.as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "y"}));
    let request = json!({"model": "m", "input": input});
    for (upstream, _) in others(responses()) {
        let conversion = send(responses(), upstream, &request);
        let body = sent(&conversion);
        for text in ["QUERY1", "https://one", "FOUND2", "CODE3", "LOGS3", "ANSWER4"] {
            assert!(contains(&body, text), "{text} to {}: {conversion}", upstream.name());
        }
        assert!(
            reports(&conversion, DiagnosticCode::FeatureUnsupported, "image_generation_call"),
            "{conversion}"
        );
        assert!(reports(&conversion, DiagnosticCode::NativeAsText, "mcp_call"), "{conversion}");
    }
    let blocks = json!([
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "QUERY1"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"type": "web_search_result", "title": "TITLE1", "url": "https://one", "encrypted_content": "E"}]},
        {"type": "bash_code_execution_tool_result", "tool_use_id": "srv_2", "content": {"type": "bash_code_execution_result", "stdout": "OUT2", "stderr": "", "return_code": 0, "content": []}},
        {"type": "mcp_tool_use", "id": "mcp_1", "name": "ask", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "mcp_1", "content": [{"type": "text", "text": "ANSWER3"}]},
        {"type": "advisor_tool_result", "tool_use_id": "srv_4", "content": {"type": "advisor_result", "text": "ADVICE4"}},
        {"type": "text", "text": "so it is"}]);
    let request = messages_request(
        &json!([]),
        &json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}, {"role": "user", "content": "y"}]),
    );
    for (upstream, _) in others(anthropic()) {
        let conversion = send(anthropic(), upstream, &request);
        let body = sent(&conversion);
        for text in ["QUERY1", "TITLE1", "https://one", "OUT2", "ANSWER3", "ADVICE4", "so it is"] {
            assert!(contains(&body, text), "{text} to {}: {conversion}", upstream.name());
        }
    }
}

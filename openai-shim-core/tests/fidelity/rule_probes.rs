//! One probe for each rule of what a side accepts: names and ids, calls and results, blank text, places of media, how reasoning is
//! asked for, tools of agents, and members that a client writes in its own form. Where the canonical request has no form of its
//! own for a feature, the probe adds the client's JSON.

use super::blocks::{
    CITY, all, call, call_and_result, calls, contains_block, image, raw, result, results, tools, weather,
};
use super::matrix::RequestProbe;
use openai_shim_core::canonical::{
    Block, ExtraFields, Message, ReasoningMode, Request, Role, Tool, ToolChoice,
};
use serde_json::{Value, json};

/// A name that OpenAI and Anthropic refuse and Google takes.
const DOTTED: &str = "files.read:all";

fn renamed(block: Block, to: &str) -> Block {
    match block {
        Block::ToolCall { id, arguments, signature, extra, .. } => {
            Block::ToolCall { id, name: to.to_owned(), arguments, signature, extra }
        }
        other => other,
    }
}

/// The name that the only tool has, if the only call has it too.
fn one_name(request: &Request) -> bool {
    let offered: Vec<&str> = request.tools.iter().filter_map(|tool| tool.name()).collect();
    let called = all(request).filter_map(|block| match block {
        Block::ToolCall { name, .. } => Some(name.as_str()),
        _ => None,
    });
    offered.len() == 1 && called.collect::<Vec<_>>() == offered
}

/// Whether the only result is that of the only call.
fn one_id(request: &Request) -> bool {
    let ids: Vec<&String> = all(request)
        .filter_map(|block| match block {
            Block::ToolCall { id, .. } | Block::ToolResult { id, .. } => Some(id),
            _ => None,
        })
        .collect();
    matches!(ids[..], [call, result] if call == result)
}

fn schema() -> Value {
    serde_json::from_str(CITY).unwrap()
}

fn says(request: &Request, text: &str) -> bool {
    request.messages.iter().any(|message| message.joined_text().contains(text))
        || contains_text_in_result(request, text)
}

fn contains_text_in_result(request: &Request, text: &str) -> bool {
    all(request).any(|block| match block {
        Block::ToolResult { blocks, .. } => {
            blocks.iter().any(|inner| inner.as_text().is_some_and(|inner| inner.contains(text)))
        }
        _ => false,
    })
}

fn is_off(request: &Request) -> bool {
    request.reasoning.mode == Some(ReasoningMode::Off) || request.reasoning.budget == Some(0)
}

/// Appends items to the client's list of messages, which the dialect calls by this name.
fn append(body: &mut Value, list: &str, items: Value) -> bool {
    let Some(found) = body[list].as_array_mut() else { return false };
    found.extend(items.as_array().cloned().unwrap_or_default());
    true
}

fn responses_items(body: &mut Value, items: Value) -> bool {
    if let Some(text) = body["input"].as_str().map(str::to_owned) {
        body["input"] = json!([{"role": "user", "content": text}]);
    }
    append(body, "input", items)
}

fn three_functions() -> Value {
    let function =
        |name: &str| json!({"type": "function", "function": {"name": name, "parameters": schema()}});
    json!([function("alpha"), function("beta"), function("gamma")])
}

/// The request of a client that allows two of three tools.
fn two_of_three(body: &mut Value, by: &str) -> bool {
    match by {
        "openai-chat" => {
            body["tools"] = three_functions();
            let allowed =
                ["alpha", "beta"].map(|name| json!({"type": "function", "function": {"name": name}}));
            body["tool_choice"] =
                json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": allowed}});
        }
        "openai-responses" => {
            let function = |name: &str| json!({"type": "function", "name": name, "parameters": schema(), "strict": false});
            body["tools"] = ["alpha", "beta", "gamma"].map(function).into_iter().collect();
            let allowed = ["alpha", "beta"].map(|name| json!({"type": "function", "name": name}));
            body["tool_choice"] = json!({"type": "allowed_tools", "mode": "required", "tools": allowed});
        }
        "gemini" => {
            let declared = ["alpha", "beta", "gamma"]
                .map(|name| json!({"name": name, "parametersJsonSchema": schema()}));
            body["tools"] = json!([{"functionDeclarations": declared}]);
            body["toolConfig"] =
                json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["alpha", "beta"]}});
        }
        _ => return false,
    }
    true
}

/// Sets a member at the top of the request, in the dialects that have it.
fn member(body: &mut Value, by: &str, of: &[&str], key: &str, value: Value) -> bool {
    if of.contains(&by) {
        body[key] = value;
    }
    of.contains(&by)
}

const OPENAI: [&str; 2] = ["openai-chat", "openai-responses"];

pub const RULE_PROBES: &[RequestProbe] = &[
    RequestProbe::new(
        "a tool's name that others refuse",
        |r, _| {
            r.tools.set(vec![Tool::Function {
                name: DOTTED.to_owned(),
                description: None,
                parameters: Some(raw(CITY)),
                strict: None,
                extra: ExtraFields::default(),
            }]);
            r.messages.push(Message::new(Role::Assistant, vec![renamed(call("call_1", None), DOTTED)]));
            r.messages.push(result("call_1", vec![Block::text("sunny")], false));
        },
        one_name,
    ),
    RequestProbe::new(
        "a call's id that others refuse",
        |r, _| {
            let id = format!("functions.weather:0|{}", "x".repeat(80));
            call_and_result(r, &[&id], &|| vec![Block::text("sunny")]);
        },
        one_id,
    ),
    RequestProbe::new(
        "a call without its result",
        |r, _| {
            tools(r);
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", None)]));
            r.messages.push(Message::text(Role::User, "go on"));
        },
        |r| calls(all(r)) == 1 && says(r, "go on"),
    ),
    RequestProbe::new(
        "a result without its call",
        |r, _| {
            tools(r);
            r.messages.push(result("call_1", vec![Block::text("sunny")], false));
            r.messages.push(Message::text(Role::User, "go on"));
        },
        |r| says(r, "sunny") && says(r, "go on"),
    ),
    RequestProbe::new(
        "a text between a call and its result",
        |r, _| {
            tools(r);
            r.messages.push(Message::new(Role::Assistant, vec![call("call_1", None)]));
            r.messages.push(Message::text(Role::User, "please"));
            r.messages.push(result("call_1", vec![Block::text("sunny")], false));
        },
        |r| calls(all(r)) == 1 && results(r) >= 1 && says(r, "please") && says(r, "sunny"),
    ),
    RequestProbe::new(
        "a blank text",
        |r, _| {
            r.messages.push(Message::text(Role::Assistant, " "));
            r.messages.push(Message::text(Role::User, "go on"));
        },
        // Nothing is in it that could be lost.
        |r| says(r, "go on"),
    ),
    RequestProbe::new(
        "an assistant's message first",
        |r, _| {
            r.messages.edit().insert(0, Message::text(Role::Assistant, "Where to?"));
        },
        |r| says(r, "Where to?") && says(r, "hi"),
    ),
    RequestProbe::new(
        "a system message alone",
        |r, _| {
            r.messages.edit().clear();
            r.messages.push(Message::text(Role::System, "Be brief."));
        },
        |r| says(r, "Be brief."),
    ),
    RequestProbe::new(
        "a picture in an assistant message",
        |r, _| {
            r.messages.push(Message::new(Role::Assistant, vec![Block::text("drawn"), image()]));
            r.messages.push(Message::text(Role::User, "go on"));
        },
        |r| contains_block(r, |b| matches!(b, Block::Image(_))),
    ),
    RequestProbe::new(
        "a picture in a system message",
        |r, _| {
            r.messages.edit().insert(0, Message::new(Role::System, vec![Block::text("style"), image()]));
        },
        |r| contains_block(r, |b| matches!(b, Block::Image(_))),
    ),
    RequestProbe::written(
        "reasoning switched off",
        |body, by| {
            match by {
                "openai-chat" => body["reasoning_effort"] = json!("none"),
                "openai-responses" => body["reasoning"] = json!({"effort": "none"}),
                "anthropic-messages" => body["thinking"] = json!({"type": "disabled"}),
                "ollama-chat" | "ollama-generate" => body["think"] = json!(false),
                "gemini" => body["generationConfig"] = json!({"thinkingConfig": {"thinkingBudget": 0}}),
                _ => return false,
            }
            true
        },
        // An API without reasoning does none.
        |read, sent| is_off(read) || sent.get("prompt").is_some() && sent.get("think").is_none(),
    ),
    RequestProbe::written(
        "reasoning shown",
        |body, by| {
            match by {
                "openai-responses" => body["reasoning"] = json!({"effort": "high", "summary": "auto"}),
                "anthropic-messages" => {
                    body["thinking"] = json!({"type": "adaptive", "display": "summarized"});
                }
                "gemini" => {
                    body["generationConfig"] =
                        json!({"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": true}});
                }
                _ => return false,
            }
            true
        },
        |read, sent| {
            let shown = |key: &str| sent["generationConfig"]["thinkingConfig"][key] == true;
            // A server of this dialect shows what it has.
            read.reasoning.shown_by_default && read.reasoning.effort.is_some()
                || sent["reasoning"]["summary"].is_string()
                || sent["thinking"]["display"] == "summarized"
                || shown("includeThoughts")
                // Ollama's models always show what they think.
                || sent["think"].is_string()
                || sent["think"] == true
        },
    ),
    RequestProbe::written("a choice among some of the tools", two_of_three, |read, sent| {
        let offers = |name: &str| read.tools.iter().any(|tool| tool.name() == Some(name));
        let allows = sent["tool_choice"]["type"] == "allowed_tools"
            || sent["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"].is_array();
        offers("alpha") && offers("beta") && (allows || !offers("gamma"))
    }),
    RequestProbe::written(
        "functions of older clients",
        |body, by| {
            let function = json!({"name": "weather", "parameters": schema()});
            if by == "openai-chat" {
                body["functions"] = json!([function]);
                body["function_call"] = json!({"name": "weather"});
            }
            by == "openai-chat"
        },
        |read, sent| {
            let chosen = matches!(&*read.tool_choice, Some(ToolChoice::Function(name)) if name == "weather");
            let offered = read.tools.iter().any(|tool| tool.name() == Some("weather"));
            offered && (chosen || sent["function_call"]["name"] == "weather")
        },
    ),
    RequestProbe::written(
        "a shell that the client runs",
        |body, by| {
            if by != "openai-responses" {
                return false;
            }
            body["tools"] = json!([{"type": "local_shell"}]);
            let action = json!({"type": "exec", "command": ["ls", "-la"], "env": {}});
            responses_items(
                body,
                json!([
                    {"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "action": action, "status": "completed"},
                    {"type": "local_shell_call_output", "id": "call_1", "call_id": "call_1", "output": "a.rs"},
                ]),
            )
        },
        |read, sent| {
            let text = sent.to_string();
            let called = all(read)
                .any(|block| matches!(block, Block::ToolCall { arguments, .. } if arguments.contains("-la")));
            (called || text.contains("local_shell_call")) && text.contains("a.rs") && !read.tools.is_empty()
        },
    ),
    RequestProbe::written(
        "a tool that a search found",
        |body, by| {
            if by != "openai-responses" {
                return false;
            }
            body["tools"] = json!([{"type": "tool_search", "execution": "client", "description": "Finds tools.", "parameters": schema()}]);
            let found = json!([{"type": "function", "name": "found_tool", "description": "d", "parameters": schema(), "strict": false}]);
            responses_items(
                body,
                json!([
                    {"type": "tool_search_call", "call_id": "call_1", "execution": "client", "arguments": {"query": "x"}, "status": "completed"},
                    {"type": "tool_search_output", "call_id": "call_1", "execution": "client", "tools": found, "status": "completed"},
                ]),
            )
        },
        |_, sent| sent.to_string().contains("found_tool"),
    ),
    RequestProbe::written(
        "tools in a namespace",
        |body, by| {
            let function = json!({"type": "function", "name": "search", "description": "d", "parameters": schema(), "strict": false});
            member(
                body,
                by,
                &["openai-responses"],
                "tools",
                json!([{"type": "namespace", "name": "docs", "description": "d", "tools": [function]}]),
            )
        },
        |read, sent| sent.to_string().contains("search") && !read.tools.is_empty(),
    ),
    RequestProbe::written(
        "a reference to a tool in a result",
        |body, by| {
            if by != "anthropic-messages" {
                return false;
            }
            body["tools"] = json!([{"name": "find_tools", "input_schema": schema()}, {"name": "referenced_tool", "input_schema": schema()}]);
            append(
                body,
                "messages",
                json!([
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "find_tools", "input": {}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "tool_reference", "tool_name": "referenced_tool"}]}]},
                ]),
            )
        },
        |read, sent| {
            contains_text_in_result(read, "referenced_tool")
                || says(read, "referenced_tool")
                || sent.to_string().contains("tool_reference")
        },
    ),
    RequestProbe::written(
        "a summary instead of the history",
        |body, by| match by {
            "anthropic-messages" => append(
                body,
                "messages",
                json!([
                    {"role": "assistant", "content": [{"type": "compaction", "content": "They spoke of rain."}]},
                    {"role": "user", "content": "go on"},
                ]),
            ),
            _ => false,
        },
        |_, sent| sent.to_string().contains("They spoke of rain."),
    ),
    RequestProbe::written(
        "a sealed summary instead of the history",
        |body, by| {
            by == "openai-responses"
                && responses_items(
                    body,
                    json!([{"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAsealed"}, {"role": "user", "content": "go on"}]),
                )
        },
        |_, sent| sent.to_string().contains("gAAAAsealed"),
    ),
    RequestProbe::written(
        "the phase of an answer sent back",
        |body, by| {
            let part = json!([{"type": "output_text", "text": "I look.", "annotations": []}]);
            by == "openai-responses"
                && responses_items(
                    body,
                    json!([
                        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": part},
                        {"role": "user", "content": "go on"},
                    ]),
                )
        },
        |_, sent| sent.to_string().contains("commentary"),
    ),
    RequestProbe::new("min_p", |r, _| r.min_p = Some(0.25), |r| r.min_p == Some(0.25)),
    RequestProbe::new(
        "penalty of repetitions",
        |r, _| r.repetition_penalty = Some(1.25),
        |r| r.repetition_penalty == Some(1.25),
    ),
    RequestProbe::written(
        "metadata",
        |body, by| member(body, by, &OPENAI, "metadata", json!({"team": "blue"})),
        |_, sent| sent["metadata"]["team"] == "blue",
    ),
    RequestProbe::written(
        "the tier of service",
        |body, by| member(body, by, &OPENAI, "service_tier", json!("flex")),
        |_, sent| sent["service_tier"] == "flex",
    ),
    RequestProbe::written(
        "the key of the prompt's cache",
        |body, by| member(body, by, &OPENAI, "prompt_cache_key", json!("k1")),
        |_, sent| sent["prompt_cache_key"] == "k1",
    ),
    RequestProbe::written(
        "an answer that is kept",
        |body, by| member(body, by, &OPENAI, "store", json!(true)),
        |_, sent| sent["store"] == true,
    ),
    RequestProbe::written(
        "verbosity",
        |body, by| match by {
            "openai-chat" => member(body, by, &OPENAI, "verbosity", json!("low")),
            _ => member(body, by, &OPENAI, "text", json!({"verbosity": "low"})),
        },
        |_, sent| sent["verbosity"] == "low" || sent["text"]["verbosity"] == "low",
    ),
    RequestProbe::written(
        "settings of safety",
        |body, by| {
            let settings = json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]);
            member(body, by, &["gemini"], "safetySettings", settings)
        },
        |_, sent| sent["safetySettings"].is_array(),
    ),
    RequestProbe::written(
        "the model's context in Ollama's options",
        |body, by| member(body, by, &["ollama-chat", "ollama-generate"], "options", json!({"num_ctx": 8192})),
        |_, sent| sent["options"]["num_ctx"] == 8192,
    ),
    RequestProbe::new(
        "several tools of one name",
        |r, _| r.tools.set(vec![weather(), weather()]),
        |r| r.tools.iter().any(|tool| tool.name() == Some("weather")),
    ),
];

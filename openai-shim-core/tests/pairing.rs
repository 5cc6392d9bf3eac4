//! Histories in which calls and results do not fit together, from every client dialect to every upstream dialect: each call that
//! is sent has one result and each result a call, where the upstream accepts it, and no text of the client is lost.

mod common;

use openai_shim_core::canonical::{Block, Diagnostics, Message, Role};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::{dialect, profile};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The dialects with tool calls.
const WITH_CALLS: [&str; 5] =
    ["openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama-chat"];

/// A part of a history.
#[derive(Debug, Clone)]
enum Turn {
    User(String),
    /// A turn of the assistant that calls these tools, by id and name.
    Calls(Vec<(String, String)>),
    /// A result: id, tool and text.
    Result(String, String, String),
}
use Turn::{Calls, User};

fn user(text: &str) -> Turn {
    User(text.to_owned())
}

fn calls(calls: &[(&str, &str)]) -> Turn {
    Calls(calls.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect())
}

fn result(id: &str, name: &str, text: &str) -> Turn {
    Turn::Result(id.to_owned(), name.to_owned(), text.to_owned())
}

/// The history as a client of this dialect sends it; without `with_ids` where the dialect can do without.
fn spelled(dialect: &str, history: &[Turn], with_ids: bool) -> Value {
    let own = history.iter().map(|turn| match (dialect, turn) {
        ("openai-chat" | "ollama-chat" | "anthropic-messages", User(text)) => json!({"role": "user", "content": text}),
        ("openai-chat", Calls(calls)) => {
            let calls: Vec<_> = calls.iter().map(|(id, name)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}})).collect();
            json!({"role": "assistant", "content": null, "tool_calls": calls})
        }
        ("openai-chat", Turn::Result(id, _, text)) => json!({"role": "tool", "tool_call_id": id, "content": text}),
        ("ollama-chat", Calls(calls)) => {
            let call = |(id, name): &(String, String)| {
                let mut call = json!({"function": {"name": name, "arguments": {}}});
                if with_ids {
                    call["id"] = json!(id);
                }
                call
            };
            json!({"role": "assistant", "content": "", "tool_calls": calls.iter().map(call).collect::<Vec<_>>()})
        }
        ("ollama-chat", Turn::Result(id, name, text)) if with_ids => json!({"role": "tool", "tool_call_id": id, "tool_name": name, "content": text}),
        ("ollama-chat", Turn::Result(_, name, text)) => json!({"role": "tool", "tool_name": name, "content": text}),
        ("openai-responses", User(text)) => json!([{"role": "user", "content": text}]),
        ("openai-responses", Calls(calls)) => calls.iter().map(|(id, name)| json!({"type": "function_call", "call_id": id, "name": name, "arguments": "{}"})).collect(),
        ("openai-responses", Turn::Result(id, _, text)) => json!([{"type": "function_call_output", "call_id": id, "output": text}]),
        ("anthropic-messages", Calls(calls)) => {
            let calls: Vec<_> = calls.iter().map(|(id, name)| json!({"type": "tool_use", "id": id, "name": name, "input": {}})).collect();
            json!({"role": "assistant", "content": calls})
        }
        ("anthropic-messages", Turn::Result(id, _, text)) => json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": text}]}),
        (_, User(text)) => json!({"role": "user", "parts": [{"text": text}]}),
        (_, Calls(calls)) => {
            let part = |(id, name): &(String, String)| {
                let mut call = json!({"name": name, "args": {}});
                if with_ids {
                    call["id"] = json!(id);
                }
                json!({"functionCall": call})
            };
            json!({"role": "model", "parts": calls.iter().map(part).collect::<Vec<_>>()})
        }
        (_, Turn::Result(id, name, text)) => {
            let mut response = json!({"name": name, "response": {"output": text}});
            if with_ids {
                response["id"] = json!(id);
            }
            json!({"role": "user", "parts": [{"functionResponse": response}]})
        }
    });
    let own: Vec<Value> = own.collect();
    match dialect {
        "openai-responses" => {
            json!({"model": "m", "input": own.iter().flat_map(|items| items.as_array().unwrap().clone()).collect::<Vec<_>>()})
        }
        "gemini" => json!({"model": "m", "contents": own}),
        "anthropic-messages" => json!({"model": "m", "max_tokens": 9, "messages": own}),
        _ => json!({"model": "m", "messages": own}),
    }
}

fn sent(from: &str, to: &str, body: &Value) -> Conversion {
    let conversion = convert(
        &ConversionInput::request(dialect(from).unwrap(), body.to_string().as_bytes())
            .to(dialect(to).unwrap())
            .profile(profile("compatible").unwrap()),
    );
    assert!(conversion.ok, "{from} to {to}: {body}\n{conversion}");
    conversion
}

/// The messages of a body, as its dialect reads them.
fn read(dialect_name: &str, body: &[u8]) -> Vec<Message> {
    let path = if dialect_name == "gemini" { "/v1beta/models/m:generateContent" } else { "" };
    let body = bytes::Bytes::copy_from_slice(body);
    let request = dialect(dialect_name).unwrap().decode_request(path, &body, &mut Diagnostics::default());
    request.unwrap().messages.to_vec()
}

/// Why calls and results of a conversation do not fit together; for Responses a result may stand anywhere behind its call.
fn fault(to: &str, messages: &[Message]) -> Option<String> {
    let mut open: Vec<String> = Vec::new();
    let mut call_ids: Vec<String> = Vec::new();
    for (i, message) in messages.iter().enumerate() {
        let mut others = false;
        for block in &message.blocks {
            match block {
                Block::ToolResult { id, .. } => {
                    let Some(at) = open.iter().position(|open| open == id) else {
                        return Some(format!("message {i}: a result without an open call: {id}"));
                    };
                    if others && to != "openai-responses" {
                        return Some(format!("message {i}: content before a result"));
                    }
                    open.remove(at);
                }
                _ => others = true,
            }
        }
        let is_late = !open.is_empty() && (others || message.blocks.is_empty());
        if is_late && to != "openai-responses" {
            return Some(format!("message {i}: calls without results: {open:?}"));
        }
        for block in &message.blocks {
            if let Block::ToolCall { id, .. } = block {
                if message.role != Role::Assistant || id.is_empty() || call_ids.contains(id) {
                    return Some(format!("message {i}: the call {id:?}"));
                }
                open.push(id.clone());
                call_ids.push(id.clone());
            }
        }
    }
    (!open.is_empty()).then(|| format!("calls without results: {open:?}"))
}

/// Checks a history from every client to every upstream.
fn check(history: &[Turn]) {
    for from in WITH_CALLS {
        for to in WITH_CALLS {
            for with_ids in [true, false] {
                let body = spelled(from, history, with_ids);
                let conversion = sent(from, to, &body);
                let sent_text = String::from_utf8_lossy(&conversion.body);
                if let Some(fault) = fault(to, &read(to, &conversion.body)) {
                    panic!("{from} to {to}: {fault}\n{body}\n{sent_text}");
                }
                for turn in history {
                    if let User(text) | Turn::Result(_, _, text) = turn {
                        assert!(
                            sent_text.contains(text.as_str()),
                            "{from} to {to}: {text} is lost\n{body}\n{sent_text}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_call_has_a_result_and_every_result_its_call() {
    let histories: Vec<Vec<Turn>> = vec![
        // Orphans: in front, behind, beside text, with an unknown id.
        vec![result("x", "f", "RA"), user("ua")],
        vec![user("ua"), result("x", "f", "RA"), user("ub")],
        vec![user("ua"), calls(&[("a", "f")]), result("a", "f", "RA"), user("ub"), result("x", "f", "RB")],
        // No result: in the middle, at the end, one of two.
        vec![user("ua"), calls(&[("a", "f")]), user("ub")],
        vec![user("ua"), calls(&[("a", "f")])],
        vec![user("ua"), calls(&[("a", "f"), ("b", "g")]), result("b", "g", "RB"), user("ub")],
        vec![user("ua"), calls(&[("a", "f"), ("b", "g")]), result("a", "f", "RA")],
        // Something between a call and its result, or the result before its call.
        vec![user("ua"), calls(&[("a", "f")]), user("ub"), result("a", "f", "RA"), user("uc")],
        vec![
            user("ua"),
            calls(&[("a", "f"), ("b", "g")]),
            result("b", "g", "RB"),
            user("ub"),
            result("a", "f", "RA"),
        ],
        vec![user("ua"), result("a", "f", "RA"), calls(&[("a", "f")]), user("ub")],
        // Two turns of calls, and all results behind them.
        vec![
            user("ua"),
            calls(&[("a", "f")]),
            calls(&[("b", "g")]),
            result("a", "f", "RA"),
            result("b", "g", "RB"),
        ],
        // Results in another order than the calls.
        vec![
            user("ua"),
            calls(&[("a", "f"), ("b", "g")]),
            result("b", "g", "RB"),
            result("a", "f", "RA"),
            user("ub"),
        ],
        // Another id than the call's, and another tool's name.
        vec![user("ua"), calls(&[("a", "f")]), result("x", "f", "RA"), user("ub")],
        vec![user("ua"), calls(&[("a", "f")]), result("x", "other", "RA"), user("ub")],
        vec![user("ua"), calls(&[("a", "f"), ("b", "g")]), result("y", "g", "RB"), result("x", "f", "RA")],
        // Several results of one call.
        vec![user("ua"), calls(&[("a", "f")]), result("a", "f", "RA"), result("a", "f", "RB"), user("ub")],
        vec![user("ua"), calls(&[("a", "f")]), result("a", "f", "RA"), user("ub"), result("a", "f", "RB")],
        // One id again: in the next turn, and in one turn.
        vec![
            user("ua"),
            calls(&[("a", "f")]),
            result("a", "f", "RA"),
            calls(&[("a", "f")]),
            result("a", "f", "RB"),
        ],
        vec![user("ua"), calls(&[("a", "f")]), user("ub"), calls(&[("a", "f")]), result("a", "f", "RB")],
        vec![
            user("ua"),
            calls(&[("a", "f"), ("a", "g")]),
            result("a", "f", "RA"),
            result("a", "g", "RB"),
            user("ub"),
        ],
        // One id for calls of two tools, and results that name their tools alone, in another order.
        vec![
            calls(&[("a", "f"), ("c", "f"), ("a", "g")]),
            result("c", "f", "RA"),
            result("", "g", "RB"),
            result("", "f", "RC"),
        ],
        vec![
            calls(&[("a", "f"), ("c", "f"), ("a", "g")]),
            result("a", "g", "RA"),
            result("", "f", "RB"),
            result("c", "f", "RC"),
        ],
        // A result in front of two calls with its id.
        vec![result("b", "g", "RA"), calls(&[("b", "f")]), calls(&[("", "f"), ("b", "g")])],
        // One id in two messages of one turn.
        vec![
            calls(&[("b", "f")]),
            calls(&[("b", "f"), ("b", "f")]),
            result("b", "f", "RA"),
            result("b", "f", "RB"),
            result("b", "f", "RC"),
        ],
        // No ids at all.
        vec![
            user("ua"),
            calls(&[("", "f"), ("", "g")]),
            result("", "f", "RA"),
            result("", "g", "RB"),
            user("ub"),
        ],
    ];
    for history in &histories {
        check(history);
    }
}

#[test]
fn result_belongs_to_its_call_whatever_else_is_wrong() {
    let history = [
        user("ua"),
        calls(&[("a", "f"), ("b", "g")]),
        result("b", "g", "RB"),
        user("ub"),
        result("a", "f", "RA"),
    ];
    for from in WITH_CALLS {
        for with_ids in [true, false] {
            let conversion = sent(from, "openai-chat", &spelled(from, &history, with_ids));
            let body: Value = serde_json::from_slice(&conversion.body).unwrap();
            let messages = body["messages"].as_array().unwrap();
            let results: Vec<_> = messages.iter().filter(|m| m["role"] == "tool").collect();
            let calls = messages[1]["tool_calls"].as_array().unwrap();
            for (call, (result, text)) in calls.iter().zip(results.into_iter().zip(["RA", "RB"])) {
                assert_eq!(call["id"], result["tool_call_id"], "{from}: {body}");
                assert!(result["content"].as_str().unwrap().contains(text), "{from}: {body}");
            }
            assert_eq!(messages.last().unwrap()["content"], "ub", "{from}: {body}");
        }
    }
}

#[test]
fn what_is_made_up_is_a_warning_and_what_is_moved_is_not() {
    let codes = |history: &[Turn]| -> Vec<String> {
        let conversion = sent("openai-chat", "openai-chat", &spelled("openai-chat", history, true));
        conversion
            .diagnostics
            .iter()
            .map(|d| format!("{} {} {}", d.code, d.severity().as_str(), d.path))
            .collect()
    };
    let call = || calls(&[("a", "f")]);
    assert_eq!(
        codes(&[user("u"), call()]),
        ["tool-result-missing warning messages[1]", "feature-unsupported warning messages[2]"]
    );
    assert_eq!(codes(&[user("u"), result("x", "f", "R")]), ["tool-result-orphaned warning messages[1]"]);
    assert_eq!(
        codes(&[user("u"), call(), user("v"), result("a", "f", "R")]),
        ["tool-result-moved info messages[3]"]
    );
}

#[test]
fn acceptable_history_keeps_its_bytes() {
    let parallel = [
        user("ua"),
        calls(&[("a", "f"), ("b", "f")]),
        result("b", "f", "RB"),
        result("a", "f", "RA"),
        user("ub"),
    ];
    let sequential = [user("ua"), calls(&[("c", "f")]), result("c", "f", "RC"), user("ub")];
    for dialect in WITH_CALLS {
        // These take the results of one turn in one message.
        let in_one = ["anthropic-messages", "gemini"].contains(&dialect);
        let history = if in_one { &sequential[..] } else { &parallel[..] };
        for with_ids in [true, false] {
            let mut body = spelled(dialect, history, with_ids);
            if dialect == "anthropic-messages" {
                // It requires the tools of the history.
                body["tools"] = json!([{"name": "f", "input_schema": {"type": "object", "properties": {}}}]);
            }
            let conversion = sent(dialect, dialect, &body);
            let mut sent: Value = serde_json::from_slice(&conversion.body).unwrap();
            if body.get("stream").is_none() {
                sent.as_object_mut().unwrap().remove("stream");
            }
            assert_eq!(sent, body, "{dialect}: {conversion}");
        }
    }
}

#[test]
fn results_of_one_turn_stand_in_one_message_where_the_upstream_requires_it() {
    let history = [
        user("ua"),
        calls(&[("a", "f"), ("b", "f")]),
        result("a", "f", "RA"),
        result("b", "f", "RB"),
        user("ub"),
    ];
    for from in WITH_CALLS {
        for to in ["anthropic-messages", "gemini"] {
            let conversion = sent(from, to, &spelled(from, &history, true));
            let messages = read(to, &conversion.body);
            let is_result = |block: &Block| matches!(block, Block::ToolResult { .. });
            let holders = messages.iter().filter(|message| message.blocks.iter().any(is_result));
            assert_eq!(holders.count(), 1, "{from} to {to}: {conversion}");
        }
    }
}

#[test]
fn arguments_that_are_no_object_are_put_into_one() {
    for (arguments, expected) in [
        ("", "{}"),
        ("null", "{}"),
        ("[1]", r#"{"arguments":[1]}"#),
        ("\"x\"", r#"{"arguments":"x"}"#),
        (r#"{"a":"#, r#"{"arguments":"{\"a\":"}"#),
        (r#"{"a":1}"#, r#"{"a":1}"#),
    ] {
        let mut body =
            spelled("openai-chat", &[user("u"), calls(&[("a", "f")]), result("a", "f", "R")], true);
        body["messages"][1]["tool_calls"][0]["function"]["arguments"] = json!(arguments);
        for to in ["anthropic-messages", "gemini", "ollama-chat"] {
            let conversion = sent("openai-chat", to, &body);
            let messages = read(to, &conversion.body);
            let mut blocks = messages.iter().flat_map(|message| &message.blocks);
            let sent = blocks.find_map(|block| match block {
                Block::ToolCall { arguments, .. } => Some(arguments.clone()),
                _ => None,
            });
            let parse = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            assert_eq!(parse(&sent.unwrap()), parse(expected), "{to}: {conversion}");
        }
    }
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": [1]}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "R"}]}]});
    let conversion = sent("anthropic-messages", "anthropic-messages", &body);
    let sent: Value = serde_json::from_slice(&conversion.body).unwrap();
    assert_eq!(sent["messages"][1]["content"][0]["input"], json!({"arguments": [1]}));
}

#[test]
fn output_of_a_responses_client_may_stand_anywhere_behind_its_call() {
    let history = [user("ua"), calls(&[("a", "f")]), user("ub"), result("a", "f", "RA")];
    let body = spelled("openai-responses", &history, true);
    let conversion = sent("openai-responses", "openai-responses", &body);
    assert_eq!(conversion.body, body.to_string().into_bytes());
}

#[test]
fn history_that_an_upstream_stores_is_not_completed() {
    for more in [json!({"previous_response_id": "r"}), json!({"conversation": "c"})] {
        let mut body = spelled("openai-responses", &[result("a", "f", "RA"), calls(&[("b", "f")])], true);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let conversion = sent("openai-responses", "openai-responses", &body);
        assert_eq!(conversion.body, body.to_string().into_bytes());
    }
    let body = json!({"model": "m", "input": [
        {"type": "item_reference", "id": "fc_1"}, {"type": "function_call_output", "call_id": "a", "output": "RA"}]});
    let conversion = sent("openai-responses", "openai-responses", &body);
    assert_eq!(conversion.body, body.to_string().into_bytes());
}

#[test]
fn turns_that_are_right_keep_their_bytes_beside_one_that_is_not() {
    let mut body =
        spelled("openai-chat", &[user("ua"), calls(&[("a", "f")]), result("a", "f", "RA"), user("ub")], true);
    body["messages"][2]["unknown_field"] = json!([1, 2]);
    let mut wrong = body.clone();
    wrong["messages"]
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "tool", "tool_call_id": "x", "content": "RB"}));
    let conversion = sent("openai-chat", "openai-chat", &wrong);
    let text = String::from_utf8(conversion.body).unwrap();
    let original = body["messages"].to_string();
    assert!(text.contains(original.trim_matches(['[', ']'])), "{text}");
}

#[test]
fn system_message_alone_becomes_the_users() {
    for (from, body) in [
        ("openai-chat", json!({"model": "m", "messages": [{"role": "system", "content": "say hi"}]})),
        ("openai-chat", json!({"model": "m", "messages": [{"role": "developer", "content": "say hi"}]})),
        ("ollama-chat", json!({"model": "m", "messages": [{"role": "system", "content": "say hi"}]})),
        ("openai-responses", json!({"model": "m", "input": [{"role": "system", "content": "say hi"}]})),
        (
            "openai-responses",
            json!({"model": "m", "instructions": "be brief", "input": [{"role": "developer", "content": "say hi"}]}),
        ),
        (
            "anthropic-messages",
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "system", "content": "say hi"}]}),
        ),
    ] {
        for to in ["gemini", "anthropic-messages"] {
            let conversion = sent(from, to, &body);
            let messages = read(to, &conversion.body);
            let users: Vec<_> = messages.iter().filter(|message| message.role == Role::User).collect();
            assert_eq!(users.len(), 1, "{from} to {to}: {conversion}");
            assert_eq!(users[0].joined_text(), "say hi", "{from} to {to}: {conversion}");
        }
    }
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let id = || prop_oneof![Just(""), Just("a"), Just("b"), Just("c")].prop_map(str::to_owned);
    let name = || prop_oneof![Just("f"), Just("g")].prop_map(str::to_owned);
    let turn = prop_oneof![
        2 => Just(User(String::new())),
        3 => prop::collection::vec((id(), name()), 1..4).prop_map(Calls),
        4 => (id(), name()).prop_map(|(id, name)| Turn::Result(id, name, String::new())),
    ];
    prop::collection::vec(turn, 1..9).prop_map(|turns| {
        // Each text occurs once, so that a lost one is found.
        let number = |(i, turn)| match turn {
            User(_) => User(format!("text{i}x")),
            Turn::Result(id, name, _) => Turn::Result(id, name, format!("text{i}x")),
            calls @ Calls(_) => calls,
        };
        turns.into_iter().enumerate().map(number).collect()
    })
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn any_history_is_paired_and_keeps_its_texts(history in turns()) {
        check(&history);
    }
}

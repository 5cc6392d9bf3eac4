//! Checks a chat response as the OpenAI SDKs' types require in their strictest mode; written from the published schema,
//! independent of our own model.

use serde_json::Value;
use std::collections::BTreeMap;

const REASONS: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];
const TIERS: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];

/// Panics with `what` unless a strict client accepts the body: a stream, a response, or an error.
pub fn check(body: &str, what: &str) {
    let fail = |why: &str| panic!("{what}: {why}\n{body}");
    if body.starts_with("data: ") {
        stream(body, &fail);
        return;
    }
    let value: Value = serde_json::from_str(body).unwrap_or_else(|e| fail(&e.to_string()));
    if value.get("error").is_some() { error(&value, &fail) } else { completion(&value, &fail) }
}

type Fail<'f> = &'f dyn Fn(&str) -> Value;

fn demand(holds: bool, why: &str, fail: Fail<'_>) {
    if !holds {
        fail(why);
    }
}

fn error(value: &Value, fail: Fail<'_>) {
    let error = &value["error"];
    demand(error["message"].is_string() && error["type"].is_string(), "error.message or type", fail);
    for key in ["param", "code"] {
        demand(error.get(key).is_some_and(|v| v.is_null() || v.is_string()), key, fail);
    }
}

fn identity(value: &Value, object: &str, fail: Fail<'_>) {
    demand(value["id"].as_str().is_some_and(|id| !id.is_empty()), "id", fail);
    demand(value["object"] == object, "object", fail);
    demand(value["created"].is_u64() && value["model"].is_string(), "created or model", fail);
    let tier = value
        .get("service_tier")
        .is_none_or(|t| t.is_null() || t.as_str().is_some_and(|t| TIERS.contains(&t)));
    demand(tier, "service_tier", fail);
    demand(value["choices"].is_array(), "choices", fail);
    if let Some(usage) = value.get("usage").filter(|u| !u.is_null()) {
        for key in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            demand(usage[key].is_u64(), key, fail);
        }
    }
}

fn text_or_null(value: &Value, key: &str, fail: Fail<'_>) {
    demand(value.get(key).is_none_or(|v| v.is_null() || v.is_string()), key, fail);
}

fn completion(value: &Value, fail: Fail<'_>) {
    identity(value, "chat.completion", fail);
    demand(value["usage"].is_object(), "usage", fail);
    demand(!value["choices"].as_array().unwrap().is_empty(), "no choices", fail);
    for choice in value["choices"].as_array().unwrap() {
        demand(choice["index"].is_u64(), "index", fail);
        demand(choice["finish_reason"].as_str().is_some_and(|r| REASONS.contains(&r)), "finish_reason", fail);
        let message = &choice["message"];
        demand(message["role"] == "assistant", "role", fail);
        for key in ["content", "refusal"] {
            demand(message.get(key).is_some(), key, fail);
            text_or_null(message, key, fail);
        }
        text_or_null(message, "reasoning_content", fail);
        if let Some(calls) = message.get("tool_calls") {
            demand(calls.as_array().is_some_and(|calls| !calls.is_empty()), "tool_calls", fail);
            calls.as_array().unwrap().iter().for_each(|call| complete_call(call, fail));
        }
    }
}

fn complete_call(call: &Value, fail: Fail<'_>) {
    demand(call["id"].as_str().is_some_and(|id| !id.is_empty()), "a call's id", fail);
    let kind = call["type"].as_str().unwrap_or_default();
    let input = if kind == "custom" { "input" } else { "arguments" };
    demand(["function", "custom"].contains(&kind), "a call's type", fail);
    demand(call[kind]["name"].is_string() && call[kind][input].is_string(), "a call's function", fail);
}

/// The state of one choice of a stream.
#[derive(Default)]
struct ChoiceState {
    began: bool,
    finished: bool,
    calls: BTreeMap<u64, String>,
}

fn stream(body: &str, fail: Fail<'_>) {
    demand(body.ends_with("\n\n"), "no blank line at the end", fail);
    let events: Vec<&str> = body.trim_end_matches("\n\n").split("\n\n").collect();
    let mut answers = BTreeMap::<u64, ChoiceState>::new();
    let (mut counted, mut first) = (false, None);
    for (at, event) in events.iter().enumerate() {
        let data = event.strip_prefix("data: ").unwrap_or_default();
        demand(
            !data.is_empty() && !data.contains(['\n', '\r']),
            "an event that is not one line of data",
            fail,
        );
        let last = at + 1 == events.len();
        if data == "[DONE]" {
            demand(last, "events after [DONE]", fail);
            demand(answers.values().all(|a| a.finished), "[DONE] with an answer unfinished", fail);
            return;
        }
        let chunk: Value = serde_json::from_str(data).unwrap_or_else(|e| fail(&e.to_string()));
        if chunk.get("error").is_some() {
            error(&chunk, fail);
            demand(last, "events after an error", fail);
            return;
        }
        identity(&chunk, "chat.completion.chunk", fail);
        let own = (chunk["id"].clone(), chunk["created"].clone(), chunk["model"].clone());
        demand(*first.get_or_insert_with(|| own.clone()) == own, "the identity changes", fail);
        demand(!counted, "chunks after the one with usage", fail);
        let choices = chunk["choices"].as_array().unwrap();
        counted = chunk["usage"].is_object();
        demand(counted == choices.is_empty(), "usage beside choices, or a chunk with neither", fail);
        for choice in choices {
            demand(choice["index"].is_u64(), "index", fail);
            one_of_a_chunk(choice, answers.entry(choice["index"].as_u64().unwrap()).or_default(), fail);
        }
    }
    fail("it ends with neither [DONE] nor an error");
}

fn one_of_a_chunk(choice: &Value, answer: &mut ChoiceState, fail: Fail<'_>) {
    demand(!answer.finished, "something after the finish reason", fail);
    let delta = &choice["delta"];
    demand(delta.is_object(), "delta", fail);
    let role = delta.get("role");
    let role_is_due = !std::mem::replace(&mut answer.began, true);
    demand(if role_is_due { role.is_some_and(|r| r == "assistant") } else { role.is_none() }, "role", fail);
    for key in ["content", "refusal", "reasoning_content"] {
        text_or_null(delta, key, fail);
    }
    if let Some(calls) = delta.get("tool_calls") {
        demand(calls.as_array().is_some_and(|calls| !calls.is_empty()), "tool_calls", fail);
        calls.as_array().unwrap().iter().for_each(|call| fragment(call, answer, fail));
    }
    let reason = choice.get("finish_reason");
    demand(
        reason.is_some_and(|r| r.is_null() || r.as_str().is_some_and(|r| REASONS.contains(&r))),
        "finish_reason",
        fail,
    );
    answer.finished = reason.is_some_and(Value::is_string);
}

fn fragment(call: &Value, answer: &mut ChoiceState, fail: Fail<'_>) {
    demand(call["index"].is_u64(), "a call's index", fail);
    let index = call["index"].as_u64().unwrap();
    let begins = !answer.calls.contains_key(&index);
    demand(!begins || index == answer.calls.len() as u64, "calls are not counted from 0 without gaps", fail);
    if begins {
        demand(call["id"].as_str().is_some_and(|id| !id.is_empty()), "a call's id", fail);
        let kind = call["type"].as_str().unwrap_or_default();
        demand(["function", "custom"].contains(&kind), "a call's type", fail);
        demand(call[kind]["name"].is_string(), "a call's name", fail);
        answer.calls.insert(index, kind.to_owned());
    } else {
        for key in ["id", "type"] {
            demand(call.get(key).is_none(), "a call's id or type is repeated", fail);
        }
        demand(call["function"].get("name").is_none(), "a call's name is repeated", fail);
    }
    let arguments = call["function"].get("arguments");
    demand(arguments.is_none_or(Value::is_string), "a call's arguments", fail);
}

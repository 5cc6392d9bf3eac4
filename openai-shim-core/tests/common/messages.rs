//! Checks an Anthropic response as its SDKs' types require; written from the published types, independent of our own model.

use serde_json::Value;

/// Stop reasons of other APIs. A reason in neither list may be a newer one.
const FOREIGN: [&str; 6] = ["", "stop", "length", "tool_calls", "content_filter", "function_call"];
const ERRORS: [&str; 10] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "api_error",
    "overloaded_error",
];

/// Deltas that belong to a kind of block. Other deltas may be newer ones.
const DELTAS: [&str; 5] =
    ["text_delta", "citations_delta", "thinking_delta", "signature_delta", "input_json_delta"];

/// Panics with `what` unless a strict client accepts the body: a stream, a response, or an error.
pub fn check(body: &str, what: &str) {
    let demand = |holds: bool, why: &str| assert!(holds, "{what}: {why}\n{body}");
    if body.starts_with("event: ") {
        stream(body, &demand);
        return;
    }
    let value: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{what}: {e}\n{body}"));
    if value["type"] == "error" {
        error(&value, &demand);
        return;
    }
    message(&value, &demand);
    for block in value["content"].as_array().unwrap() {
        content_block(block, &demand);
    }
    demand(value["stop_reason"].as_str().is_none_or(|r| !FOREIGN.contains(&r)), "stop_reason");
}

type Demand<'d> = &'d dyn Fn(bool, &str);

fn error(value: &Value, demand: Demand<'_>) {
    demand(value["error"]["message"].is_string(), "error.message");
    demand(value["error"]["type"].as_str().is_some_and(|t| ERRORS.contains(&t)), "error.type");
    demand(value.get("request_id").is_some_and(|id| id.is_null() || id.is_string()), "request_id");
}

fn message(value: &Value, demand: Demand<'_>) {
    demand(value["id"].as_str().is_some_and(|id| !id.is_empty()), "id");
    demand(value["type"] == "message" && value["role"] == "assistant", "type or role");
    demand(value["model"].is_string() && value["content"].is_array(), "model or content");
    demand(value.get("stop_reason").is_some() && value.get("stop_sequence").is_some(), "stop_reason");
    for key in ["input_tokens", "output_tokens"] {
        demand(value["usage"][key].is_u64(), key);
    }
}

fn content_block(block: &Value, demand: Demand<'_>) {
    let members: &[&str] = match block["type"].as_str().unwrap_or_default() {
        "text" => &["text"],
        "thinking" => &["thinking", "signature"],
        "redacted_thinking" => &["data"],
        "tool_use" => &["id", "name"],
        _ => &["type"],
    };
    for member in members {
        demand(block[member].is_string(), member);
    }
    demand(block["type"] != "tool_use" || block["input"].is_object(), "input");
}

fn stream(body: &str, demand: Demand<'_>) {
    demand(body.ends_with("\n\n"), "no blank line at the end");
    let events: Vec<(&str, Value)> = body
        .trim_end_matches("\n\n")
        .split("\n\n")
        .map(|event| {
            let (name, data) = event.split_once('\n').unwrap_or_default();
            let (name, data) = (name.strip_prefix("event: "), data.strip_prefix("data: "));
            demand(name.is_some() && data.is_some(), event);
            (name.unwrap(), serde_json::from_str(data.unwrap()).unwrap_or_default())
        })
        .collect();
    let (mut begun, mut open, mut next, mut ended) = (false, None::<(u64, String)>, 0, false);
    for (at, (name, event)) in events.iter().enumerate() {
        let last = at + 1 == events.len();
        demand(event["type"] == *name, "the event's name is not its type");
        let index = event["index"].as_u64();
        match *name {
            "error" => {
                error(event, demand);
                demand(last, "events after an error");
                return;
            }
            "message_start" => {
                demand(!std::mem::replace(&mut begun, true), "a second message_start");
                message(&event["message"], demand);
            }
            "content_block_start" => {
                demand(begun && open.is_none() && !ended, "a block begins where none may");
                demand(index == Some(next), "blocks are not counted from 0 without gaps");
                content_block(&event["content_block"], demand);
                open = Some((next, event["content_block"]["type"].as_str().unwrap().to_owned()));
                next += 1;
            }
            "content_block_delta" => {
                let Some((of, kind)) = &open else { return demand(false, "a delta outside of a block") };
                demand(index == Some(*of), "a delta of another block");
                let delta = event["delta"]["type"].as_str().unwrap_or_default();
                let fits = match kind.as_str() {
                    "text" => ["text_delta", "citations_delta"].contains(&delta),
                    "thinking" => ["thinking_delta", "signature_delta"].contains(&delta),
                    "tool_use" => delta == "input_json_delta",
                    _ => true,
                };
                demand(fits || !DELTAS.contains(&delta), "a delta of another kind");
            }
            "content_block_stop" => {
                demand(
                    open.take().map(|(of, _)| of) == index && index.is_some(),
                    "a block ends that is not open",
                );
            }
            "message_delta" => {
                demand(begun && open.is_none() && !std::mem::replace(&mut ended, true), "message_delta");
                let reason = event["delta"]["stop_reason"].as_str();
                demand(reason.is_some_and(|r| !FOREIGN.contains(&r)), "stop_reason");
                demand(event["usage"]["output_tokens"].is_u64(), "usage");
            }
            "message_stop" => {
                demand(ended && last, "message_stop");
                return;
            }
            // A ping or a newer event is accepted if its name is its type.
            _ => {}
        }
    }
    demand(false, "it ends with neither message_stop nor an error");
}

//! Checks a Responses body as the OpenAI SDKs' types and stream accumulators require; written from the published schema,
//! independent of our own model.

use serde_json::Value;
use std::collections::BTreeMap;

const ENDS: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

/// Panics with `what` unless a strict client accepts the body: a stream, a response, or an error.
pub fn check(body: &str, what: &str) {
    if body.starts_with("event: ") {
        stream(body).unwrap_or_else(|why| panic!("{what}: {why}\n{body}"));
        return;
    }
    let value: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{what}: {e}\n{body}"));
    let checked = if value["error"].is_object() && value.get("output").is_none() {
        let error = &value["error"];
        demand(error["message"].is_string() && error["type"].is_string(), "error.message or type")
    } else {
        response(&value)
    };
    checked.unwrap_or_else(|why| panic!("{what}: {why}\n{body}"));
}

type Checked = Result<(), String>;

fn demand(holds: bool, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

fn response(value: &Value) -> Checked {
    demand(value["id"].as_str().is_some_and(|id| !id.is_empty()), "id")?;
    demand(value["object"] == "response" && value["created_at"].is_number(), "object or created_at")?;
    demand(value["model"].is_string() && value["output"].is_array(), "model or output")?;
    demand(
        value["parallel_tool_calls"].is_boolean() && value["tools"].is_array(),
        "parallel_tool_calls or tools",
    )?;
    demand(value["tool_choice"].is_string() || value["tool_choice"].is_object(), "tool_choice")?;
    for key in ["error", "incomplete_details", "instructions", "metadata", "temperature", "top_p"] {
        demand(value.get(key).is_some(), key)?;
    }
    if value["usage"].is_object() {
        let usage = &value["usage"];
        for key in ["input_tokens", "output_tokens", "total_tokens"] {
            demand(usage[key].is_u64(), key)?;
        }
        demand(usage["input_tokens_details"]["cached_tokens"].is_u64(), "cached_tokens")?;
        demand(usage["output_tokens_details"]["reasoning_tokens"].is_u64(), "reasoning_tokens")?;
    }
    value["output"].as_array().unwrap().iter().try_for_each(item)
}

fn item(item: &Value) -> Checked {
    let text = |key: &str| item[key].is_string();
    match item["type"].as_str().ok_or("an item without a type")? {
        "message" => {
            demand(
                text("id") && text("status") && item["role"] == "assistant",
                "a message's id, status or role",
            )?;
            item["content"].as_array().ok_or("a message's content")?.iter().try_for_each(part)
        }
        "reasoning" => demand(text("id") && item["summary"].is_array(), "reasoning's id or summary"),
        "function_call" => demand(text("call_id") && text("name") && text("arguments"), "a call"),
        "custom_tool_call" => demand(text("call_id") && text("name") && text("input"), "a custom call"),
        _ => Ok(()),
    }
}

fn part(part: &Value) -> Checked {
    match part["type"].as_str().ok_or("a part without a type")? {
        "output_text" => demand(part["text"].is_string() && part["annotations"].is_array(), "a part of text"),
        "refusal" => demand(part["refusal"].is_string(), "a part of refusal"),
        _ => Ok(()),
    }
}

/// An item of a stream: its id, its parts, and whether it is done.
type ItemState = (String, BTreeMap<u64, String>, bool);

fn stream(body: &str) -> Checked {
    demand(body.ends_with("\n\n"), "no blank line at the end")?;
    let mut items = BTreeMap::<u64, ItemState>::new();
    let (mut ended, mut last) = (false, String::new());
    // Comments are keep-alives.
    let blocks = body.trim_end_matches("\n\n").split("\n\n").filter(|block| !block.starts_with(':'));
    for (n, block) in blocks.enumerate() {
        let is_failure_behind_error = last == "error" && block.starts_with("event: response.failed\n");
        demand(!ended || is_failure_behind_error, "events after the end")?;
        let (name, data) = block.split_once('\n').ok_or("an event without a name")?;
        let data =
            data.strip_prefix("data: ").filter(|data| !data.contains('\n')).ok_or("not one line of data")?;
        let event: Value = serde_json::from_str(data).map_err(|e| e.to_string())?;
        let kind = event["type"].as_str().ok_or("an event without a type")?;
        kind.clone_into(&mut last);
        demand(name.strip_prefix("event: ") == Some(kind), "a name that is not the type")?;
        if kind == "error" {
            demand(event["message"].is_string() && event["sequence_number"].is_u64(), "an error event")?;
            ended = true;
            continue;
        }
        demand(event["sequence_number"] == n, "not numbered from 0 without gaps")?;
        demand(n > 0 || kind == "response.created", "it does not begin with response.created")?;
        ended = ENDS.contains(&kind);
        if event.get("response").is_some() {
            response(&event["response"])?;
        }
        if let Some(step) = kind.strip_prefix("response.") {
            one(step, &event, &mut items)?;
        }
        if kind == "response.completed" {
            demand(items.values().all(|item| item.2), "completed with an item open")?;
            demand(event["response"]["usage"].is_object(), "completed without usage")?;
        }
    }
    demand(ended, "it has no end")
}

fn one(step: &str, event: &Value, items: &mut BTreeMap<u64, ItemState>) -> Checked {
    let Some(index) = event.get("output_index") else { return Ok(()) };
    let index = index.as_u64().ok_or("output_index")?;
    if step == "output_item.added" {
        demand(index == items.len() as u64, "items are not counted from 0 without gaps")?;
        let id = event["item"]["id"].as_str().ok_or("an item without an id")?;
        items.insert(index, (id.to_owned(), BTreeMap::new(), false));
        return Ok(());
    }
    let item_state = items.get_mut(&index).ok_or("an event about an item that did not begin")?;
    demand(!item_state.2, "an event about an item that is done")?;
    if step == "output_item.done" {
        item_state.2 = true;
        return item(&event["item"]);
    }
    demand(event["item_id"] == item_state.0.as_str(), "an item by another id")?;
    let at = event["content_index"].as_u64().unwrap_or(0);
    match step {
        "content_part.added" => {
            part(&event["part"])?;
            item_state.1.insert(at, String::new());
        }
        "output_text.delta" | "refusal.delta" => {
            let text = item_state.1.get_mut(&at).ok_or("text of a part that did not begin")?;
            *text += event["delta"].as_str().ok_or("delta")?;
        }
        "output_text.done" => demand(
            event["text"].as_str() == item_state.1.get(&at).map(String::as_str),
            "the text differs from its deltas",
        )?,
        _ => {}
    }
    Ok(())
}

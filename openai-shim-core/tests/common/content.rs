//! Reads what a client of any dialect sees of an answer.

use openai_shim_core::PayloadKind;
use serde_json::Value;

/// An answer of any dialect: visible text, reasoning, calls with their arguments.
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Answer {
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<(String, Value)>,
}

pub fn frames(body: &str) -> Vec<Value> {
    let lines = body.lines().filter_map(|line| match line.strip_prefix("data:") {
        Some(data) => serde_json::from_str(data.trim()).ok(),
        None => serde_json::from_str(line).ok(),
    });
    lines.collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(format!("no JSON: {text}")))
}

/// Reads what a client of this dialect sees.
pub fn read(dialect: &str, kind: PayloadKind, body: &str) -> Answer {
    let units =
        if kind == PayloadKind::Stream { frames(body) } else { vec![serde_json::from_str(body).unwrap()] };
    let mut answer = Answer::default();
    let mut calls: Vec<(String, String, String)> = Vec::new();
    let slot = |calls: &mut Vec<(String, String, String)>, key: String| -> usize {
        calls.iter().position(|call| call.0 == key).unwrap_or_else(|| {
            calls.push((key, String::new(), String::new()));
            calls.len() - 1
        })
    };
    for (number, unit) in units.iter().enumerate() {
        for choice in list(&unit["choices"]) {
            answer.text += &text(&choice["text"]);
            for message in [&choice["message"], &choice["delta"]] {
                answer.text += &text(&message["content"]);
                answer.reasoning += &text(&message["reasoning_content"]);
                for (position, call) in list(&message["tool_calls"]).iter().enumerate() {
                    let at = slot(&mut calls, call["index"].as_u64().unwrap_or(position as u64).to_string());
                    calls[at].1 += &text(&call["function"]["name"]);
                    calls[at].2 += &text(&call["function"]["arguments"]);
                }
            }
        }
        let blocks = if dialect == "anthropic-messages" { list(&unit["content"]) } else { Vec::new() };
        for block in blocks.iter().chain([&unit["content_block"]]) {
            answer.text += &text(&block["text"]);
            answer.reasoning += &text(&block["thinking"]);
            if block["type"] == "tool_use" {
                let key = unit["index"].as_u64().map_or(text(&block["id"]), |index| index.to_string());
                let at = slot(&mut calls, key);
                calls[at].1 = text(&block["name"]);
                if unit["type"] == "message" {
                    calls[at].2 = block["input"].to_string();
                }
            }
        }
        match unit["type"].as_str() {
            Some("content_block_delta") => {
                answer.text += &text(&unit["delta"]["text"]);
                answer.reasoning += &text(&unit["delta"]["thinking"]);
                if unit["delta"]["type"] == "input_json_delta" {
                    let at = slot(&mut calls, unit["index"].to_string());
                    calls[at].2 += &text(&unit["delta"]["partial_json"]);
                }
            }
            Some("response.output_text.delta") => answer.text += &text(&unit["delta"]),
            Some("response.reasoning_summary_text.delta" | "response.reasoning_text.delta") => {
                answer.reasoning += &text(&unit["delta"]);
            }
            Some("response.output_item.added") if unit["item"]["type"] == "function_call" => {
                let at = slot(&mut calls, unit["output_index"].to_string());
                calls[at].1 = text(&unit["item"]["name"]);
            }
            Some("response.function_call_arguments.delta") => {
                let at = slot(&mut calls, unit["output_index"].to_string());
                calls[at].2 += &text(&unit["delta"]);
            }
            Some("response.completed") => {
                let items = list(&unit["response"]["output"]);
                let called = items.iter().filter(|item| item["type"] == "function_call").count();
                assert_eq!(called, calls.len(), "{unit}");
            }
            _ => {}
        }
        if dialect == "openai-responses" && unit["object"] == "response" {
            for (at, item) in list(&unit["output"]).iter().enumerate() {
                for part in list(&item["content"]) {
                    answer.text += &text(&part["text"]);
                }
                for part in list(&item["summary"]) {
                    answer.reasoning += &text(&part["text"]);
                }
                if item["type"] == "function_call" {
                    calls.push((at.to_string(), text(&item["name"]), text(&item["arguments"])));
                }
            }
        }
        for candidate in list(&unit["candidates"]) {
            for (at, part) in list(&candidate["content"]["parts"]).iter().enumerate() {
                let to = if part["thought"] == true { &mut answer.reasoning } else { &mut answer.text };
                *to += &text(&part["text"]);
                if part["functionCall"].is_object() {
                    let call = &part["functionCall"];
                    calls.push((format!("{number}.{at}"), text(&call["name"]), call["args"].to_string()));
                }
            }
        }
        if unit.get("done").is_some() {
            answer.text += &text(&unit["message"]["content"]);
            answer.text += &text(&unit["response"]);
            answer.reasoning += &text(&unit["message"]["thinking"]);
            answer.reasoning += &text(&unit["thinking"]);
            for (at, call) in list(&unit["message"]["tool_calls"]).iter().enumerate() {
                let call = &call["function"];
                calls.push((format!("{number}.{at}"), text(&call["name"]), call["arguments"].to_string()));
            }
        }
    }
    answer.calls = calls.iter().map(|(_, name, text)| (name.clone(), arguments(text))).collect();
    answer
}

//! A half answer never looks whole: errors in streams in the forms that each dialect's clients show, and items that were cut.

mod common;

use common::answer::{converted, text};
use openai_shim_core::canonical::Outcome;
use openai_shim_core::convert::Conversion;
use openai_shim_core::{PayloadKind, dialect};
use serde_json::{Value, json};

fn events(conversion: &Conversion) -> Vec<Value> {
    let data = text(conversion).lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn chat_chunk(delta: &Value, finish: &Value) -> String {
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    format!("data: {chunk}\n\n")
}

fn broken_chat() -> String {
    chat_chunk(&json!({"content": "Half"}), &Value::Null)
        + "data: {\"error\":{\"message\":\"the model died\",\"type\":\"server_error\"}}\n\n"
}

/// A Responses stream with half a text, up to its end.
fn broken_responses(end: &str) -> String {
    let events = [
        json!({"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "m", "output": []}}),
        json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}}),
        json!({"type": "response.output_text.delta", "sequence_number": 2, "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Half", "logprobs": []}),
    ];
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(frame).collect::<String>() + end
}

#[test]
fn failed_responses_stream_has_an_error_event_before_response_failed() {
    let own = "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":3,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"failed\",\"model\":\"m\",\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":\"the model died\"}}}\n\n";
    let error = "event: error\ndata: {\"type\":\"error\",\"sequence_number\":3,\"code\":\"server_error\",\"message\":\"the model died\",\"param\":null}\n\n";
    for (from, body) in [
        ("openai-chat", broken_chat()),
        ("openai-responses", broken_responses(own)),
        ("openai-responses", broken_responses(error)),
        ("openai-responses", broken_responses(&format!("{error}{own}"))),
    ] {
        let result = converted(from, "openai-responses", PayloadKind::Stream, &body, None);
        let events = events(&result);
        let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert!(types.ends_with(&["error", "response.failed"]), "{from}: {types:?}");
        assert_eq!(types.iter().filter(|kind| **kind == "error").count(), 1, "{from}: {types:?}");
        let [.., error, failed] = events.as_slice() else { panic!("{types:?}") };
        assert_eq!(error["error"]["message"], "the model died");
        assert_eq!(failed["response"]["error"]["message"], "the model died");
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{from}: {types:?}");
        }
        assert_eq!(result.outcome, Some(Outcome::Errored));
    }
}

#[test]
fn gemini_client_gets_an_error_bare_and_as_an_event() {
    let gemini = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Half\"}]},\"index\":0}]}\n\ndata: {\"error\":{\"code\":503,\"message\":\"the model died\",\"status\":\"UNAVAILABLE\"}}\n\n";
    for (from, body) in [("openai-chat", broken_chat()), ("gemini", gemini.to_owned())] {
        let result = converted(from, "gemini", PayloadKind::Stream, &body, None);
        let frames: Vec<_> = text(&result).split("\n\n").filter(|frame| !frame.is_empty()).collect();
        let [.., bare, event] = frames.as_slice() else { panic!("{frames:?}") };
        assert_eq!(event.strip_prefix("data: ").unwrap(), *bare);
        assert!(bare.starts_with("{\"error\":{\"code\":50"), "{bare}");
        let at = text(&result).find(bare).unwrap();
        let dialect = dialect("gemini").unwrap();
        assert_eq!(dialect.write_end(&result.body), Some(at));
        assert_eq!(dialect.write_end(&result.body[at..]), Some(bare.len() + 2));
        assert_eq!(dialect.write_end(event.as_bytes()), None);
    }
}

#[test]
fn error_event_of_a_responses_stream_has_a_code() {
    for more in
        ["", ",\"code\":null", ",\"type\":\"server_error\"", ",\"type\":\"server_error\",\"code\":null"]
    {
        let error = format!("data: {{\"error\":{{\"message\":\"the model died\"{more}}}}}\n\n");
        let body = chat_chunk(&json!({"content": "Half"}), &Value::Null) + &error;
        let result = converted("openai-chat", "openai-responses", PayloadKind::Stream, &body, None);
        let events = events(&result);
        let error = events.iter().find(|event| event["type"] == "error").unwrap();
        assert!(error["code"].is_string() && error["code"] == error["error"]["code"], "{error}");
    }
}

#[test]
fn answers_with_calls_break_a_failed_connection_of_chat() {
    // Codex tells what `response.failed` says at the regular end of the stream only.
    for (name, breaks) in [("openai-chat", true), ("openai-responses", false), ("anthropic-messages", false)]
    {
        assert_eq!(dialect(name).unwrap().breaks_failed_calls(), breaks, "{name}");
    }
}

#[test]
fn only_ollamas_routes_break_every_failed_connection() {
    let others = ["openai-chat", "openai-completions", "openai-responses", "anthropic-messages", "gemini"];
    for name in others {
        assert!(!dialect(name).unwrap().breaks_failed_streams(), "{name}");
    }
    for name in ["ollama-chat", "ollama-generate"] {
        assert!(dialect(name).unwrap().breaks_failed_streams(), "{name}");
    }
}

#[test]
fn cut_item_is_incomplete_and_those_before_it_are_completed() {
    let call = |number: u32, arguments: &str| json!({"tool_calls": [{"index": number, "id": format!("call_{number}"), "type": "function", "function": {"name": "f", "arguments": arguments}}]});
    for reason in ["length", "content_filter", "new_word"] {
        let stream = chat_chunk(&json!({"content": "Let me see."}), &Value::Null)
            + &chat_chunk(&call(0, "{}"), &Value::Null)
            + &chat_chunk(&call(1, "{\"a\":"), &Value::Null)
            + &chat_chunk(&json!({}), &json!(reason))
            + "data: [DONE]\n\n";
        let result = converted("openai-chat", "openai-responses", PayloadKind::Stream, &stream, None);
        let events = events(&result);
        let done: Vec<_> = events.iter().filter(|e| e["type"] == "response.output_item.done").collect();
        let statuses: Vec<_> = done.iter().map(|event| event["item"]["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["completed", "completed", "incomplete"], "{reason}: {}", text(&result));
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["output"][2]["status"], "incomplete");
    }
}

#[test]
fn cut_input_of_a_custom_tool_has_no_wrapper() {
    let request = r#"{"model":"m","stream":true,"input":"hi","tools":[{"type":"custom","name":"apply_patch","description":"d"}]}"#;
    let arguments = r#"{"input":"*** Begin \"Patch\"\nline"}"#;
    for end in 1..arguments.len() {
        let call = json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "apply_patch", "arguments": &arguments[..end]}}]});
        let stream =
            chat_chunk(&call, &Value::Null) + &chat_chunk(&json!({}), &json!("length")) + "data: [DONE]\n\n";
        let result =
            converted("openai-chat", "openai-responses", PayloadKind::Stream, &stream, Some(request));
        let events = events(&result);
        let item = &events.last().unwrap()["response"]["output"][0];
        assert_eq!((&item["type"], &item["status"]), (&json!("custom_tool_call"), &json!("incomplete")));
        let input = item["input"].as_str().unwrap();
        assert!("*** Begin \"Patch\"\nline".starts_with(input), "{end}: {input}");
    }
}

#[test]
fn item_that_an_upstream_labels_wrongly_is_corrected() {
    let item = r#"{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Half","annotations":[],"logprobs":[]}]}"#;
    let response = format!(
        r#"{{"id":"resp_1","object":"response","created_at":1,"status":"incomplete","incomplete_details":{{"reason":"max_output_tokens"}},"model":"m","output":[{item}],"usage":{{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}}"#
    );
    let end = format!(
        "event: response.output_item.done\ndata: {{\"type\":\"response.output_item.done\",\"sequence_number\":3,\"output_index\":0,\"item\":{item}}}\n\nevent: response.incomplete\ndata: {{\"type\":\"response.incomplete\",\"sequence_number\":4,\"response\":{response}}}\n\n"
    );
    let streamed =
        converted("openai-responses", "openai-responses", PayloadKind::Stream, broken_responses(&end), None);
    let whole = converted("openai-responses", "openai-responses", PayloadKind::Response, &response, None);
    for result in [&streamed, &whole] {
        assert!(!text(result).contains("\"completed\""), "{}", text(result));
        assert!(text(result).matches("\"status\":\"incomplete\"").count() >= 2);
        assert_eq!(result.outcome, Some(Outcome::Length));
    }
}

//! A stored response that a client retrieves as a stream: the events of OpenAI's grammar, and in the last one the response itself.

mod common;

use common::strict_responses;
use openai_shim_core::dialect;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, StoredResponsesApi};
use serde_json::{Value, json};

fn api() -> &'static dyn StoredResponsesApi {
    let routes = dialect("openai-responses").unwrap().auxiliary_routes();
    routes
        .iter()
        .find_map(|route| match route.kind {
            AuxiliaryKind::StoredResponse(api, _) => Some(api),
            _ => None,
        })
        .unwrap()
}

fn response() -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "completed_at": 1_700_000_009,
        "status": "completed", "error": null, "incomplete_details": null, "model": "m", "instructions": "Be brief.",
        "metadata": {"zq": "1"}, "background": false, "max_output_tokens": null, "max_tool_calls": null,
        "parallel_tool_calls": true, "previous_response_id": null, "reasoning": {"effort": null, "summary": null},
        "store": true, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
        "tools": [{"type": "custom", "name": "patch"}], "top_p": 1.0, "truncation": "disabled", "content_filters": ["zq"],
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Thinking."}]},
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}]},
            {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "read",
                "arguments": "{\"a\":1}"},
            {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "call_2", "name": "patch",
                "input": "free text"}],
        "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3}})
}

fn stored(response: &Value) -> String {
    let entries = api()
        .entries(vec![json!({"role": "user", "content": "hi"}).to_string()], response.to_string().as_bytes());
    entries[0].content.clone()
}

fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn a_stored_response_is_replayed_as_events() {
    let response = response();
    let stream = api().encode_events(&stored(&response), "stream=true").unwrap().unwrap();
    strict_responses::check(&stream, "the replayed stream");
    let events = events(&stream);
    let (first, last) = (&events[0], events.last().unwrap());
    assert_eq!(
        (&first["type"], &first["response"]["status"]),
        (&json!("response.created"), &json!("in_progress"))
    );
    assert_eq!((&first["response"]["output"], &first["response"]["usage"]), (&json!([]), &json!(null)));
    assert_eq!((&last["type"], &last["response"]), (&json!("response.completed"), &response));
    let items: Vec<_> = events
        .iter()
        .filter(|e| e["type"] == "response.output_item.done")
        .map(|e| &e["item"]["id"])
        .collect();
    assert_eq!(items, ["rs_1", "msg_1", "fc_1", "ctc_1"]);
}

#[test]
fn a_replay_goes_on_after_a_sequence_number() {
    let stored = stored(&response());
    let all = events(&api().encode_events(&stored, "stream=true").unwrap().unwrap());
    for after in 0..all.len() {
        let query = format!("stream=true&starting_after={after}");
        let rest = events(&api().encode_events(&stored, &query).unwrap().unwrap());
        assert_eq!(rest, all[after + 1..], "{query}");
    }
    for query in ["stream=1", "stream=True", "stream=TRUE"] {
        assert_eq!(events(&api().encode_events(&stored, query).unwrap().unwrap()), all, "{query}");
    }
    let error = api().encode_events(&stored, "stream=true&starting_after=x").unwrap_err();
    assert_eq!(error.param.as_deref(), Some("starting_after"));
    for query in ["", "stream=false", "stream=0", "stream=", "starting_after=3"] {
        assert_eq!(api().encode_events(&stored, query).unwrap(), None, "{query}");
    }
}

#[test]
fn an_incomplete_response_is_replayed_as_incomplete() {
    let mut response = response();
    response["status"] = json!("incomplete");
    response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    response["output"] = json!([response["output"][1]]);
    let events = events(&api().encode_events(&stored(&response), "stream=true").unwrap().unwrap());
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["response"]), (&json!("response.incomplete"), &response));
}

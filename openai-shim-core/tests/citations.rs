//! Citations: sources with a URL reach every dialect that has citations; others are reported. Results of the upstreams' own
//! tools never become tool calls, and the text around them keeps its order.

mod common;

use openai_shim_core::Profile;
use openai_shim_core::canonical::{DiagnosticCode, Severity};
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings};
use openai_shim_core::{Context, Diagnostics, Exchange, dialect, profile};
use serde_json::{Value, json};

const TEXT: &str = "The Nile is long.";
const URL: &str = "https://example.org/nile";

fn answer(client: &str, upstream: &str, stream: bool, body: &str) -> (String, Diagnostics) {
    let path = if stream {
        "/v1beta/models/m:streamGenerateContent?alt=sse"
    } else {
        "/v1beta/models/m:generateContent"
    };
    let asks = match client {
        "gemini" => json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
        "openai-responses" => json!({"model": "m", "input": "x", "stream": stream}),
        _ => {
            json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "x"}], "stream": stream})
        }
    };
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.fallback.when = FallbackPolicy::Never;
    let upstream_profile =
        Profile::native(upstream.parse().unwrap()).unwrap_or_else(|| profile("compatible").unwrap());
    let path = if client == "gemini" { path } else { "" };
    let incoming = ClientRequest::read(dialect(client).unwrap(), path, asks.to_string().into()).unwrap();
    let mut exchange = Exchange::start(incoming, upstream_profile, settings, Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    exchange.push(body.as_bytes(), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), exchange.report().diagnostics.clone())
}

/// A response of one sentence with a citation.
fn cited(upstream: &str) -> Value {
    match upstream {
        "anthropic-messages" => {
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2},
            "content": [{"type": "text", "text": TEXT, "citations": [{"type": "web_search_result_location", "url": URL, "title": "Nile", "encrypted_index": "x", "cited_text": "long"}]}]})
        }
        "gemini" => {
            json!({"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": TEXT}]},
            "groundingMetadata": {"groundingChunks": [{"web": {"uri": URL, "title": "Nile"}}], "groundingSupports": [{"segment": {"endIndex": 17, "text": TEXT}, "groundingChunkIndices": [0]}]}}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}, "modelVersion": "m", "responseId": "r"})
        }
        "openai-responses" => {
            json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
            "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": TEXT, "logprobs": [],
                "annotations": [{"type": "url_citation", "url": URL, "title": "Nile", "start_index": 0, "end_index": 17}]}]}],
            "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3}})
        }
        "perplexity" => {
            json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "citations": [URL], "search_results": [{"title": "Nile", "url": URL, "date": null}],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
        }
        _ => {
            json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT, "refusal": null,
            "annotations": [{"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 17, "title": "Nile", "url": URL}}]}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
        }
    }
}

/// The citations that a client receives: URL, title, start and end.
fn found(client: &str, out: &str) -> Vec<(String, String, u64, u64)> {
    let events: Vec<Value> = out
        .lines()
        .map(|line| line.strip_prefix("data: ").unwrap_or(line))
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
    let mut all = Vec::new();
    for event in &events {
        match client {
            "openai-chat" => {
                let choice = &event["choices"][0];
                let message = choice.get("message").unwrap_or(&choice["delta"]);
                for one in message["annotations"].as_array().into_iter().flatten() {
                    assert_eq!(one["type"], "url_citation");
                    let one = &one["url_citation"];
                    all.push((
                        text(&one["url"]),
                        text(&one["title"]),
                        number(&one["start_index"]),
                        number(&one["end_index"]),
                    ));
                }
            }
            "openai-responses" => {
                let output = if event["type"] == "response.completed" {
                    &event["response"]["output"]
                } else {
                    &event["output"]
                };
                let parts = output
                    .as_array()
                    .into_iter()
                    .flatten()
                    .flat_map(|item| item["content"].as_array().into_iter().flatten());
                for one in parts.flat_map(|part| part["annotations"].as_array().into_iter().flatten()) {
                    assert_eq!(one["type"], "url_citation");
                    all.push((
                        text(&one["url"]),
                        text(&one["title"]),
                        number(&one["start_index"]),
                        number(&one["end_index"]),
                    ));
                }
                if event["type"] == "response.output_text.annotation.added" {
                    assert_eq!(event["annotation"]["url"], URL);
                }
            }
            _ => {
                let grounding = &event["candidates"][0]["groundingMetadata"];
                for support in grounding["groundingSupports"].as_array().into_iter().flatten() {
                    let at = usize::try_from(number(&support["groundingChunkIndices"][0])).unwrap();
                    let web = &grounding["groundingChunks"][at]["web"];
                    let segment = &support["segment"];
                    all.push((
                        text(&web["uri"]),
                        text(&web["title"]),
                        number(&segment["startIndex"]),
                        number(&segment["endIndex"]),
                    ));
                }
            }
        }
    }
    all
}

#[test]
fn citation_with_a_url_reaches_every_dialect_with_citations() {
    for upstream in ["anthropic-messages", "gemini", "openai-responses", "openai-chat", "perplexity"] {
        let dialect = if upstream == "perplexity" { "openai-chat" } else { upstream };
        for client in
            ["openai-chat", "openai-responses", "gemini"].into_iter().filter(|client| *client != dialect)
        {
            for stream in [false, true] {
                let (out, diagnostics) = answer(client, dialect, stream, &cited(upstream).to_string());
                let expected = vec![(URL.to_owned(), String::from("Nile"), 0, 17)];
                assert_eq!(found(client, &out), expected, "{upstream} to {client}, {stream}: {out}");
                assert!(
                    diagnostics.iter().all(|d| d.severity() == Severity::Info),
                    "{upstream} to {client}: {diagnostics:?}"
                );
                assert!(
                    !diagnostics.has(DiagnosticCode::ExtraDropped),
                    "{upstream} to {client}: {diagnostics:?}"
                );
            }
        }
        // Anthropic's citations have a field that only Anthropic can generate; Ollama has no citations.
        for client in ["anthropic-messages", "ollama-chat"].into_iter().filter(|client| *client != dialect) {
            for stream in [false, true] {
                let (_, diagnostics) = answer(client, dialect, stream, &cited(upstream).to_string());
                assert!(
                    diagnostics.has(DiagnosticCode::ExtraDropped)
                        || diagnostics.has(DiagnosticCode::FeatureUnsupported),
                    "{upstream} to {client}, {stream}"
                );
            }
        }
    }
}

#[test]
fn citation_without_a_url_is_reported_as_lost() {
    let mut body = cited("anthropic-messages");
    body["content"][0]["citations"] = json!([{"type": "char_location", "cited_text": "long", "document_index": 0, "document_title": "d", "start_char_index": 0, "end_char_index": 4}]);
    for (client, stream) in
        [("openai-chat", false), ("openai-chat", true), ("openai-responses", false), ("gemini", true)]
    {
        let (out, diagnostics) = answer(client, "anthropic-messages", stream, &body.to_string());
        assert_eq!(found(client, &out), []);
        assert!(
            diagnostics.has(DiagnosticCode::ExtraDropped)
                || diagnostics.has(DiagnosticCode::FeatureUnsupported),
            "{client}: {diagnostics:?}"
        );
    }
}

#[test]
fn native_tool_results_are_reported_and_never_become_calls() {
    let anthropic = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2},
        "content": [{"type": "text", "text": "I search. "}, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}, {"type": "text", "text": TEXT}]});
    let responses = {
        let mut answer = cited("openai-responses");
        let message = |text: &str| json!({"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]});
        answer["output"] = json!([message("I search. "), {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
            {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "1", "container_id": "c", "outputs": null}, message(TEXT)]);
        answer
    };
    let gemini = json!({"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "I search. "},
            {"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}, {"text": TEXT}]}}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}, "modelVersion": "m", "responseId": "r"});
    for (upstream, body, fragment) in [
        ("anthropic-messages", anthropic, "server_tool_use"),
        ("openai-responses", responses, "web_search_call"),
        ("gemini", gemini, "executableCode"),
    ] {
        for client in ["openai-chat", "anthropic-messages", "openai-responses", "gemini", "ollama-chat"] {
            for stream in [false, true] {
                let (out, diagnostics) = answer(client, upstream, stream, &body.to_string());
                let calls = ["\"tool_calls\"", "\"tool_use\"", "function_call", "functionCall"];
                assert!(
                    !calls.iter().any(|call| out.contains(call)),
                    "{upstream} to {client}, {stream}: {out}"
                );
                let (first, last) = (out.find("I search. "), out.find("The Nile is long."));
                assert!(first.is_some() && first < last, "{upstream} to {client}, {stream}: {out}");
                if client == upstream {
                    assert!(out.contains(fragment), "{upstream}, {stream}: {out}");
                } else {
                    let lost = diagnostics.has(DiagnosticCode::ExtraDropped)
                        || diagnostics.has(DiagnosticCode::FeatureUnsupported);
                    assert!(
                        lost && !out.contains(fragment),
                        "{upstream} to {client}, {stream}: {diagnostics:?} {out}"
                    );
                }
            }
        }
    }
}

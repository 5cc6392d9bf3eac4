//! What answers have beside their text: carried where both APIs have a place for it, else reported.

mod common;

use common::answer::{self, text};
use openai_shim_core::PayloadKind;
use openai_shim_core::convert::Conversion;
use openai_shim_core::dialect::DIALECTS;

fn converted(from: &str, to: &str, kind: PayloadKind, body: &str) -> Conversion {
    let conversion = answer::converted(from, to, kind, body, None);
    assert!(conversion.ok, "{from} to {to}: {body}\n{conversion}");
    conversion
}

fn severity_of(conversion: &Conversion, name: &str) -> Vec<&'static str> {
    let named = conversion.diagnostics.iter().filter(|d| d.path.contains(name) || d.detail.contains(name));
    named.map(|d| d.severity().as_str()).collect()
}

const TOKEN: &str = r#"{"token":"Hi","logprob":-0.125,"bytes":[72,105],"top_logprobs":[{"token":"Ho","logprob":-2.5,"bytes":[72,111]}]}"#;

/// An answer with log probabilities in each API that has them, whole and streamed.
fn answers_with_logprobs() -> Vec<(&'static str, PayloadKind, String)> {
    let chat_chunk = |choice: &str| {
        format!(
            "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{choice}]}}\n\n"
        )
    };
    let gemini = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP","index":0,"logprobsResult":{"topCandidates":[{"candidates":[{"token":"Ho","tokenId":7,"logProbability":-2.5}]}],"chosenCandidates":[{"token":"Hi","tokenId":5,"logProbability":-0.125}]}}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2},"modelVersion":"m","responseId":"r1"}"#;
    let part = format!(r#"{{"type":"output_text","text":"Hi","annotations":[],"logprobs":[{TOKEN}]}}"#);
    let message = |content: &str, status: &str| {
        format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","status":"{status}","content":[{content}]}}"#
        )
    };
    let response = |output: &str, status: &str| {
        format!(
            r#"{{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"{status}","output":[{output}],"usage":{{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}}"#
        )
    };
    let event =
        |kind: &str, fields: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{fields}}}\n\n");
    let place = "\"item_id\":\"msg_1\",\"output_index\":0";
    let stream = [
        event("response.created", &format!("\"response\":{}", response("", "in_progress"))),
        event(
            "response.output_item.added",
            &format!("\"output_index\":0,\"item\":{}", message("", "in_progress")),
        ),
        event(
            "response.output_text.delta",
            &format!("{place},\"content_index\":0,\"delta\":\"Hi\",\"logprobs\":[{TOKEN}]"),
        ),
        event(
            "response.output_text.done",
            &format!("{place},\"content_index\":0,\"text\":\"Hi\",\"logprobs\":[{TOKEN}]"),
        ),
        event(
            "response.output_item.done",
            &format!("\"output_index\":0,\"item\":{}", message(&part, "completed")),
        ),
        event(
            "response.completed",
            &format!("\"response\":{}", response(&message(&part, "completed"), "completed")),
        ),
    ];
    let line = |end: &str| {
        format!(
            "{{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{{\"role\":\"assistant\",\"content\":\"Hi\"}},\"logprobs\":[{TOKEN}],{end}}}\n"
        )
    };
    let done = "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":1";
    let last = format!(
        "{{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},{done}}}\n"
    );
    let choice = format!(
        r#"{{"index":0,"delta":{{"role":"assistant","content":"Hi"}},"logprobs":{{"content":[{TOKEN}],"refusal":null}},"finish_reason":null}}"#
    );
    vec![
        (
            "openai-chat",
            PayloadKind::Response,
            format!(
                r#"{{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi"}},"logprobs":{{"content":[{TOKEN}],"refusal":null}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}}}"#
            ),
        ),
        (
            "openai-chat",
            PayloadKind::Stream,
            [
                chat_chunk(&choice),
                chat_chunk(r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#),
                String::from("data: [DONE]\n\n"),
            ]
            .concat(),
        ),
        ("openai-responses", PayloadKind::Response, response(&message(&part, "completed"), "completed")),
        ("openai-responses", PayloadKind::Stream, stream.concat()),
        ("gemini", PayloadKind::Response, gemini.to_owned()),
        ("gemini", PayloadKind::Stream, format!("data: {gemini}\n\n")),
        ("ollama-chat", PayloadKind::Response, line(done)),
        ("ollama-chat", PayloadKind::Stream, [line("\"done\":false"), last].concat()),
    ]
}

#[test]
fn log_probabilities_are_carried_or_their_loss_is_a_warning() {
    for (from, kind, body) in answers_with_logprobs() {
        for to in DIALECTS {
            let conversion = converted(from, to.name(), kind, &body);
            let out = text(&conversion);
            let case = format!("{from} to {}: {conversion}", to.name());
            if to.params().path("logprobs").is_none() {
                assert_eq!(severity_of(&conversion, "logprobs"), ["warning"], "{case}");
            } else {
                assert!(out.contains("-0.125") && out.contains("-2.5"), "{case}");
                assert!(severity_of(&conversion, "logprobs").is_empty(), "{case}");
            }
            if (to.name(), kind) == ("openai-chat", PayloadKind::Stream) {
                assert_eq!(out.matches("-0.125").count(), 1, "{case}");
            }
        }
    }
}

#[test]
fn the_service_tier_is_carried_between_openais_apis() {
    let chat = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","service_tier":"flex","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let stream = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"service_tier\":\"flex\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","status":"completed","phase":"commentary","content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}]}"#;
    let responses = format!(
        r#"{{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","service_tier":"flex","content_filters":[{{"blocked":false}}],"output":[{message}],"usage":{{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}}"#
    );
    let completed = format!(
        "event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{responses}}}\n\n"
    );
    let cases = [
        ("openai-chat", PayloadKind::Response, chat.to_owned()),
        ("openai-chat", PayloadKind::Stream, stream.to_owned()),
        ("openai-responses", PayloadKind::Response, responses),
        ("openai-responses", PayloadKind::Stream, completed),
    ];
    for (from, kind, body) in &cases {
        for to in DIALECTS {
            let conversion = converted(from, to.name(), *kind, body);
            let case = format!("{from} to {}: {conversion}", to.name());
            if ["openai-chat", "openai-responses"].contains(&to.name()) {
                assert!(text(&conversion).contains(r#""service_tier":"flex""#), "{case}");
            } else {
                assert!(!conversion.diagnostics.is_empty(), "{case}");
            }
            if *from == "openai-responses" && to.name() != "openai-responses" {
                let warnings = conversion.diagnostics.iter().filter(|d| d.severity().as_str() == "warning");
                assert!(warnings.count() > 0, "{case}");
                let is_reported = !severity_of(&conversion, "content_filters").is_empty()
                    || !severity_of(&conversion, "openai-responses").is_empty();
                assert!(is_reported, "{case}");
            }
        }
    }
}

#[test]
fn the_cost_of_an_answer_is_named_where_it_is_lost() {
    let chat = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":0.25}}"#;
    let stream = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2,\"cost\":0.25}}\n\ndata: [DONE]\n\n";
    for (kind, body) in [(PayloadKind::Response, chat), (PayloadKind::Stream, stream)] {
        for to in DIALECTS.iter().filter(|to| to.name() != "openai-chat") {
            let conversion = converted("openai-chat", to.name(), kind, body);
            let is_named = !severity_of(&conversion, "usage.cost").is_empty();
            let is_of_chat =
                to.name() == "openai-completions" && !severity_of(&conversion, "openai-chat").is_empty();
            assert!(is_named || is_of_chat, "{}: {conversion}", to.name());
        }
    }
}

#[test]
fn parts_of_gemini_without_a_place_are_lost_with_a_warning() {
    let parts = r#"{"text":"Four."},{"executableCode":{"language":"PYTHON","code":"print(2+2)"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"4"}}"#;
    let body = format!(
        r#"{{"candidates":[{{"index":0,"content":{{"role":"model","parts":[{parts}]}},"finishReason":"STOP"}}],"modelVersion":"m","responseId":"r"}}"#
    );
    let stream = format!("data: {body}\n\n");
    for to in DIALECTS {
        for (kind, body) in [(PayloadKind::Response, &body), (PayloadKind::Stream, &stream)] {
            let conversion = converted("gemini", to.name(), kind, body);
            let lost = conversion
                .diagnostics
                .iter()
                .any(|d| d.code.as_str() == "feature-unsupported" && d.severity().as_str() == "warning");
            assert_eq!(lost, to.name() != "gemini", "{} {kind:?}: {:?}", to.name(), conversion.diagnostics);
        }
    }
}

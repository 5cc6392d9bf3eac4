//! Media in answers: carried where the client's dialect has a place, else as a link in the text, with a warning.

mod common;

use common::answer::{self, text};
use openai_shim_core::PayloadKind;
use openai_shim_core::convert::Conversion;
use openai_shim_core::dialect::DIALECTS;

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";

fn converted(from: &str, to: &str, kind: PayloadKind, body: &str) -> Conversion {
    let conversion = answer::converted(from, to, kind, body, None);
    assert!(conversion.ok, "{from} to {to}: {body}\n{conversion}");
    assert_eq!(conversion.outcome.unwrap().as_str(), "complete", "{from} to {to}: {conversion}");
    conversion
}

fn warnings(conversion: &Conversion) -> Vec<String> {
    let warnings = conversion.diagnostics.iter().filter(|d| d.severity().as_str() != "info");
    warnings.map(ToString::to_string).collect()
}

/// A chat message as a whole answer and as a stream.
fn chat(message: &str) -> [(PayloadKind, String); 2] {
    let whole = format!(
        r#"{{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant",{message}}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}}}"#
    );
    let chunk = |delta: &str, reason: &str| {
        format!(
            "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let delta = format!("\"role\":\"assistant\",{message}");
    let usage = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}\n\ndata: [DONE]\n\n";
    let stream = [chunk(&delta, "null"), chunk("", "\"stop\""), usage.to_owned()].concat();
    [(PayloadKind::Response, whole), (PayloadKind::Stream, stream)]
}

fn gemini(parts: &str) -> [(PayloadKind, String); 2] {
    let body = format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}},"finishReason":"STOP","index":0}}],"usageMetadata":{{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}},"modelVersion":"g","responseId":"r1"}}"#
    );
    [(PayloadKind::Response, body.clone()), (PayloadKind::Stream, format!("data: {body}\n\n"))]
}

#[test]
fn pictures_reach_every_client() {
    let url = format!("data:image/png;base64,{PNG}");
    let member =
        format!(r#""content":"","images":[{{"type":"image_url","image_url":{{"url":"{url}"}},"index":0}}]"#);
    let with_text =
        format!(r#""content":"here","images":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]"#);
    let strings = format!(r#""content":"here","images":["{PNG}"]"#);
    let encoded = format!(r#""content":"here","images":[{{"b64_json":"{PNG}"}}]"#);
    let part = format!(
        r#""content":[{{"type":"text","text":"here"}},{{"type":"image_url","image_url":{{"url":"{url}"}}}}]"#
    );
    let flat = format!(r#""content":[{{"type":"output_image","image_url":"{url}"}}]"#);
    let source = format!(
        r#""content":[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{PNG}"}}}}]"#
    );
    let mut answers = Vec::new();
    for message in [member, with_text, strings, encoded, part, flat, source] {
        answers.extend(chat(&message).map(|answer| ("openai-chat", answer)));
    }
    let inline = format!(r#"{{"inlineData":{{"mimeType":"image/png","data":"{PNG}"}}}}"#);
    let snake = format!(r#"{{"inline_data":{{"mime_type":"image/png","data":"{PNG}"}}}}"#);
    for parts in
        [inline.clone(), format!(r#"{{"text":"here"}},{inline}"#), format!(r#"{{"text":"here"}},{snake}"#)]
    {
        answers.extend(gemini(&parts).map(|answer| ("gemini", answer)));
    }
    for (from, (kind, body)) in &answers {
        for to in DIALECTS {
            let conversion = converted(from, to.name(), *kind, body);
            let out = text(&conversion);
            let case = format!("{from} to {}: {body}\n{conversion}", to.name());
            assert_eq!(out.contains("here"), body.contains("here"), "{case}");
            let expected = match to.name() {
                "openai-chat" if out.contains("b64_json") || out.contains(&format!("[\"{PNG}\"]")) => {
                    PNG.to_owned()
                }
                "openai-chat" => format!(r#""images":[{{"type":"image_url","image_url":{{"url":"{url}"}}"#),
                "gemini" => PNG.to_owned(),
                _ => format!("![image]({url})"),
            };
            assert!(out.contains(&expected), "{case}");
            let has_place = ["openai-chat", "gemini"].contains(&to.name());
            assert_eq!(warnings(&conversion).is_empty(), has_place, "{case}");
            if to.name() == "gemini" {
                assert!(out.contains("nlineData") || out.contains("inline_data"), "{case}");
            }
        }
    }
}

#[test]
fn several_pictures_are_all_carried() {
    let inline = |data: &str| format!(r#"{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}"#);
    let parts = [inline("AAAA"), String::from(r#"{"text":"and"}"#), inline("BBBB")].join(",");
    for (kind, body) in gemini(&parts) {
        for to in DIALECTS {
            let conversion = converted("gemini", to.name(), kind, &body);
            let out = text(&conversion);
            assert!(
                out.contains("AAAA") && out.contains("BBBB") && out.contains("and"),
                "{}: {out}",
                to.name()
            );
        }
    }
}

#[test]
fn the_transcript_of_sound_is_text_for_clients_without_sound() {
    let message =
        r#""content":null,"audio":{"id":"audio_1","data":"AAAA","transcript":"Hi there!","expires_at":2}"#;
    for (kind, body) in chat(message) {
        for to in DIALECTS.iter().filter(|to| to.name() != "openai-chat") {
            let conversion = converted("openai-chat", to.name(), kind, &body);
            assert!(text(&conversion).contains("Hi there!"), "{conversion}");
            assert!(!warnings(&conversion).is_empty(), "{conversion}");
        }
        let same = converted("openai-chat", "openai-chat", kind, &body);
        assert!(text(&same).contains("\"transcript\":\"Hi there!\""), "{same}");
    }
}

#[test]
fn pictures_beside_a_call_do_not_break_it() {
    let start = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"draw\",\"arguments\":\"{\\\"a\\\":\"}}]},\"finish_reason\":null}]}\n\n";
    let picture = format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"images\":[{{\"type\":\"image_url\",\"image_url\":{{\"url\":\"data:image/png;base64,{PNG}\"}}}}]}},\"finish_reason\":null}}]}}\n\n"
    );
    let rest = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]},\"finish_reason\":null}]}\n\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    let body = [start, &picture, rest].concat();
    for to in ["anthropic-messages", "openai-responses", "gemini", "ollama-chat"] {
        let conversion = converted("openai-chat", to, PayloadKind::Stream, &body);
        let out = text(&conversion);
        assert!(out.contains(PNG), "{to}: {conversion}");
        let is_whole = ["1}", "\"a\":1", "\\\"a\\\":1"].iter().any(|end| out.contains(end));
        assert!(out.contains("\"name\":\"draw\"") && is_whole, "{to}: {conversion}");
    }
}

#[test]
fn a_picture_that_the_servers_tool_drew_reaches_other_clients() {
    let item =
        format!(r#"{{"id":"ig_1","type":"image_generation_call","status":"completed","result":"{PNG}"}}"#);
    let whole = format!(
        r#"{{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[{item},{{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{{"type":"output_text","text":"here","annotations":[]}}]}}],"usage":{{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}}"#
    );
    let alone = whole
        .replace(&whole[whole.find(",{\"id\":\"msg_1").unwrap()..whole.find("],\"usage\"").unwrap()], "");
    for body in [whole, alone] {
        let stream = format!(
            "event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{body}}}\n\n"
        );
        for (kind, payload) in [(PayloadKind::Response, &body), (PayloadKind::Stream, &stream)] {
            for to in DIALECTS {
                let conversion = converted("openai-responses", to.name(), kind, payload);
                assert!(text(&conversion).contains(PNG), "{}: {conversion}", to.name());
                assert_eq!(text(&conversion).contains("here"), payload.contains("here"), "{conversion}");
            }
        }
    }
}

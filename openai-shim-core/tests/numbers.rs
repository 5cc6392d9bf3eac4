//! Numbers and text of answers that are nearly what they should be: times in other units, counts as text, JSON that is none.

mod common;

use common::answer::converted;
use openai_shim_core::convert::Conversion;
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{Exchange, Retry, Settings};
use openai_shim_core::{Context, PayloadKind, Step, dialect, profile};

fn severities(conversion: &Conversion, code: &str) -> Vec<&'static str> {
    let with_code = conversion.diagnostics.iter().filter(|d| d.code.as_str() == code);
    with_code.map(|d| d.severity().as_str()).collect()
}

/// What the client gets for a stream that comes in these chunks.
fn streamed(from: &str, to: Dialect, chunks: &[&[u8]]) -> (String, Vec<String>) {
    let upstream = dialect(from).unwrap();
    let mut profile = profile("compatible").unwrap();
    from.clone_into(&mut profile.dialect);
    let (kind, name) = (PayloadKind::Stream, String::new());
    let fixture = common::Fixture {
        dialect: upstream,
        kind,
        name,
        body: Vec::new(),
        request: None,
        profile,
        status: None,
    };
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    let request = fixture.incoming(to, true);
    let mut exchange = Exchange::start(request, fixture.profile, settings, Context::fixed()).unwrap();
    let mut out = Vec::new();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    for chunk in chunks {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    let mut diagnostics: Vec<_> = exchange.report().diagnostics.iter().map(ToString::to_string).collect();
    diagnostics.sort();
    (String::from_utf8(out).unwrap(), diagnostics)
}

/// An answer with the text `Hi` in each dialect, whole and as a stream; `$TEXT` is its text as JSON, `$COUNT` a count of 3 tokens,
/// `$SCORE` any number.
const ANSWERS: [(&str, &str, &str); 7] = [
    (
        "openai-chat",
        r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":$TEXT,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":$COUNT,"completion_tokens":$COUNT,"total_tokens":6},"score":$SCORE}"#,
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":$TEXT},\"finish_reason\":null}],\"score\":$SCORE}\n\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":$COUNT,\"completion_tokens\":$COUNT,\"total_tokens\":6}}\n\ndata: [DONE]\n\n",
    ),
    (
        "openai-completions",
        r#"{"id":"c1","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":$TEXT,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":$COUNT,"completion_tokens":$COUNT,"total_tokens":6},"score":$SCORE}"#,
        "data: {\"id\":\"c1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":$TEXT,\"logprobs\":null,\"finish_reason\":null}],\"score\":$SCORE}\n\ndata: {\"id\":\"c1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":$COUNT,\"completion_tokens\":$COUNT,\"total_tokens\":6}}\n\ndata: [DONE]\n\n",
    ),
    (
        "openai-responses",
        r#"{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":$TEXT,"annotations":[],"logprobs":[]}]}],"usage":{"input_tokens":$COUNT,"output_tokens":$COUNT,"total_tokens":6,"input_tokens_details":{"cached_tokens":0},"output_tokens_details":{"reasoning_tokens":0}},"score":$SCORE}"#,
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\",\"status\":\"in_progress\",\"output\":[]}}\n\nevent: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"in_progress\",\"content\":[]}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":$TEXT,\"score\":$SCORE}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\",\"status\":\"completed\",\"output\":[{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":$TEXT,\"annotations\":[]}]}],\"usage\":{\"input_tokens\":$COUNT,\"output_tokens\":$COUNT,\"total_tokens\":6}}}\n\n",
    ),
    (
        "anthropic-messages",
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":$TEXT}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":$COUNT,"output_tokens":$COUNT},"score":$SCORE}"#,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":$COUNT,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":$TEXT},\"score\":$SCORE}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":$COUNT}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        "ollama-chat",
        r#"{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":$TEXT},"done":true,"done_reason":"stop","prompt_eval_count":$COUNT,"eval_count":$COUNT,"score":$SCORE}"#,
        "{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20Z\",\"message\":{\"role\":\"assistant\",\"content\":$TEXT},\"done\":false,\"score\":$SCORE}\n{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":$COUNT,\"eval_count\":$COUNT}\n",
    ),
    (
        "ollama-generate",
        r#"{"model":"m","created_at":"2023-11-14T22:13:20Z","response":$TEXT,"done":true,"done_reason":"stop","prompt_eval_count":$COUNT,"eval_count":$COUNT,"score":$SCORE}"#,
        "{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20Z\",\"response\":$TEXT,\"done\":false,\"score\":$SCORE}\n{\"model\":\"m\",\"created_at\":\"2023-11-14T22:13:20Z\",\"response\":\"\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":$COUNT,\"eval_count\":$COUNT}\n",
    ),
    (
        "gemini",
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":$TEXT}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":$COUNT,"candidatesTokenCount":$COUNT,"totalTokenCount":6},"modelVersion":"m","responseId":"r1","score":$SCORE}"#,
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":$TEXT}]},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r1\",\"score\":$SCORE}\n\ndata: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":$COUNT,\"candidatesTokenCount\":$COUNT,\"totalTokenCount\":6},\"modelVersion\":\"m\",\"responseId\":\"r1\"}\n\n",
    ),
];

fn filled(template: &str, text: &[u8], count: &str, score: &str) -> Vec<u8> {
    let template = template.replace("$COUNT", count).replace("$SCORE", score);
    let mut out = Vec::new();
    for (at, part) in template.split("$TEXT").enumerate() {
        if at > 0 {
            out.extend_from_slice(text);
        }
        out.extend_from_slice(part.as_bytes());
    }
    out
}

/// A text with a fault as JSON, the score beside it, the text that the client gets, and the diagnostic.
const FAULTS: [(&[u8], &str, &str, &str, &str); 4] = [
    (b"\"Hi\"", "NaN", "Hi", "not-a-number", "warning"),
    (b"\"Hi\"", "-Infinity", "Hi", "not-a-number", "warning"),
    (b"\"H\ti\x1b[0m\"", "1", "H\\ti\\u001b[0m", "json-repaired", "info"),
    (b"\"H\xffi\"", "1", "H\u{fffd}i", "encoding-invalid", "warning"),
];

#[test]
fn text_that_is_nearly_json_is_read_in_every_dialect() {
    for (from, whole, stream) in ANSWERS {
        for to in DIALECTS {
            for (text, score, expected, code, severity) in FAULTS {
                for (kind, template) in [(PayloadKind::Response, whole), (PayloadKind::Stream, stream)] {
                    let body = filled(template, text, "3", score);
                    let conversion = converted(from, to.name(), kind, &body, None);
                    let case =
                        format!("{from} to {}: {}\n{conversion}", to.name(), String::from_utf8_lossy(&body));
                    assert!(conversion.ok, "{case}");
                    assert_eq!(conversion.outcome.unwrap().as_str(), "complete", "{case}");
                    let out = String::from_utf8(conversion.body.clone()).expect(&case);
                    let out = out.replace("\\u0009", "\\t").replace("\\u001B", "\\u001b");
                    assert!(out.contains(expected), "{case}");
                    assert!(!out.contains("NaN") && !out.contains("Infinity"), "{case}");
                    assert!(out.bytes().all(|b| b >= b' ' || b == b'\n'), "{case}");
                    assert_eq!(severities(&conversion, code), [severity], "{case}");
                    assert!(severities(&conversion, "frame-corrupt").is_empty(), "{case}");
                }
            }
        }
    }
}

#[test]
fn counts_as_text_are_numbers_in_every_dialect() {
    for (from, whole, stream) in ANSWERS {
        for to in DIALECTS {
            for (kind, template) in [(PayloadKind::Response, whole), (PayloadKind::Stream, stream)] {
                let with = |count: &str| {
                    let body = filled(template, b"\"Hi\"", count, "1");
                    converted(from, to.name(), kind, &body, None)
                };
                let (text, number) = (with("\"3\""), with("3"));
                let out = |conversion: &Conversion| String::from_utf8(conversion.body.clone()).unwrap();
                assert!(!out(&text).contains("\"3\""), "{from} to {}: {text}", to.name());
                let usage = |conversion: &Conversion| out(conversion).matches(":3").count();
                assert!(usage(&text) >= usage(&number), "{from} to {}: {text}", to.name());
            }
        }
    }
}

#[test]
fn what_is_no_count_reaches_no_client() {
    let counts = ["-3", "\"-3\"", "1e300", "18446744073709551616", "2.75", "\"many\"", "NaN", "[3]"];
    for (from, whole, stream) in ANSWERS {
        for to in DIALECTS {
            for (kind, template) in [(PayloadKind::Response, whole), (PayloadKind::Stream, stream)] {
                for count in counts {
                    let body = filled(template, b"\"Hi\"", count, "1");
                    let conversion = converted(from, to.name(), kind, &body, None);
                    let case = format!("{count} from {from} to {}: {conversion}", to.name());
                    let out = String::from_utf8(conversion.body.clone()).unwrap();
                    assert!(conversion.ok && out.contains("Hi"), "{case}");
                    assert!(!out.contains(&format!(":{count}")), "{case}");
                }
            }
        }
    }
}

#[test]
fn wrapped_streams_are_unwrapped_at_every_split() {
    let chat = ANSWERS[0].2;
    let clean = String::from_utf8(filled(chat, b"\"Hi\"", "3", "1")).unwrap();
    let events: Vec<&str> = clean.split("\n\n").filter(|event| !event.is_empty()).collect();
    let data = |event: &str| event.strip_prefix("data: ").unwrap().to_owned();
    let quoted = |event: &str| {
        let json = data(event);
        format!("data: {}\n\n", openai_shim_core::json::encode_string(&json))
    };
    let chunks: Vec<String> =
        events.iter().filter(|event| !event.contains("[DONE]")).map(|e| data(e)).collect();
    let joined = |wrap: &dyn Fn(&str) -> String| events.iter().map(|event| wrap(event)).collect::<String>();
    let wrapped = [
        joined(&|event| format!("data: {event}\n\n")),
        joined(&|event| format!("data: {event}\ndata:\ndata:\n\n")),
        joined(&|event| format!("data:{event}\r\ndata: \r\n\r\n")),
        joined(&|event| format!("data: event: message\ndata: id: 1\ndata: {event}\ndata: \n\n")),
        joined(&quoted),
        format!("data: [{}]\n\ndata: [DONE]\n\n", chunks.join(",")),
        format!("data: [{}]\n\ndata: [{}]\n\ndata: [DONE]\n\n", chunks[0], chunks[1..].join(", ")),
        format!("[{}]\n", chunks.join(",")),
        clean.replace("\"delta\":{},", "\n\"delta\":{},"),
    ];
    for body in &wrapped {
        for to in DIALECTS {
            let expected = streamed("openai-chat", *to, &[clean.as_bytes()]).0;
            let unsplit = streamed("openai-chat", *to, &[body.as_bytes()]);
            // A line break in the middle of a chunk becomes a space.
            let out = unsplit.0.replace(", \"delta\"", ",\"delta\"");
            assert_eq!(out, expected, "{body}\n{:?}", unsplit.1);
            assert!(unsplit.1.iter().any(|d| d.starts_with("framing-repaired")), "{body}: {:?}", unsplit.1);
            let step = if to.name() == "openai-chat" { 1 } else { 37 };
            for at in (0..body.len()).step_by(step) {
                let (a, b) = body.as_bytes().split_at(at);
                assert_eq!(streamed("openai-chat", *to, &[a, b]), unsplit, "{body} at {at}");
            }
        }
    }
}

#[test]
fn faulty_streams_do_not_depend_on_splits() {
    for (from, _, stream) in ANSWERS {
        for (text, score, ..) in FAULTS {
            let body = filled(stream, text, "\"3\"", score);
            let to = dialect(from).unwrap();
            let unsplit = streamed(from, to, &[&body]);
            for at in 0..body.len() {
                let (a, b) = body.split_at(at);
                assert_eq!(streamed(from, to, &[a, b]), unsplit, "{from} at {at}");
            }
        }
    }
}

#[test]
fn a_document_in_a_string_or_a_list_is_read() {
    for (from, whole, _) in ANSWERS {
        let body = String::from_utf8(filled(whole, b"\"Hi\"", "3", "1")).unwrap();
        for wrapped in [openai_shim_core::json::encode_string(&body), format!("[{body}]")] {
            for to in DIALECTS {
                let conversion = converted(from, to.name(), PayloadKind::Response, wrapped.as_bytes(), None);
                assert!(conversion.ok, "{from} to {}: {conversion}", to.name());
                assert!(String::from_utf8_lossy(&conversion.body).contains("Hi"), "{conversion}");
            }
        }
    }
}

#[test]
fn times_in_finer_units_are_seconds_for_every_client() {
    let times =
        ["1706937715819", "1706937715819123", "1706937715819123456", "1706937715819.5", "\"1706937715819\""];
    for time in times {
        for (from, whole, stream) in ANSWERS.iter().take(3) {
            for (kind, template) in [(PayloadKind::Response, whole), (PayloadKind::Stream, stream)] {
                let body = filled(template, b"\"Hi\"", "3", "1");
                let body = String::from_utf8(body).unwrap();
                let body = body.replace("\"created\":1,", &format!("\"created\":{time},"));
                let body = body.replace("\"created_at\":1,", &format!("\"created_at\":{time},"));
                for to in ["openai-chat", "openai-completions", "openai-responses", "ollama-chat"] {
                    let conversion = converted(from, to, kind, body.as_bytes(), None);
                    let out = String::from_utf8_lossy(&conversion.body);
                    let expected = if to == "ollama-chat" { "2024-02-03T05:21:55Z" } else { "1706937715," };
                    assert!(
                        out.contains(expected) || out.contains("1706937715}"),
                        "{from} to {to} {time}: {out}"
                    );
                    assert!(!out.contains("1706937715819"), "{from} to {to} {time}: {out}");
                }
            }
        }
    }
}

#[test]
fn usage_in_a_vendors_object_counts_where_there_is_no_other() {
    let stream = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":null}]}\n\ndata: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"x_groq\":{\"usage\":{\"prompt_tokens\":512,\"completion_tokens\":154,\"total_tokens\":666}}}\n\ndata: [DONE]\n\n";
    let whole = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":512,"completion_tokens":154,"total_tokens":666}}}"#;
    let request = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#;
    for to in DIALECTS {
        for (kind, body) in [(PayloadKind::Stream, stream), (PayloadKind::Response, whole)] {
            let request = (to.name() == "openai-chat").then_some(request);
            let conversion = converted("openai-chat", to.name(), kind, body.as_bytes(), request);
            let out = String::from_utf8_lossy(&conversion.body);
            let has_usage_unasked = to.name() == "openai-completions" && kind == PayloadKind::Stream;
            assert!(has_usage_unasked || out.contains(":154"), "{}: {conversion}", to.name());
            assert!(severities(&conversion, "usage-missing").is_empty(), "{conversion}");
        }
    }
}

#[test]
fn no_more_tokens_are_cached_than_the_prompt_has() {
    let whole = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":50}}}"#;
    for to in DIALECTS {
        let conversion = converted("openai-chat", to.name(), PayloadKind::Response, whole.as_bytes(), None);
        assert!(!String::from_utf8_lossy(&conversion.body).contains(":50"), "{}: {conversion}", to.name());
    }
    let responses = r#"{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}]}],"usage":{"input_tokens":10,"output_tokens":2,"total_tokens":12,"input_tokens_details":{"cached_tokens":50},"output_tokens_details":{"reasoning_tokens":0}}}"#;
    let conversion =
        converted("openai-responses", "openai-responses", PayloadKind::Response, responses.as_bytes(), None);
    assert!(String::from_utf8_lossy(&conversion.body).contains("\"cached_tokens\":10"), "{conversion}");
}

#[test]
fn a_log_probability_that_is_no_number_is_that_of_an_unlikely_token() {
    let body = br##"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"No","refusal":null},"logprobs":{"content":[{"token":"No","bytes":[78],"logprob":-Infinity,"top_logprobs":[{"token":"#","bytes":null,"logprob":-Infinity},{"token":"!","bytes":[33],"logprob":NaN}]}],"refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"##;
    for to in ["openai-chat", "openai-completions"] {
        let conversion = converted("openai-chat", to, PayloadKind::Response, body, None);
        let out = String::from_utf8_lossy(&conversion.body);
        assert!(out.contains("-9999.0") && !out.contains("\"logprob\":null"), "{conversion}");
    }
}

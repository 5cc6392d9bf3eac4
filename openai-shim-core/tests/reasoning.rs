//! Reasoning for the client: in a separate field, or between tags in the text.

mod common;

use common::{chat, sdk_client};
use openai_shim_core::canonical::{
    DiagnosticCode, Fold, ReasoningStyle, Request, ResponseContext, ResponseSpec,
};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, Exchange, profile};

const CALL: &str = r#"{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}"#;

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn stream(deltas: &[&str], finish: &str) -> String {
    let mut body: String = deltas.iter().map(|delta| chunk(delta, "null")).collect();
    body += &chunk("{}", &format!("\"{finish}\""));
    body + "data: [DONE]\n\n"
}

/// The content that a client with reasoning tags receives, and the diagnostic codes.
fn tagged(body: &str, streams: bool) -> (String, Vec<DiagnosticCode>) {
    let request =
        format!(r#"{{"model":"m","stream":{streams},"messages":[{{"role":"user","content":"hi"}}]}}"#);
    let incoming = ClientRequest::read(chat(), "", request.into()).unwrap();
    let mut settings = Settings::default();
    settings.reasoning = ReasoningStyle::Tags;
    let mut exchange =
        Exchange::start(incoming, profile("compatible").unwrap(), settings, Context::fixed()).unwrap();
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    for chunk in body.as_bytes().chunks(7) {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    let codes = exchange.report().diagnostics.codes().iter().map(|(code, _)| *code).collect();
    (sdk_client::line(&String::from_utf8(out).unwrap()), codes)
}

#[test]
fn configured_reasoning_is_written_between_tags_before_the_text() {
    let thought = r#"{"role":"assistant","reasoning_content":"Hm"}"#;
    let more = r#"{"reasoning_content":"m."}"#;
    let call = format!(r#"{{"tool_calls":[{CALL}]}}"#);
    let rows = [
        (
            stream(&[thought, more, r#"{"content":"Hel"}"#, r#"{"content":"lo"}"#], "stop"),
            r#""<think>\nHmm.\n</think>\n\nHello" stop"#,
        ),
        (
            stream(&[r#"{"role":"assistant","reasoning":"Hm.","content":"Hello"}"#], "stop"),
            r#""<think>\nHm.\n</think>\n\nHello" stop"#,
        ),
        (stream(&[thought, &call], "tool_calls"), r#""<think>\nHm\n</think>\n\n" f({}) tool_calls"#),
        (stream(&[thought], "length"), r#""<think>\nHm\n</think>\n\n" length"#),
        (
            stream(&[r#"{"role":"assistant","content":"<think>Hm.</think>Hello"}"#], "stop"),
            r#""<think>\nHm.\n</think>\n\nHello" stop"#,
        ),
    ];
    for (body, expected) in rows {
        let (content, codes) = tagged(&body, true);
        assert_eq!(content, expected, "{body}");
        assert!(codes.contains(&DiagnosticCode::ReasoningTagged), "{codes:?}");
    }
    let response = r#"{"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"Hmm.","content":"Hello"},"finish_reason":"stop"}]}"#;
    assert_eq!(tagged(response, false).0, r#""<think>\nHmm.\n</think>\n\nHello" stop"#);
    // Without reasoning nothing changes.
    let plain = stream(&[r#"{"role":"assistant","content":"Hello"}"#], "stop");
    let (content, codes) = tagged(&plain, true);
    assert_eq!(
        (content.as_str(), codes.contains(&DiagnosticCode::ReasoningTagged)),
        (r#""Hello" stop"#, false)
    );
}

#[test]
fn response_of_another_dialect_gets_its_tags_from_the_encoder() {
    let body =
        stream(&[r#"{"role":"assistant","reasoning_content":"Hmm."}"#, r#"{"content":"Hello"}"#], "stop");
    let mut spec = ResponseSpec::new(&Request::default(), &Context::fixed());
    spec.reasoning = ReasoningStyle::Tags;
    let mut context = ResponseContext::new(&Request::default(), Context::fixed());
    let (mut decoder, mut encoder) = (chat().decoder(&spec, &context), chat().encoder(&spec, &context));
    let (mut framer, mut events, mut out) = (Framer::new(1 << 20), Vec::new(), Vec::new());
    framer.push(body.as_bytes(), &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    let mut fold = Fold::new();
    for event in &events {
        encoder.event(event, &mut out);
        fold.event(event);
    }
    encoder.finish(&mut out);
    let expected = r#""<think>\nHmm.\n</think>\n\nHello" stop"#;
    assert_eq!(sdk_client::line(&String::from_utf8(out).unwrap()), expected);
    let response = chat().encode_response(
        &fold.finish().unwrap(),
        &spec,
        &mut context,
        &mut openai_shim_core::Diagnostics::default(),
    );
    assert_eq!(sdk_client::line(&String::from_utf8(response).unwrap()), expected);
}

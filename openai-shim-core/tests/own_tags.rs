//! Reasoning between tags that only a profile knows becomes reasoning, like that between the usual ones, wherever the text is cut.

mod common;

use common::answer::{response_of, written};
use common::chat;
use openai_shim_core::canonical::{Block, FinishReason, ReasoningTags, Request, TagPair};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::extract::{OutputParser, ReasoningTagMode, Segment};
use openai_shim_core::{Context, Diagnostics, Exchange, Profile, Step, profile};
use serde_json::Value;

const OPEN: &str = "|think|";
const CLOSE: &str = "|/think|";

fn own_tags(open: &str) -> Profile {
    let mut upstream = profile("compatible").unwrap();
    upstream.responses.reasoning_tags = ReasoningTags::Own(Box::new(TagPair::new(open, CLOSE)));
    upstream
}

/// The bytes of an upstream that answers with this text.
fn answer(upstream: Dialect, text: &str, stream: bool) -> Vec<u8> {
    let response = response_of(vec![Block::text(text)], FinishReason::Stop);
    written(upstream, &response, &Request::default(), stream)
}

/// What a client gets for these bytes.
fn received(client: Dialect, upstream: Profile, bytes: &[u8], stream: bool) -> String {
    let mut request = Request::default();
    request.model = String::from("m");
    request.stream = stream;
    request
        .messages
        .push(openai_shim_core::canonical::Message::text(openai_shim_core::canonical::Role::User, "hi"));
    let encoded = client.encode_request(&request, None, &mut Diagnostics::default()).unwrap();
    let incoming = ClientRequest::read(client, &encoded.path, encoded.body.to_json().into()).unwrap();
    let mut exchange = Exchange::start(incoming, upstream, Settings::default(), Context::fixed()).unwrap();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    let mut out = Vec::new();
    exchange.push(bytes, &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn own_tags_do_what_the_usual_ones_do_in_every_dialect() {
    let mut compared = 0;
    for upstream in DIALECTS {
        for client in DIALECTS {
            for stream in [false, true] {
                for (own, usual) in [
                    (format!("{OPEN}Let me see.{CLOSE}\n\nParis."), "<think>Let me see.</think>\n\nParis."),
                    (format!("Paris. {OPEN}no{CLOSE}"), "Paris. <think>no</think>"),
                ] {
                    let mut with_own = own_tags(OPEN);
                    upstream.name().clone_into(&mut with_own.dialect);
                    let mut without = profile("compatible").unwrap();
                    upstream.name().clone_into(&mut without.dialect);
                    let got = received(*client, with_own, &answer(*upstream, &own, stream), stream);
                    let expected = received(*client, without, &answer(*upstream, usual, stream), stream);
                    // Where the text stays as it is, so do the tags.
                    let expected = if expected.contains("think>") {
                        expected.replace("</think>", CLOSE).replace("<think>", OPEN)
                    } else {
                        expected
                    };
                    assert_eq!(got, expected, "{} to {}", upstream.name(), client.name());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100);
}

#[test]
fn own_tags_are_found_at_every_cut() {
    for (open, text) in [
        (OPEN, format!("{OPEN}Let me |see|.{CLOSE}\nParis |/think.")),
        ("", format!("Let me |see|.{CLOSE}\nParis |/think.")),
    ] {
        let bounds: Vec<usize> = (0..=text.len()).collect();
        for one in &bounds {
            for two in bounds.iter().filter(|two| *two >= one) {
                let mode = ReasoningTagMode::Own { open: open.into(), close: CLOSE.into() };
                let (mut parser, mut segments) = (OutputParser::new(mode, &[]), Vec::new());
                for part in [&text[..*one], &text[*one..*two], &text[*two..]] {
                    parser.push(part, &mut segments);
                }
                parser.finish(&mut segments);
                let (mut reasoning, mut rest) = (String::new(), String::new());
                for segment in segments {
                    match segment {
                        Segment::Reasoning(text) => reasoning.push_str(&text),
                        Segment::Text(text) => rest.push_str(&text),
                        other @ Segment::ToolCall { .. } => panic!("{other:?}"),
                    }
                }
                assert_eq!((reasoning.as_str(), rest.as_str()), ("Let me |see|.", "Paris |/think."));
            }
            let chunk = |content: &str| {
                let content = Value::from(content);
                format!(
                    "data: {{\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{content}}},\"finish_reason\":null}}]}}\n\n"
                )
            };
            let stop = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
            let stream = format!("{}{}{stop}", chunk(&text[..*one]), chunk(&text[*one..]));
            let got = received(chat(), own_tags(open), stream.as_bytes(), true);
            let (mut reasoning, mut rest) = (String::new(), String::new());
            for event in got.split("\n\n").filter_map(|event| event.strip_prefix("data: {")) {
                let event: Value = serde_json::from_str(&format!("{{{event}")).unwrap();
                let delta = &event["choices"][0]["delta"];
                reasoning.push_str(delta["reasoning_content"].as_str().unwrap_or_default());
                rest.push_str(delta["content"].as_str().unwrap_or_default());
            }
            assert_eq!(
                (reasoning.as_str(), rest.as_str()),
                ("Let me |see|.", "Paris |/think."),
                "{one} {got}"
            );
        }
    }
}

#[test]
fn own_tags_are_written_as_a_pair_and_need_a_closing_one() {
    let read = |text: &str| toml::from_str::<Profile>(text);
    let pair = read("responses.reasoning_tags = { open = \"<a>\", close = \"</a>\" }").unwrap();
    assert_eq!(pair.responses.reasoning_tags, ReasoningTags::Own(Box::new(TagPair::new("<a>", "</a>"))));
    let written = toml::to_string(&pair).unwrap();
    assert_eq!(read(&written).unwrap().responses, pair.responses);
    assert!(pair.invalid_rules().is_empty());
    let open = read("responses.reasoning_tags = { open = \"<a>\" }").unwrap_err();
    assert!(open.to_string().contains("responses.reasoning_tags: has no closing tag"), "{open}");
    assert_eq!(
        read("responses.reasoning_tags = \"prefilled\"").unwrap().responses.reasoning_tags,
        ReasoningTags::Prefilled
    );
    for wrong in ["\"leadin\"", "{ begin = \"a\" }", "7"] {
        assert!(read(&format!("responses.reasoning_tags = {wrong}")).is_err(), "{wrong}");
    }
}

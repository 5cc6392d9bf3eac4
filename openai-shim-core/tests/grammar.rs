//! Decoders emit events only in a legal order, for any input; encoders accept every legal order.

mod common;

use common::{fixtures, mutilated};
use openai_shim_core::canonical::grammar::{Grammar, Phase};
use openai_shim_core::canonical::{
    Block, BlockKind, Choice, Delta, Event, ExtraFields, FinishReason, Request, Response, ResponseContext,
    ResponseSpec, Usage, fold, unfold,
};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, PayloadKind};
use proptest::prelude::*;

/// The ids of the first response to a request without calls.
fn context() -> ResponseContext {
    ResponseContext::new(&Request::default(), Context::fixed())
}

fn spec() -> ResponseSpec {
    let mut request = Request::default();
    (request.stream, request.include_usage) = (true, true);
    let mut spec = ResponseSpec::new(&request, &Context::fixed());
    spec.n = 3;
    spec
}

fn decode(dialect: Dialect, body: &[u8]) -> Vec<Event> {
    let (mut decoder, mut framer, mut events) =
        (dialect.decoder(&spec(), &context()), Framer::new(1 << 20), Vec::new());
    framer.push(body, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    events
}

fn assert_legal(events: &[Event], what: &str) {
    let mut grammar = Grammar::new();
    for event in events {
        grammar.check(event).unwrap_or_else(|why| panic!("{what}: {why}: {event:?}\n{events:#?}"));
    }
    assert_eq!(grammar.phase(), Phase::Over, "{what} has no end: {events:#?}");
}

#[test]
fn decoders_follow_the_grammar_on_every_fixture() {
    for fixture in fixtures(&[PayloadKind::Stream, PayloadKind::Response]) {
        assert_legal(&decode(fixture.dialect, &fixture.body), &fixture.name);
    }
}

/// Text, reasoning, refusals and calls of one choice.
fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let text = "[a-zA-Z0-9 \\\\\"\n{}é🙂]{1,12}";
    let block = prop_oneof![
        text.prop_map(Block::text),
        text.prop_map(|text| Block::Reasoning {
            text: text.into(),
            signature: None,
            extra: ExtraFields::default()
        }),
        text.prop_map(|text| Block::Refusal(text.into())),
        ("[a-z]{1,6}", 0..99_u32).prop_map(|(name, n)| Block::ToolCall {
            id: format!("call_{n}"),
            name,
            arguments: format!("{{\"n\":{n}}}"),
            signature: None,
            extra: ExtraFields::default(),
        }),
    ];
    prop::collection::vec(block, 1..5)
}

fn response() -> impl Strategy<Value = Response> {
    (prop::collection::vec(blocks(), 1..3), any::<bool>()).prop_map(|(answers, length)| {
        let mut response = Response::default();
        (response.id, response.model, response.created) =
            (Some("x".to_owned()), Some("m".to_owned()), Some(1));
        response.usage = Some(Usage::new(3, 4));
        for (index, blocks) in answers.into_iter().enumerate() {
            let calls = blocks.iter().any(|b| matches!(b, Block::ToolCall { .. }));
            let mut choice = Choice::default();
            choice.index = u32::try_from(index).unwrap();
            choice.finish = Some(match (length, calls) {
                (true, _) => FinishReason::Length,
                (false, true) => FinishReason::ToolCalls,
                (false, false) => FinishReason::Stop,
            });
            choice.blocks = blocks;
            response.choices.push(choice);
        }
        response
    })
}

/// The same events with text divided into deltas, and parallel calls interleaved.
fn shuffled(response: &Response) -> Vec<Event> {
    let (mut out, mut late): (Vec<Event>, Vec<Event>) = (Vec::new(), Vec::new());
    let mut calling = false;
    for event in unfold(response) {
        match event {
            Event::Open { kind: BlockKind::ToolCall { .. }, .. } => {
                calling = true;
                out.push(event);
            }
            Event::Open { .. } | Event::Finish { .. } => {
                out.append(&mut late);
                calling = false;
                out.push(event);
            }
            Event::Delta { choice, block, delta: Delta::Text(text) } => {
                let (a, b) = text.split_at(text.char_indices().nth(1).map_or(text.len(), |(at, _)| at));
                out.push(Event::Delta { choice, block, delta: Delta::Text(a.to_owned()) });
                let rest = Event::Delta { choice, block, delta: Delta::Text(b.to_owned()) };
                if calling { late.push(rest) } else { out.push(rest) }
            }
            Event::Close { .. } if calling => late.push(event),
            event => out.push(event),
        }
    }
    out
}

/// Text, reasoning, refusal, calls and finish reason of one choice.
type Content = (String, String, String, Vec<(String, String)>, Option<FinishReason>);

/// Returns the content of each choice, however it is divided into blocks.
fn contents(response: &Response) -> Vec<Content> {
    response
        .choices
        .iter()
        .map(|choice| {
            let (mut text, mut thoughts, mut refusal, mut calls) =
                (String::new(), String::new(), String::new(), Vec::new());
            for block in &choice.blocks {
                match block {
                    Block::Text { text: t, .. } => text.push_str(t),
                    Block::Reasoning { text: t, .. } => thoughts.push_str(t),
                    Block::Refusal(t) => refusal.push_str(t),
                    Block::ToolCall { name, arguments, .. } => calls.push((name.clone(), arguments.clone())),
                    _ => {}
                }
            }
            (text, thoughts, refusal, calls, choice.finish.clone())
        })
        .collect()
}

/// A random next event: its kind, one of three choices, one of its blocks, and text.
type Draw = (u8, u32, usize, String);

/// A choice of a generated stream: its next block, its open blocks, and the remaining arguments of its calls.
type Open = (u32, Vec<u32>, Vec<(u32, String)>);

/// Generates a legal stream from random draws: illegal events are skipped, and open blocks are closed at the end.
fn legal(draws: Vec<Draw>, failed: bool) -> Vec<Event> {
    let mut grammar = Grammar::new();
    let mut events = Vec::new();
    let mut answers: Vec<Open> = vec![(0, Vec::new(), Vec::new()); 3];
    let mut say = |event: Event| {
        let mut ahead = grammar.clone();
        let legal = ahead.check(&event).is_ok();
        if legal {
            grammar = ahead;
            events.push(event);
        }
        legal
    };
    say(Event::Start { id: Some("x".to_owned()), model: Some("m".to_owned()), created: Some(1) });
    for (kind, choice, which, text) in draws {
        let (next, open, due) = &mut answers[choice as usize];
        let kind = match kind {
            0 => BlockKind::Text,
            1 => BlockKind::Reasoning,
            2 => BlockKind::Refusal,
            3 => BlockKind::ToolCall {
                id: format!("call_{choice}_{next}"),
                name: format!("f{which}"),
                signature: None,
            },
            4 => {
                say(Event::Usage(Usage::new(which as u64, 4)));
                continue;
            }
            5 => {
                say(Event::Finish { choice, reason: FinishReason::Stop });
                continue;
            }
            6 => {
                let Some(block) = (!open.is_empty()).then(|| open.remove(which % open.len())) else {
                    continue;
                };
                if let Some(at) = due.iter().position(|(b, _)| *b == block) {
                    let (_, rest) = due.remove(at);
                    say(Event::Delta { choice, block, delta: Delta::Text(rest) });
                }
                say(Event::Close { choice, block });
                continue;
            }
            _ => {
                let Some(block) = open.get(which % open.len().max(1)).copied() else { continue };
                let text = match due.iter_mut().find(|(b, _)| *b == block) {
                    Some((_, rest)) => rest.drain(..rest.len().min(which + 1)).collect(),
                    None => text,
                };
                say(Event::Delta { choice, block, delta: Delta::Text(text) });
                continue;
            }
        };
        let call = matches!(kind, BlockKind::ToolCall { .. });
        if say(Event::Open { choice, block: *next, kind }) {
            open.push(*next);
            if call {
                due.push((*next, format!("{{\"n\":{}}}", 100 + which)));
            }
            *next += 1;
        }
    }
    if failed {
        say(Event::Error(openai_shim_core::UpstreamError::Truncated));
        return events;
    }
    for (choice, (next, open, due)) in (0..).zip(answers) {
        for (block, rest) in due {
            say(Event::Delta { choice, block, delta: Delta::Text(rest) });
        }
        for block in open {
            say(Event::Close { choice, block });
        }
        if next > 0 || choice == 0 {
            say(Event::Finish { choice, reason: FinishReason::Stop });
        }
    }
    say(Event::End);
    events
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    // More text than ends of blocks, so that the streams have content.
    let kind = prop_oneof![4 => 0..4_u8, 1 => 4..7_u8, 6 => 7..8_u8];
    prop::collection::vec((kind, 0..3_u32, 0..9_usize, "[a-z {}\"\\\\\n🙂]{1,8}"), 1..60)
}

/// How a dialect encodes a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// In a separate field.
    Content,
    /// As text.
    Text,
    /// As text, with a separate finish reason.
    Ending,
}

/// The content that a dialect can encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Capabilities {
    several: bool,
    refusal: Refusal,
    reasoning: bool,
    calls: bool,
}

/// The content that each built-in dialect can encode; for other dialects it is derived from a non-streaming response.
const KNOWN: [(&str, bool, Refusal, bool, bool); 7] = [
    ("openai-chat", true, Refusal::Content, true, true),
    ("openai-completions", true, Refusal::Text, false, false),
    ("openai-responses", false, Refusal::Content, true, true),
    ("anthropic-messages", false, Refusal::Ending, true, true),
    ("ollama-chat", false, Refusal::Text, true, true),
    ("ollama-generate", false, Refusal::Text, true, true),
    ("gemini", true, Refusal::Text, true, true),
];

/// Encodes and decodes a non-streaming response with one choice for each block.
fn round_trip(dialect: Dialect, blocks: Vec<Block>) -> Response {
    let mut response = Response::default();
    (response.id, response.model, response.created) = (Some("x".to_owned()), Some("m".to_owned()), Some(1));
    for (index, block) in (0..).zip(blocks) {
        let mut choice = Choice::default();
        (choice.index, choice.blocks) = (index, vec![Block::text("."), block]);
        choice.finish = Some(FinishReason::Stop);
        response.choices.push(choice);
    }
    let mut diagnostics = openai_shim_core::Diagnostics::default();
    let body = dialect.encode_response(&response, &spec(), &mut context(), &mut diagnostics);
    dialect.decode_response(&body, &spec(), &mut context(), &mut diagnostics).unwrap()
}

fn capabilities(dialect: Dialect) -> Capabilities {
    let says = |block: Block, is: fn(&Block) -> bool| {
        round_trip(dialect, vec![block]).choices[0].blocks.iter().any(is)
    };
    let refused = round_trip(dialect, vec![Block::Refusal("No.".into())]);
    let refusal = match &refused.choices[0] {
        choice if choice.blocks.iter().any(|b| matches!(b, Block::Refusal(_))) => Refusal::Content,
        choice if choice.finish == Some(FinishReason::Refusal) => Refusal::Ending,
        _ => Refusal::Text,
    };
    let thought = Block::Reasoning { text: "Hm.".into(), signature: None, extra: ExtraFields::default() };
    let (id, name, arguments) = ("call_1".to_owned(), "f".to_owned(), "{}".to_owned());
    let call = Block::ToolCall { id, name, arguments, signature: None, extra: ExtraFields::default() };
    Capabilities {
        several: round_trip(dialect, vec![Block::text("a"), Block::text("b")]).choices.len() == 2,
        refusal,
        reasoning: says(thought, |b| matches!(b, Block::Reasoning { .. })),
        calls: says(call, |b| matches!(b, Block::ToolCall { .. })),
    }
}

#[test]
fn capabilities_of_every_dialect_are_listed() {
    for (name, several, refusal, reasoning, calls) in KNOWN {
        let known = Capabilities { several, refusal, reasoning, calls };
        assert_eq!(capabilities(openai_shim_core::dialect(name).unwrap()), known, "{name}");
    }
}

/// Returns the content of a response that a dialect can encode. A choice with tool calls has that finish reason.
fn encodable(dialect: Dialect, response: &Response) -> Vec<Content> {
    let can = capabilities(dialect);
    let mut all = contents(response);
    all.truncate(if can.several { all.len() } else { 1 });
    for (content, choice) in all.iter_mut().zip(&response.choices) {
        if can.refusal != Refusal::Content {
            content.0 = text_and_refusals(choice);
            content.2.clear();
        }
        if !can.reasoning {
            content.1.clear();
        }
        if !can.calls {
            content.3.clear();
            if content.4 == Some(FinishReason::ToolCalls) {
                content.4 = Some(FinishReason::Stop);
            }
        }
        let refused = choice.blocks.iter().any(|block| matches!(block, Block::Refusal(_)));
        let stopped = content.3.is_empty() && content.4 == Some(FinishReason::Stop);
        if can.refusal == Refusal::Ending && refused && stopped {
            content.4 = Some(FinishReason::Refusal);
        }
        if !content.3.is_empty() && content.4 == Some(FinishReason::Stop) {
            content.4 = Some(FinishReason::ToolCalls);
        }
    }
    all
}

/// Text and refusals of a choice, in order.
fn text_and_refusals(choice: &Choice) -> String {
    let text = |block: &Block| match block {
        Block::Text { text, .. } | Block::Refusal(text) => text.to_string(),
        _ => String::new(),
    };
    choice.blocks.iter().map(text).collect()
}

/// Token counts; some dialects write an absent count as 0.
fn counts(usage: Option<Usage>) -> Option<(Option<u64>, Option<u64>, u64, u64)> {
    usage.map(|u| (u.input, u.output, u.cached.unwrap_or(0), u.reasoning.unwrap_or(0)))
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn encoders_accept_every_legal_order(draws in draws(), failed in any::<bool>()) {
        let events = legal(draws, failed);
        assert_legal(&events, "the generated order");
        for dialect in DIALECTS {
            let (mut encoder, mut out) = (dialect.encoder(&spec(), &context()), Vec::new());
            for event in &events {
                encoder.event(event, &mut out);
            }
            encoder.finish(&mut out);
            let again = decode(*dialect, &out);
            assert_legal(&again, &String::from_utf8_lossy(&out));
            match (fold(&events), fold(&again)) {
                (Ok(original), Ok(read)) => {
                    prop_assert_eq!(contents(&read), encodable(*dialect, &original));
                    prop_assert_eq!(read.usage.unwrap_or_default().total(), original.usage.unwrap_or_default().total());
                }
                (Err(original), Err(read)) => prop_assert_eq!(original.to_string(), read.to_string()),
                (original, read) => prop_assert!(false, "{original:?}\n{read:?}\n{}", String::from_utf8_lossy(&out)),
            }
        }
    }

    #[test]
    fn decoders_follow_the_grammar_on_mutilated_streams(fixture in mutilated()) {
        assert_legal(&decode(fixture.dialect, &fixture.body), &String::from_utf8_lossy(&fixture.body));
    }

    #[test]
    fn decoders_follow_the_grammar_on_any_bytes(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for dialect in DIALECTS {
            assert_legal(&decode(*dialect, &body), "bytes");
        }
    }

    #[test]
    fn encoders_write_all_events_in_any_legal_order(response in response()) {
        let events = shuffled(&response);
        assert_legal(&events, "the generated order");
        for dialect in DIALECTS {
            let (mut encoder, mut out) = (dialect.encoder(&spec(), &context()), Vec::new());
            for event in &events {
                encoder.event(event, &mut out);
            }
            encoder.finish(&mut out);
            let again = fold(&decode(*dialect, &out)).unwrap();
            prop_assert_eq!(contents(&again), encodable(*dialect, &response));
            prop_assert_eq!(counts(again.usage), counts(response.usage));
        }
    }

    #[test]
    fn response_unfolded_and_folded_is_equal(response in response()) {
        let again = fold(&unfold(&response)).unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{response:?}"));
    }
}

#[test]
fn client_of_function_call_receives_one_call_in_that_form() {
    let body = br#"{"stream":true,"messages":[{"role":"user","content":""}],"functions":[{"name":"f"}]}"#;
    let chat = common::chat();
    let request = chat
        .decode_request(
            "",
            &bytes::Bytes::copy_from_slice(body),
            &mut openai_shim_core::Diagnostics::default(),
        )
        .unwrap();
    let spec = ResponseSpec::new(&request, &Context::fixed());
    let mut response = Response::default();
    let mut choice = Choice::default();
    choice.finish = Some(FinishReason::ToolCalls);
    for name in ["f", "g"] {
        choice.blocks.push(Block::ToolCall {
            id: name.to_owned(),
            name: name.to_owned(),
            arguments: String::from("{\"a\":1}"),
            signature: None,
            extra: ExtraFields::default(),
        });
    }
    response.choices.push(choice);
    let (mut encoder, mut streamed) = (chat.encoder(&spec, &context()), Vec::new());
    for event in unfold(&response) {
        encoder.event(&event, &mut streamed);
    }
    let mut diagnostics = openai_shim_core::Diagnostics::default();
    let item = chat.encode_response(&response, &spec, &mut context(), &mut diagnostics);
    for body in [streamed, item] {
        let body = String::from_utf8(body).unwrap();
        assert_eq!(common::sdk_client::line(&body), r#"f({"a":1}) function_call"#);
        assert!(!body.contains("tool_calls"), "{body}");
    }
    // The second call has no place, which is reported.
    assert_eq!((diagnostics.len(), encoder.diagnostics().len()), (2, 1), "{diagnostics:?}");
}

#[test]
fn interrupted_encoder_ends_with_an_error() {
    for dialect in DIALECTS {
        let (mut encoder, mut out) = (dialect.encoder(&spec(), &context()), Vec::new());
        encoder.event(&Event::Start { id: Some("x".to_owned()), model: None, created: None }, &mut out);
        encoder.event(&Event::Open { choice: 0, block: 0, kind: BlockKind::Text }, &mut out);
        encoder.finish(&mut out);
        encoder.finish(&mut out);
        let events = decode(*dialect, &out);
        assert!(matches!(events.last(), Some(Event::Error(_))), "{}: {events:?}", dialect.name());
    }
}

/// A random event of a Responses stream for one of three items, legal or not.
fn responses_event() -> impl Strategy<Value = String> {
    let kinds = ["message", "reasoning", "function_call", "custom_tool_call", "web_search_call"];
    let deltas = [
        "output_text.delta",
        "refusal.delta",
        "reasoning_summary_text.delta",
        "reasoning_text.delta",
        "function_call_arguments.delta",
        "custom_tool_call_input.delta",
        "output_text.done",
        "function_call_arguments.done",
        "custom_tool_call_input.done",
    ];
    let place = (0..3_u32, any::<bool>(), any::<bool>());
    let item = (place.clone(), prop::sample::select(kinds.to_vec()), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |((index, placed, named), kind, done, called, has_text)| {
            let step = if done { "done" } else { "added" };
            let place = if placed { format!(r#""output_index":{index},"#) } else { String::new() };
            let id = if named { format!(r#""id":"i{index}","#) } else { String::new() };
            let name = if called { r#""name":"f","# } else { "" };
            let text = if has_text {
                r#""arguments":"{}","input":"x","content":[{"type":"output_text","text":"words"}],"summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"e""#
            } else {
                r#""status":"s""#
            };
            format!(r#"{{"type":"response.output_item.{step}",{place}"item":{{"type":"{kind}",{id}{name}"call_id":"c{index}",{text}}}}}"#)
        },
    );
    let delta = (place, prop::sample::select(deltas.to_vec())).prop_map(|((index, placed, named), step)| {
        let place = if placed { format!(r#","output_index":{index}"#) } else { String::new() };
        let id = if named { format!(r#","item_id":"i{index}""#) } else { String::new() };
        format!(
            r#"{{"type":"response.{step}"{place}{id},"delta":"d","text":"d","arguments":"{{}}","input":"x"}}"#
        )
    });
    prop_oneof![item, delta]
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn items_of_a_response_follow_the_grammar_in_every_order(
        events in prop::collection::vec(responses_event(), 1..14), cut in any::<bool>()
    ) {
        let mut body = format!("data: {}\n\n", events.join("\n\ndata: "));
        if !cut {
            body.push_str("data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n");
        }
        let responses = openai_shim_core::dialect("openai-responses").unwrap();
        assert_legal(&decode(responses, body.as_bytes()), &body);
    }
}

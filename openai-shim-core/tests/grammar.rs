//! Decoders emit only legal orders of events, whatever comes; encoders survive all of them.

mod common;

use common::fixtures;
use openai_shim_core::canonical::grammar::{Grammar, Phase};
use openai_shim_core::canonical::{
    Asked, Block, BlockKind, Choice, Delta, Event, Extra, FinishReason, Request, Response, Usage, fold,
    unfold,
};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, Kind};
use proptest::prelude::*;

fn asked() -> Asked {
    let mut request = Request::default();
    (request.stream, request.include_usage) = (true, true);
    Asked::new(&request, Context::fixed())
}

fn decode(dialect: &dyn Dialect, body: &[u8]) -> Vec<Event> {
    let (mut decoder, mut framer, mut events) = (dialect.decoder(&asked()), Framer::new(1 << 20), Vec::new());
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
fn decoders_keep_to_the_grammar_on_every_fixture() {
    for fixture in fixtures(&[Kind::Stream, Kind::Response]) {
        assert_legal(&decode(fixture.dialect, &fixture.body), &fixture.name);
    }
}

/// A stream fixture with some of its events dropped, doubled, swapped, and its end cut off.
fn mutated() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let all: Vec<(usize, Vec<u8>)> = fixtures(&[Kind::Stream])
        .into_iter()
        .map(|f| (DIALECTS.iter().position(|d| d.name() == f.dialect.name()).unwrap(), f.body))
        .collect();
    (
        prop::sample::select(all),
        prop::collection::vec((0..3_u8, 0..40_usize, 0..40_usize), 0..4),
        0..100_usize,
    )
        .prop_map(|((dialect, body), edits, cut)| {
            let mut events: Vec<Vec<u8>> =
                body.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            for (edit, a, b) in edits {
                if events.is_empty() {
                    break;
                }
                let (a, b) = (a % events.len(), b % events.len());
                match edit {
                    0 => drop(events.remove(a)),
                    1 => events.insert(b, events[a].clone()),
                    _ => events.swap(a, b),
                }
            }
            let mut body = events.concat();
            body.truncate(body.len() * (100 - cut.min(50)) / 100);
            (dialect, body)
        })
}

/// Text, reasoning, refusals and calls of one answer.
fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let words = "[a-zA-Z0-9 \\\\\"\n{}é🙂]{1,12}";
    let block = prop_oneof![
        words.prop_map(Block::text),
        words.prop_map(|text| Block::Reasoning { text, signature: None, extra: Extra::default() }),
        words.prop_map(Block::Refusal),
        ("[a-z]{1,6}", 0..99_u32).prop_map(|(name, n)| Block::ToolCall {
            id: format!("call_{n}"),
            name,
            arguments: format!("{{\"n\":{n}}}"),
            extra: Extra::default(),
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

/// The same events with texts in pieces, and parallel calls side by side.
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

/// Text, reasoning, refusal, calls and end of one answer.
type Said = (String, String, String, Vec<(String, String)>, Option<FinishReason>);

/// What an answer says, however it is cut into blocks.
fn said(response: &Response) -> Vec<Said> {
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

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn decoders_keep_to_the_grammar_on_mutilated_streams((dialect, body) in mutated()) {
        assert_legal(&decode(DIALECTS[dialect], &body), &String::from_utf8_lossy(&body));
    }

    #[test]
    fn decoders_keep_to_the_grammar_on_any_bytes(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for dialect in DIALECTS {
            assert_legal(&decode(*dialect, &body), "bytes");
        }
    }

    #[test]
    fn encoders_say_what_they_are_told_in_any_legal_order(response in response()) {
        let events = shuffled(&response);
        assert_legal(&events, "the generated order");
        for dialect in DIALECTS {
            let (mut encoder, mut out) = (dialect.encoder(&asked()), Vec::new());
            for event in &events {
                encoder.event(event, &mut out);
            }
            encoder.finish(&mut out);
            let again = fold(&decode(*dialect, &out)).unwrap();
            prop_assert_eq!(said(&again), said(&response));
            prop_assert_eq!(again.usage, response.usage);
        }
    }

    #[test]
    fn a_response_unfolded_and_folded_is_the_same(response in response()) {
        let again = fold(&unfold(&response)).unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{response:?}"));
    }
}

#[test]
fn an_encoder_that_is_cut_off_says_so_and_no_more() {
    for dialect in DIALECTS {
        let (mut encoder, mut out) = (dialect.encoder(&asked()), Vec::new());
        encoder.event(&Event::Start { id: Some("x".to_owned()), model: None, created: None }, &mut out);
        encoder.event(&Event::Open { choice: 0, block: 0, kind: BlockKind::Text }, &mut out);
        encoder.finish(&mut out);
        encoder.finish(&mut out);
        let events = decode(*dialect, &out);
        assert!(matches!(events.last(), Some(Event::Error(_))), "{}: {events:?}", dialect.name());
    }
}

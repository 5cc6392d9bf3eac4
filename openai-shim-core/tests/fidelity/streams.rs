//! Streams of every dialect decode to events in a legal order, with the content of the non-streaming response.

use super::blocks::{call, reasoning};
use super::matrix::{Side, Stream, client_request, decode_events, decode_response, encode_response, hello};
use openai_shim_core::Context;
use openai_shim_core::canonical::grammar::{Grammar, Phase};
use openai_shim_core::canonical::{Block, Event, FinishReason, Response, ResponseSpec, fold};
use openai_shim_core::dialect::DIALECTS;

/// A response with reasoning, text, parallel calls and usage.
fn rich() -> Response {
    let mut response = hello();
    let choice = &mut response.choices[0];
    choice.blocks = vec![
        reasoning(None, ""),
        Block::text("Hello, \"you\"\n"),
        call("call_1", None),
        call("call_2", None),
    ];
    choice.finish = Some(FinishReason::ToolCalls);
    response
}

/// The content of a response that must be equal.
fn essence(response: &Response) -> Vec<String> {
    let choice = response.choices.iter().flat_map(|choice| {
        let blocks = choice.blocks.iter().map(|block| match block {
            Block::Text { text, .. } => format!("text {text}"),
            Block::Reasoning { text, .. } => format!("reasoning {text}"),
            Block::Refusal(text) => format!("refusal {text}"),
            Block::ToolCall { id, name, arguments, .. } => format!("call {id} {name} {arguments}"),
            other => format!("{other:?}"),
        });
        blocks.chain([format!("{:?}", choice.finish)])
    });
    let usage = response.usage.map(|usage| format!("{:?} {:?}", usage.input, usage.output));
    choice.chain(usage).collect()
}

fn legal(events: &[Event], what: &str) {
    let mut grammar = Grammar::new();
    for event in events {
        grammar.check(event).unwrap_or_else(|why| panic!("{what}: {why}: {event:?}\n{events:#?}"));
    }
    assert_eq!(grammar.phase(), Phase::Over, "{what} has no end: {events:#?}");
}

#[test]
fn stream_of_each_dialect_is_legal_and_equals_the_non_streaming_response() {
    for dialect in DIALECTS {
        let spec = |stream| ResponseSpec::new(&client_request(*dialect, stream), &Context::fixed());
        let complete =
            decode_response(&encode_response(&rich(), *dialect, &spec(false)), *dialect, &spec(false))
                .unwrap();
        let events = decode_events(&encode_response(&rich(), *dialect, &spec(true)), *dialect, &spec(true));
        legal(&events, dialect.name());
        assert_eq!(essence(&fold(&events).unwrap()), essence(&complete), "{}", dialect.name());
        // The decoded response is encoded in the same way.
        let again = decode_events(&encode_response(&complete, *dialect, &spec(true)), *dialect, &spec(true));
        assert_eq!(essence(&fold(&again).unwrap()), essence(&complete), "{}", dialect.name());
    }
}

#[test]
fn stream_between_any_two_dialects_equals_the_non_streaming_response() {
    for client in DIALECTS {
        for upstream in DIALECTS {
            let what = format!("{} of {}", client.name(), upstream.name());
            let pass = |stream: Stream| {
                let spec = ResponseSpec::new(&client_request(*client, stream.client), &Context::fixed());
                let (out, _) = super::matrix::pass(&rich(), *client, *upstream, stream);
                if stream.client {
                    legal(&decode_events(&out, *client, &spec), &what);
                }
                essence(&decode_response(&out, *client, &spec).unwrap_or_else(|e| panic!("{what}: {e}")))
            };
            let unstreamed = pass(Stream { client: false, upstream: false });
            for (client, upstream) in [(true, true), (true, false), (false, true)] {
                assert_eq!(pass(Stream { client, upstream }), unstreamed, "{what}: {client} {upstream}");
            }
        }
    }
}

/// Returns the error that ends a broken stream.
pub fn broken(client: Side, upstream: Side) -> String {
    let (out, _) = super::matrix::pass_broken(&hello(), client, upstream);
    let spec = ResponseSpec::new(&client_request(client, true), &Context::fixed());
    let events = decode_events(&out, client, &spec);
    legal(&events, client.name());
    match events.last() {
        Some(Event::Error(error)) => error.message().to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn error_in_the_middle_of_a_stream_ends_it_in_every_dialect() {
    for client in DIALECTS {
        for upstream in DIALECTS {
            let error = broken(*client, *upstream);
            assert!(error.contains("It went wrong so."), "{} of {}: {error}", client.name(), upstream.name());
        }
    }
}

//! The order of streams: what each dialect writes of an answer is read again as the same events, in a legal order, and says
//! what the whole answer says.

use super::blocks::{call, thought};
use super::matrix::{Side, Stream, asking, heard, heard_events, hello, spoken};
use openai_shim_core::Context;
use openai_shim_core::canonical::grammar::{Grammar, Phase};
use openai_shim_core::canonical::{Block, Event, FinishReason, Response, ResponseSpec, fold};
use openai_shim_core::dialect::DIALECTS;

/// Everything at once: thinking, text, calls side by side, counts.
fn rich() -> Response {
    let mut response = hello();
    let choice = &mut response.choices[0];
    choice.blocks =
        vec![thought(None, ""), Block::text("Hello, \"you\"\n"), call("call_1", None), call("call_2", None)];
    choice.finish = Some(FinishReason::ToolCalls);
    response
}

/// What a careful reader keeps of an answer.
fn kept(response: &Response) -> Vec<String> {
    let choice = response.choices.iter().flat_map(|choice| {
        let blocks = choice.blocks.iter().map(|block| match block {
            Block::Text { text, .. } => format!("text {text}"),
            Block::Reasoning { text, .. } => format!("thought {text}"),
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
        let spec = |stream| ResponseSpec::new(&asking(*dialect, stream), &Context::fixed());
        let whole = heard(&spoken(&rich(), *dialect, &spec(false)), *dialect, &spec(false)).unwrap();
        let events = heard_events(&spoken(&rich(), *dialect, &spec(true)), *dialect, &spec(true));
        legal(&events, dialect.name());
        assert_eq!(kept(&fold(&events).unwrap()), kept(&whole), "{}", dialect.name());
        // And once more: what was read is written the same way.
        let again = heard_events(&spoken(&whole, *dialect, &spec(true)), *dialect, &spec(true));
        assert_eq!(kept(&fold(&again).unwrap()), kept(&whole), "{}", dialect.name());
    }
}

#[test]
fn stream_between_any_two_dialects_equals_the_non_streaming_response() {
    for client in DIALECTS {
        for upstream in DIALECTS {
            let what = format!("{} of {}", client.name(), upstream.name());
            let says = |stream: Stream| {
                let spec = ResponseSpec::new(&asking(*client, stream.client), &Context::fixed());
                let (out, _) = super::matrix::passed(&rich(), *client, *upstream, stream);
                if stream.client {
                    legal(&heard_events(&out, *client, &spec), &what);
                }
                kept(&heard(&out, *client, &spec).unwrap_or_else(|e| panic!("{what}: {e}")))
            };
            let whole = says(Stream { client: false, upstream: false });
            for (client, upstream) in [(true, true), (true, false), (false, true)] {
                assert_eq!(says(Stream { client, upstream }), whole, "{what}: {client} {upstream}");
            }
        }
    }
}

/// The error that ends a stream.
pub fn broken(client: Side, upstream: Side) -> String {
    let (out, _) = super::matrix::broken(&hello(), client, upstream);
    let spec = ResponseSpec::new(&asking(client, true), &Context::fixed());
    let events = heard_events(&out, client, &spec);
    legal(&events, client.name());
    match events.last() {
        Some(Event::Error(error)) => error.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn error_in_the_middle_of_a_stream_ends_it_in_every_dialect() {
    for client in DIALECTS {
        for upstream in DIALECTS {
            let said = broken(*client, *upstream);
            assert!(said.contains("It went wrong so."), "{} of {}: {said}", client.name(), upstream.name());
        }
    }
}

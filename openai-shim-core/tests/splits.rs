//! Where chunks end means nothing: every stream, cut at every byte and byte by byte, gives the same bytes, outcome and report.

mod common;

use common::{Fixture, fixtures};
use openai_shim_core::canonical::{Asked, Event, Request};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{Incoming, Retry, Settings};
use openai_shim_core::framing::Framer;
use openai_shim_core::{Context, Dialect, Exchange, Kind, Step};

type Outcome = (Vec<u8>, String, Vec<String>);

/// One pass of a stream, in these pieces.
fn pass(fixture: &Fixture, client: &'static dyn Dialect, pieces: &[&[u8]], stream: bool) -> Outcome {
    let incoming = Incoming::read(client, "", fixture.asking(stream).into()).unwrap();
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    let mut exchange = Exchange::start(incoming, &fixture.profile, settings, Context::fixed()).unwrap();
    let mut out = Vec::new();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new());
    for piece in pieces {
        exchange.push(piece, &mut out);
    }
    exchange.finish(&mut out);
    assert!(matches!(exchange.next(), Step::Done));
    let report = exchange.report();
    let mut notes: Vec<_> = report.diagnostics.iter().map(ToString::to_string).collect();
    notes.sort();
    (out, format!("{} {:?} {:?}", report.outcome, report.usage, report.error), notes)
}

#[test]
fn a_stream_cut_anywhere_is_the_same_stream() {
    for fixture in fixtures(&[Kind::Stream, Kind::Response]) {
        for client in DIALECTS {
            for stream in [true, false] {
                let whole = pass(&fixture, *client, &[&fixture.body], stream);
                let bytes: Vec<&[u8]> = fixture.body.chunks(1).collect();
                assert_eq!(whole, pass(&fixture, *client, &bytes, stream), "{} byte by byte", fixture.name);
                if !stream {
                    continue;
                }
                for at in 0..=fixture.body.len() {
                    let (a, b) = fixture.body.split_at(at);
                    assert_eq!(
                        whole,
                        pass(&fixture, *client, &[a, b], stream),
                        "{} cut at {at}",
                        fixture.name
                    );
                }
            }
        }
    }
}

fn events(fixture: &Fixture, size: usize) -> Vec<Event> {
    let asked = Asked::new(&Request::default(), Context::fixed());
    let mut decoder = fixture.dialect.decoder(&asked);
    let (mut framer, mut events) = (Framer::new(1 << 20), Vec::new());
    for piece in fixture.body.chunks(size.max(1)) {
        framer.push(piece, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    }
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    decoder.finish(&mut events);
    events
}

#[test]
fn events_do_not_depend_on_chunks_either() {
    for fixture in fixtures(&[Kind::Stream]) {
        let whole = events(&fixture, usize::MAX);
        for size in [1, 2, 3, 5, 17, 64] {
            assert_eq!(whole, events(&fixture, size), "{} in pieces of {size}", fixture.name);
        }
    }
}

//! Chunk boundaries do not matter: every stream, split at every byte and byte by byte, gives the same bytes, outcome and report.
#![allow(clippy::disallowed_methods)] // the ban is for core itself: tests read files

mod common;

use common::{Fixture, fixtures};
use openai_shim_core::canonical::{Event, Request, ResponseContext, ResponseSpec};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{Retry, Settings};
use openai_shim_core::framing::Framer;
use openai_shim_core::normalize::{Recipient, normalize};
use openai_shim_core::{Context, Dialect, Exchange, PayloadKind, Step};
use proptest::prelude::*;

/// Where to split: at every byte. Framing and decoding depend only on the upstream's dialect, so a few splits suffice for clients
/// of other dialects. Long bodies are split at every byte only if `EVERY_CUT` is set, as in CI, because it takes minutes.
fn cuts(fixture: &Fixture, client: Dialect) -> impl Iterator<Item = usize> {
    let own = client.name() == fixture.dialect.name();
    let every = std::env::var_os("EVERY_CUT").is_some();
    let length = fixture.body.len();
    let step = match (own, every) {
        (true, true) => 1,
        (true, false) => 1 + length / 300,
        (false, _) => 7 + length / 12,
    };
    (0..=fixture.body.len()).step_by(step)
}

type Outcome = (Vec<u8>, String, Vec<String>);

/// Passes a body through an exchange in these chunks.
fn pass(fixture: &Fixture, client: Dialect, chunks: &[&[u8]], stream: bool) -> Outcome {
    let incoming = fixture.incoming(client, stream);
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    let mut exchange = Exchange::start(incoming, fixture.profile.clone(), settings, Context::fixed())
        .unwrap_or_else(|error| panic!("{} for {}: {error}", fixture.name, client.name()));
    let mut out = Vec::new();
    assert!(matches!(exchange.next(), Step::Send { .. }));
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    for chunk in chunks {
        exchange.push(chunk, &mut out).unwrap();
    }
    exchange.finish(&mut out).unwrap();
    assert!(matches!(exchange.next(), Step::Done));
    let report = exchange.report();
    let mut diagnostics: Vec<_> = report.diagnostics.iter().map(ToString::to_string).collect();
    diagnostics.sort();
    (out, format!("{} {:?} {:?}", report.outcome, report.usage, report.error), diagnostics)
}

#[test]
fn stream_does_not_depend_on_chunks() {
    for fixture in fixtures(&[PayloadKind::Stream, PayloadKind::Response]) {
        for client in DIALECTS {
            for stream in [true, false] {
                let unsplit = pass(&fixture, *client, &[&fixture.body], stream);
                let bytes: Vec<&[u8]> = fixture.body.chunks(1).collect();
                assert_eq!(unsplit, pass(&fixture, *client, &bytes, stream), "{} byte by byte", fixture.name);
                if !stream {
                    continue;
                }
                for at in cuts(&fixture, *client) {
                    let (a, b) = fixture.body.split_at(at);
                    assert_eq!(
                        unsplit,
                        pass(&fixture, *client, &[a, b], stream),
                        "{} cut at {at}",
                        fixture.name
                    );
                }
            }
        }
    }
}

/// Decodes these chunks to events, and encodes the events for a client.
fn translated(fixture: &Fixture, client: Dialect, chunks: &[&[u8]]) -> (Vec<Event>, Vec<u8>, Vec<String>) {
    let mut spec = ResponseSpec::new(&Request::default(), &Context::fixed());
    let mut context = ResponseContext::new(&Request::default(), Context::fixed());
    if fixture.request.is_some() {
        let mut request = fixture.incoming(client, true).request().clone();
        spec = ResponseSpec::new(&request, &Context::fixed());
        context = ResponseContext::new(&request, Context::fixed());
        let mut diagnostics = openai_shim_core::Diagnostics::default();
        let defaults = openai_shim_core::normalize::RequestDefaults::default();
        let accepts = fixture.profile.accepts(fixture.dialect.accepts());
        let recipient = Recipient {
            name: "upstream",
            dialect: fixture.dialect,
            accepts: &accepts,
            client,
            api_version: "",
            features: "",
        };
        normalize(&mut request, &recipient, &defaults, &mut spec, &mut diagnostics).unwrap();
    }
    spec.quirks = fixture.profile.responses.clone();
    let (mut decoder, mut encoder) =
        (fixture.dialect.decoder(&spec, &context), client.encoder(&spec, &context));
    let (mut framer, mut events) = (Framer::new(1 << 20), Vec::new());
    for chunk in chunks {
        framer.push(chunk, &mut |frame| decoder.frame(frame, &mut events)).unwrap();
    }
    framer.finish(&mut |frame| decoder.frame(frame, &mut events));
    decoder.finish(&mut events);
    let once = events.len();
    decoder.finish(&mut events);
    assert_eq!(once, events.len(), "{}: a second finish says something", fixture.name);
    let mut out = Vec::new();
    for event in &events {
        encoder.event(event, &mut out);
    }
    encoder.finish(&mut out);
    let once = out.len();
    encoder.finish(&mut out);
    assert_eq!(once, out.len(), "{}: a second finish writes something", fixture.name);
    let mut diagnostics: Vec<_> = decoder.diagnostics().iter().map(ToString::to_string).collect();
    diagnostics.extend(encoder.diagnostics().iter().map(ToString::to_string));
    diagnostics.extend(framer.deviations().iter().map(|deviation| format!("{deviation:?}")));
    diagnostics.sort();
    (events, out, diagnostics)
}

#[test]
fn decoded_events_and_their_encoding_do_not_depend_on_chunks() {
    for fixture in fixtures(&[PayloadKind::Stream]) {
        for client in DIALECTS {
            let unsplit = translated(&fixture, *client, &[&fixture.body]);
            assert!(!unsplit.0.is_empty(), "{}", fixture.name);
            let bytes: Vec<&[u8]> = fixture.body.chunks(1).collect();
            assert_eq!(unsplit, translated(&fixture, *client, &bytes), "{} byte by byte", fixture.name);
            for at in cuts(&fixture, *client) {
                let (a, b) = fixture.body.split_at(at);
                assert_eq!(unsplit, translated(&fixture, *client, &[a, b]), "{} cut at {at}", fixture.name);
            }
        }
    }
}

#[test]
fn error_response_does_not_depend_on_chunks() {
    for fixture in fixtures(&[PayloadKind::Error]) {
        let pass = |chunks: &[&[u8]]| {
            let incoming = fixture.incoming(common::chat(), true);
            let mut settings = Settings::default();
            settings.retry = Retry::none();
            settings.adapt = false;
            let mut exchange =
                Exchange::start(incoming, fixture.profile.clone(), settings, Context::fixed()).unwrap();
            let mut out = Vec::new();
            exchange.next();
            let status = http::StatusCode::from_u16(fixture.status.unwrap_or(500)).unwrap();
            exchange.head(status, &http::HeaderMap::new()).unwrap();
            for chunk in chunks {
                exchange.push(chunk, &mut out).unwrap();
            }
            exchange.finish(&mut out).unwrap();
            (out, exchange.response_head().unwrap().status, exchange.report().clone())
        };
        let unsplit = pass(&[&fixture.body]);
        for at in 0..=fixture.body.len() {
            let (a, b) = fixture.body.split_at(at);
            assert_eq!(unsplit, pass(&[a, b]), "{} cut at {at}", fixture.name);
        }
    }
}

proptest! {
    #![proptest_config(common::cases())]

    #[test]
    fn mutilated_stream_does_not_depend_on_chunks(
        fixture in common::mutilated(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(fixture.body.len() + 1)).collect();
        at.sort_unstable();
        let mut chunks = Vec::new();
        let mut rest = fixture.body.as_slice();
        for (n, cut) in at.iter().enumerate() {
            let (chunk, tail) = rest.split_at(cut - at[..n].last().copied().unwrap_or(0));
            chunks.push(chunk);
            rest = tail;
        }
        chunks.push(rest);
        let bytes: Vec<&[u8]> = fixture.body.chunks(1).collect();
        for client in DIALECTS {
            for stream in [true, false] {
                let unsplit = pass(&fixture, *client, &[&fixture.body], stream);
                prop_assert_eq!(&unsplit, &pass(&fixture, *client, &chunks, stream));
                prop_assert_eq!(&unsplit, &pass(&fixture, *client, &bytes, stream));
            }
            let unsplit = translated(&fixture, *client, &[&fixture.body]);
            prop_assert_eq!(&unsplit, &translated(&fixture, *client, &chunks));
        }
    }

    #[test]
    fn repair_and_translation_give_the_same_content(fixture in common::mutilated()) {
        let mut fixture = fixture;
        fixture.kind = PayloadKind::Stream;
        let repaired = fixture.convert(common::chat());
        // The legacy form passes unchanged and is not repaired.
        if !repaired.ok || fixture.name == "function_call_wanted" {
            return Ok(());
        }
        let (_, translated, _) = translated(&fixture, common::chat(), &[&fixture.body]);
        prop_assert_eq!(
            common::sdk_client::line(&String::from_utf8(repaired.body).unwrap()),
            common::sdk_client::line(&String::from_utf8(translated).unwrap())
        );
    }
}

//! Properties that hold for any bytes, as plain functions.
//!
//! `fuzz_targets/` feeds them from libFuzzer (`CARGO_PROFILE_RELEASE_LTO=thin cargo +nightly fuzz run stream`),
//! `tests/replay.rs` from the fixtures of core in every `cargo test`.

use openai_shim_core::canonical::{Diagnostics, Request, ResponseContext, ResponseSpec, grammar::Grammar};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::json::Object;
use openai_shim_core::{Context, Exchange, PayloadKind, Profile, Step, profile};

/// A property: panics when it does not hold.
pub type Property = fn(&[u8]);

/// All properties, by the name of their fuzz target.
pub const PROPERTIES: &[(&str, Property)] =
    &[("framing", framing), ("stream", stream), ("request", request), ("answer", answer), ("object", object)];

/// Frames do not depend on where chunks end.
pub fn framing(data: &[u8]) {
    let frames = |size: usize| {
        let mut summary: Vec<Vec<u8>> = Vec::new();
        let mut framer = Framer::new(1 << 16);
        let mut sink = |frame: Frame<'_>| {
            let bytes = match frame {
                Frame::Event { data, .. } => data,
                Frame::Line(line) => line,
                Frame::Body(body) => body,
                _ => &[],
            };
            summary.push(bytes.to_vec());
        };
        let fits = data.chunks(size).all(|chunk| framer.push(chunk, &mut sink).is_ok());
        framer.finish(&mut sink);
        (fits, summary)
    };
    let whole = frames(data.len().max(1));
    let single = frames(1);
    // A frame that is too large may be found out earlier or later; what came before it is the same.
    if whole.0 && single.0 {
        assert_eq!(whole.1, single.1);
    }
}

/// A stream gives the same bytes and outcome however it is cut, and its events come in a legal order.
pub fn stream(data: &[u8]) {
    let whole = transcode(data, data.len().max(1));
    assert_eq!(whole, transcode(data, 1));
    assert_eq!(whole, transcode(data, 7));
    for dialect in DIALECTS {
        let spec = ResponseSpec::new(&Request::default(), &Context::fixed());
        let context = ResponseContext::new(&Request::default(), Context::fixed());
        let mut decoder = dialect.decoder(&spec, &context);
        let (mut events, mut grammar) = (Vec::new(), Grammar::new());
        let mut framer = Framer::new(1 << 20);
        let _ = framer.push(data, &mut |frame| decoder.frame(frame, &mut events));
        framer.finish(&mut |frame| decoder.frame(frame, &mut events));
        decoder.finish(&mut events);
        for event in &events {
            if let Err(why) = grammar.check(event) {
                panic!("{why}: {event:?} in {events:?}");
            }
        }
    }
}

/// Any request is read or refused, never lost: what is sent parses again.
pub fn request(data: &[u8]) {
    for conversion in conversions(PayloadKind::Request, data) {
        assert!(Object::parse(&conversion).is_ok());
    }
}

/// Any answer becomes a completion or an error, and is JSON.
pub fn answer(data: &[u8]) {
    for kind in [PayloadKind::Response, PayloadKind::Error] {
        for conversion in conversions(kind, data) {
            assert!(Object::parse(&conversion).is_ok());
        }
    }
}

/// An object that is read and written is the same object.
pub fn object(data: &[u8]) {
    if let Ok(object) = Object::parse(data) {
        let written = object.to_json();
        assert_eq!(Object::parse(written.as_bytes()).map(|o| o.to_json()).ok(), Some(written));
    }
}

fn conversions(kind: PayloadKind, body: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for from in DIALECTS.iter().copied() {
        for to in DIALECTS.iter().copied() {
            let context = Context::fixed();
            let input = ConversionInput {
                from,
                to,
                profile: row(),
                kind,
                body,
                request: None,
                status: None,
                context,
            };
            out.push(convert(&input).body);
        }
    }
    out
}

fn transcode(data: &[u8], chunk: usize) -> (Vec<u8>, String) {
    let request = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}],"tools":[]}"#;
    let Some(chat) = DIALECTS.first() else { return Default::default() };
    let Ok(mut exchange) = Exchange::new(*chat, row(), Context::fixed(), request) else {
        return Default::default();
    };
    let mut out = Vec::new();
    for _ in 0..4 {
        let Step::Send { .. } = exchange.next() else { break };
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new());
        for piece in data.chunks(chunk) {
            exchange.push(piece, &mut out);
        }
        exchange.finish(&mut out);
    }
    let diagnostics: &Diagnostics = &exchange.report().diagnostics;
    let codes: Vec<_> = diagnostics.codes().into_iter().map(|(code, _)| code.as_str()).collect();
    (out, format!("{:?} {codes:?}", exchange.report().outcome))
}

fn row() -> Profile {
    profile("compatible").unwrap_or_default()
}

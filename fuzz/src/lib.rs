//! Properties of core that hold for any bytes, as functions that panic when they do not hold.
//!
//! `fuzz_targets/` calls them with libFuzzer's inputs (`CARGO_PROFILE_RELEASE_LTO=thin cargo +nightly fuzz run stream`), and
//! `tests/replay.rs` with core's fixtures in every `cargo test`.

use openai_shim_core::canonical::{Diagnostics, Request, ResponseContext, ResponseSpec, grammar::Grammar};
use openai_shim_core::convert::{ConversionInput, convert};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::framing::{Frame, Framer};
use openai_shim_core::json::Object;
use openai_shim_core::{Context, Exchange, PayloadKind, Profile, Step, profile};

/// Compiles and runs the code of the repository's README, which is in no package.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// A property; panics if it does not hold.
pub type Property = fn(&[u8]);

/// All properties, by the name of their fuzz target.
pub const PROPERTIES: &[(&str, Property)] = &[
    ("framing", framing),
    ("stream", stream),
    ("request", request),
    ("response", response),
    ("object", object),
];

/// Frames do not depend on where chunks end.
pub fn framing(data: &[u8]) {
    let split = |size: usize| {
        let mut frames: Vec<Vec<u8>> = Vec::new();
        let mut framer = Framer::new(1 << 16);
        let mut sink = |frame: Frame<'_>| {
            let bytes = match frame {
                Frame::Event { data, .. } => data,
                Frame::Line(line) => line,
                Frame::Body(body) => body,
                _ => &[],
            };
            frames.push(bytes.to_vec());
        };
        let is_within_limit = data.chunks(size).all(|chunk| framer.push(chunk, &mut sink).is_ok());
        framer.finish(&mut sink);
        (is_within_limit, frames)
    };
    let (is_unsplit_within, unsplit) = split(data.len().max(1));
    let (is_bytewise_within, bytewise) = split(1);
    // Where a frame that is too large is detected depends on the chunks.
    if is_unsplit_within && is_bytewise_within {
        assert_eq!(unsplit, bytewise);
    }
}

/// Bytes, outcome and diagnostics of a stream do not depend on the chunks, and every decoder's events follow the grammar.
pub fn stream(data: &[u8]) {
    let unsplit = transcode(data, data.len().max(1));
    assert_eq!(unsplit, transcode(data, 1));
    assert_eq!(unsplit, transcode(data, 7));
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

/// Any request becomes a request or an error, and both are JSON objects.
pub fn request(data: &[u8]) {
    for payload in convert_all(PayloadKind::Request, data) {
        assert!(Object::parse(&payload).is_ok());
    }
}

/// Any response becomes a response or an error, and both are JSON objects.
pub fn response(data: &[u8]) {
    for kind in [PayloadKind::Response, PayloadKind::Error] {
        for payload in convert_all(kind, data) {
            assert!(Object::parse(&payload).is_ok());
        }
    }
}

/// Writing a parsed object and parsing it again gives the same object.
pub fn object(data: &[u8]) {
    if let Ok(object) = Object::parse(data) {
        let written = object.to_json();
        assert_eq!(Object::parse(written.as_bytes()).map(|o| o.to_json()).ok(), Some(written));
    }
}

/// Converts a payload between all pairs of dialects.
fn convert_all(kind: PayloadKind, body: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for from in DIALECTS.iter().copied() {
        for to in DIALECTS.iter().copied() {
            let context = Context::fixed();
            let input = ConversionInput::new(kind, from, body).to(to).profile(compatible()).context(context);
            out.push(convert(&input).body);
        }
    }
    out
}

/// Streams `data` in chunks to a chat client; returns the bytes, and the outcome with the diagnostic codes.
fn transcode(data: &[u8], chunk_size: usize) -> (Vec<u8>, String) {
    let request = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}],"tools":[]}"#;
    let Some(chat) = DIALECTS.first() else { return Default::default() };
    let Ok(mut exchange) = Exchange::new(*chat, compatible(), Context::fixed(), request) else {
        return Default::default();
    };
    let mut out = Vec::new();
    for _ in 0..4 {
        let Step::Send { .. } = exchange.next() else { break };
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        for chunk in data.chunks(chunk_size) {
            exchange.push(chunk, &mut out).unwrap();
        }
        exchange.finish(&mut out).unwrap();
    }
    let diagnostics: &Diagnostics = &exchange.report().diagnostics;
    let codes: Vec<_> = diagnostics.codes().into_iter().map(|(code, _)| code.as_str()).collect();
    (out, format!("{:?} {codes:?}", exchange.report().outcome))
}

fn compatible() -> Profile {
    profile("compatible").unwrap_or_default()
}

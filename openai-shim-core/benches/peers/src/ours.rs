//! Work for core, as an embedder uses it: bytes in, bytes out.

use crate::{Work, payloads};
use openai_shim_core::exchange::{ClientRequest, Settings};
use openai_shim_core::{Context, Exchange, Profile, Step, dialect, profile};
use std::sync::{Arc, LazyLock};

/// Returns the default profile with this dialect; built once for each process.
fn compatible(upstream: &str) -> Arc<Profile> {
    static PROFILES: LazyLock<[Arc<Profile>; 2]> = LazyLock::new(|| {
        ["openai-chat", "anthropic-messages"].map(|name| {
            let mut profile = profile("compatible").unwrap();
            name.clone_into(&mut profile.dialect);
            Arc::new(profile)
        })
    });
    PROFILES.iter().find(|profile| profile.dialect == upstream).unwrap().clone()
}

fn start(client: &str, upstream: &str, body: Vec<u8>) -> Exchange {
    let request = ClientRequest::read(dialect(client).unwrap(), "", body.into()).unwrap();
    Exchange::start(request, compatible(upstream), Settings::default(), Context::fixed()).unwrap()
}

/// Decodes a request and encodes it for the upstream.
pub fn request(client: &'static str, upstream: &'static str, body: Vec<u8>) -> Work {
    let mut body = Some(body);
    Box::new(move |out| {
        let Step::Send { request, .. } = start(client, upstream, body.take().unwrap()).next() else {
            unreachable!()
        };
        out.extend_from_slice(request.body());
    })
}

/// Creates an exchange whose response has begun.
fn begin_response(client: &'static str, body: Vec<u8>) -> Exchange {
    let mut exchange = start(client, "openai-chat", body);
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange
}

/// Translates a response in chunks, streaming or not, from its first byte to its last.
pub fn response(client: &'static str, body: Vec<u8>, chunks: Vec<Vec<u8>>) -> Work {
    let mut exchange = Some(begin_response(client, body));
    Box::new(move |out| {
        let mut exchange = exchange.take().unwrap();
        chunks.iter().for_each(|chunk| exchange.push(chunk, out).unwrap());
        exchange.finish(out).unwrap();
    })
}

/// Translates one event after another in the middle of a stream.
pub fn one_event() -> Work {
    let mut exchange = begin_response("openai-chat", payloads::request(true, 0));
    let mut ignored = Vec::new();
    [payloads::first(), payloads::word(1), payloads::word(2)]
        .iter()
        .for_each(|e| exchange.push(e, &mut ignored).unwrap());
    let (events, mut at): (Vec<_>, _) = ((0..9).map(payloads::word).collect(), 0);
    Box::new(move |out| {
        exchange.push(&events[at % events.len()], out).unwrap();
        at += 1;
    })
}

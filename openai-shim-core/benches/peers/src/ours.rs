//! Core, as an embedder uses it: bytes in, bytes out.

use crate::{Work, payloads};
use openai_shim_core::exchange::{Incoming, Settings};
use openai_shim_core::{Context, Exchange, Profile, Step, dialect, profile};
use std::sync::{Arc, LazyLock};

/// The row that trusts nothing, for an upstream of this dialect; made once in a process.
fn row(upstream: &str) -> Arc<Profile> {
    static ROWS: LazyLock<[Arc<Profile>; 2]> = LazyLock::new(|| {
        ["openai-chat", "anthropic-messages"].map(|name| {
            let mut row = profile("compatible").unwrap();
            name.clone_into(&mut row.dialect);
            Arc::new(row)
        })
    });
    ROWS.iter().find(|row| row.dialect == upstream).unwrap().clone()
}

fn start(client: &str, upstream: &str, body: Vec<u8>) -> Exchange {
    let incoming = Incoming::read(dialect(client).unwrap(), "", body.into()).unwrap();
    Exchange::start(incoming, row(upstream), Settings::default(), Context::fixed()).unwrap()
}

/// A request, read and written for the upstream.
pub fn request(client: &'static str, upstream: &'static str, body: Vec<u8>) -> Work {
    let mut body = Some(body);
    Box::new(move |out| {
        let Step::Send { request, .. } = start(client, upstream, body.take().unwrap()).next() else {
            unreachable!()
        };
        out.extend_from_slice(request.body());
    })
}

/// An exchange whose answer has begun.
fn spec(client: &'static str, body: Vec<u8>) -> Exchange {
    let mut exchange = start(client, "openai-chat", body);
    exchange.next();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange
}

/// An answer in pieces, a stream or a whole one, from its first byte to its last.
pub fn answer(client: &'static str, body: Vec<u8>, pieces: Vec<Vec<u8>>) -> Work {
    let mut exchange = Some(spec(client, body));
    Box::new(move |out| {
        let mut exchange = exchange.take().unwrap();
        pieces.iter().for_each(|piece| exchange.push(piece, out).unwrap());
        exchange.finish(out).unwrap();
    })
}

/// One event after another in the middle of a stream.
pub fn one_event() -> Work {
    let mut exchange = spec("openai-chat", payloads::request(true, 0));
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

//! `switchyard-translation`, as its own server uses it: requests and whole answers through the engine as parsed values,
//! streams through `decode_stream` and `encode_stream`. Reading and writing the JSON and the events' frames is its user's.

use crate::{Work, payloads};
use futures::Stream;
use futures::task::noop_waker;
use std::collections::VecDeque;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use switchyard_protocol::LlmClientError;
use switchyard_translation::{
    RawEventStream, TranslationEngine, TranslationPolicy, WireFormat, decode_stream, encode_stream,
};

static ENGINE: LazyLock<(TranslationEngine, TranslationPolicy)> = LazyLock::new(Default::default);

pub fn request(from: WireFormat, to: WireFormat, body: Vec<u8>) -> Work {
    Box::new(move |out| {
        let (engine, policy) = &*ENGINE;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let translated = engine.translate_request(from, to, &body, policy).unwrap();
        serde_json::to_writer(out, &translated.body).unwrap();
    })
}

pub fn whole_answer(to: WireFormat, body: Vec<u8>) -> Work {
    Box::new(move |out| {
        let (engine, policy) = &*ENGINE;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let translated = engine.translate_response(WireFormat::OpenAiChat, to, &body, policy).unwrap();
        serde_json::to_writer(out, &translated.body).unwrap();
    })
}

/// What has come from the upstream and was not read yet.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<(VecDeque<Vec<u8>>, bool)>>);

impl Stream for Socket {
    type Item = Result<Vec<u8>, LlmClientError>;
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock().unwrap();
        match state.0.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if state.1 => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn open(to: WireFormat) -> (Socket, RawEventStream) {
    let socket = Socket::default();
    let decoded = decode_stream(socket.clone(), WireFormat::OpenAiChat).unwrap();
    (socket, encode_stream(decoded, to, None).unwrap())
}

/// All that can be had for now, framed as the API wants it.
fn drain(events: &mut RawEventStream, to: WireFormat, out: &mut Vec<u8>) {
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    while let Poll::Ready(Some(event)) = events.as_mut().poll_next(&mut context) {
        let event = event.unwrap_or_else(|error| panic!("{error:?}"));
        if let (WireFormat::AnthropicMessages, Some(name)) = (to, event.get("type").and_then(|t| t.as_str()))
        {
            write!(out, "event: {name}\n").unwrap();
        }
        out.extend_from_slice(b"data: ");
        serde_json::to_writer(&mut *out, &event).unwrap();
        out.extend_from_slice(b"\n\n");
    }
}

pub fn stream(to: WireFormat, pieces: Vec<Vec<u8>>) -> Work {
    let mut opened = Some((open(to), pieces));
    Box::new(move |out| {
        let ((socket, mut events), pieces) = opened.take().unwrap();
        for piece in pieces {
            socket.0.lock().unwrap().0.push_back(piece);
            drain(&mut events, to, out);
        }
        socket.0.lock().unwrap().1 = true;
        drain(&mut events, to, out);
    })
}

pub fn one_event() -> Work {
    let to = WireFormat::OpenAiChat;
    let (socket, mut events) = open(to);
    let mut ignored = Vec::new();
    for event in [payloads::first(), payloads::word(1), payloads::word(2)] {
        socket.0.lock().unwrap().0.push_back(event);
        drain(&mut events, to, &mut ignored);
    }
    // Pieces that its user would own; made beforehand.
    let mut pieces: VecDeque<_> = (0..crate::EVENTS_IN_A_ROW).map(|at| payloads::word(at % 9)).collect();
    Box::new(move |out| {
        socket.0.lock().unwrap().0.push_back(pieces.pop_front().unwrap());
        drain(&mut events, to, out);
    })
}

//! Work for `switchyard-translation`, as its own server uses it: requests and responses pass through the engine as parsed values,
//! streams through `decode_stream` and `encode_stream`. The user parses and writes the JSON and the event frames.

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

pub fn response(to: WireFormat, body: Vec<u8>) -> Work {
    Box::new(move |out| {
        let (engine, policy) = &*ENGINE;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let translated = engine.translate_response(WireFormat::OpenAiChat, to, &body, policy).unwrap();
        serde_json::to_writer(out, &translated.body).unwrap();
    })
}

/// Chunks from the upstream that were not read yet, and whether it has closed.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<(VecDeque<Vec<u8>>, bool)>>);

impl Stream for Socket {
    type Item = Result<Vec<u8>, LlmClientError>;
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock().unwrap();
        match state.0.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
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

/// Writes all available events, framed as the API requires.
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

pub fn stream(to: WireFormat, chunks: Vec<Vec<u8>>) -> Work {
    let mut opened = Some((open(to), chunks));
    Box::new(move |out| {
        let ((socket, mut events), chunks) = opened.take().unwrap();
        for chunk in chunks {
            socket.0.lock().unwrap().0.push_back(chunk);
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
    // Chunks that the user would own; created before counting begins.
    let mut chunks: VecDeque<_> = (0..crate::EVENTS_PER_WORK).map(|at| payloads::word(at % 9)).collect();
    Box::new(move |out| {
        socket.0.lock().unwrap().0.push_back(chunks.pop_front().unwrap());
        drain(&mut events, to, out);
    })
}

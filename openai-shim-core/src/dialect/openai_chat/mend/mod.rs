//! Tolerant reading, in one place: whatever an upstream sent becomes what OpenAI would have sent.
//!
//! Everything works on the members of the JSON objects, so that what needs no mending stays the upstream's own bytes.
//! `whole` mends complete answers, `stream` one chunk after the other; the other modules mend one aspect each, for both.

mod chunk;
mod content;
mod finish;
mod form;
mod identity;
mod logprobs;
mod merge;
mod speak;
mod stream;
mod tools;
mod usage;
mod voice;
mod whole;
mod whole_calls;

use form::Pattern;
pub(super) use form::{Forms, Hole, Place, Words};
pub(super) use stream::{Sink, Stream};
pub(super) use usage::{read as read_usage, write as write_usage};
pub(super) use voice::Tags;
pub(super) use whole::whole;

use super::super::Mender;
use super::decode::{Beside, Said};
use super::error;
use crate::canonical::{Asked, Diagnostics, Seen};
use crate::error::{Error, UpstreamError};
use crate::framing::{Frame, write_event};
use crate::json::Object;

/// Mends a stream in place.
pub(super) struct ChatMender {
    stream: Stream,
    beside: Beside,
    forms: Forms<Went>,
}

/// What goes out for a form, and what is noted of it beside.
#[derive(Debug)]
struct Went {
    text: Pattern,
    said: Vec<Said>,
}

impl ChatMender {
    pub(super) fn new(asked: Asked) -> Self {
        let beside = Beside::new(&asked);
        Self { stream: Stream::new(asked), beside, forms: Forms::default() }
    }

    fn note(&mut self) {
        for event in self.beside.events.drain(..) {
            self.stream.seen.turn.event(&event);
        }
    }
}

impl Mender for ChatMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        let Self { stream, beside, forms } = self;
        let again = forms.again(frame, stream, |went, words| {
            went.text.write(words, out);
            beside.again(&went.said, words);
        });
        if !again {
            forms.before(stream);
            stream.frame(frame, &mut Bytes { out, beside });
            let went = out.get(start..).unwrap_or_default();
            forms.learn(frame, stream, |chunk, came| {
                Some(Went { text: form::written(chunk, came, went)?, said: beside.learn(chunk, came)? })
            });
        }
        if !beside.events.is_empty() {
            self.note();
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.stream.finish(&mut Bytes { out, beside: &mut self.beside });
        self.note();
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.stream.fail(error, &mut Bytes { out, beside: &mut self.beside });
    }

    fn seen(&self) -> &Seen {
        &self.stream.seen
    }

    fn notes(&self) -> &Diagnostics {
        &self.stream.notes
    }
}

/// Writes mended chunks as server-sent events.
struct Bytes<'o> {
    out: &'o mut Vec<u8>,
    beside: &'o mut Beside,
}

impl Sink for Bytes<'_> {
    fn chunk(&mut self, chunk: &Object<'_>, source: Option<&[u8]>) {
        self.beside.chunk(chunk);
        write_event(self.out, |out| match source {
            Some(bytes) => out.extend_from_slice(bytes),
            None => chunk.write(out),
        });
    }

    fn error(&mut self, error: &UpstreamError) {
        error::encode_in_stream(&Error::Upstream(error.clone()), self.out);
    }

    fn done(&mut self) {
        self.out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

#[cfg(test)]
mod form_tests;

//! Answers passed on as they came, in the form that the client wants, and followed by the decoder.

use super::decode::GeminiDecoder;
use super::encode::Form;
use super::{error, parts, response};
use crate::canonical::{Asked, Block, Diagnostics, Event, Seen, unfold};
use crate::dialect::{Decoder as _, Dialect as _, Mended, Mender};
use crate::error::{Error, UpstreamError};
use crate::framing::Frame;
use crate::json::compact;

/// Passes a stream on.
pub(super) struct GeminiMender {
    decoder: GeminiDecoder,
    form: Form,
    events: Vec<Event>,
    seen: Seen,
    over: bool,
}

impl GeminiMender {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            decoder: GeminiDecoder::new(asked.clone()),
            form: Form::of(asked),
            events: Vec::new(),
            seen: Seen::default(),
            over: false,
        }
    }

    /// Takes in what the decoder found; whether the stream failed, and the client was told.
    fn failed(&mut self, out: &mut Vec<u8>) -> bool {
        for event in self.events.drain(..) {
            self.seen.event(&event);
        }
        self.seen.content |= self.decoder.native;
        let Some(error) = self.seen.error.clone().filter(|_| !self.over) else { return self.over };
        self.over = true;
        self.form.write(&error::envelope(&Error::Upstream(error)), out);
        self.form.end(out);
        true
    }
}

impl Mender for GeminiMender {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let (Frame::Event { data, .. } | Frame::Line(data) | Frame::Body(data)) = frame;
        let taken = self.decoder.take(data, &mut self.events);
        if !self.failed(out) && taken {
            self.form.write(&compact(String::from_utf8_lossy(data).trim()), out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        self.decoder.finish(&mut self.events);
        if !self.failed(out) {
            self.form.end(out);
        }
        self.over = true;
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        if !self.over {
            self.events.push(Event::Error(error.clone()));
            self.failed(out);
        }
    }

    fn seen(&self) -> &Seen {
        &self.seen
    }

    fn notes(&self) -> &Diagnostics {
        self.decoder.notes()
    }
}

/// Passes a whole answer on; a stream that came as an array is written as one answer.
pub(super) fn whole(
    body: &[u8],
    asked: &mut Asked,
    notes: &mut Diagnostics,
) -> Result<Mended, UpstreamError> {
    let answer = response::decode(body, asked, notes)?;
    let mut seen = Seen::default();
    for event in unfold(&answer) {
        seen.event(&event);
    }
    let native =
        |block: &Block| matches!(block, Block::Text { extra, .. } if extra.get(parts::WHOLE).is_some());
    seen.content |= answer.choices.iter().flat_map(|choice| &choice.blocks).any(native);
    let array = body.trim_ascii_start().first() == Some(&b'[');
    let body = array.then(|| super::Gemini.encode_response(&answer, asked, notes));
    Ok(Mended { body, seen })
}

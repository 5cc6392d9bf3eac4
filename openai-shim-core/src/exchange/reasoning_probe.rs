//! The first frames of a stream whose both sides have the same dialect: whether its text begins with a reasoning tag.
//!
//! Such a stream is translated, which takes the reasoning out of the text; all others are repaired frame by frame.

use crate::canonical::{BlockKind, Delta, Event, ReasoningTags, ResponseContext, ResponseSpec};
use crate::dialect::reasoning_tags::tag_mode;
use crate::dialect::{Decoder, Dialect};
use crate::extract::{ReasoningTagMode, TextBeginning, has_unopened_reasoning};
use crate::framing::Frame;

/// How many bytes of frames wait for the first text.
const MAX_HELD_BYTES: usize = 64 << 10;

/// Looks at frames until the first text shows what the stream is.
pub(super) struct ReasoningProbe {
    dialect: Dialect,
    spec: ResponseSpec,
    context: ResponseContext,
    decoder: Box<dyn Decoder>,
    mode: ReasoningTagMode,
    text: String,
    held: Vec<HeldFrame>,
    held_bytes: usize,
}

/// A frame of its own.
pub(super) enum HeldFrame {
    Event { event: Option<String>, data: Vec<u8> },
    Line(Vec<u8>),
    Body(Vec<u8>),
}

/// What a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The frames so far do not show it.
    Unknown,
    /// It has no tags.
    Plain,
    /// Its text begins with a reasoning tag.
    Tagged,
}

impl ReasoningProbe {
    /// Returns `None` where tags are ordinary text.
    pub(super) fn new(dialect: Dialect, spec: &ResponseSpec, context: &ResponseContext) -> Option<Self> {
        let mode = tag_mode(&spec.quirks.reasoning_tags);
        if mode == ReasoningTagMode::Ignore || dialect.repairs_inline_reasoning() {
            return None;
        }
        // The decoder must leave the tags where they are.
        let mut ignoring = spec.clone();
        ignoring.quirks.reasoning_tags = ReasoningTags::Ignore;
        Some(Self {
            dialect,
            spec: spec.clone(),
            context: context.clone(),
            decoder: dialect.decoder(&ignoring, context),
            mode,
            text: String::new(),
            held: Vec::new(),
            held_bytes: 0,
        })
    }

    /// Takes a frame, and holds it.
    pub(super) fn frame(&mut self, frame: Frame<'_>) -> Verdict {
        let mut events = Vec::new();
        self.decoder.frame(frame, &mut events);
        let held = HeldFrame::from(frame);
        self.held_bytes += held.bytes();
        self.held.push(held);
        if self.held_bytes > MAX_HELD_BYTES {
            return Verdict::Plain;
        }
        let verdict = events.iter().map(|event| self.event(event)).find(|v| *v != Verdict::Unknown);
        match verdict {
            // No text follows a whole body's.
            Some(Verdict::Plain) if matches!(frame, Frame::Body(_)) && has_unopened_reasoning(&self.text) => {
                Verdict::Tagged
            }
            verdict => verdict.unwrap_or(Verdict::Unknown),
        }
    }

    fn event(&mut self, event: &Event) -> Verdict {
        match event {
            Event::Open { kind: BlockKind::Text, .. } | Event::Start { .. } | Event::Usage(_) => {
                Verdict::Unknown
            }
            Event::Extra { .. } => Verdict::Unknown,
            Event::Delta { delta: Delta::Text(text), .. } => {
                self.text.push_str(text);
                match self.mode.beginning(&self.text) {
                    TextBeginning::Unknown => Verdict::Unknown,
                    TextBeginning::Text => Verdict::Plain,
                    TextBeginning::Tag => Verdict::Tagged,
                }
            }
            _ => Verdict::Plain,
        }
    }

    /// What the stream is translated with: the dialect of both sides, and what the response is for.
    pub(super) fn side(&self) -> (Dialect, &ResponseSpec, &ResponseContext) {
        (self.dialect, &self.spec, &self.context)
    }

    /// Returns the frames that were held.
    pub(super) fn into_frames(self) -> Vec<HeldFrame> {
        self.held
    }
}

impl From<Frame<'_>> for HeldFrame {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Event { event, data } => {
                Self::Event { event: event.map(str::to_owned), data: data.to_vec() }
            }
            Frame::Line(line) => Self::Line(line.to_vec()),
            Frame::Body(body) => Self::Body(body.to_vec()),
        }
    }
}

impl HeldFrame {
    fn bytes(&self) -> usize {
        let (Self::Event { data, .. } | Self::Line(data) | Self::Body(data)) = self;
        data.len()
    }

    pub(super) fn as_frame(&self) -> Frame<'_> {
        match self {
            Self::Event { event, data } => Frame::Event { event: event.as_deref(), data },
            Self::Line(line) => Frame::Line(line),
            Self::Body(body) => Frame::Body(body),
        }
    }
}

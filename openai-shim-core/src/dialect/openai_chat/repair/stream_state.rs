//! What is known of a stream between two frames, and where repaired chunks go; the other files work on it.

use super::identity::Identity;
use super::legacy_call::StreamedLegacyCall;
use super::text_extractor::{ChatTextExtractor, ExtractedCall};
use super::tool_call_deltas::StreamedToolCalls;
use crate::canonical::{Diagnostics, ResponseContext, ResponseSpec, ResponseSummary};
use crate::error::UpstreamError;
use crate::json::Object;

/// Receives repaired chunks.
pub(in super::super) trait ChunkSink {
    /// Takes a chunk; `source` is the upstream's own text of it where nothing was changed.
    fn chunk(&mut self, chunk: &Object<'_>, source: Option<&[u8]>);
    /// Takes the error with which the stream ends.
    fn error(&mut self, error: &UpstreamError);
    /// Takes the stream's regular end.
    fn done(&mut self);
}

/// The state of one stream.
pub(in super::super) struct StreamState {
    pub(in super::super) spec: ResponseSpec,
    pub(in super::super) context: ResponseContext,
    pub(in super::super) summary: ResponseSummary,
    pub(in super::super) diagnostics: Diagnostics,
    pub(in super::super) phase: Phase,
    pub(in super::super) identity: Identity,
    pub(in super::super) choices: Vec<StreamedChoice>,
    /// Indexes of choices that are parts of the first one.
    pub(super) merged_choices: Vec<u64>,
    pub(in super::super) usage: StreamedUsage,
    /// Fields of a chunk without choices in front of the first one that has some; that one gets them.
    pub(in super::super) prelude: Vec<(String, String)>,
    pub(in super::super) held: Option<HeldChunk>,
    /// The chunks become events, which have the name of a call once, and whole.
    pub(in super::super) is_decoded: bool,
    /// The last frame was a whole JSON document, so that no `[DONE]` need follow.
    pub(super) is_document: bool,
    /// A frame with content could not be read.
    pub(super) is_corrupt: bool,
    /// The error with which the stream will end: a choice failed, or lacks something.
    pub(super) failure: Option<UpstreamError>,
    /// A choice ended with a name that is not known.
    pub(in super::super) has_unknown_reason: bool,
}

/// How far a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) enum Phase {
    /// Chunks are expected.
    #[default]
    Open,
    /// The body began with something that is no stream; a chunk that follows revises that.
    NotAStream(BodyKind),
    /// Stop sequences applied here ended every choice: later frames are ignored without a diagnostic.
    EndedLocally,
    /// The regular end went out.
    Finished,
    /// An error went out.
    Failed,
}

/// What a body is that is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum BodyKind {
    Html,
    Text,
}

impl Phase {
    /// Whether nothing more is sent.
    pub(super) fn has_ended(self) -> bool {
        matches!(self, Self::EndedLocally | Self::Finished | Self::Failed)
    }
}

/// The stream's token counts, which go out at its end.
#[derive(Debug, Default)]
pub(in super::super) struct StreamedUsage {
    /// The JSON of the last complete `usage`.
    pub(in super::super) json: Option<String>,
    /// The JSON of the usage that came in a vendor's own object; it counts if no other comes.
    pub(super) in_vendor_object: Option<String>,
    /// The upstream's chunk with that usage and no choices, repaired.
    pub(super) chunk: Option<Vec<u8>>,
}

/// The state of one choice.
#[derive(Debug, Default)]
pub(in super::super) struct StreamedChoice {
    pub(in super::super) index: u64,
    /// The upstream's finish reason, where it is not known.
    pub(in super::super) unknown_reason: Option<String>,
    pub(in super::super) phase: ChoicePhase,
    pub(in super::super) has_sent_role: bool,
    /// Text or calls came in a `delta`.
    pub(super) has_deltas: bool,
    pub(in super::super) calls: StreamedToolCalls,
    /// A call of the legacy form went out, to a client that uses this form.
    pub(super) has_legacy_call: bool,
    pub(super) legacy_call: StreamedLegacyCall,
    /// Takes reasoning, tool calls and stop sequences out of the text; made with the first delta.
    pub(in super::super) extractor: Option<ChatTextExtractor>,
    /// Calls taken out of the text; they wait for the choice's end, since the upstream may send them itself as well.
    pub(super) recovered: Vec<ExtractedCall>,
    /// All text so far, where the upstream's deltas are cumulative.
    pub(super) cumulative_text: String,
}

/// How far a choice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) enum ChoicePhase {
    /// Deltas are expected.
    #[default]
    Open,
    /// A finish reason came; the chunk with it is held or on its way.
    Finished {
        /// OpenAI's name for the reason that the upstream gave.
        upstream_reason: &'static str,
    },
    /// The finish reason went out: nothing may follow.
    Closed,
}

impl StreamedChoice {
    /// Whether a finish reason came.
    pub(in super::super) fn is_finished(&self) -> bool {
        self.phase != ChoicePhase::Open
    }

    /// Whether the finish reason went out.
    pub(super) fn is_closed(&self) -> bool {
        self.phase == ChoicePhase::Closed
    }

    /// The finish reason that came and did not go out yet; otherwise empty.
    pub(super) fn upstream_reason(&self) -> &'static str {
        match self.phase {
            ChoicePhase::Finished { upstream_reason } => upstream_reason,
            ChoicePhase::Open | ChoicePhase::Closed => "",
        }
    }

    /// Whether a stop sequence applied here ended the text.
    pub(super) fn is_stopped(&self) -> bool {
        self.extractor.as_ref().is_some_and(ChatTextExtractor::is_stopped)
    }

    /// Whether the text of the last delta went through unchanged.
    pub(in super::super) fn was_text_unchanged(&self) -> bool {
        self.extractor.as_ref().is_some_and(ChatTextExtractor::was_unchanged)
    }

    /// Whether a part of a chunk was withheld for later: a call without a name, or text that may be markup.
    pub(in super::super) fn has_withheld(&self) -> bool {
        self.calls.has_unnamed()
            || !self.recovered.is_empty()
            || self.extractor.as_ref().is_some_and(ChatTextExtractor::has_withheld)
    }
}

/// A chunk with a finish reason; it waits for one frame, since more content may follow.
pub(in super::super) struct HeldChunk {
    pub(super) chunk: Object<'static>,
    /// The upstream's own text of it, where nothing was changed.
    pub(super) source: Option<Vec<u8>>,
    /// Indexes of the choices that it ends.
    pub(super) ended_choices: Vec<u64>,
    /// Content of these choices came after it.
    pub(super) has_late_content: bool,
}

impl StreamState {
    pub(in super::super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            summary: ResponseSummary::for_spec(&spec),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            phase: Phase::Open,
            identity: Identity::new("chat.completion.chunk"),
            choices: Vec::new(),
            merged_choices: Vec::new(),
            usage: StreamedUsage::default(),
            prelude: Vec::new(),
            held: None,
            is_decoded: false,
            is_document: false,
            is_corrupt: false,
            failure: None,
            has_unknown_reason: false,
        }
    }

    /// Returns the choice with this index.
    pub(super) fn choice_mut(&mut self, index: u64) -> Option<&mut StreamedChoice> {
        self.choices.iter_mut().find(|choice| choice.index == index)
    }
}

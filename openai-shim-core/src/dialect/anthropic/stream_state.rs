//! State types that decoder, encoder and repairer of a stream share.

use crate::canonical::{BlockKind, Diagnostics, FinishReason};

/// What the repairer does with an upstream's frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum FrameAction {
    /// The frame is what the API sends: its own bytes go out.
    #[default]
    Pass,
    /// The frame has no content: nothing goes out.
    Drop,
    /// The frame deviates from what the API sends here: the encoder writes its events.
    Rewrite,
}

/// The action for the frame that is being decoded, and the diagnostics of the whole stream.
#[derive(Debug, Default)]
pub(super) struct FrameState {
    pub(super) action: FrameAction,
    pub(super) diagnostics: Diagnostics,
}

impl FrameState {
    /// Records that the frame deviates, unless its action is decided already.
    pub(super) fn mark_deviant(&mut self) {
        if self.action == FrameAction::Pass {
            self.action = FrameAction::Rewrite;
        }
    }

    /// Records that the frame has no content, unless its action is decided already.
    pub(super) fn mark_empty(&mut self) {
        if self.action == FrameAction::Pass {
            self.action = FrameAction::Drop;
        }
    }
}

/// Where a decoded stream stands before a frame: from here an encoder continues it.
#[derive(Debug, Default)]
pub(super) struct ResumePoint {
    pub(super) open_block: Option<ResumedBlock>,
    pub(super) has_tool_calls: bool,
    pub(super) finish_reason: Option<FinishReason>,
}

/// The block that is open at a [`ResumePoint`].
#[derive(Debug)]
pub(super) struct ResumedBlock {
    /// Its number in events.
    pub(super) block: u32,
    /// `None` for a block that only this dialect has.
    pub(super) kind: Option<BlockKind>,
}

/// What the client has been sent by passing frames through.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SentState {
    pub(super) progress: SentProgress,
    /// The index of the open block.
    pub(super) open_index: Option<u32>,
    /// The index of the next block.
    pub(super) next_index: u32,
}

/// The last event of the message itself that the client has been sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SentProgress {
    #[default]
    Nothing,
    MessageStart,
    MessageDelta,
}

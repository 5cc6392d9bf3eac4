//! The state of one output item while it streams: its parts, its tool call, and whether it is complete.

use super::super::tool_call::ToolCallKind;
use crate::canonical::BlockKind;

/// An output item of a stream.
#[derive(Debug, Default)]
pub(super) struct DecodedItem {
    pub(super) output_index: Option<u64>,
    pub(super) id: String,
    /// The parts of which something streamed.
    pub(super) parts: Vec<StreamedPart>,
    pub(super) call: Option<ItemToolCall>,
    pub(super) is_done: bool,
}

impl DecodedItem {
    /// Returns a part of which something streamed.
    pub(super) fn part(&self, kind: PartKind) -> Option<&StreamedPart> {
        self.parts.iter().find(|part| part.kind == kind)
    }
}

/// The tool call that an item is.
#[derive(Debug, Default)]
pub(super) struct ItemToolCall {
    pub(super) kind: ToolCallKind,
    pub(super) phase: CallPhase,
}

/// How far a tool call has come.
#[derive(Debug)]
pub(super) enum CallPhase {
    /// Its name is not known yet, so that it has no block.
    Unnamed {
        /// The arguments that came before the name.
        arguments: String,
    },
    /// Its block is open.
    Open { block: u32, has_arguments: bool },
    /// Its block is closed.
    Closed,
}

impl Default for CallPhase {
    fn default() -> Self {
        Self::Unnamed { arguments: String::new() }
    }
}

/// A part of an item, with its index in the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum PartKind {
    /// A text of a message.
    Text(u64),
    /// A refusal in a message.
    Refusal(u64),
    /// A section of a reasoning item's summary.
    Summary(u64),
    /// A part of the reasoning itself.
    Reasoning(u64),
}

impl PartKind {
    /// Returns the kind of the block that the part becomes.
    pub(super) fn block_kind(self) -> BlockKind {
        match self {
            Self::Text(_) => BlockKind::Text,
            Self::Refusal(_) => BlockKind::Refusal,
            Self::Summary(_) | Self::Reasoning(_) => BlockKind::Reasoning,
        }
    }

    /// Returns whether the part continues the block of another one: all reasoning of an item is one block.
    pub(super) fn continues(self, other: Self) -> bool {
        self == other
            || (self.block_kind() == BlockKind::Reasoning && other.block_kind() == BlockKind::Reasoning)
    }
}

/// The text that streamed of a part: its length and hash, by which it is found again in the complete text.
#[derive(Debug)]
pub(super) struct StreamedPart {
    pub(super) kind: PartKind,
    len: usize,
    hash: u64,
}

impl StreamedPart {
    pub(super) fn new(kind: PartKind) -> Self {
        Self { kind, len: 0, hash: FNV_OFFSET }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.len = self.len.saturating_add(text.len());
        self.hash = fnv1a(self.hash, text);
    }

    /// Returns what of the complete text did not stream; an empty text if the streamed text is not its beginning.
    pub(super) fn missing_suffix<'t>(&self, complete: &'t str) -> &'t str {
        match complete.get(..self.len) {
            Some(streamed) if fnv1a(FNV_OFFSET, streamed) == self.hash => {
                complete.get(self.len..).unwrap_or_default()
            }
            _ => "",
        }
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

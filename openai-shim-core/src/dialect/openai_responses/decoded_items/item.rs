//! The state of one output item while it streams: its parts, its tool call, and whether it is complete.

use super::super::tool_call::ToolCallKind;
use crate::canonical::BlockKind;
use crate::json::Object;

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

impl DecodedItem {
    /// Returns what of a text did not stream, if the parts of this kind that are not complete yet, one behind the other, are
    /// its beginning; `None` if they are not. The numbers of parts do not count: some servers number them otherwise in deltas
    /// than in the item.
    pub(super) fn strip_streamed<'t>(&self, kind: BlockKind, mut text: &'t str) -> Option<&'t str> {
        let mut has_parts = false;
        for part in self.parts.iter().filter(|part| !part.is_complete && part.kind.block_kind() == kind) {
            text = part.strip_from(text)?;
            has_parts = true;
        }
        has_parts.then_some(text)
    }

    /// Returns the last part of this kind of which something streamed.
    pub(super) fn last_part(&self, kind: &BlockKind) -> Option<PartKind> {
        let mut kinds = self.parts.iter().rev().map(|part| part.kind);
        kinds.find(|part| part.block_kind() == *kind)
    }

    /// Whether a text streamed under a number that none of these parts of the complete item has.
    pub(super) fn parts_differ(&self, mut complete: impl Iterator<Item = PartKind> + Clone) -> bool {
        let texts = self.parts.iter().filter(|part| part.kind.block_kind() == BlockKind::Text);
        texts.into_iter().any(|streamed| !complete.clone().any(|part| part == streamed.kind))
            && complete.next().is_some()
    }

    /// Notes that the text of all parts of this kind came.
    pub(super) fn set_complete(&mut self, kind: BlockKind) {
        for part in self.parts.iter_mut().filter(|part| part.kind.block_kind() == kind) {
            part.is_complete = true;
        }
    }
}

/// The tool call that an item is.
#[derive(Debug, Default)]
pub(super) struct ItemToolCall {
    pub(super) kind: ToolCallKind,
    pub(super) phase: CallPhase,
    /// The item as it began, while its name is not certain.
    pub(super) begun: Option<Object<'static>>,
}

/// How far a tool call has come.
#[derive(Debug)]
pub(super) enum CallPhase {
    /// Its name is not certain yet, so that it has no block.
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
    /// Its complete text came.
    pub(super) is_complete: bool,
}

impl StreamedPart {
    pub(super) fn new(kind: PartKind) -> Self {
        Self { kind, len: 0, hash: FNV_OFFSET, is_complete: false }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.len = self.len.saturating_add(text.len());
        self.hash = fnv1a(self.hash, text);
    }

    /// Whether `text` begins with the streamed text; returns the rest.
    pub(super) fn strip_from<'t>(&self, text: &'t str) -> Option<&'t str> {
        let streamed = text.get(..self.len)?;
        if fnv1a(FNV_OFFSET, streamed) == self.hash { text.get(self.len..) } else { None }
    }

    /// Returns what of the complete text did not stream; an empty text if the streamed text is not its beginning.
    pub(super) fn missing_suffix<'t>(&self, complete: &'t str) -> &'t str {
        self.strip_from(complete).unwrap_or_default()
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

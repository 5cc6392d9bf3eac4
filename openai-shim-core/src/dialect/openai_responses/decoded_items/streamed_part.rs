//! The parts of an item, and how much of each streamed.

use crate::canonical::BlockKind;

/// What of an item is said: which of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum PartKind {
    Text(u64),
    Refusal(u64),
    /// A section of a summary of the thinking.
    Summary(u64),
    /// A part of the thinking itself.
    Thinking(u64),
}

impl PartKind {
    pub(super) fn block(self) -> BlockKind {
        match self {
            Self::Text(_) => BlockKind::Text,
            Self::Refusal(_) => BlockKind::Refusal,
            Self::Summary(_) | Self::Thinking(_) => BlockKind::Reasoning,
        }
    }
}

/// What streamed of a part: how much, and a hash of it, to know it again in the whole.
#[derive(Debug)]
pub(super) struct StreamedPart {
    pub(super) kind: PartKind,
    len: usize,
    hash: u64,
}

impl StreamedPart {
    pub(super) fn new(kind: PartKind) -> Self {
        Self { kind, len: 0, hash: HASH }
    }

    pub(super) fn add(&mut self, text: &str) {
        self.len = self.len.saturating_add(text.len());
        self.hash = hash(self.hash, text);
    }

    /// What of the whole did not stream; nothing if something else did.
    pub(super) fn rest<'t>(&self, whole: &'t str) -> &'t str {
        match whole.get(..self.len) {
            Some(streamed) if hash(HASH, streamed) == self.hash => whole.get(self.len..).unwrap_or_default(),
            _ => "",
        }
    }
}

const HASH: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
fn hash(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

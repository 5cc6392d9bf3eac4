//! Limits of the text that the parsers withhold.

/// How many bytes of text are withheld while they may still be markup; longer text is emitted as it is.
pub const MAX_WITHHELD_BYTES: usize = 1 << 20;

/// How many bytes of white space are withheld before a tag or a fence, and at the beginning of a section of reasoning.
pub(super) const MAX_LEADING_SPACE_BYTES: usize = 4096;

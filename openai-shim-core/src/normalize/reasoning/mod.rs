//! Reasoning: of earlier turns, as plain text and as opaque state, and how much of it is requested.

pub(super) mod effort;
pub(super) mod history;
pub(super) mod opaque;

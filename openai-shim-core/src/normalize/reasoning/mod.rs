//! Reasoning: of earlier turns, as plain text and as opaque state, and how much of it is requested.

mod amount;
pub(super) mod encrypted;
pub(super) mod history;
pub(super) mod opaque;
pub(super) mod request;
pub(super) mod signed_calls;

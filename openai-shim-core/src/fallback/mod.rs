//! Layer 6: synthesizes what an upstream lacks, as pure functions on canonical types.

pub mod fallback_response;
pub mod token_estimate;

//! Floor 3: synthesis of what the upstream lacks; pure functions on canonical types.

pub mod fallback_response;
pub mod token_estimate;

//! Floor 3: synthesis of what the upstream lacks; pure functions on canonical types.

pub mod completion;
pub mod estimate;

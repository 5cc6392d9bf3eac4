//! Floor 3: synthesis of what the upstream lacks; pure functions on canonical types.

pub mod completion;
pub mod embeddings;
pub mod lists;
pub mod models;
pub mod ollama_embed;
pub mod ollama_models;
pub mod stored;

//! Texts that become vectors.

use crate::json::{Kind, peek};

/// What a client wants to have embedded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbedRequest {
    /// The model by the client's name for it.
    pub model: String,
    /// A text or a list of texts, or of token ids: raw JSON.
    pub input: String,
    /// How long the vectors shall be.
    pub dimensions: Option<u64>,
    /// Vectors as base64 of little-endian 32-bit floats; otherwise as lists of numbers.
    pub base64: bool,
}

impl EmbedRequest {
    /// The texts, each as a raw JSON string; `None` if there are token ids among them.
    pub fn texts(&self) -> Option<Vec<&str>> {
        if peek(&self.input) == Kind::String {
            return Some(vec![&self.input]);
        }
        let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(&self.input).ok()?;
        let texts: Vec<&str> = items.into_iter().map(serde_json::value::RawValue::get).collect();
        texts.iter().all(|text| peek(text) == Kind::String).then_some(texts)
    }
}

/// The vectors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embeddings {
    /// The upstream's name for the model, where it said one.
    pub model: Option<String>,
    /// One vector for each text, in order: raw lists of numbers.
    pub vectors: Vec<String>,
    /// How many tokens there were, where that was counted.
    pub tokens: Option<u64>,
}

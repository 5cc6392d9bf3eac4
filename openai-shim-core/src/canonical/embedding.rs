//! Texts that become vectors.

use crate::error::UpstreamError;
use crate::json::{ValueKind, value_kind};
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use std::fmt;

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
    /// How many vectors are due: one for each text or list of token ids. `None`: that cannot be told.
    pub fn count(&self) -> Option<usize> {
        if value_kind(&self.input) == ValueKind::String {
            return Some(1);
        }
        let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(&self.input).ok()?;
        let all = |kind: ValueKind| items.iter().all(|item| value_kind(item.get()) == kind);
        match items.len() {
            0 => None,
            _ if all(ValueKind::Number) => Some(1),
            several if all(ValueKind::String) || all(ValueKind::Array) => Some(several),
            _ => None,
        }
    }

    /// The texts, each as a raw JSON string; `None` if there are token ids among them.
    pub fn texts(&self) -> Option<Vec<&str>> {
        if value_kind(&self.input) == ValueKind::String {
            return Some(vec![&self.input]);
        }
        let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(&self.input).ok()?;
        let texts: Vec<&str> = items.into_iter().map(serde_json::value::RawValue::get).collect();
        texts.iter().all(|text| value_kind(text) == ValueKind::String).then_some(texts)
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

impl Embeddings {
    /// Whether these are the vectors that were asked for.
    pub fn check(&self, request: &EmbedRequest) -> Result<(), UpstreamError> {
        let mut check = VectorCheck::default();
        for vector in &self.vectors {
            check.list(vector)?;
        }
        check.finish(request)
    }
}

/// Checks the vectors of one answer, each as it is met: all are finite numbers, of one length, and as many as are due.
#[derive(Debug, Clone, Default)]
pub struct VectorCheck {
    count: usize,
    length: Option<usize>,
}

impl VectorCheck {
    /// A vector as a list of numbers.
    pub fn list(&mut self, raw: &str) -> Result<(), UpstreamError> {
        let mut json = serde_json::Deserializer::from_str(raw);
        let length = json.deserialize_seq(Numbers).map_err(|_| no_numbers())?;
        self.vector(length)
    }

    /// A vector as the bytes of little-endian 32-bit floats.
    pub fn packed(&mut self, bytes: &[u8]) -> Result<(), UpstreamError> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() || !numbers.iter().all(|number| f32::from_le_bytes(*number).is_finite()) {
            return Err(no_numbers());
        }
        self.vector(numbers.len())
    }

    fn vector(&mut self, length: usize) -> Result<(), UpstreamError> {
        self.count += 1;
        let first = *self.length.get_or_insert(length);
        if length == 0 {
            return Err(UpstreamError::malformed("The upstream sent an embedding without a number in it."));
        }
        if length != first {
            return Err(UpstreamError::malformed(format!(
                "The upstream sent embeddings of different lengths: {first} and {length} numbers."
            )));
        }
        Ok(())
    }

    /// There are no more.
    pub fn finish(&self, request: &EmbedRequest) -> Result<(), UpstreamError> {
        match request.count() {
            Some(due) if due != self.count => Err(UpstreamError::malformed(format!(
                "The upstream sent {} embeddings where {due} were asked for.",
                self.count
            ))),
            None if self.count == 0 => Err(UpstreamError::Empty),
            _ => Ok(()),
        }
    }
}

fn no_numbers() -> UpstreamError {
    UpstreamError::malformed("The upstream sent an embedding that holds something else than finite numbers.")
}

/// Counts the numbers of a list.
struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(number) = list.next_element::<f64>()? {
            if number.abs() > f64::from(f32::MAX) {
                return Err(A::Error::custom("too large"));
            }
            count += 1;
        }
        Ok(count)
    }
}

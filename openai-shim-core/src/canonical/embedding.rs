//! Embeddings: the request, the vectors, and the check that a response has the vectors that were requested.

use super::embedding_input_type::EmbeddingInputType;
use crate::error::UpstreamError;
use crate::json::{ValueKind, items, value_kind};
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use std::fmt;

/// A request for embeddings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbedRequest {
    /// The model by the client's name for it.
    pub model: String,
    /// The raw JSON of a text, a list of texts, a list of token ids, or a list of such lists.
    pub input: String,
    /// The requested number of dimensions.
    pub dimensions: Option<u64>,
    /// The client requested base64 of little-endian 32-bit floats; otherwise lists of numbers.
    pub base64: bool,
    /// The client requested another encoding than these two, such as `int8`: vectors stay as they come.
    pub keeps_encoding: bool,
    /// What the vectors are for.
    pub input_type: Option<EmbeddingInputType>,
}

impl EmbedRequest {
    /// The expected number of vectors: one for each text or list of token ids. `None` if the input has neither shape.
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

    /// The inputs of a list, each as raw JSON; `None` if there is one input only, which is no list of its own.
    pub fn list(&self) -> Option<Vec<&str>> {
        let items = items(&self.input)?;
        let is_list = !items.is_empty() && items.iter().all(|item| value_kind(item) != ValueKind::Number);
        is_list.then_some(items)
    }

    /// The texts, each as a raw JSON string; `None` if the input contains token ids.
    pub fn texts(&self) -> Option<Vec<&str>> {
        if value_kind(&self.input) == ValueKind::String {
            return Some(vec![&self.input]);
        }
        let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(&self.input).ok()?;
        let texts: Vec<&str> = items.into_iter().map(serde_json::value::RawValue::get).collect();
        texts.iter().all(|text| value_kind(text) == ValueKind::String).then_some(texts)
    }
}

/// A response with vectors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embeddings {
    /// The upstream's name for the model, if the response has one.
    pub model: Option<String>,
    /// One vector for each input, in order: raw JSON lists of numbers.
    pub vectors: Vec<String>,
    /// The number of input tokens, if the upstream counted them.
    pub tokens: Option<u64>,
}

impl Embeddings {
    /// Checks that these are the requested vectors; returns their length.
    ///
    /// # Errors
    /// The same as of [`VectorCheck`].
    pub fn check(&self, request: &EmbedRequest) -> Result<usize, UpstreamError> {
        let mut check = VectorCheck::default();
        for vector in &self.vectors {
            check.list(vector)?;
        }
        check.finish(request)
    }
}

/// Checks the vectors of one response one after another: all numbers are finite, all vectors have one length, and their number is
/// the expected one.
#[derive(Debug, Clone, Default)]
pub struct VectorCheck {
    count: usize,
    length: Option<usize>,
}

impl VectorCheck {
    /// Checks a vector that is a list of numbers.
    ///
    /// # Errors
    /// If it has another length than the first vector, none, or something else than finite numbers.
    pub fn list(&mut self, raw: &str) -> Result<(), UpstreamError> {
        let mut json = serde_json::Deserializer::from_str(raw);
        let length = json.deserialize_seq(Numbers).map_err(|_| not_finite_numbers())?;
        self.vector(length)
    }

    /// Checks a vector that is the bytes of little-endian 32-bit floats.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn packed(&mut self, bytes: &[u8]) -> Result<(), UpstreamError> {
        let (numbers, remainder) = bytes.as_chunks::<4>();
        if !remainder.is_empty() || !numbers.iter().all(|number| f32::from_le_bytes(*number).is_finite()) {
            return Err(not_finite_numbers());
        }
        self.vector(numbers.len())
    }

    /// Takes a vector in an encoding that is not read here.
    pub fn unread(&mut self) {
        self.count += 1;
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

    /// Checks the number of vectors after the last one; returns the length of each.
    ///
    /// # Errors
    /// If it is not the number that `request` expects.
    pub fn finish(&self, request: &EmbedRequest) -> Result<usize, UpstreamError> {
        match request.count() {
            Some(expected) if expected != self.count => Err(UpstreamError::malformed(format!(
                "The upstream sent {} embeddings where {expected} were asked for.",
                self.count
            ))),
            None if self.count == 0 => Err(UpstreamError::Empty),
            _ => Ok(self.length.unwrap_or(0)),
        }
    }
}

fn not_finite_numbers() -> UpstreamError {
    UpstreamError::malformed("The upstream sent an embedding that holds something else than finite numbers.")
}

/// Counts the numbers of a JSON list.
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

//! [`Number`]: a JSON number that keeps its text.

use super::FromJson;
use crate::json::{RawJson, ValueKind, value_kind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number that keeps the text it was written with: `1`, `1.0` and `1e0` stay what they are, and no digit is lost. Two are equal if
/// their texts are.
///
/// ```
/// use openai_shim_core::json::Number;
/// let read: Number = serde_json::from_str("0.70")?;
/// assert_eq!((read.as_f64(), read.to_string().as_str()), (0.7, "0.70"));
/// assert_eq!(Number::from(0.7), 0.7);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Number(RawJson);

impl Number {
    /// The nearest floating-point number.
    pub fn as_f64(&self) -> f64 {
        self.as_str().parse().unwrap_or(f64::NAN)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromJson for Number {
    fn from_json(json: &str, depth: u32) -> Option<Self> {
        (value_kind(json) == ValueKind::Number).then(|| RawJson::from_json(json, depth).map(Self))?
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::deserialize(deserializer, "a number")
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<f64> for Number {
    fn eq(&self, other: &f64) -> bool {
        self.as_f64() == *other
    }
}

macro_rules! from_numbers {
    ($($type:ty),*) => {$(
        /// What is not finite has no form in JSON: it becomes `null`.
        impl From<$type> for Number {
            fn from(number: $type) -> Self {
                Self(RawJson::from_value(&number).unwrap_or_default())
            }
        }
    )*};
}

from_numbers!(f64, i32, i64, u32, u64);

//! [`RawJson`]: one JSON value as its text.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// A JSON value as its text, which is never changed: `1e2` stays `1e2`. Two are equal if their texts are.
///
/// `serde_json` reads and writes it; other formats have no place for raw JSON.
///
/// ```
/// use openai_shim_core::json::RawJson;
/// let raw = RawJson::parse(r#"{"n": 1e2}"#)?;
/// assert_eq!(raw.as_str(), r#"{"n": 1e2}"#);
/// let read: std::collections::BTreeMap<String, f64> = raw.read()?;
/// assert_eq!(read["n"], 100.0);
/// assert_eq!(RawJson::from_value(&[1, 2])?.to_string(), "[1,2]");
/// assert_eq!(serde_json::to_string(&[raw])?, r#"[{"n": 1e2}]"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Parses a text, which must be one JSON value.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(json: impl Into<String>) -> Result<Self, JsonError> {
        RawValue::from_string(json.into()).map(Self).map_err(JsonError)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// The value has no form in JSON, such as a map whose keys are lists.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        serde_json::value::to_raw_value(value).map(Self).map_err(JsonError)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the value as another type.
    ///
    /// # Errors
    /// The value has another form.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, JsonError> {
        serde_json::from_str(self.as_str()).map_err(JsonError)
    }
}

/// Wraps JSON text as a raw value; text that is not JSON becomes `null`.
pub fn raw(json: impl Into<String>) -> RawJson {
    RawJson::parse(json).unwrap_or_default()
}

/// `null`
impl Default for RawJson {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({self})")
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

/// A text is not JSON, or not of the requested form.
///
/// ```
/// let error = openai_shim_core::json::RawJson::parse("{").unwrap_err();
/// assert_eq!(error.to_string(), "invalid JSON: EOF while parsing an object at line 1 column 1");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("invalid JSON: {0}")]
pub struct JsonError(#[source] serde_json::Error);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self(error)
    }
}

//! 128-bit digests of bytes and of tool calls, the same on every machine and in every release: they are parts of state keys.

use rapidhash::v3::{RapidSecrets, RapidStreamHasherV3};
use serde_json::{Map, Value};

static LOW: RapidSecrets = RapidSecrets::seed(0x6f70_656e_6169_2d73);
static HIGH: RapidSecrets = RapidSecrets::seed(0x6869_6d2d_7374_6174);

/// A digest of everything that was added to it so far.
pub(crate) struct Digest {
    low: RapidStreamHasherV3<'static>,
    high: RapidStreamHasherV3<'static>,
}

impl Digest {
    pub(crate) fn new() -> Self {
        Self { low: RapidStreamHasherV3::new(&LOW), high: RapidStreamHasherV3::new(&HIGH) }
    }

    /// Adds bytes without a mark where they end.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.low.write(bytes);
        self.high.write(bytes);
    }

    /// Adds bytes with their length.
    pub(crate) fn add_field(&mut self, bytes: &[u8]) {
        self.add(&(bytes.len() as u64).to_le_bytes());
        self.add(bytes);
    }

    /// The digest of all bytes so far; more may be added.
    pub(crate) fn value(&self) -> u128 {
        u128::from(self.high.finish()) << 64 | u128::from(self.low.finish())
    }
}

/// A digest of a tool call: of its name, and of the JSON value of its arguments, since clients serialize arguments again.
pub(crate) fn call_digest(name: &str, arguments: &str) -> u128 {
    let mut digest = Digest::new();
    digest.add_field(name.as_bytes());
    match serde_json::from_str::<Value>(arguments) {
        Ok(value) => add_value(&value, &mut digest),
        Err(_) if arguments.trim().is_empty() => add_value(&Value::Object(Map::new()), &mut digest),
        Err(_) => {
            digest.add(b"?");
            digest.add_field(arguments.as_bytes());
        }
    }
    digest.value()
}

fn add_value(value: &Value, digest: &mut Digest) {
    match value {
        Value::Null => digest.add(b"0"),
        Value::Bool(true) => digest.add(b"t"),
        Value::Bool(false) => digest.add(b"f"),
        Value::Number(number) => add_number(number, digest),
        Value::String(text) => {
            digest.add(b"s");
            digest.add_field(text.as_bytes());
        }
        Value::Array(items) => {
            digest.add(b"[");
            digest.add(&(items.len() as u64).to_le_bytes());
            for item in items {
                add_value(item, digest);
            }
        }
        Value::Object(members) => {
            digest.add(b"{");
            digest.add(&(members.len() as u64).to_le_bytes());
            // The map's keys are sorted.
            for (key, value) in members {
                digest.add_field(key.as_bytes());
                add_value(value, digest);
            }
        }
    }
}

/// `2` and `2.0` are the same number; two long ids that round to the same `f64` are not.
fn add_number(number: &serde_json::Number, digest: &mut Digest) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().unwrap_or(f64::NAN);
    match (number.as_i64(), number.as_u64()) {
        _ if float.abs() < EXACT => {
            digest.add(b"n");
            // Both zeros are the same number.
            digest.add(&(float + 0.0).to_bits().to_le_bytes());
        }
        (Some(integer), _) => {
            digest.add(b"i");
            digest.add(&integer.to_le_bytes());
        }
        (None, Some(integer)) => {
            digest.add(b"u");
            digest.add(&integer.to_le_bytes());
        }
        (None, None) => {
            digest.add(b"n");
            digest.add(&float.to_bits().to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_arguments_have_one_digest_and_different_arguments_have_different_ones() {
        let one = call_digest("f", r#"{"a":1,"b":[2.0,-0.0,"x"]}"#);
        assert_eq!(one, call_digest("f", r#" {"b": [2, 0, "x"], "a": 1.0} "#));
        assert_eq!(call_digest("f", ""), call_digest("f", "{}"));
        for other in [r#"{"a":1,"b":[2,0,"y"]}"#, r#"{"a":1,"b":[2,0],"x":1}"#, "{", ""] {
            assert_ne!(one, call_digest("f", other), "{other}");
        }
        assert_ne!(one, call_digest("g", r#"{"a":1,"b":[2,0,"x"]}"#));
        // Ids of 19 digits are not floating point numbers.
        assert_ne!(
            call_digest("f", r#"{"id":1234567890123456789}"#),
            call_digest("f", r#"{"id":1234567890123456788}"#)
        );
    }

    #[test]
    fn digests_do_not_change_between_releases() {
        assert_eq!(format!("{:032x}", call_digest("f", r#"{"a":1}"#)), "40da4b2c558c86005a84d82fab3465e6");
    }
}

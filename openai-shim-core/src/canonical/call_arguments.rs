//! Arguments of tool calls that came as JSON text in a JSON string: the object in the string out, also from parts.

use super::{Block, DiagnosticCode, Diagnostics, Response};
use crate::json::{Balance, Object};
use std::borrow::Cow;

/// The most bytes of arguments that are held; longer ones pass as they are.
const MAX_HELD_BYTES: usize = 16 << 20;

/// The path in reports: the field differs from dialect to dialect.
const PATH: &str = "arguments";
const DETAIL: &str = "encoded twice";

/// Into how many strings an object may be encoded, one inside the other.
const MAX_STRINGS: usize = 3;

/// Returns the JSON object that `arguments` hold as a string; `None` for any other arguments.
pub fn unwrap_encoded_twice(arguments: &str) -> Option<String> {
    let mut text = Cow::Borrowed(arguments.trim());
    for _ in 0..MAX_STRINGS {
        if !text.starts_with('"') {
            return None;
        }
        let inner: String = serde_json::from_str(&text).ok()?;
        if Object::parse(inner.trim().as_bytes()).is_ok() {
            return Some(inner.trim().to_owned());
        }
        text = Cow::Owned(inner);
    }
    None
}

/// Replaces arguments that came encoded twice in all calls of a response.
pub fn unwrap_calls(response: &mut Response, diagnostics: &mut Diagnostics) {
    for block in response.choices.iter_mut().flat_map(|choice| &mut choice.blocks) {
        if let Block::ToolCall { arguments, .. } = block
            && let Some(object) = unwrap_encoded_twice(arguments)
        {
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, PATH, DETAIL);
            *arguments = object;
        }
    }
}

/// Holds the arguments of a call that begin as a string, which no function's arguments do, until the string is complete.
#[derive(Debug, Default)]
pub struct EncodedTwice {
    held: String,
    balance: Balance,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing but white space came.
    #[default]
    Blank,
    /// A string began.
    Held,
    /// The arguments pass as they are.
    Passing,
}

impl EncodedTwice {
    /// Whether arguments are held.
    pub fn is_holding(&self) -> bool {
        self.phase == Phase::Held
    }

    /// Whether the arguments pass as they are from here on.
    pub fn is_passing(&self) -> bool {
        self.phase == Phase::Passing
    }

    /// Takes the next part. `None`: it passes as it is; otherwise the text that takes its place, empty while it is held.
    pub fn push(&mut self, part: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        if self.phase == Phase::Blank {
            match part.trim_start().as_bytes().first() {
                None => return None,
                Some(b'"') => self.phase = Phase::Held,
                Some(_) => self.phase = Phase::Passing,
            }
        }
        if self.phase == Phase::Passing {
            return None;
        }
        self.held.push_str(part);
        if !self.balance.is_closed(&self.held) && self.held.len() <= MAX_HELD_BYTES {
            return Some(String::new());
        }
        self.phase = Phase::Passing;
        let held = std::mem::take(&mut self.held);
        Some(match unwrap_encoded_twice(&held) {
            Some(object) => {
                diagnostics.record(DiagnosticCode::ToolArgumentsShaped, PATH, DETAIL);
                object
            }
            None => held,
        })
    }

    /// Returns what is still held: a string that never ended.
    pub fn finish(&mut self) -> Option<String> {
        let was_holding = std::mem::replace(&mut self.phase, Phase::Passing) == Phase::Held;
        was_holding.then(|| std::mem::take(&mut self.held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_holds_an_object_is_unwrapped_however_it_is_split() {
        let cases = [
            (r#""{\"a\":\"b \\\" c\"}""#, r#"{"a":"b \" c"}"#),
            (r#""{}""#, "{}"),
            (r#""no object""#, r#""no object""#),
            (r#"{"a":"\"{}\""}"#, r#"{"a":"\"{}\""}"#),
            (r#""{\"a\":"#, r#""{\"a\":"#),
            ("", ""),
        ];
        for (from, to) in cases {
            for at in 0..=from.len() {
                let (mut held, mut out) = (EncodedTwice::default(), String::new());
                for part in [&from[..at], &from[at..]] {
                    out += &held.push(part, &mut Diagnostics::default()).unwrap_or_else(|| part.to_owned());
                }
                out += &held.finish().unwrap_or_default();
                assert_eq!(out, to, "{from} cut at {at}");
            }
        }
    }
}

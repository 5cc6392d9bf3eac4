//! Text that is nearly JSON to JSON: bytes that are no UTF-8, control characters in strings, NaN and Infinity.
//!
//! Python's `json` writes NaN and Infinity unless told otherwise: <https://docs.python.org/3/library/json.html#infinite-and-nan-number-values>.

use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::fmt::Write;

/// What was wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyntaxFault {
    /// Bytes that are no UTF-8 were replaced by U+FFFD.
    InvalidUtf8,
    /// A control character in a string was escaped.
    ControlCharacter,
    /// NaN or Infinity became `null`.
    NotANumber,
}

/// Repaired JSON, and each kind of fault that it had.
#[derive(Debug, PartialEq)]
pub(crate) struct RepairedSyntax {
    pub(crate) json: String,
    pub(crate) faults: Vec<SyntaxFault>,
}

/// Repairs text that is not JSON; `None` if it is JSON, or has any other fault. It is for text that could not be parsed: it visits
/// every byte.
pub(crate) fn repair_syntax(text: &[u8]) -> Option<RepairedSyntax> {
    let mut faults = Vec::new();
    let text = String::from_utf8_lossy(text);
    if matches!(text, Cow::Owned(_)) {
        faults.push(SyntaxFault::InvalidUtf8);
    }
    let mut add = |fault: SyntaxFault| {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    };
    let mut json = String::with_capacity(text.len() + 16);
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text.as_ref();
    while let Some(c) = rest.chars().next() {
        if !in_string && is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if is_no_number(word) {
                add(SyntaxFault::NotANumber);
                json.push_str("null");
            } else {
                json.push_str(word);
            }
            rest = after;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if in_string && c < ' ' {
            add(SyntaxFault::ControlCharacter);
            // A backslash in front of a line break escapes it, as in JavaScript's strings.
            let code = u32::from(c);
            // Writing to a string cannot fail.
            let _ = if escaped { write!(json, "u{code:04x}") } else { write!(json, "\\u{code:04x}") };
            escaped = false;
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            _ => {}
        }
        json.push(c);
    }
    let is_json = !faults.is_empty() && serde_json::from_str::<IgnoredAny>(&json).is_ok();
    is_json.then_some(RepairedSyntax { json, faults })
}

/// Whether a character may stand in a number or a literal.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

/// Whether a word is what programming languages write for a number that is none.
fn is_no_number(word: &str) -> bool {
    let name = word.strip_prefix(['-', '+']).unwrap_or(word);
    ["nan", "inf", "infinity"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_json_becomes_json() {
        for (text, expected) in [
            (
                &br#"{"a":NaN,"b":[-Infinity, Infinity],"c":"NaN"}"#[..],
                r#"{"a":null,"b":[null, null],"c":"NaN"}"#,
            ),
            (b"{\"a\":nan,\"b\":-inf}", r#"{"a":null,"b":null}"#),
            (b"{\"a\":\"x\ty\nz\x1b[0m\"\n}", "{\"a\":\"x\\u0009y\\u000az\\u001b[0m\"\n}"),
            (b"{\"a\":\"x\\\ny\"}", r#"{"a":"x\u000ay"}"#),
            (b"{\"a\":\"\xff\\\"\xe2\x82\"}", "{\"a\":\"\u{fffd}\\\"\u{fffd}\"}"),
        ] {
            let repaired = repair_syntax(text).map(|repaired| repaired.json);
            assert_eq!(repaired.as_deref(), Some(expected), "{}", String::from_utf8_lossy(text));
        }
        for text in [
            &br#"{"a":"NaN \n"}"#[..],
            b"",
            b"{\"a\":NaN",
            b"{\"a\":\"\t",
            b"{\"a\":NaNo}",
            b"<html>\xff</html>",
            b"{\"a\":1,}",
        ] {
            assert_eq!(repair_syntax(text), None, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn each_kind_of_fault_is_named_once() {
        let repaired = repair_syntax(b"{\"a\":[NaN,NaN],\"b\":\"\xff\t\xff\t\"}").unwrap();
        let expected = [SyntaxFault::InvalidUtf8, SyntaxFault::NotANumber, SyntaxFault::ControlCharacter];
        assert_eq!(repaired.faults, expected);
    }
}

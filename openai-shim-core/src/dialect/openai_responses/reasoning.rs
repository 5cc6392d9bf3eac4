//! Reasoning in its sealed form: what only an upstream can read, and must get back.
//!
//! A client of this dialect keeps `encrypted_content` and sends it again. Where the upstream speaks another dialect that is
//! its signature, with the name of its format before it, so that it is known again and never sent to somebody else.

use crate::canonical::{Extra, REASONING_DETAILS};
use crate::json::{quote, raw};

/// The name of this dialect's own format, among `reasoning_details`.
const FORMAT: &str = "openai-responses-v1";

/// What is said of a seal of this dialect's own.
pub(super) fn marks(id: Option<&str>, silent: bool) -> Extra {
    let mut extra = foreign_marks(FORMAT, silent);
    extra.members.extend(id.map(|id| (String::from("id"), raw(id))));
    extra
}

fn foreign_marks(format: &str, silent: bool) -> Extra {
    let mut members = vec![(String::from("format"), raw(quote(format)))];
    if silent {
        members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
    Extra::new(REASONING_DETAILS, members)
}

/// Whether an upstream of this dialect can have made a seal.
pub(super) fn is_own(extra: &Extra) -> bool {
    extra.detail("format").is_none_or(|format| format.ends_with("responses-v1") || format == "unknown")
}

/// The seal as a client keeps it.
pub(super) fn seal(signature: &str, format: Option<&str>) -> String {
    match format.filter(|format| !format.ends_with("responses-v1") && *format != "unknown") {
        Some(format) => format!("{format}:{signature}"),
        None => signature.to_owned(),
    }
}

/// A seal that a client sends back: the signature, and its marks if it is another dialect's.
pub(super) fn unseal(sealed: &str, silent: bool) -> (String, Option<Extra>) {
    let is_format = |word: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let version = word
            .rsplit_once("-v")
            .is_some_and(|(_, v)| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
        version && word.chars().all(plain)
    };
    match sealed.split_once(':').filter(|(word, _)| is_format(word)) {
        Some((format, signature)) => (signature.to_owned(), Some(foreign_marks(format, silent))),
        None => (sealed.to_owned(), None),
    }
}

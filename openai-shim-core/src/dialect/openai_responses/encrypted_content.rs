//! Reasoning in its sealed form: what only an upstream can read, and must get back.
//!
//! A client of this dialect keeps `encrypted_content` and sends it again. Where the upstream speaks another dialect that is
//! its signature, with the name of its format before it, so that it is known again and never sent to somebody else.

use crate::canonical::{ExtraFields, REASONING_DETAILS, issuer};
use crate::json::{encode_string, raw};

/// The name of this dialect's own format, among `reasoning_details`.
pub(super) const FORMAT: &str = "openai-responses-v1";

/// What is said of a seal of this dialect's own.
pub(super) fn marks(id: Option<&str>, silent: bool) -> ExtraFields {
    let mut members = vec![(String::from("format"), raw(encode_string(FORMAT)))];
    if silent {
        members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
    members.extend(id.map(|id| (String::from("id"), raw(id))));
    ExtraFields::new(REASONING_DETAILS, members)
}

/// The seal as a client keeps it.
pub(super) fn seal(signature: &str, extra: &ExtraFields) -> String {
    issuer::tag_issuer(signature, extra, FORMAT).into_owned()
}

/// A seal that a client sends back: the signature, and its marks if it is another dialect's.
pub(super) fn split_issuer(sealed: &str, silent: bool) -> (String, Option<ExtraFields>) {
    let Some((signature, mut extra)) = issuer::split_issuer(sealed) else {
        return (sealed.to_owned(), None);
    };
    if silent {
        extra.members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
    (signature.to_owned(), Some(extra))
}

//! Encrypted reasoning: `encrypted_content` of reasoning items to signatures and back.
//!
//! A client of this dialect sends `encrypted_content` back in the next turn. Where the upstream uses another dialect, the
//! content is that upstream's signature with its format as a prefix: the prefix tells whose it is, so that it never goes to
//! another issuer.

use super::names::SIGNATURE_FORMAT;
use crate::canonical::{ExtraFields, REASONING_DETAILS, issuer};
use crate::json::{encode_string, raw};

/// Returns the `reasoning_details` of a signature of this dialect's own. `id` is the item's id as JSON.
pub(super) fn details(id: Option<&str>, is_text_empty: bool) -> ExtraFields {
    let mut members = vec![(String::from("format"), raw(encode_string(SIGNATURE_FORMAT)))];
    if is_text_empty {
        members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
    members.extend(id.map(|id| (String::from("id"), raw(id))));
    ExtraFields::new(REASONING_DETAILS, members)
}

/// Encodes a signature for a client; `details` tell its issuer.
pub(super) fn encode(signature: &str, details: &ExtraFields) -> String {
    issuer::tag_issuer(signature, details, SIGNATURE_FORMAT).into_owned()
}

/// Decodes what a client sends back: the signature, and its `reasoning_details` if it is another dialect's.
pub(super) fn decode(content: &str, is_text_empty: bool) -> (String, Option<ExtraFields>) {
    let Some((signature, mut details)) = issuer::split_issuer(content) else {
        return (content.to_owned(), None);
    };
    if is_text_empty {
        details.members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
    (signature.to_owned(), Some(details))
}

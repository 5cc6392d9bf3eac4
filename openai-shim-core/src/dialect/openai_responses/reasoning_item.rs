//! A reasoning item to its text.

use super::extra_fields::parse_or_empty;
use crate::json::{Object, decode_string};
use std::borrow::Cow;

/// Returns the text of a reasoning item: its summary, or if that is empty the reasoning itself.
pub(super) fn text(item: &Object<'_>) -> String {
    let joined = |key: &str| {
        let parts: Vec<String> = item
            .array(key)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|part| {
                decode_string(part)
                    .or_else(|| parse_or_empty(part).str("text").map(|t| Cow::Owned(t.into_owned())))
            })
            .map(Cow::into_owned)
            .collect();
        parts.join("\n\n")
    };
    let summary = joined("summary");
    if summary.is_empty() { joined("content") } else { summary }
}

//! Names that a client chose, cut for messages.

use std::borrow::Cow;

/// The maximum number of characters of a name in messages, logs, labels and lists.
const MAX_NAME_CHARACTERS: usize = 200;

/// Shortens a name that a client chose for a message, a log line or a list: it is cut after 200 characters, with `…`.
///
/// ```
/// use openai_shim_core::error::short_name;
/// assert_eq!(short_name("gpt-5"), "gpt-5");
/// assert_eq!(short_name(&"é".repeat(1000)), "é".repeat(200) + "…");
/// ```
pub fn short_name(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_NAME_CHARACTERS).and_then(|(end, _)| name.get(..end)) {
        Some(start) => Cow::Owned(format!("{start}…")),
        None => Cow::Borrowed(name),
    }
}

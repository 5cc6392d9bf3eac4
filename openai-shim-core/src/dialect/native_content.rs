//! What other dialects can read of a block or a tool that only one dialect defines.

use crate::json::{Object, string_or_json};
use std::borrow::Cow;

/// What of a native block or tool can be said in another dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NativeContent {
    /// What it is, as its dialect names it.
    pub name: String,
    /// The text in it; empty if there is none.
    pub text: String,
    /// It means nothing by itself: what it says is in other parts of the request.
    pub is_covered: bool,
}

impl NativeContent {
    /// Content without a text.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Content named by its `type`, else by its first key, and by the name of a tool that it has under that key, without a text.
    pub fn by_type(json: &str) -> Self {
        let object = Object::parse(json.as_bytes()).unwrap_or_default();
        let first_key = || object.iter().next().map(|(key, _)| Cow::Borrowed(key));
        let kind = object.str("type").or_else(first_key).unwrap_or_default();
        let nested = object.object(&kind).unwrap_or_default();
        match nested.str("name") {
            Some(name) => Self::named(format!("{kind}: {name}")),
            None => Self::named(kind),
        }
    }

    /// Adds a text.
    #[must_use]
    pub fn with_text(mut self, text: String) -> Self {
        self.text = text;
        self
    }

    /// Content that other parts of the request cover.
    #[must_use]
    pub fn covered(mut self) -> Self {
        self.is_covered = true;
        self
    }
}

/// Returns members of an object as lines: the value of each that is neither missing nor empty, after its label.
pub(super) fn labelled_lines(object: &Object<'_>, members: &[(&str, &str)]) -> String {
    let mut lines = Vec::new();
    for (key, label) in members {
        let value = object.non_null(key).map(string_or_json).unwrap_or_default();
        if value.is_empty() || value == "[]" || value == "{}" {
            continue;
        }
        lines.push(if label.is_empty() { value.into_owned() } else { format!("{label}: {value}") });
    }
    lines.join("\n")
}

/// Joins texts that are not empty as lines.
pub(super) fn join_lines(texts: impl IntoIterator<Item = String>) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

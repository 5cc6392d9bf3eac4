//! Names that our types borrow for ever, read from JSON: each different one is stored once.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A name of the code: of a dialect, a field, a method. (`serde` would read a plain `&'static str` from static text only.)
pub(crate) type StaticText = &'static str;

/// The maximum number of names that are stored, and of their bytes: what is stored is never freed.
const MAX_NAMES: usize = 512;
const MAX_LEN: usize = 100;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Reads a name; one that is new and too long, or one too many, is an error.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StaticText, D::Error> {
    let name = String::deserialize(deserializer)?;
    intern(&name).ok_or_else(|| serde::de::Error::custom(format_args!("{name:.100?} is no name")))
}

fn intern(name: &str) -> Option<StaticText> {
    // The set is whole even if a thread panicked while it held the lock: an insertion is the only change.
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if name.len() > MAX_LEN || names.len() >= MAX_NAMES {
        return None;
    }
    let stored: &'static str = String::leak(name.to_owned());
    names.insert(stored);
    Some(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_stored_once_and_a_long_one_never() {
        let (first, second) = (intern("openai-chat").unwrap(), intern("openai-chat").unwrap());
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(intern(&"x".repeat(MAX_LEN + 1)), None);
    }
}

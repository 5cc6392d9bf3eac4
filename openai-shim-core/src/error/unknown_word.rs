//! Enums that are words: printed, parsed, and in JSON; an unknown word is an error that lists the known ones.

use super::short_name::short_name;

/// A word that is none of those that are known.
///
/// ```
/// use openai_shim_core::{Outcome, PayloadKind};
/// assert_eq!("stream".parse::<PayloadKind>()?, PayloadKind::Stream);
/// assert_eq!(Outcome::Complete.to_string(), "complete");
/// let error = "steam".parse::<PayloadKind>().unwrap_err();
/// assert_eq!(error.to_string(), r#"there is no payload kind "steam"; there are: request, response, stream, error"#);
/// # Ok::<(), openai_shim_core::error::UnknownWord>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} {word:?}; there are: {known}")]
pub struct UnknownWord {
    what: &'static str,
    word: String,
    known: String,
}

impl UnknownWord {
    /// An error for a word; `known` are those that are known.
    pub(crate) fn new(what: &'static str, word: &str, known: &[&str]) -> Self {
        Self { what, word: short_name(word).into_owned(), known: known.join(", ") }
    }
}

/// Implements `Display`, `FromStr`, `Serialize` and `Deserialize` for an enum with `as_str` and `ALL`.
macro_rules! word {
    ($type:ident: $what:literal) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|known| known.as_str()).collect();
                    $crate::error::UnknownWord::new($what, word, &known)
                })
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use word;

//! One of a few words: the word in, its value or an error with a suggestion out.

use super::suggest;

/// The value of one of a few names.
pub(crate) fn choice<T: Copy>(name: &str, known: &[(&str, T)]) -> Result<T, String> {
    known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
        format!("{name:?} is not known; {}", suggest::instead(name, &names))
    })
}

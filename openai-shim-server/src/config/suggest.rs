//! Did you mean …?

/// The known word that is nearest to `given`, if it is near enough to be what was meant.
pub(crate) fn near<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_ascii_lowercase().replace('-', "_");
    let given = plain(given);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&plain(word), &given), word))
        .filter(|(distance, word)| *distance <= word.len().max(given.len()).div_ceil(3))
        .min()
        .map(|(_, word)| word)
}

/// What to write instead: the nearest word, or all of them.
pub(crate) fn instead(given: &str, known: &[&str]) -> String {
    match near(given, known.iter().copied()) {
        Some(word) => format!("write {word:?} instead"),
        None => {
            let all: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
            format!("write one of {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word() {
        let known = ["listen", "client_keys", "mode"];
        assert_eq!(near("lissen", known), Some("listen"));
        assert_eq!(near("client-keys", known), Some("client_keys"));
        assert_eq!(near("clientkeys", known), Some("client_keys"));
        assert_eq!(near("port", known), None);
    }

    #[test]
    fn without_a_near_word_all_are_named() {
        assert_eq!(instead("strickt", &["lenient", "strict"]), "write \"strict\" instead");
        assert_eq!(instead("yes", &["lenient", "strict"]), "write one of \"lenient\", \"strict\"");
    }
}

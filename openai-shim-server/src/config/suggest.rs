//! Suggests a known word for a misspelt one.

/// The known word nearest to `given`, if it is near enough to be a typing error.
pub(crate) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |candidate: &str| candidate.to_ascii_lowercase().replace('-', "_");
    let unknown = plain(unknown);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&plain(candidate), &unknown), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(unknown.len()).div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// A remedy for an unknown word: the nearest known word, or all of them.
pub(crate) fn instead(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known.iter().copied()) {
        Some(candidate) => format!("write {candidate:?} instead"),
        None => {
            let all: Vec<String> = known.iter().map(|candidate| format!("{candidate:?}")).collect();
            format!("write one of {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_word_finds_the_nearest_known_one() {
        let known = ["listen", "client_keys", "mode"];
        assert_eq!(nearest("lissen", known), Some("listen"));
        assert_eq!(nearest("client-keys", known), Some("client_keys"));
        assert_eq!(nearest("clientkeys", known), Some("client_keys"));
        assert_eq!(nearest("port", known), None);
    }

    #[test]
    fn without_a_near_word_all_are_listed() {
        assert_eq!(instead("strickt", &["lenient", "strict"]), "write \"strict\" instead");
        assert_eq!(instead("yes", &["lenient", "strict"]), "write one of \"lenient\", \"strict\"");
    }
}

//! The list of all keys of a configuration file, for suggestions and for the documentation's test.

use super::suggest::nearest;

/// The sections with their keys; `""` is the top of the file.
const SECTIONS: &[(&str, &[&str])] = &[
    ("", &["listen", "hosts", "client_keys", "allow_anonymous", "mode", "learn", "debug", "watch"]),
    ("upstream", &["name", "base_url", "dialect", "profile", "api_key", "api_keys", "models", "quirks"]),
    ("upstream.models", &["id", "upstream"]),
    ("model", &["name", "targets", "strategy", "affinity"]),
    ("model.targets", &["model", "weight", "context"]),
    // Its other keys are those of a profile, which are checked with their values.
    ("profile", &["name", "inherit", "base"]),
    ("defaults", &["max_tokens", "reasoning"]),
    ("retry", &["attempts", "backoff", "max_backoff"]),
    ("fallback", &["when", "message"]),
    ("timeouts", &["connect", "first_byte", "idle", "keepalive", "total", "whole", "write"]),
    ("limits", &["request_body", "form_prefix", "response_body", "frame", "bodies", "concurrent"]),
    ("key", &["name", "key", "models", "requests_per_minute", "tokens_per_minute", "concurrent"]),
    ("store", &["secret", "old_secrets", "url", "password", "prefix", "timeout"]),
    ("tls", &["cert", "key"]),
    ("cors", &["origins"]),
    ("log", &["format", "filter"]),
    ("otel", &["endpoint", "headers", "service_name", "sample_ratio"]),
];

/// The sections of which there may be several.
const LISTS: [&str; 4] = ["upstream", "model", "profile", "key"];

/// Every key of a configuration file with its section, such as `retry.attempts`.
///
/// ```
/// assert!(openai_shim_server::config::keys().any(|key| key == "retry.attempts"));
/// ```
pub fn keys() -> impl Iterator<Item = String> {
    SECTIONS.iter().flat_map(|(section, keys)| keys.iter().map(move |key| join(section, key)))
}

/// Whether a section has this key or subsection.
pub(crate) fn is_known(section: &str, key: &str) -> bool {
    section == "profile" || candidates(section).any(|candidate| candidate == key)
}

/// A remedy for a key that a section does not have: the right section or the nearest key.
pub(crate) fn suggest_instead(section: &str, key: &str) -> String {
    // `[timeout]` is the section `[timeouts]` rather than a key of `[store]`.
    if let Some(near) = candidates(section).find(|known| strsim::damerau_levenshtein(known, key) == 1) {
        return format!("there is no such key; write {near} instead");
    }
    // A right key in a wrong section is more common than a typing error. Only a key of a single section can be moved.
    let sections: Vec<&str> =
        SECTIONS.iter().filter(|(_, keys)| keys.contains(&key)).map(|(section, _)| *section).collect();
    match sections.as_slice() {
        [""] => {
            return String::from(
                "has no place here; write it at the top of the file, above the first [section]",
            );
        }
        [home] if LISTS.contains(home) => return format!("has no place here; write it under [[{home}]]"),
        [home] if !home.contains('.') => return format!("has no place here; write it under [{home}]"),
        _ => {}
    }
    match nearest(key, candidates(section)) {
        Some(key) => format!("there is no such key; write {key} instead"),
        None => {
            let all: Vec<_> = candidates(section).collect();
            format!("there is no such key; write one of {}", all.join(", "))
        }
    }
}

/// The keys of a section and, at the top, the sections.
fn candidates(section: &str) -> impl Iterator<Item = &'static str> {
    let keys = SECTIONS.iter().filter(move |(s, _)| *s == section).flat_map(|(_, keys)| keys.iter().copied());
    let below = SECTIONS
        .iter()
        .map(|(s, _)| *s)
        .filter(move |s| section.is_empty() && !s.is_empty() && !s.contains('.'));
    keys.chain(below)
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_for_a_key_in_the_wrong_section_names_the_right_one() {
        assert!(suggest_instead("", "max_tokens").contains("under [defaults]"));
        assert!(suggest_instead("log", "listen").contains("top of the file"));
        assert!(suggest_instead("", "base_url").contains("under [[upstream]]"));
    }

    #[test]
    fn misspelt_key_or_section_gets_a_correction() {
        assert!(suggest_instead("retry", "attemps").contains("write attempts instead"));
        assert!(suggest_instead("", "timeout").contains("write timeouts instead"));
        assert!(suggest_instead("cors", "zzz").contains("one of origins"));
    }
}

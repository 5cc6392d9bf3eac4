//! Paths and queries of requests: path patterns matched, segments percent-decoded, parameters read.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The placeholder at the end of a pattern that stands for nothing, or for a slash and any text behind it.
const OPTIONAL_REST: &str = "{/rest}";

/// Matches a path against a pattern with at most one placeholder `{…}`, which stands for any non-empty text, slashes
/// included; `{/rest}` at the end also stands for nothing. Returns the text of the placeholder, or an empty one if the pattern has
/// none.
pub(super) fn match_pattern<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    if let Some(before) = pattern.strip_suffix(OPTIONAL_REST) {
        return path.strip_prefix(before).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    }
    let Some((before, rest)) = pattern.split_once('{') else { return (pattern == path).then_some("") };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    path.strip_prefix(before)?.strip_suffix(after).filter(|name| !name.is_empty())
}

/// Splits a path from its query; the query keeps its question mark and is empty if there is none.
pub(crate) fn split_query(path: &str) -> (&str, &str) {
    path.split_at(path.find('?').unwrap_or(path.len()))
}

/// Percent-decodes a part of a path or query; what decodes to no UTF-8 stays as it is.
pub fn percent_decode(text: &str) -> String {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns the decoded value of a query's parameter; `None` if it is absent or empty.
pub fn query_param(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode(value))
        .filter(|value| !value.is_empty())
}

/// Characters that are percent-encoded in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a query in which a parameter has another value; all else stays as it is.
///
/// ```
/// use openai_shim_core::dialect::url::with_query_param;
/// assert_eq!(with_query_param("a=1&model=m&b", "model", "x/y"), "a=1&model=x%2Fy&b");
/// ```
pub fn with_query_param(query: &str, name: &str, value: &str) -> String {
    let replace = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if key == name => format!("{key}={}", utf8_percent_encode(value, ESCAPED)),
        _ => pair.to_owned(),
    };
    query.split('&').map(replace).collect::<Vec<_>>().join("&")
}

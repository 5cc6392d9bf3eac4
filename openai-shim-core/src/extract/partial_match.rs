//! Finds the first of several strings in a text that arrives in parts, and where a partial match may begin.

use memchr::{memchr_iter, memmem};
use std::ops::Range;

/// Returns the range of the needle that ends first; of several with the same end, the longest.
pub(super) fn find_first<S: AsRef<str>>(text: &str, needles: &[S]) -> Option<Range<usize>> {
    let mut first: Option<Range<usize>> = None;
    for needle in needles.iter().map(AsRef::as_ref) {
        let Some(start) = memmem::find(text.as_bytes(), needle.as_bytes()) else { continue };
        let end = start + needle.len();
        if first.as_ref().is_none_or(|best| end < best.end || (end == best.end && start < best.start)) {
            first = Some(start..end);
        }
    }
    first
}

/// Returns the start of the longest suffix of the text that more text may complete to a needle; the text's length if there is
/// none.
pub(super) fn partial_match_start<S: AsRef<str>>(text: &str, needles: &[S]) -> usize {
    let bytes = text.as_bytes();
    let mut start = bytes.len();
    for needle in needles.iter().map(|n| n.as_ref().as_bytes()) {
        let Some(&first) = needle.first() else { continue };
        let tail_start = bytes.len().saturating_sub(needle.len() - 1);
        let tail = bytes.get(tail_start..).unwrap_or_default();
        let found =
            memchr_iter(first, tail).find(|&at| needle.starts_with(tail.get(at..).unwrap_or_default()));
        start = start.min(found.map_or(start, |at| tail_start + at));
    }
    start
}

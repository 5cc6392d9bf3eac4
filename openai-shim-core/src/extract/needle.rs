//! Finding one of a few strings in a text that comes in parts.

use memchr::{memchr_iter, memmem};

/// Where the needle stands that is complete first; of several that end together, the longest.
pub(super) fn first<S: AsRef<str>>(text: &str, needles: &[S]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    for needle in needles.iter().map(AsRef::as_ref) {
        let Some(start) = memmem::find(text.as_bytes(), needle.as_bytes()) else { continue };
        let end = start + needle.len();
        if best.is_none_or(|(s, e)| end < e || (end == e && start < s)) {
            best = Some((start, end));
        }
    }
    best
}

/// From where on the text may still become one of the needles; its length if from nowhere.
pub(super) fn open_end<S: AsRef<str>>(text: &str, needles: &[S]) -> usize {
    let bytes = text.as_bytes();
    let mut open = bytes.len();
    for needle in needles.iter().map(|n| n.as_ref().as_bytes()) {
        let Some(&head) = needle.first() else { continue };
        let from = bytes.len().saturating_sub(needle.len() - 1);
        let tail = bytes.get(from..).unwrap_or_default();
        let found =
            memchr_iter(head, tail).find(|&at| needle.starts_with(tail.get(at..).unwrap_or_default()));
        open = open.min(found.map_or(open, |at| from + at));
    }
    open
}

//! What changes about a schema: whether it means the same, and what it lost.

use std::collections::BTreeSet;

/// The changes of one schema.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) is_changed: bool,
    /// The keywords whose meaning was lost, each once, in order of their first occurrence.
    pub(super) lost: Vec<String>,
    known: BTreeSet<String>,
}

/// How many lost keywords are listed.
const MAX_LOST: usize = 64;

impl Changes {
    /// Marks a change that loses nothing.
    pub(super) fn mark(&mut self) {
        self.is_changed = true;
    }

    /// Marks a change that loses what a keyword means.
    pub(super) fn lose(&mut self, keyword: &str) {
        self.is_changed = true;
        if self.lost.len() < MAX_LOST && self.known.insert(keyword.to_owned()) {
            self.lost.push(keyword.to_owned());
        }
    }
}

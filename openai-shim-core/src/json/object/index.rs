//! Where the members of a large object stand, so that none is looked for from the beginning.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How many members an object has that is worth an index.
pub(super) const LARGE: usize = 64;

/// The place of the last member of each key; made when it is first needed.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(OnceLock<Box<Places>>);

#[derive(Debug, Clone, Default)]
struct Places {
    /// The places of the members that were there when the index was made, by their keys.
    sorted: Vec<usize>,
    /// The places of those that were added since.
    added: BTreeMap<Box<str>, usize>,
}

impl Index {
    /// Where the last member of this key stands.
    pub(super) fn find(&self, members: &[(Cow<'_, str>, Cow<'_, str>)], key: &str) -> Option<usize> {
        let key_at = |at: usize| members.get(at).map(|(key, _)| key.as_ref());
        let places = self.0.get_or_init(|| {
            let mut sorted: Vec<usize> = (0..members.len()).collect();
            sorted.sort_unstable_by(|a, b| key_at(*a).cmp(&key_at(*b)).then(a.cmp(b)));
            Box::new(Places { sorted, added: BTreeMap::new() })
        });
        if let Some(at) = places.added.get(key) {
            return Some(*at);
        }
        let behind = places.sorted.partition_point(|at| key_at(*at) <= Some(key));
        let last = places.sorted.get(behind.checked_sub(1)?).copied();
        last.filter(|at| key_at(*at) == Some(key))
    }

    /// Takes a member into account that is put at the end.
    pub(super) fn add(&mut self, key: &str, at: usize) {
        if let Some(places) = self.0.get_mut() {
            places.added.insert(key.into(), at);
        }
    }
}

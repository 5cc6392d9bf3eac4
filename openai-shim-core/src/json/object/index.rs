//! Where the members of a large object stand, so that none is looked for from the beginning.

use rapidhash::fast::RapidHasher;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::OnceLock;

/// How many members an object has that is worth an index.
pub(super) const LARGE: usize = 64;

/// The place of the last member of each key; made when it is first needed.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(OnceLock<Box<Places>>);

#[derive(Debug, Clone, Default)]
struct Places {
    /// The members that were there when the index was made: the digests of their keys, in order, and their places. Equal
    /// digests stand in the order of their keys, so that keys of one digest are no longer a search than others.
    sorted: Vec<(u64, usize)>,
    /// The places of those that were added since.
    added: BTreeMap<Box<str>, usize>,
}

impl Index {
    /// Where the last member of this key stands.
    pub(super) fn find(&self, members: &[(Cow<'_, str>, Cow<'_, str>)], key: &str) -> Option<usize> {
        let key_at = |at: usize| members.get(at).map(|(key, _)| key.as_ref());
        let places = self.0.get_or_init(|| {
            let digests = members.iter().map(|(key, _)| digest(key));
            let mut sorted: Vec<(u64, usize)> = digests.zip(0..).collect();
            sorted.sort_unstable_by(|(a, i), (b, k)| {
                a.cmp(b).then_with(|| key_at(*i).cmp(&key_at(*k))).then(i.cmp(k))
            });
            Box::new(Places { sorted, added: BTreeMap::new() })
        });
        if let Some(at) = places.added.get(key) {
            return Some(*at);
        }
        let own = digest(key);
        let behind = places.sorted.partition_point(|(digest, at)| {
            digest.cmp(&own).then_with(|| key_at(*at).cmp(&Some(key))) != Ordering::Greater
        });
        let (_, last) = *places.sorted.get(behind.checked_sub(1)?)?;
        (key_at(last) == Some(key)).then_some(last)
    }

    /// Takes a member into account that is put at the end.
    pub(super) fn add(&mut self, key: &str, at: usize) {
        if let Some(places) = self.0.get_mut() {
            places.added.insert(key.into(), at);
        }
    }
}

fn digest(key: &str) -> u64 {
    let mut hasher = RapidHasher::default_const();
    hasher.write(key.as_bytes());
    hasher.finish()
}

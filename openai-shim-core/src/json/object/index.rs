//! Index of a large object's members by key: a lookup does not scan the members.

use rapidhash::fast::RapidHasher;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::OnceLock;

/// The number of members from which an object is indexed.
pub(super) const MIN_MEMBERS: usize = 64;

/// The position of the last member with each key, built on the first lookup.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(OnceLock<Box<Positions>>);

#[derive(Debug, Clone, Default)]
struct Positions {
    /// The members that existed when the index was built: key digests and positions, sorted by digest, then key, then
    /// position. The order by key keeps a lookup fast even when many keys have the same digest.
    sorted: Vec<(u64, usize)>,
    /// The positions of members that were appended later.
    added: BTreeMap<Box<str>, usize>,
}

impl Index {
    /// Returns the position of the last member with this key.
    pub(super) fn find(&self, members: &[(Cow<'_, str>, Cow<'_, str>)], key: &str) -> Option<usize> {
        let key_at = |position: usize| members.get(position).map(|(key, _)| key.as_ref());
        let positions = self.0.get_or_init(|| {
            let sorted = sort_by_digest(members);
            Box::new(Positions { sorted, added: BTreeMap::new() })
        });
        if let Some(position) = positions.added.get(key) {
            return Some(*position);
        }
        let key_digest = digest(key);
        let next = positions.sorted.partition_point(|(digest, position)| {
            digest.cmp(&key_digest).then_with(|| key_at(*position).cmp(&Some(key))) != Ordering::Greater
        });
        let (_, last) = *positions.sorted.get(next.checked_sub(1)?)?;
        (key_at(last) == Some(key)).then_some(last)
    }

    /// Records a member that was appended.
    pub(super) fn add(&mut self, key: &str, position: usize) {
        if let Some(positions) = self.0.get_mut() {
            positions.added.insert(key.into(), position);
        }
    }
}

fn digest(key: &str) -> u64 {
    let mut hasher = RapidHasher::default_const();
    hasher.write(key.as_bytes());
    hasher.finish()
}

/// Returns the digests and positions of all members, sorted. A bucket sort by the first bits of the digests, with about one
/// bucket for each member, takes constant time for each; the members of one bucket are then sorted by comparison.
fn sort_by_digest(members: &[(Cow<'_, str>, Cow<'_, str>)]) -> Vec<(u64, usize)> {
    let entries = || members.iter().map(|(key, _)| digest(key)).zip(0..);
    let bits = (usize::BITS - members.len().leading_zeros()).max(1);
    let bucket = |digest: u64| usize::try_from(digest >> (u64::BITS - bits)).unwrap_or_default();
    let mut starts = vec![0; 1 << bits];
    for (digest, _) in entries() {
        if let Some(count) = starts.get_mut(bucket(digest)) {
            *count += 1;
        }
    }
    let mut start = 0;
    for count in &mut starts {
        start += std::mem::replace(count, start);
    }
    let mut sorted = vec![(0, 0); members.len()];
    for entry in entries() {
        let Some(next) = starts.get_mut(bucket(entry.0)) else { continue };
        if let Some(slot) = sorted.get_mut(*next) {
            *slot = entry;
        }
        *next += 1;
    }
    let key_at = |position: usize| members.get(position).map(|(key, _)| key.as_ref());
    let (mut unsorted, mut begin) = (sorted.as_mut_slice(), 0);
    // The loop above has advanced each bucket's start to its end.
    for end in starts {
        let Some((bucket, others)) = std::mem::take(&mut unsorted).split_at_mut_checked(end - begin) else {
            break;
        };
        bucket.sort_unstable_by(|(a, i), (b, k)| {
            a.cmp(b).then_with(|| key_at(*i).cmp(&key_at(*k))).then(i.cmp(k))
        });
        (unsorted, begin) = (others, end);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_member_of_each_key_is_found_in_objects_of_any_size() {
        for n in [1, 2, 63, 64, 65, 1000, 4096] {
            let key = |i: usize| format!("k{}", i * 7 % (n / 2 + 1));
            let members: Vec<(Cow<'_, str>, Cow<'_, str>)> =
                (0..n).map(|i| (key(i).into(), "1".into())).collect();
            let index = Index::default();
            for i in 0..n {
                let last = (0..n).rfind(|k| key(*k) == key(i));
                assert_eq!(index.find(&members, &key(i)), last, "{i} of {n}");
            }
            assert_eq!(index.find(&members, "none"), None);
        }
    }
}

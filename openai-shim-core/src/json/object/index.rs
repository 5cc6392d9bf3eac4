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
            let sorted = sorted(members);
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

/// The digests and places of all members, in order. They are put into as many buckets as there are members by the first bits
/// of their digests, which costs the same for each; what shares a bucket is sorted there.
fn sorted(members: &[(Cow<'_, str>, Cow<'_, str>)]) -> Vec<(u64, usize)> {
    let all = || members.iter().map(|(key, _)| digest(key)).zip(0..);
    let bits = (usize::BITS - members.len().leading_zeros()).max(1);
    let bucket = |digest: u64| usize::try_from(digest >> (u64::BITS - bits)).unwrap_or_default();
    let mut starts = vec![0; 1 << bits];
    for (digest, _) in all() {
        if let Some(count) = starts.get_mut(bucket(digest)) {
            *count += 1;
        }
    }
    let mut start = 0;
    for count in &mut starts {
        start += std::mem::replace(count, start);
    }
    let mut sorted = vec![(0, 0); members.len()];
    for member in all() {
        let Some(next) = starts.get_mut(bucket(member.0)) else { continue };
        if let Some(place) = sorted.get_mut(*next) {
            *place = member;
        }
        *next += 1;
    }
    let key_at = |at: usize| members.get(at).map(|(key, _)| key.as_ref());
    let (mut rest, mut begin) = (sorted.as_mut_slice(), 0);
    // Each start has become the end.
    for end in starts {
        let Some((bucket, others)) = std::mem::take(&mut rest).split_at_mut_checked(end - begin) else {
            break;
        };
        bucket.sort_unstable_by(|(a, i), (b, k)| {
            a.cmp(b).then_with(|| key_at(*i).cmp(&key_at(*k))).then(i.cmp(k))
        });
        (rest, begin) = (others, end);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_member_of_each_key_is_found_in_objects_of_every_size() {
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

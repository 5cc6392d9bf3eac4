//! Tracks the least recently used of many keys.

use std::collections::BTreeMap;

/// Keys in the order of their last uses. Each use has a number, which the caller stores with its value to find the key again.
#[derive(Debug)]
pub(crate) struct Recency<K> {
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

impl<K> Default for Recency<K> {
    fn default() -> Self {
        Self { by_use: BTreeMap::new(), uses: 0 }
    }
}

impl<K> Recency<K> {
    /// Adds a key as the most recently used; returns the number of this use.
    pub(crate) fn add(&mut self, key: K) -> u64 {
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.uses
    }

    /// Makes a key the most recently used; updates its number.
    pub(crate) fn touch(&mut self, used: &mut u64) {
        if let Some(key) = self.by_use.remove(used) {
            *used = self.add(key);
        }
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, used: u64) {
        self.by_use.remove(&used);
    }

    /// The least recently used key.
    pub(crate) fn oldest(&self) -> Option<&K> {
        self.by_use.values().next()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_use.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<K> Recency<K> {
        pub(crate) fn len(&self) -> usize {
            self.by_use.len()
        }
    }

    #[test]
    fn touched_key_is_no_longer_the_oldest() {
        let mut recency = Recency::default();
        let (mut a, b) = (recency.add("a"), recency.add("b"));
        assert_eq!(recency.oldest(), Some(&"a"));
        recency.touch(&mut a);
        assert_eq!(recency.oldest(), Some(&"b"));
        recency.remove(b);
        assert_eq!(recency.oldest(), Some(&"a"));
        recency.remove(a);
        assert!(recency.is_empty());
    }
}

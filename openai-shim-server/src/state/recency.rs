//! Which of many things was used least lately.

use std::collections::BTreeMap;

/// Things in the order of their last uses. Each use has a number, by which whoever keeps the thing finds it here.
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
    /// Adds a thing, which is used now; the number of that use.
    pub(crate) fn add(&mut self, thing: K) -> u64 {
        self.uses += 1;
        self.by_use.insert(self.uses, thing);
        self.uses
    }

    /// A thing is used again: its number changes.
    pub(crate) fn touch(&mut self, used: &mut u64) {
        if let Some(thing) = self.by_use.remove(used) {
            *used = self.add(thing);
        }
    }

    /// Takes a thing out.
    pub(crate) fn remove(&mut self, used: u64) {
        self.by_use.remove(&used);
    }

    /// The thing that was not used for the longest time.
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
    fn what_is_used_again_is_no_longer_the_oldest() {
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

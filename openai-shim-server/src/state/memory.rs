//! The in-memory store: bounded in entries and bytes, fair between owners.

use crate::state::recency::Recency;
use async_trait::async_trait;
use bytes::Bytes;
use openai_shim_core::state::{Owner, StateEntry, StateKey};
use openai_shim_core::upstream::{StateError, StateStore};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most entries.
const MAX_ENTRIES: usize = 50_000;
/// The most bytes of all entries.
const MAX_BYTES: usize = 128 << 20;
/// The most bytes of one entry.
const MAX_ENTRY_BYTES: usize = 8 << 20;
/// About how many bytes an entry takes besides value and id.
const OVERHEAD_BYTES: usize = 256;

/// A bounded store in this process. When it is full, the owner with the most bytes loses its least recently used entry: an
/// owner that stores much cannot evict the entries of others.
#[derive(Debug)]
pub(crate) struct MemoryStore(Mutex<Entries>);

#[derive(Debug)]
struct Entries {
    /// The most entries and bytes.
    limits: (usize, usize),
    by_key: HashMap<StateKey, Entry>,
    owners: BTreeMap<Owner, Share>,
    /// Owners ordered by their bytes.
    by_bytes: BTreeSet<(usize, Owner)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Bytes,
    size: usize,
    /// The number of the last use, for [`Recency`].
    last_use: u64,
    expires: Option<Instant>,
}

/// What one owner stores.
#[derive(Debug, Default)]
struct Share {
    keys: Recency<StateKey>,
    bytes: usize,
}

impl Entries {
    fn get(&mut self, key: &StateKey, now: Instant) -> Option<Bytes> {
        let entry = self.by_key.get_mut(key)?;
        if entry.expires.is_some_and(|expires| expires <= now) {
            self.remove(key);
            return None;
        }
        self.owners.get_mut(&key.owner)?.keys.touch(&mut entry.last_use);
        Some(entry.value.clone())
    }

    fn insert(&mut self, key: StateKey, value: Bytes, expires: Option<Instant>) {
        self.remove(&key);
        let size = value.len() + 2 * key.id.len() + OVERHEAD_BYTES;
        let last_use = self.change_share(&key.owner, |share| {
            share.bytes += size;
            share.keys.add(key.clone())
        });
        self.bytes += size;
        self.by_key.insert(key, Entry { value, size, last_use, expires });
    }

    fn remove(&mut self, key: &StateKey) {
        let Some(entry) = self.by_key.remove(key) else { return };
        self.bytes = self.bytes.saturating_sub(entry.size);
        self.change_share(&key.owner, |share| {
            share.keys.remove(entry.last_use);
            share.bytes = share.bytes.saturating_sub(entry.size);
        });
    }

    /// Changes an owner's share, and updates its place in `by_bytes`.
    fn change_share<T>(&mut self, owner: &Owner, change: impl FnOnce(&mut Share) -> T) -> T {
        let mut share = self.owners.remove(owner).unwrap_or_default();
        self.by_bytes.remove(&(share.bytes, owner.clone()));
        let result = change(&mut share);
        if !share.keys.is_empty() {
            self.by_bytes.insert((share.bytes, owner.clone()));
            self.owners.insert(owner.clone(), share);
        }
        result
    }

    /// Evicts entries until both limits hold.
    fn evict(&mut self) {
        while self.by_key.len() > self.limits.0 || self.bytes > self.limits.1 {
            let Some((_, owner)) = self.by_bytes.last() else { break };
            let oldest = self.owners.get(owner).and_then(|share| share.keys.oldest().cloned());
            let Some(oldest) = oldest else { break };
            self.remove(&oldest);
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::bounded(MAX_ENTRIES, MAX_BYTES)
    }
}

impl MemoryStore {
    /// A store of at most so many entries and bytes.
    pub(crate) fn bounded(max_entries: usize, max_bytes: usize) -> Self {
        Self(Mutex::new(Entries {
            limits: (max_entries, max_bytes),
            by_key: HashMap::new(),
            owners: BTreeMap::new(),
            by_bytes: BTreeSet::new(),
            bytes: 0,
        }))
    }

    /// A lock poisoned by a panic stays usable: an interrupted change spoils at most the order of eviction.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, key: StateKey, value: Bytes, lifetime: Duration) -> Result<(), StateError> {
        if value.len() > MAX_ENTRY_BYTES {
            let size = value.len();
            return Err(StateError::new(format!(
                "{size} bytes are more than {MAX_ENTRY_BYTES}, the most that is kept"
            )));
        }
        let mut entries = self.entries();
        entries.insert(key, value, Instant::now().checked_add(lifetime));
        entries.evict();
        Ok(())
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let now = Instant::now();
        let mut entries = self.entries();
        Ok(keys.iter().map(|key| entries.get(key, now)).collect())
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        let mut result = Ok(());
        for entry in entries {
            result = result.and(self.insert(entry.key, entry.value, entry.lifetime));
        }
        result
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        let mut entries = self.entries();
        for key in keys {
            entries.remove(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_shim_core::state::StateKind;

    const HOUR: Duration = Duration::from_secs(3600);

    fn key(owner: &Owner, id: impl ToString) -> StateKey {
        StateKey::new(owner.clone(), StateKind::Turn, 0, id.to_string())
    }

    fn has(store: &MemoryStore, key: &StateKey) -> bool {
        store.entries().get(key, Instant::now()).is_some()
    }

    #[test]
    fn full_store_evicts_the_least_recently_used_entry() {
        let (store, owner) = (MemoryStore::default(), Owner::single());
        for n in 0..MAX_ENTRIES {
            store.insert(key(&owner, n), Bytes::from_static(b"x"), HOUR).unwrap();
        }
        assert!(has(&store, &key(&owner, 0)));
        for n in MAX_ENTRIES..MAX_ENTRIES + 5 {
            store.insert(key(&owner, n), Bytes::from_static(b"x"), HOUR).unwrap();
        }
        // Entry 0 was read in between.
        let left = [0, 1, 5, 6].map(|n| has(&store, &key(&owner, n)));
        assert_eq!((left, store.entries().by_key.len()), ([true, false, false, true], MAX_ENTRIES));
        let large = Bytes::from(vec![b'y'; MAX_ENTRY_BYTES]);
        for n in 0..40 {
            store.insert(key(&owner, format!("large {n}")), large.clone(), HOUR).unwrap();
        }
        assert!(store.entries().bytes <= MAX_BYTES);
        assert!(!has(&store, &key(&owner, "large 0")) && has(&store, &key(&owner, "large 39")));
        let error = store.insert(key(&owner, "huge"), Bytes::from(vec![0; MAX_ENTRY_BYTES + 1]), HOUR);
        assert!(error.unwrap_err().message.contains("the most that is kept"));
    }

    #[test]
    fn owner_with_many_entries_evicts_only_its_own() {
        let store = MemoryStore::default();
        let (small, greedy) = (Owner::new("small"), Owner::new("greedy"));
        store.insert(key(&small, "old"), Bytes::from_static(b"x"), HOUR).unwrap();
        for n in 0..2 * MAX_ENTRIES {
            store.insert(key(&greedy, n), Bytes::from_static(b"some more"), HOUR).unwrap();
        }
        assert!(has(&store, &key(&small, "old")));
        assert_eq!(store.entries().by_key.len(), MAX_ENTRIES);
    }

    #[test]
    fn stored_entry_replaces_the_old_one_and_removed_or_expired_entries_are_gone() {
        let (store, owner) = (MemoryStore::default(), Owner::single());
        store.insert(key(&owner, "a"), Bytes::from_static(b"one"), HOUR).unwrap();
        store.insert(key(&owner, "a"), Bytes::from_static(b"three"), HOUR).unwrap();
        let one = 5 + 2 + OVERHEAD_BYTES;
        let mut entries = store.entries();
        assert_eq!((entries.bytes, entries.by_key.len()), (one, 1));
        entries.remove(&key(&owner, "a"));
        drop(entries);
        store.insert(key(&owner, "b"), Bytes::from_static(b"x"), Duration::ZERO).unwrap();
        assert!(!has(&store, &key(&owner, "a")) && !has(&store, &key(&owner, "b")));
        let entries = store.entries();
        assert_eq!((entries.bytes, entries.owners.len(), entries.by_bytes.len()), (0, 0, 0));
    }
}

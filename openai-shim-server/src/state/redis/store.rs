//! The store at a server: entries in, encrypted values with a lifetime out. Each command has one key, so that a proxy may spread
//! them over the nodes of a cluster.

use super::{Operation, Redis};
use crate::observe::throttled_log::LogThrottle;
use crate::state::owner::FormerOwners;
use crate::state::sealed::{Sealer, Unreadable};
use ::redis::{Value, pipe};
use async_trait::async_trait;
use bytes::Bytes;
use openai_shim_core::state::{StateEntry, StateKey};
use openai_shim_core::upstream::{StateError, StateStore};

/// The most bytes of one entry.
const MAX_ENTRY_BYTES: usize = 8 << 20;

/// A store that replicas share.
#[derive(Debug)]
pub(crate) struct RedisStore {
    redis: Redis,
    sealer: Sealer,
    former_owners: FormerOwners,
    unreadable: LogThrottle,
}

impl RedisStore {
    pub(crate) fn new(redis: Redis, sealer: Sealer, former_owners: FormerOwners) -> Self {
        Self { redis, sealer, former_owners, unreadable: LogThrottle::new() }
    }

    /// The names of a key at the server: its own, and those from before the secret was changed.
    fn names(&self, key: &StateKey) -> impl Iterator<Item = String> {
        let former = self.former_owners.get(&key.owner).into_iter().flatten();
        let former = former.map(|owner| StateKey { owner: owner.clone(), ..key.clone() });
        std::iter::once(key.clone()).chain(former).map(|key| self.redis.key(&key))
    }

    /// A value that cannot be read counts as absent.
    fn open(&self, name: &str, kept: Vec<u8>) -> Option<Bytes> {
        self.sealer.open(name, kept).map_err(|fault| self.log_unreadable(fault)).ok()
    }

    fn log_unreadable(&self, fault: Unreadable) {
        if self.unreadable.allow() {
            tracing::warn!(store = %self.redis.config(), reason = fault.explain(), "a stored value cannot be read");
        }
    }
}

#[async_trait]
impl StateStore for RedisStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let mut values = vec![None; keys.len()];
        let mut commands = pipe();
        let mut names = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            for name in self.names(key) {
                commands.cmd("GET").arg(&name);
                names.push((index, name));
            }
        }
        if names.is_empty() {
            return Ok(values);
        }
        let replies = self.redis.query(Operation::Load, &commands).await?;
        for ((index, name), reply) in names.iter().zip(replies) {
            if let (Value::BulkString(kept), Some(value @ None)) = (reply, values.get_mut(*index)) {
                *value = self.open(name, kept);
            }
        }
        Ok(values)
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        let mut commands = pipe();
        for entry in &entries {
            let size = entry.value.len();
            if size > MAX_ENTRY_BYTES {
                let what = format!("{size} bytes are more than {MAX_ENTRY_BYTES}, the most that is kept");
                return Err(StateError::new(what));
            }
            let name = self.redis.key(&entry.key);
            let kept = self.sealer.seal(&name, &entry.value);
            let kept = kept.ok_or_else(|| StateError::new("the system gave no random numbers"))?;
            let seconds = entry.lifetime.as_secs().max(1);
            commands.cmd("SET").arg(name).arg(kept).arg("EX").arg(seconds);
        }
        if !entries.is_empty() {
            self.redis.query(Operation::Store, &commands).await?;
        }
        Ok(())
    }

    async fn remove(&self, keys: &[StateKey]) -> Result<(), StateError> {
        let mut commands = pipe();
        for name in keys.iter().flat_map(|key| self.names(key)) {
            commands.cmd("DEL").arg(name);
        }
        if !keys.is_empty() {
            self.redis.query(Operation::Remove, &commands).await?;
        }
        Ok(())
    }
}

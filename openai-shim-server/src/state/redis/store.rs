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
/// The most bytes of all entries that one request loads, and so of one reply: all requests share a connection.
const MAX_LOAD_BYTES: usize = 32 << 20;
/// The most keys that one request loads.
const MAX_KEYS: usize = 1 << 16;

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

    /// Reads what is stored under these names: in one round trip, in which each value has an equal share of the most bytes
    /// of a reply, and one more for each value that is longer than that.
    async fn read(&self, names: &[(usize, String)]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        if names.len() > MAX_KEYS {
            return Err(StateError::new(format!("the request refers to more than {MAX_KEYS} entries")));
        }
        let Some(share) = MAX_LOAD_BYTES.checked_div(names.len()) else { return Ok(Vec::new()) };
        let mut commands = pipe();
        for (_, name) in names {
            commands.cmd("GETRANGE").arg(name).arg(0).arg(share - 1);
        }
        let deadline = self.redis.deadline();
        let replies = self.redis.query_until(Operation::Load, &commands, deadline).await?;
        let mut values: Vec<Option<Vec<u8>>> = replies.into_iter().map(stored).collect();
        let mut left = MAX_LOAD_BYTES;
        for ((_, name), value) in names.iter().zip(&mut values) {
            let Some(value) = value.as_mut().filter(|value| value.len() >= share) else { continue };
            let mut command = pipe();
            command.cmd("GETRANGE").arg(name).arg(share).arg(share + left - 1);
            let rest = self.redis.query_until(Operation::Load, &command, deadline).await?;
            let rest = rest.into_iter().find_map(stored).unwrap_or_default();
            left = left.checked_sub(rest.len()).filter(|left| *left > 0).ok_or_else(|| {
                StateError::new(format!("the request refers to more than {MAX_LOAD_BYTES} bytes of entries"))
            })?;
            value.extend(rest);
        }
        Ok(values)
    }

    /// A value that cannot be read counts as absent.
    fn open(&self, name: &str, stored: Vec<u8>) -> Option<Bytes> {
        self.sealer.open(name, stored).map_err(|fault| self.log_unreadable(fault)).ok()
    }

    fn log_unreadable(&self, fault: Unreadable) {
        if self.unreadable.allow() {
            tracing::warn!(store = %self.redis.config(), reason = fault.explain(), "a stored value cannot be read");
        }
    }
}

/// A part of a value; there is no empty value.
fn stored(reply: Value) -> Option<Vec<u8>> {
    match reply {
        Value::BulkString(bytes) if !bytes.is_empty() => Some(bytes),
        _ => None,
    }
}

#[async_trait]
impl StateStore for RedisStore {
    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        let mut values = vec![None; keys.len()];
        let names: Vec<(usize, String)> = keys
            .iter()
            .enumerate()
            .flat_map(|(at, key)| self.names(key).map(move |name| (at, name)))
            .collect();
        for ((at, name), stored) in names.iter().zip(self.read(&names).await?) {
            if let (Some(stored), Some(value @ None)) = (stored, values.get_mut(*at)) {
                *value = self.open(name, stored);
            }
        }
        Ok(values)
    }

    async fn store(&self, entries: Vec<StateEntry>) -> Result<(), StateError> {
        let mut commands = pipe();
        for entry in &entries {
            let size = entry.value.len();
            if size > MAX_ENTRY_BYTES {
                let what = format!("{size} bytes are more than {MAX_ENTRY_BYTES}, the most that is stored");
                return Err(StateError::new(what));
            }
            let name = self.redis.key(&entry.key);
            let stored = self.sealer.seal(&name, &entry.value);
            let stored = stored.ok_or_else(|| StateError::new("the system gave no random numbers"))?;
            let seconds = entry.lifetime.as_secs().max(1);
            commands.cmd("SET").arg(name).arg(stored).arg("EX").arg(seconds);
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

//! The counters of all keys by name, which outlive a configuration; and the keys of one configuration with them.

use super::named_key::{KeyCounters, NamedKey};
use super::shared::SharedCounters;
use crate::config::ClientKey;
use crate::state::redis::Redis;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counters of all keys by name. The keys of a new configuration continue with those of the old one.
#[derive(Debug, Default)]
pub(crate) struct KeyRegistry(Mutex<BTreeMap<String, Arc<KeyCounters>>>);

/// The keys of a configuration, in its order. Counters of keys that it does not have are forgotten. `redis`: where replicas
/// share what they decide from.
pub(crate) fn named_keys(
    registry: &KeyRegistry,
    keys: &[ClientKey],
    redis: Option<&Redis>,
) -> Vec<Arc<NamedKey>> {
    let mut counters = registry.0.lock().unwrap_or_else(PoisonError::into_inner);
    counters.retain(|name, _| keys.iter().any(|key| key.name == *name));
    let shared = redis.map(|redis| SharedCounters::new(redis.clone()));
    let named = keys.iter().map(|key| {
        let counters = counters.entry(key.name.clone()).or_default().clone();
        Arc::new(NamedKey::new(key, counters, shared.clone()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::super::admission::Admission;
    use super::super::decision::{Demand, LimitKind, Refused};
    use super::*;
    use crate::config::Secret;

    fn key(name: &str, requests: u64, concurrent: u64) -> ClientKey {
        ClientKey {
            name: name.to_owned(),
            key: Secret::new(name),
            models: Vec::new(),
            requests_per_minute: Some(requests),
            tokens_per_minute: None,
            concurrent: Some(concurrent),
        }
    }

    async fn admit(key: &Arc<NamedKey>) -> Result<Admission, Refused> {
        Admission::of(key.clone(), Demand::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn reload_keeps_the_counters_of_a_key_and_changes_its_numbers() {
        let registry = KeyRegistry::default();
        let before = named_keys(&registry, &[key("a", 4, 2), key("b", 4, 2)], None);
        let first = admit(&before[0]).await.unwrap();
        let _second = admit(&before[0]).await.unwrap();
        let after = named_keys(&registry, &[key("new", 4, 2), key("a", 8, 3)], None);
        // Half of the minute was used, of whatever limit; two requests are open.
        let third = admit(&after[1]).await.unwrap();
        assert_eq!(third.standing().requests.unwrap().remaining, 3);
        assert_eq!(admit(&after[1]).await.unwrap_err().limit, LimitKind::Concurrent);
        drop(first);
        assert!(admit(&after[1]).await.is_ok());
        // A key that was away begins anew.
        let again = named_keys(&registry, &[key("b", 4, 2)], None);
        assert_eq!(admit(&again[0]).await.unwrap().standing().requests.unwrap().remaining, 3);
    }
}

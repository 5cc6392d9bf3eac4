//! A state store for tests, and exchanges that use it.

use bytes::Bytes;
use openai_shim_core::exchange::{ClientRequest, Settings, Step, Target};
use openai_shim_core::state::Owner;
use openai_shim_core::{Context, Error, Exchange};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

/// All stored values, by the text of their keys.
#[derive(Debug, Default)]
pub struct TestStore {
    entries: Mutex<BTreeMap<String, Bytes>>,
    loads: Mutex<Vec<usize>>,
}

impl TestStore {
    /// Answers all state steps of an exchange and returns its next other step.
    pub fn next(&self, exchange: &mut Exchange) -> Step {
        loop {
            match exchange.next() {
                Step::Load(keys) => {
                    self.loads.lock().unwrap().push(keys.len());
                    let entries = self.entries.lock().unwrap();
                    let values = keys.iter().map(|key| entries.get(&key.to_string()).cloned()).collect();
                    drop(entries);
                    exchange.provide(values).unwrap();
                }
                Step::Store(stored) => {
                    let stored = stored.into_iter().map(|entry| (entry.key.to_string(), entry.value));
                    self.entries.lock().unwrap().extend(stored);
                }
                step => return step,
            }
        }
    }

    /// Returns all stored keys and values.
    pub fn entries(&self) -> Vec<(String, String)> {
        let entries = self.entries.lock().unwrap();
        entries
            .iter()
            .map(|(key, value)| (key.clone(), String::from_utf8_lossy(value).into_owned()))
            .collect()
    }

    /// Returns the number of keys of each load.
    pub fn loads(&self) -> Vec<usize> {
        self.loads.lock().unwrap().clone()
    }
}

/// Settings with a store and an owner.
#[derive(Debug, Clone)]
pub struct Setup {
    pub settings: Settings,
    pub store: Option<Arc<TestStore>>,
    pub owner: Owner,
}

impl Setup {
    pub fn new(settings: Settings, store: Option<Arc<TestStore>>) -> Self {
        Self { settings, store, owner: Owner::single() }
    }

    pub fn start(&self, incoming: ClientRequest, target: impl Into<Target>) -> Result<Exchange, Error> {
        let incoming = match &self.store {
            Some(_) => incoming.with_owner(self.owner.clone()),
            None => incoming,
        };
        Exchange::start(incoming, target.into(), self.settings.clone(), Context::fixed())
    }

    pub fn next(&self, exchange: &mut Exchange) -> Step {
        match &self.store {
            Some(store) => store.next(exchange),
            None => exchange.next(),
        }
    }
}

impl Deref for Setup {
    type Target = Settings;
    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl DerefMut for Setup {
    fn deref_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }
}

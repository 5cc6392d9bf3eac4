//! A store of state for tests, and exchanges that are driven over it.

use bytes::Bytes;
use openai_shim_core::exchange::{ClientRequest, Settings, Step};
use openai_shim_core::state::Owner;
use openai_shim_core::{Context, Error, Exchange, Profile};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

/// Everything that was kept, under its key's text.
#[derive(Debug, Default)]
pub struct TestStore {
    entries: Mutex<BTreeMap<String, Bytes>>,
    loads: Mutex<Vec<usize>>,
}

impl TestStore {
    /// The next step of an exchange that is not about state; what is about state is answered.
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
                Step::Store(kept) => {
                    let kept = kept.into_iter().map(|entry| (entry.key.to_string(), entry.value));
                    self.entries.lock().unwrap().extend(kept);
                }
                step => return step,
            }
        }
    }

    /// What is kept: key and value.
    pub fn entries(&self) -> Vec<(String, String)> {
        let entries = self.entries.lock().unwrap();
        entries
            .iter()
            .map(|(key, value)| (key.clone(), String::from_utf8_lossy(value).into_owned()))
            .collect()
    }

    /// How many keys each load had.
    pub fn loads(&self) -> Vec<usize> {
        self.loads.lock().unwrap().clone()
    }
}

/// Settings, with a store and an owner.
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

    pub fn start(&self, incoming: ClientRequest, row: Profile) -> Result<Exchange, Error> {
        let incoming = match &self.store {
            Some(_) => incoming.with_owner(self.owner.clone()),
            None => incoming,
        };
        Exchange::start(incoming, row, self.settings.clone(), Context::fixed())
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

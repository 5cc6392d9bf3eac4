//! What upstreams want to see again and clients do not send back, for as long as there is room for it.

use openai_shim_core::exchange::Memory;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The most that is kept: so many things, of so many bytes in all.
const MOST: usize = 10_000;
const BYTES: usize = 64 << 20;

/// A bounded memory in this process; the oldest is forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// What is kept, and when it was, counted.
    by_id: BTreeMap<String, (u64, String)>,
    /// Ids from the oldest to the newest.
    order: BTreeMap<u64, String>,
    count: u64,
    bytes: usize,
}

impl Kept {
    fn remove(&mut self, id: &str) {
        if let Some((when, old)) = self.by_id.remove(id) {
            self.order.remove(&when);
            self.bytes -= id.len() + old.len();
        }
    }
}

impl Memory for Remembered {
    fn recall(&self, id: &str) -> Option<String> {
        self.0.lock().ok()?.by_id.get(id).map(|(_, what)| what.clone())
    }

    fn keep(&self, id: &str, what: &str) {
        let Ok(mut kept) = self.0.lock() else { return };
        if what.len() + id.len() > BYTES / 16 {
            return;
        }
        // What is kept anew is new.
        kept.remove(id);
        kept.count += 1;
        let when = kept.count;
        kept.bytes += id.len() + what.len();
        kept.by_id.insert(id.to_owned(), (when, what.to_owned()));
        kept.order.insert(when, id.to_owned());
        while kept.order.len() > MOST || kept.bytes > BYTES {
            let Some((_, oldest)) = kept.order.pop_first() else { break };
            kept.remove(&oldest);
        }
    }
}

/// What belongs to one upstream: no other one sees it.
#[derive(Debug)]
pub(crate) struct Of {
    pub(crate) upstream: String,
    pub(crate) memory: Arc<Remembered>,
}

impl Memory for Of {
    fn recall(&self, id: &str) -> Option<String> {
        self.memory.recall(&format!("{}/{id}", self.upstream))
    }

    fn keep(&self, id: &str, what: &str) {
        self.memory.keep(&format!("{}/{id}", self.upstream), what);
    }
}

impl Remembered {
    /// Keeps this no longer.
    pub(crate) fn forget(&self, id: &str) {
        let Ok(mut kept) = self.0.lock() else { return };
        kept.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_nothing_grows_without_bound() {
        let memory = Remembered::default();
        for n in 0..MOST + 5 {
            memory.keep(&n.to_string(), "x");
        }
        assert_eq!((memory.recall("4"), memory.recall("5").as_deref()), (None, Some("x")));
        let large = "y".repeat(BYTES / 20);
        for n in 0..30 {
            memory.keep(&format!("large {n}"), &large);
        }
        assert!(memory.0.lock().unwrap().bytes <= BYTES);
        assert_eq!(memory.recall("large 0"), None);
        assert!(memory.recall("large 29").is_some());
        memory.keep("huge", &"z".repeat(BYTES));
        assert_eq!(memory.recall("huge"), None);
    }

    #[test]
    fn what_is_kept_anew_replaces_the_old() {
        let memory = Remembered::default();
        memory.keep("a", "one");
        memory.keep("a", "three");
        assert_eq!(memory.recall("a").as_deref(), Some("three"));
        assert_eq!(memory.0.lock().unwrap().bytes, 6);
    }
}

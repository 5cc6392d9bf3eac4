//! What upstreams want to see again and clients do not send back, for as long as there is room for it.

use openai_shim_core::exchange::Memory;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// The most that is kept: so many things, of so many bytes in all.
const MOST: usize = 10_000;
const BYTES: usize = 64 << 20;

/// A bounded memory in this process; the oldest is forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_id: BTreeMap<String, String>,
    /// Ids from the oldest to the newest.
    order: VecDeque<String>,
    bytes: usize,
}

impl Memory for Remembered {
    fn recall(&self, id: &str) -> Option<String> {
        self.0.lock().ok()?.by_id.get(id).cloned()
    }

    fn keep(&self, id: &str, what: &str) {
        let Ok(mut kept) = self.0.lock() else { return };
        if what.len() + id.len() > BYTES / 16 {
            return;
        }
        kept.bytes += id.len() + what.len();
        match kept.by_id.insert(id.to_owned(), what.to_owned()) {
            Some(old) => kept.bytes -= id.len() + old.len(),
            None => kept.order.push_back(id.to_owned()),
        }
        while kept.order.len() > MOST || kept.bytes > BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(old) = kept.by_id.remove(&oldest) {
                kept.bytes -= oldest.len() + old.len();
            }
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
        if let Some(old) = kept.by_id.remove(id) {
            kept.bytes -= id.len() + old.len();
            kept.order.retain(|known| known != id);
        }
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

//! Raw leftovers, kept with the dialect that they came from.

use super::{Code, Diagnostics};
use serde_json::value::RawValue;

/// Members that the canonical model has no place for. Only an encoder of the same dialect writes them again.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// The dialect's name; empty when there is nothing.
    pub dialect: &'static str,
    /// The members, raw and in order.
    pub members: Vec<(String, Box<RawValue>)>,
}

impl Extra {
    /// Leftovers of one dialect.
    pub fn new(dialect: &'static str, members: Vec<(String, Box<RawValue>)>) -> Self {
        Self { dialect, members }
    }

    /// The members, if they came from this dialect.
    pub fn of(&self, dialect: &str) -> &[(String, Box<RawValue>)] {
        if self.dialect == dialect { &self.members } else { &[] }
    }

    /// The raw text of one member.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| v.get())
    }

    /// Notes each member as left out, if another dialect's encoder looks at them.
    pub fn report(&self, own: &str, path: &str, notes: &mut Diagnostics) {
        if self.dialect != own {
            for (key, _) in &self.members {
                let dot = if path.is_empty() { "" } else { "." };
                notes.note(Code::ExtraDropped, &format!("{path}{dot}{key}"), self.dialect);
            }
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.dialect == other.dialect
            && self.members.len() == other.members.len()
            && self.members.iter().zip(&other.members).all(|(a, b)| a.0 == b.0 && a.1.get() == b.1.get())
    }
}

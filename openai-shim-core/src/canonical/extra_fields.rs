//! Raw leftovers, kept with the dialect that they came from.

use super::{DiagnosticCode, Diagnostics};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

/// Stands in an [`Extra`] of reasoning, and in [`Delta::Native`](super::Delta::Native), where a dialect's name would: its
/// members are those of a `reasoning_details` item, and every dialect may read and write them. `format` says whose
/// signature it is, `type` is `reasoning.encrypted` where the signature is all there is.
pub const REASONING_DETAILS: &str = "reasoning_details";

/// The member of an [`Extra`] of text, and the key of a native delta, that is a whole block which only its own dialect
/// knows. The text says what of it other dialects can read.
pub const WHOLE_BLOCK: &str = "block";

/// Members that the canonical model has no place for. Only an encoder of the same dialect writes them again.
///
/// Most messages have none, so that these stand apart and an empty `Extra` is one word.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExtraFields(Option<Box<ExtraFieldList>>);

/// What an [`Extra`] holds.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ExtraFieldList {
    /// The dialect's name; empty when there is nothing.
    pub dialect: &'static str,
    /// The members, raw and in order.
    pub members: Vec<(String, Box<RawValue>)>,
}

static EMPTY: ExtraFieldList = ExtraFieldList { dialect: "", members: Vec::new() };

impl Deref for ExtraFields {
    type Target = ExtraFieldList;
    fn deref(&self) -> &ExtraFieldList {
        self.0.as_deref().unwrap_or(&EMPTY)
    }
}

impl DerefMut for ExtraFields {
    fn deref_mut(&mut self) -> &mut ExtraFieldList {
        self.0.get_or_insert_default()
    }
}

impl ExtraFields {
    /// Leftovers of one dialect.
    pub fn new(dialect: &'static str, members: Vec<(String, Box<RawValue>)>) -> Self {
        let empty = dialect.is_empty() && members.is_empty();
        Self((!empty).then(|| Box::new(ExtraFieldList { dialect, members })))
    }

    /// The members alone.
    pub fn into_members(self) -> Vec<(String, Box<RawValue>)> {
        self.0.map(|own| own.members).unwrap_or_default()
    }

    /// Keeps what every dialect may read of reasoning, once for each key: the last word counts. False if there
    /// is no room for another key.
    #[must_use]
    pub fn set_detail(&mut self, key: &str, value: &RawValue) -> bool {
        self.dialect = REASONING_DETAILS;
        let room = self.members.len() < MAX_DETAILS;
        match self.members.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value.to_owned(),
            None if room => self.members.push((key.to_owned(), value.to_owned())),
            None => return false,
        }
        true
    }
}

impl ExtraFieldList {
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

    /// Reports members that this dialect cannot say.
    pub fn report(&self, dialect: &str, at: &str, diagnostics: &mut Diagnostics) {
        for key in self.dropped_keys(dialect) {
            let path = if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
            diagnostics.record(DiagnosticCode::ExtraDropped, &path, self.dialect);
        }
    }

    /// The text of one member that every dialect may read.
    pub fn detail(&self, key: &str) -> Option<std::borrow::Cow<'_, str>> {
        let members = self.of(REASONING_DETAILS);
        members.iter().find(|(k, _)| k == key).and_then(|(_, v)| crate::json::decode_string(v.get()))
    }

    /// The keys of what this dialect cannot say; a member that is `null`, `false` or empty says nothing, and neither does one
    /// whose key begins with a dot: its dialect keeps it to know how something was written.
    pub fn dropped_keys(&self, dialect: &str) -> impl Iterator<Item = &str> {
        let foreign = self.dialect != dialect && self.dialect != REASONING_DETAILS;
        let members = if foreign { self.members.as_slice() } else { &[] };
        let says = |raw: &str| !matches!(raw.trim(), "null" | "false" | "\"\"" | "[]" | "{}");
        members.iter().filter(move |(k, v)| !k.starts_with('.') && says(v.get())).map(|(k, _)| k.as_str())
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl From<ExtraFields> for ExtraFieldList {
    fn from(extra: ExtraFields) -> Self {
        extra.0.map(|own| *own).unwrap_or_default()
    }
}

/// How many members reasoning may have besides its text.
const MAX_DETAILS: usize = 64;

/// Up to how many members are looked at one by one.
const FEW: usize = 16;

/// Where the members of a list stand that grows member by member.
#[derive(Debug, Clone, Default)]
pub struct MemberIndex {
    places: BTreeMap<String, usize>,
    /// How many members are in it.
    known: usize,
}

impl MemberIndex {
    /// Where the first member of this key stands in `list`, which must be the same list each time, or an empty one.
    pub fn find<V>(&mut self, list: &[(String, V)], key: &str) -> Option<usize> {
        if list.len() <= FEW {
            (self.known, self.places) = (0, BTreeMap::new());
            return list.iter().position(|(known, _)| known == key);
        }
        for (at, (known, _)) in list.iter().enumerate().skip(self.known) {
            self.places.entry(known.clone()).or_insert(at);
        }
        self.known = list.len();
        self.places.get(key).copied()
    }

    /// Puts a member into a list: in the place of the one that has its key, or at the end.
    pub fn put<V>(&mut self, list: &mut Vec<(String, V)>, key: String, value: V) {
        match self.find(list, &key).and_then(|at| list.get_mut(at)) {
            Some((_, old)) => *old = value,
            None => list.push((key, value)),
        }
    }
}

impl PartialEq for ExtraFieldList {
    fn eq(&self, other: &Self) -> bool {
        self.dialect == other.dialect
            && self.members.len() == other.members.len()
            && self.members.iter().zip(&other.members).all(|(a, b)| a.0 == b.0 && a.1.get() == b.1.get())
    }
}

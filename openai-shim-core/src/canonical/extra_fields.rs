//! Extra fields: raw JSON fields without a place in the canonical model, with the dialect that they belong to.

use super::{DiagnosticCode, Diagnostics};
use crate::error::static_text::{self, StaticText};
use crate::json::RawJson;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

/// Takes the place of the dialect's name in [`ExtraFields`] of reasoning and in [`Delta::Native`](super::Delta::Native): the fields
/// are those of a `reasoning_details` item, and every dialect may read and write them. `format` names the issuer of the
/// signature; `type` is `reasoning.encrypted` if there is a signature and no text.
pub const REASONING_DETAILS: &str = "reasoning_details";

/// The key of an extra field of text, and of a native delta, that holds a complete block which only its own dialect defines. The
/// text has what other dialects can read of it.
pub const WHOLE_BLOCK: &str = "block";

/// The key of an extra field of text that stands in place of everything before it: a compaction, as a complete block of its own
/// dialect. The text is the compaction's, for other dialects.
pub const COMPACTION: &str = "compaction";

/// Fields without a place in the canonical model. Only an encoder of the same dialect writes them.
///
/// Most messages have none: an empty `ExtraFields` is one pointer.
///
/// ```
/// use openai_shim_core::canonical::ExtraFields;
/// use openai_shim_core::exchange::ClientRequest;
/// use openai_shim_core::dialect;
/// let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"new_field":{"a":1e2}}"#;
/// let request = ClientRequest::read(dialect("openai-chat")?, "", body.into())?;
/// let extra: &ExtraFields = &request.request().extra;
/// assert_eq!((extra.dialect, extra.get("new_field")), ("openai-chat", Some(r#"{"a":1e2}"#)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExtraFields(Option<Box<ExtraFieldList>>);

/// The content of [`ExtraFields`].
///
/// ```
/// use openai_shim_core::canonical::ExtraFieldList;
/// let fields = ExtraFieldList::default();
/// assert!(fields.dialect.is_empty() && fields.get("new_field").is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExtraFieldList {
    /// The dialect's name; empty if there are no fields.
    #[serde(deserialize_with = "static_text::deserialize")]
    pub dialect: StaticText,
    /// The keys and raw values of the fields, in order.
    pub members: Vec<(String, RawJson)>,
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
    /// The extra fields of one dialect.
    pub fn new(dialect: &'static str, members: Vec<(String, RawJson)>) -> Self {
        let empty = dialect.is_empty() && members.is_empty();
        Self((!empty).then(|| Box::new(ExtraFieldList { dialect, members })))
    }

    /// The keys and values of the fields.
    pub fn into_members(self) -> Vec<(String, RawJson)> {
        self.0.map(|list| list.members).unwrap_or_default()
    }

    /// Sets a reasoning detail, which every dialect may read; a second value for one key replaces the first. Returns false if
    /// there are too many keys.
    #[must_use]
    pub fn set_detail(&mut self, key: &str, value: &RawJson) -> bool {
        self.dialect = REASONING_DETAILS;
        let has_room = self.members.len() < MAX_DETAILS;
        match self.members.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value.to_owned(),
            None if has_room => self.members.push((key.to_owned(), value.to_owned())),
            None => return false,
        }
        true
    }
}

impl ExtraFieldList {
    /// The extra fields of one dialect.
    pub fn new(dialect: &'static str, members: Vec<(String, RawJson)>) -> Self {
        Self { dialect, members }
    }

    /// The fields, if they belong to this dialect.
    pub fn of(&self, dialect: &str) -> &[(String, RawJson)] {
        if self.dialect == dialect { &self.members } else { &[] }
    }

    /// The raw value of a field.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Reports the fields that this dialect cannot express.
    pub fn report(&self, dialect: &str, field_path: &str, diagnostics: &mut Diagnostics) {
        for key in self.dropped_keys(dialect) {
            let path = if field_path.is_empty() { key.to_owned() } else { format!("{field_path}.{key}") };
            diagnostics.record(code_of_loss(key), &path, self.dialect);
        }
    }

    /// The text of a reasoning detail, which every dialect may read.
    pub fn detail(&self, key: &str) -> Option<std::borrow::Cow<'_, str>> {
        let members = self.of(REASONING_DETAILS);
        members.iter().find(|(k, _)| k == key).and_then(|(_, v)| crate::json::decode_string(v.as_str()))
    }

    /// The keys of the fields that this dialect cannot express, without fields that have no meaning: those that are `null`, `false`
    /// or empty, and those whose key begins with a dot (their dialect records there how something was written).
    pub fn dropped_keys(&self, dialect: &str) -> impl Iterator<Item = &str> {
        let is_foreign = self.dialect != dialect && self.dialect != REASONING_DETAILS;
        let members = if is_foreign { self.members.as_slice() } else { &[] };
        let has_meaning = |raw: &str| !matches!(raw.trim(), "null" | "false" | "\"\"" | "[]" | "{}");
        members
            .iter()
            .filter(move |(k, v)| !k.starts_with('.') && has_meaning(v.as_str()))
            .map(|(k, _)| k.as_str())
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl From<ExtraFields> for ExtraFieldList {
    fn from(extra: ExtraFields) -> Self {
        extra.0.map(|list| *list).unwrap_or_default()
    }
}

/// The prefix of the key under which an [`Event::Extra`](super::Event::Extra) holds a block that only its own dialect defines.
pub const NATIVE: &str = "native:";

/// Fields of answers that a client asks for, or that change what its text means. `part` is a whole part of Gemini's API, such
/// as code and its output.
const MEANINGFUL: [&str; 3] = ["logprobs", "part", "phase"];

/// The code of the diagnostic for the loss of a field of an answer.
pub fn code_of_loss(key: &str) -> DiagnosticCode {
    if MEANINGFUL.contains(&key) || key.starts_with(NATIVE) {
        DiagnosticCode::FeatureUnsupported
    } else {
        DiagnosticCode::ExtraDropped
    }
}

/// The maximum number of reasoning details.
const MAX_DETAILS: usize = 64;

/// The maximum length of a list that is searched from its beginning.
const MAX_SCANNED: usize = 16;

/// The positions of fields by key, in a list that grows field by field.
#[derive(Debug, Clone, Default)]
pub struct MemberIndex {
    positions: BTreeMap<String, usize>,
    /// How many fields of the list are in the index.
    indexed: usize,
}

impl MemberIndex {
    /// The position of the first field with this key in `list`, which must be the same list each time, or an empty one.
    pub fn find<V>(&mut self, list: &[(String, V)], key: &str) -> Option<usize> {
        if list.len() <= MAX_SCANNED {
            (self.indexed, self.positions) = (0, BTreeMap::new());
            return list.iter().position(|(listed, _)| listed == key);
        }
        for (position, (listed, _)) in list.iter().enumerate().skip(self.indexed) {
            self.positions.entry(listed.clone()).or_insert(position);
        }
        self.indexed = list.len();
        self.positions.get(key).copied()
    }

    /// Sets a field of a list: replaces the value of the first field with its key, or adds the field at the end.
    pub fn put<V>(&mut self, list: &mut Vec<(String, V)>, key: String, value: V) {
        match self.find(list, &key).and_then(|position| list.get_mut(position)) {
            Some((_, old)) => *old = value,
            None => list.push((key, value)),
        }
    }
}

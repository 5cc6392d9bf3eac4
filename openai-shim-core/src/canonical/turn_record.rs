//! What of an answer only its maker can read, and where in the answer it stood: noted while the answer passes, so that it
//! can be put back into the turn that a client sends again without it.

use super::digest::call_digest;
use super::{Block, BlockKind, Delta, Event, ExtraFields, REASONING_DETAILS, call_id};
use crate::json::{Object, decode_string, encode_string};
use serde_json::value::RawValue;

/// The member of text that is a signature: Google signs text, too.
pub const SIGNED_TEXT: &str = "thoughtSignature";

/// The most bytes that are noted of one answer, and the most blocks.
const MAX_BYTES: usize = 1 << 20;
const MAX_BLOCKS: usize = 512;

/// An answer, as far as it matters for the next turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnRecorder {
    enabled: bool,
    parts: Vec<RecordedBlock>,
    size: usize,
}

/// One block of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordedBlock {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Its signature.
        extra: ExtraFields,
    },
    /// Thinking.
    Reasoning {
        /// Its text.
        text: String,
        /// Its signature, or its encrypted form.
        signature: Option<String>,
        /// What is known of the signature.
        extra: ExtraFields,
    },
    /// A call.
    Call {
        /// The call's own id.
        id: String,
        /// The function.
        name: String,
        /// The arguments.
        arguments: String,
        /// Its signature.
        signature: Option<String>,
    },
}

impl TurnRecorder {
    /// Creates an empty record; one that is not enabled ignores all events.
    pub fn new(enabled: bool) -> Self {
        Self { enabled, ..Self::default() }
    }

    /// The blocks, in order.
    pub fn parts(&self) -> &[RecordedBlock] {
        &self.parts
    }

    /// Whether anything in it must come back.
    pub fn is_opaque(&self) -> bool {
        self.parts.iter().any(|part| match part {
            RecordedBlock::Text { extra, .. } => !extra.is_empty(),
            RecordedBlock::Reasoning { signature, .. } | RecordedBlock::Call { signature, .. } => {
                signature.is_some()
            }
        })
    }

    /// Takes one event into account; those of a second answer are nobody's turn.
    pub fn event(&mut self, event: &Event) {
        if !self.enabled {
            return;
        }
        match event {
            Event::Open { choice: 0, kind, .. } => self.parts.push(match kind {
                BlockKind::Text | BlockKind::Refusal => {
                    RecordedBlock::Text { text: String::new(), extra: ExtraFields::default() }
                }
                BlockKind::Reasoning => RecordedBlock::Reasoning {
                    text: String::new(),
                    signature: None,
                    extra: ExtraFields::default(),
                },
                BlockKind::ToolCall { id, name, signature } => RecordedBlock::Call {
                    id: base_id(id).to_owned(),
                    name: name.clone(),
                    arguments: String::new(),
                    signature: signature.clone(),
                },
            }),
            // Blocks are counted without gaps.
            Event::Delta { choice: 0, block, delta } => {
                if let Some(part) = self.parts.get_mut(*block as usize) {
                    self.size += part.extend(delta);
                }
            }
            _ => {}
        }
        if self.size > MAX_BYTES || self.parts.len() > MAX_BLOCKS {
            *self = Self::default();
        }
    }

    /// Whether it has thinking as text that led to a call.
    pub fn has_reasoned_call(&self) -> bool {
        let reasoned =
            |part: &RecordedBlock| matches!(part, RecordedBlock::Reasoning { text, .. } if !text.is_empty());
        self.parts.iter().any(reasoned)
            && self.parts.iter().any(|part| matches!(part, RecordedBlock::Call { .. }))
    }

    /// What must be kept of it, as JSON: texts and arguments come back with the client's own turn.
    pub fn to_json(&self) -> String {
        let parts: Vec<_> = self.parts.iter().map(RecordedBlock::to_json).collect();
        format!(r#"{{"opaque":{},"parts":[{}]}}"#, self.is_opaque(), parts.join(","))
    }
}

/// A call's id without what it carries.
pub fn base_id(id: &str) -> &str {
    call_id::split(id).map_or(id, |(own, _)| own)
}

impl RecordedBlock {
    /// Takes more of it; how many bytes that was.
    fn extend(&mut self, delta: &Delta) -> usize {
        match (self, delta) {
            (
                Self::Text { text, .. } | Self::Reasoning { text, .. } | Self::Call { arguments: text, .. },
                Delta::Text(more),
            ) => {
                text.push_str(more);
                more.len()
            }
            (Self::Reasoning { signature, .. } | Self::Call { signature, .. }, Delta::Signature(more)) => {
                signature.get_or_insert_default().push_str(more);
                more.len()
            }
            (Self::Reasoning { extra, .. }, Delta::Native { dialect: REASONING_DETAILS, key, raw }) => {
                add(extra, REASONING_DETAILS, key, raw)
            }
            (Self::Text { extra, .. }, Delta::Native { dialect, key, raw }) if key == SIGNED_TEXT => {
                add(extra, dialect, key, raw)
            }
            _ => 0,
        }
    }

    fn to_json(&self) -> String {
        let mut object = Object::new();
        let (signature, extra) = match self {
            Self::Text { text, extra } => {
                object.set("text", text.len().to_string());
                (None, Some(extra))
            }
            Self::Reasoning { text, signature, extra } => {
                object.set("reasoning", encode_string(text));
                (signature.as_deref(), Some(extra))
            }
            Self::Call { name, arguments, signature, .. } => {
                object.set("call", format!("\"{:032x}\"", call_digest(name, arguments)));
                (signature.as_deref(), None)
            }
        };
        if let Some(signature) = signature {
            object.set("signature", encode_string(signature));
        }
        if let Some(extra) = extra.filter(|extra| !extra.is_empty()) {
            let mut members = Object::new();
            extra.members.iter().for_each(|(key, value)| members.set(key.as_str(), value.get()));
            object.set("extra", members.to_json());
        }
        object.to_json()
    }
}

fn add(extra: &mut ExtraFields, dialect: &'static str, key: &str, raw: &RawValue) -> usize {
    extra.dialect = dialect;
    extra.members.retain(|(known, _)| known != key);
    extra.members.push((key.to_owned(), raw.to_owned()));
    key.len() + raw.get().len()
}

/// What was kept of a turn.
#[derive(Debug, Clone, Default)]
pub struct StoredTurn {
    /// Something in it only its maker can read; else only the thinking of a call must come back.
    pub opaque: bool,
    /// Its blocks: how long a text was, reasoning as it was, and the signatures of calls.
    pub parts: Vec<StoredBlock>,
}

/// One block of a turn that was kept.
#[derive(Debug, Clone)]
pub enum StoredBlock {
    /// A text of so many bytes, and its signature.
    Text(usize, ExtraFields),
    /// Reasoning.
    Reasoning(Block),
    /// A call by the digest of its name and arguments, and its signature.
    Call(u128, Option<String>),
}

impl StoredTurn {
    /// Reads what [`Turn::to_json`] wrote, for an upstream of this dialect.
    pub fn read(json: &str, dialect: &'static str) -> Option<Self> {
        let object = Object::parse(json.as_bytes()).ok()?;
        let parts = object.array("parts")?.into_iter().map(|part| read_part(part, dialect));
        let parts = parts.collect::<Option<_>>()?;
        Some(Self { opaque: object.bool("opaque")?, parts })
    }
}

fn read_part(json: &str, dialect: &'static str) -> Option<StoredBlock> {
    let object = Object::parse(json.as_bytes()).ok()?;
    let members = |dialect| {
        let members: Vec<_> = object
            .object("extra")
            .map(|extra| extra.iter().map(|(k, v)| (k.to_owned(), crate::json::raw(v))).collect())
            .unwrap_or_default();
        if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(dialect, members) }
    };
    let signature = object.get("signature").and_then(decode_string).map(std::borrow::Cow::into_owned);
    if let Some(len) = object.u64("text") {
        return Some(StoredBlock::Text(usize::try_from(len).ok()?, members(dialect)));
    }
    Some(match object.str("reasoning") {
        Some(text) => StoredBlock::Reasoning(Block::Reasoning {
            text: text.into(),
            signature: signature.map(Into::into),
            extra: members(REASONING_DETAILS),
        }),
        None => StoredBlock::Call(u128::from_str_radix(&object.str("call")?, 16).ok()?, signature),
    })
}

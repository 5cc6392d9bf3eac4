//! Events of a response to a record of the model's turn, the record to JSON, and the JSON to a stored turn.
//!
//! A client sends the turn back without its opaque state. The record has that state and its position in the turn, so that it can
//! be restored.

use super::digest::call_digest;
use super::{Block, BlockKind, Delta, Event, ExtraFields, REASONING_DETAILS, call_id};
use crate::json::{Object, RawJson, decode_string, encode_string};
use std::collections::BTreeMap;

/// The extra field of text that is a signature: Google signs text, too.
pub const SIGNED_TEXT: &str = "thoughtSignature";

/// The maximum number of recorded bytes, and of recorded blocks. A longer turn is not recorded.
const MAX_BYTES: usize = 1 << 20;
const MAX_BLOCKS: usize = 512;

/// A record of the model's turn: what the next request may need of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnRecorder {
    enabled: bool,
    /// The client's names of tools by the upstream's: the client sends the turn back under its own.
    tool_names: BTreeMap<String, String>,
    blocks: Vec<RecordedBlock>,
    size: usize,
}

/// A block of a recorded turn.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordedBlock {
    /// A text block.
    Text {
        /// The text.
        text: String,
        /// The signature of the text.
        extra: ExtraFields,
    },
    /// A reasoning block.
    Reasoning {
        /// The reasoning as text.
        text: String,
        /// The signature, or the encrypted reasoning.
        signature: Option<String>,
        /// The reasoning details, such as the issuer of the signature.
        extra: ExtraFields,
    },
    /// A tool call.
    Call {
        /// The call's id, without state attached to it.
        id: String,
        /// The function's name.
        name: String,
        /// The arguments as JSON text.
        arguments: String,
        /// The signature of the reasoning that led to the call.
        signature: Option<String>,
    },
}

impl TurnRecorder {
    /// Creates an empty record; one that is not enabled ignores all events.
    pub fn new(enabled: bool) -> Self {
        Self { enabled, ..Self::default() }
    }

    /// Records calls of the tools in `tool_names` under the client's names.
    #[must_use]
    pub fn with_tool_names(self, tool_names: &BTreeMap<String, String>) -> Self {
        Self { tool_names: tool_names.clone(), ..self }
    }

    /// The blocks, in order.
    pub fn blocks(&self) -> &[RecordedBlock] {
        &self.blocks
    }

    /// Whether the turn has opaque state, which the upstream requires back.
    pub fn is_opaque(&self) -> bool {
        self.blocks.iter().any(|block| match block {
            RecordedBlock::Text { extra, .. } => !extra.is_empty(),
            RecordedBlock::Reasoning { signature, .. } | RecordedBlock::Call { signature, .. } => {
                signature.is_some()
            }
        })
    }

    /// Records an event. Only the first choice can become the model's turn.
    pub fn event(&mut self, event: &Event) {
        if !self.enabled {
            return;
        }
        match event {
            Event::Open { choice: 0, kind, .. } => self.blocks.push(match kind {
                BlockKind::Text | BlockKind::Refusal => {
                    RecordedBlock::Text { text: String::new(), extra: ExtraFields::default() }
                }
                BlockKind::Reasoning => RecordedBlock::Reasoning {
                    text: String::new(),
                    signature: None,
                    extra: ExtraFields::default(),
                },
                BlockKind::ToolCall { id, name, signature } => RecordedBlock::Call {
                    id: call_id::base_id(id).to_owned(),
                    name: self.tool_names.get(name).unwrap_or(name).clone(),
                    arguments: String::new(),
                    signature: signature.clone(),
                },
            }),
            // The indices of blocks have no gaps.
            Event::Delta { choice: 0, block, delta } => {
                if let Some(block) = self.blocks.get_mut(*block as usize) {
                    self.size += block.extend(delta);
                }
            }
            _ => {}
        }
        if self.size > MAX_BYTES || self.blocks.len() > MAX_BLOCKS {
            *self = Self::default();
        }
    }

    /// Whether the turn has reasoning as text, and a tool call.
    pub fn has_reasoned_call(&self) -> bool {
        let is_reasoning = |block: &RecordedBlock| matches!(block, RecordedBlock::Reasoning { text, .. } if !text.is_empty());
        self.blocks.iter().any(is_reasoning)
            && self.blocks.iter().any(|block| matches!(block, RecordedBlock::Call { .. }))
    }

    /// Serializes what must be stored of the turn, for [`StoredTurn::read`]. Texts and arguments are left out, because the client sends
    /// them back: of a text it has the length, of a call the digest.
    pub fn to_json(&self) -> String {
        let parts: Vec<_> = self.blocks.iter().map(RecordedBlock::to_json).collect();
        format!(r#"{{"opaque":{},"parts":[{}]}}"#, self.is_opaque(), parts.join(","))
    }
}

impl RecordedBlock {
    /// Adds a delta. Returns the number of bytes that were added.
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
                set_extra(extra, REASONING_DETAILS, key, raw)
            }
            (Self::Text { extra, .. }, Delta::Native { dialect, key, raw }) if key == SIGNED_TEXT => {
                set_extra(extra, dialect, key, raw)
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
            extra.members.iter().for_each(|(key, value)| members.set(key.as_str(), value.as_str()));
            object.set("extra", members.to_json());
        }
        object.to_json()
    }
}

/// Sets an extra field. Returns the number of bytes of its key and value.
fn set_extra(extra: &mut ExtraFields, dialect: &'static str, key: &str, raw: &RawJson) -> usize {
    extra.dialect = dialect;
    extra.members.retain(|(listed, _)| listed != key);
    extra.members.push((key.to_owned(), raw.to_owned()));
    key.len() + raw.as_str().len()
}

/// A turn of the model that was stored.
#[derive(Debug, Clone, Default)]
pub struct StoredTurn {
    /// The turn has opaque state; otherwise only the reasoning before a call must be restored.
    pub opaque: bool,
    /// The blocks, in order.
    pub blocks: Vec<StoredBlock>,
}

/// A block of a stored turn.
#[derive(Debug, Clone)]
pub enum StoredBlock {
    /// A text: its length in bytes, and its signature.
    Text(usize, ExtraFields),
    /// A complete reasoning block.
    Reasoning(Block),
    /// A tool call: the digest of its name and arguments, and its signature.
    Call(u128, Option<String>),
}

impl StoredTurn {
    /// Parses what [`TurnRecorder::to_json`] serialized; extra fields of text become those of `dialect`.
    pub fn read(json: &str, dialect: &'static str) -> Option<Self> {
        let object = Object::parse(json.as_bytes()).ok()?;
        let blocks = object.array("parts")?.into_iter().map(|block| read_block(block, dialect));
        let blocks = blocks.collect::<Option<_>>()?;
        Some(Self { opaque: object.bool("opaque")?, blocks })
    }
}

fn read_block(json: &str, dialect: &'static str) -> Option<StoredBlock> {
    let object = Object::parse(json.as_bytes()).ok()?;
    let extra = |dialect| {
        let members: Vec<_> = object
            .object("extra")
            .map(|extra| extra.iter().map(|(k, v)| (k.to_owned(), crate::json::raw(v))).collect())
            .unwrap_or_default();
        if members.is_empty() { ExtraFields::default() } else { ExtraFields::new(dialect, members) }
    };
    let signature = object.get("signature").and_then(decode_string).map(std::borrow::Cow::into_owned);
    if let Some(len) = object.u64("text") {
        return Some(StoredBlock::Text(usize::try_from(len).ok()?, extra(dialect)));
    }
    Some(match object.str("reasoning") {
        Some(text) => StoredBlock::Reasoning(Block::Reasoning {
            text: text.into(),
            signature: signature.map(Into::into),
            extra: extra(REASONING_DETAILS),
        }),
        None => StoredBlock::Call(u128::from_str_radix(&object.str("call")?, 16).ok()?, signature),
    })
}

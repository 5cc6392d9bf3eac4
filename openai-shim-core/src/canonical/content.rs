//! Messages as ordered lists of blocks.

use super::{Diagnostics, ExtraFields, Signature, Text};
use crate::json::range_in;
use serde_json::value::RawValue;
use std::ops::Range;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Instructions of the highest rank.
    System,
    /// OpenAI's newer name for instructions.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

impl Role {
    /// OpenAI's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    /// Reads OpenAI's word; `function` counts as a tool.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "system" => Self::System,
            "developer" => Self::Developer,
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "tool" | "function" => Self::Tool,
            _ => return None,
        })
    }
}

/// Where something stands in a payload of up to four gigabytes: a conversation has many of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// `None` where a place is too far behind to be told.
    pub fn new(range: &Range<usize>) -> Option<Self> {
        Some(Self { start: u32::try_from(range.start).ok()?, end: u32::try_from(range.end).ok()? })
    }

    /// Where `json` stands in the payload that it was read from.
    pub(crate) fn within(payload: &[u8], json: &str) -> Option<Self> {
        range_in(payload, json).and_then(|range| Self::new(&range))
    }

    /// As a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the beginning of this to the end of another.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }
}

/// One turn of the conversation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What, in order.
    pub blocks: Vec<Block>,
    /// The speaker's name.
    pub name: Option<Box<str>>,
    /// Leftovers.
    pub extra: ExtraFields,
    /// Its content came as a list of parts, and is written as one.
    pub content_was_parts: bool,
    /// Where it stands in the payload that it was read from; `None` once it was changed.
    pub span: Option<Span>,
}

impl Message {
    /// A message of one role.
    pub fn new(role: Role, blocks: Vec<Block>) -> Self {
        Self { role, blocks, name: None, extra: ExtraFields::default(), content_was_parts: false, span: None }
    }

    /// A message of one text.
    pub fn text(role: Role, text: impl Into<Text>) -> Self {
        Self::new(role, vec![Block::text(text)])
    }

    /// Makes one block of text blocks that follow one another, where none of them says more than its text.
    pub fn join_texts(&mut self) {
        let mut joined: Vec<Block> = Vec::with_capacity(self.blocks.len());
        for block in std::mem::take(&mut self.blocks) {
            match (joined.last_mut(), block) {
                (Some(Block::Text { text, extra }), Block::Text { text: more, extra: own })
                    if extra.is_empty() && own.is_empty() =>
                {
                    text.push_str(&more);
                }
                (_, block) => joined.push(block),
            }
        }
        self.blocks = joined;
    }

    /// Reports what of this message, and of what stands in it, this dialect cannot say.
    pub fn report(&self, dialect: &str, at: &str, diagnostics: &mut Diagnostics) {
        self.extra.report(dialect, at, diagnostics);
        report_all(&self.blocks, dialect, &format!("{at}.content"), diagnostics);
    }

    /// How many bytes its role and its words take, about.
    pub(crate) fn size(&self) -> usize {
        self.role.as_str().len() + size(&self.blocks)
    }

    /// All text blocks, joined.
    pub fn joined_text(&self) -> String {
        self.blocks.iter().filter_map(Block::as_text).collect()
    }
}

fn size(blocks: &[Block]) -> usize {
    let one = |block: &Block| match block {
        Block::Text { text, .. } | Block::Refusal(text) => text.bytes().len(),
        Block::ToolCall { arguments, .. } => arguments.len(),
        Block::ToolResult { blocks, .. } => size(blocks),
        _ => 0,
    };
    blocks.iter().map(one).sum()
}

fn report_all(blocks: &[Block], dialect: &str, at: &str, diagnostics: &mut Diagnostics) {
    for block in blocks {
        match block {
            Block::Text { extra, .. } | Block::ToolCall { extra, .. } => {
                extra.report(dialect, at, diagnostics)
            }
            Block::Image(media) | Block::Audio(media) | Block::File(media) => {
                media.extra.report(dialect, at, diagnostics);
            }
            Block::ToolResult { extra, blocks, .. } => {
                extra.report(dialect, at, diagnostics);
                report_all(blocks, dialect, at, diagnostics);
            }
            // What is opaque of thinking goes by rules of its own.
            Block::Reasoning { .. } | Block::Refusal(_) | Block::Native { .. } => {}
        }
    }
}

/// One piece of content.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Block {
    /// Plain text.
    Text {
        /// The text.
        text: Text,
        /// Leftovers.
        extra: ExtraFields,
    },
    /// A picture.
    Image(Box<Media>),
    /// Sound.
    Audio(Box<Media>),
    /// A document.
    File(Box<Media>),
    /// The model's thinking.
    Reasoning {
        /// The thinking, as text; may be empty where only an opaque form exists.
        text: Text,
        /// A signature or encrypted form that must be sent back unchanged.
        signature: Option<Signature>,
        /// Leftovers (`reasoning_details` and the like).
        extra: ExtraFields,
    },
    /// The model declines, in words.
    Refusal(Text),
    /// The model calls a tool.
    ToolCall {
        /// The call's id.
        id: String,
        /// The function's name.
        name: String,
        /// The arguments, as JSON text exactly as the model wrote them.
        arguments: String,
        /// An opaque signature of the thinking that led here; it must be sent back with the call.
        signature: Option<Signature>,
        /// Leftovers.
        extra: ExtraFields,
    },
    /// A tool's answer.
    ToolResult {
        /// The id of the call that is answered.
        id: String,
        /// The answer.
        blocks: Vec<Block>,
        /// Whether the tool failed.
        is_error: bool,
        /// Leftovers.
        extra: ExtraFields,
    },
    /// Something that only its own dialect knows, whole and raw.
    Native {
        /// The dialect.
        dialect: &'static str,
        /// The block's JSON.
        raw: Box<RawValue>,
    },
}

impl Block {
    /// A text block.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text { text: text.into(), extra: ExtraFields::default() }
    }

    /// The text of a text block.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// A picture, a sound or a document.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Media {
    /// Where its bytes are.
    pub source: MediaSource,
    /// Its file name.
    pub name: Option<String>,
    /// How closely to look at it (`low`, `high`, `auto`).
    pub detail: Option<String>,
    /// Leftovers.
    pub extra: ExtraFields,
}

impl Media {
    /// Media from one source.
    pub fn new(source: MediaSource) -> Self {
        Self { source, name: None, detail: None, extra: ExtraFields::default() }
    }
}

/// Where media bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaSource {
    /// At an address.
    Url(String),
    /// Here, in base64, with a media type or a format's name.
    Base64 {
        /// `image/png`, or a bare format such as `wav`.
        media_type: String,
        /// The bytes.
        data: String,
    },
    /// In a file that was uploaded before.
    FileId(String),
}

#[cfg(test)]
mod tests {
    use super::{Block, ExtraFields, Message, Signature, Text};

    #[test]
    fn a_message_and_its_block_stay_small() {
        let sizes = [size_of::<Message>(), size_of::<Block>(), size_of::<Text>()];
        assert!(sizes.iter().zip([64, 88, 48]).all(|(size, most)| *size <= most), "{sizes:?}");
        assert_eq!((size_of::<ExtraFields>(), size_of::<Option<Signature>>()), (8, 8));
    }
}

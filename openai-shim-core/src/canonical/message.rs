//! Messages: role, content blocks, and whether a message still is what its payload holds.

use super::tracked::{Edit, edit_each};
use super::{Block, Diagnostics, ExtraFields, Text};
use crate::error::word;
use crate::json::range_in;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, Range};

/// The role of a message's author.
///
/// ```
/// use openai_shim_core::canonical::Role;
/// assert_eq!("assistant".parse::<Role>().ok(), Some(Role::Assistant));
/// assert_eq!(Role::Tool.as_str(), "tool");
/// ```
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
    /// A tool: its messages hold results.
    Tool,
}

impl Role {
    /// OpenAI's name for the role.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    /// All roles.
    pub const ALL: [Self; 5] = [Self::System, Self::Developer, Self::User, Self::Assistant, Self::Tool];

    /// Parses OpenAI's name; `function`, the older one, is a tool.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "system" => Self::System,
            "developer" => Self::Developer,
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "tool" | "function" => Self::Tool,
            _ => return None,
        })
    }
}

word!(Role: "role");

/// A byte range in a payload of up to four gigabytes. It has eight bytes because a conversation has many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The span of a byte range; `None` if the range is reversed or reaches beyond four gigabytes.
    pub fn new(range: &Range<usize>) -> Option<Self> {
        let (start, end) = (u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?);
        (start <= end).then_some(Self { start, end })
    }

    /// The span of `json` in the payload that it was read from.
    pub(crate) fn within(payload: &[u8], json: &str) -> Option<Self> {
        range_in(payload, json).and_then(|range| Self::new(&range))
    }

    /// The span as a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The span from the beginning of this one to the end of `last`.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end.max(self.start) }
    }
}

/// A message's relation to its payload, in the eight bytes of a span: the states without a place are reversed spans, which
/// [`Span::new`] never makes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Source(Span);

impl Source {
    /// The message was decoded from a payload and not changed, but no single byte range holds it.
    const NO_SPAN: Self = Self(Span { start: 1, end: 0 });
    /// The message was changed after it was decoded, or stands in no payload.
    const CHANGED: Self = Self(Span { start: 2, end: 0 });

    /// A message that is read from JSON stands in no payload.
    fn changed() -> Self {
        Self::CHANGED
    }

    fn span(self) -> Option<Span> {
        (self.0.start <= self.0.end).then_some(self.0)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.span() {
            Some(span) => write!(f, "{:?}", span.range()),
            None => f.write_str(if *self == Self::CHANGED { "changed" } else { "no span" }),
        }
    }
}

/// The content of a [`Message`].
///
/// It is neither `Clone` nor built outside of this file: content that is copied into another message must not bring that
/// message's source span along.
///
/// ```
/// use openai_shim_core::canonical::{Block, Message, MessageFields, Role};
/// let mut message = Message::text(Role::User, "My key is sk-1234.");
/// let fields: &mut MessageFields = message.edit();
/// fields.blocks = vec![Block::text("My key is a secret.")];
/// fields.name = Some("ann".into());
/// assert_eq!(message.joined_text(), "My key is a secret.");
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageFields {
    /// The author's role.
    pub role: Role,
    /// The content, in order.
    pub blocks: Vec<Block>,
    /// The author's name.
    pub name: Option<Box<str>>,
    /// Fields without a place in this model.
    pub extra: ExtraFields,
    /// The content was a list of parts in the payload, and is written as one.
    pub content_was_parts: bool,
    #[serde(skip, default = "Source::changed")]
    source: Source,
}

impl MessageFields {
    fn new(role: Role, blocks: Vec<Block>, source: Source) -> Self {
        Self { role, blocks, name: None, extra: ExtraFields::default(), content_was_parts: false, source }
    }
}

/// A message of the conversation.
///
/// Its fields are read through [`Deref`]. Every method that gives write access marks the message as changed, so that an
/// encoder writes it instead of copying its bytes from the client's payload: content that was removed or redacted cannot
/// reach the upstream. Only the methods named `decoded` leave a message unmarked; they are for decoders.
///
/// ```
/// use openai_shim_core::canonical::{Block, Message, Role, Span};
/// let mut message = Message::decoded(Role::User, vec![Block::text("secret")]);
/// message.set_decoded_span(Span::new(&(12..40)));
/// assert!(message.source_span().is_some());
/// message.edit().blocks.clear();
/// assert!(message.source_span().is_none() && message.is_changed());
/// ```
#[derive(Debug, Serialize, Deserialize)]
pub struct Message(MessageFields);

/// Equal are those with the same content, wherever it stands.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let MessageFields { role, blocks, name, extra, content_was_parts, source: _ } = &other.0;
        self.role == *role
            && self.blocks == *blocks
            && self.name == *name
            && self.extra == *extra
            && self.content_was_parts == *content_was_parts
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        let MessageFields { role, blocks, name, extra, content_was_parts, source } = &self.0;
        Self(MessageFields {
            role: *role,
            blocks: blocks.clone(),
            name: name.clone(),
            extra: extra.clone(),
            content_was_parts: *content_was_parts,
            source: *source,
        })
    }
}

impl Message {
    /// A message that stands in no payload: it counts as changed.
    pub fn new(role: Role, blocks: Vec<Block>) -> Self {
        Self(MessageFields::new(role, blocks, Source::CHANGED))
    }

    /// A message of one text, that stands in no payload.
    pub fn text(role: Role, text: impl Into<Text>) -> Self {
        Self::new(role, vec![Block::text(text)])
    }

    /// A message as a decoder read it from a payload: not changed. For decoders only.
    pub fn decoded(role: Role, blocks: Vec<Block>) -> Self {
        Self(MessageFields::new(role, blocks, Source::NO_SPAN))
    }

    /// The fields for writing, without a mark: for decoders that build a message from a payload step by step.
    pub fn decoded_mut(&mut self) -> &mut MessageFields {
        &mut self.0
    }

    /// Sets where the message stands in its payload. For decoders only; a changed message stays changed.
    pub fn set_decoded_span(&mut self, span: Option<Span>) {
        if !self.is_changed() {
            self.0.source = span.map_or(Source::NO_SPAN, Source);
        }
    }

    /// The place of the message in the payload that it was decoded from; `None` once it was changed.
    pub fn source_span(&self) -> Option<Span> {
        self.0.source.span()
    }

    /// Whether the message was changed after it was decoded, or stands in no payload.
    pub fn is_changed(&self) -> bool {
        self.0.source == Source::CHANGED
    }

    /// The content alone.
    pub fn into_blocks(self) -> Vec<Block> {
        self.0.blocks
    }

    /// Marks the message as changed: it must be written even if its fields are the payload's.
    pub fn mark_changed(&mut self) {
        self.0.source = Source::CHANGED;
    }

    /// Marks the message as changed and returns its fields for writing.
    pub fn edit(&mut self) -> &mut MessageFields {
        self.mark_changed();
        &mut self.0
    }

    /// Calls `change` on each block; only a block that `change` gets write access to marks the message.
    pub fn edit_each_block(&mut self, mut change: impl FnMut(&mut Edit<'_, Block>)) {
        let mut is_changed = false;
        edit_each(&mut self.0.blocks, &mut is_changed, &mut |_, block| change(block));
        if is_changed {
            self.mark_changed();
        }
    }

    /// Keeps the blocks for which `keep` is true; a block that is removed marks the message. Returns whether one was.
    pub fn retain_blocks(&mut self, keep: impl FnMut(&Block) -> bool) -> bool {
        let before = self.0.blocks.len();
        self.0.blocks.retain(keep);
        let has_removed = self.0.blocks.len() < before;
        if has_removed {
            self.mark_changed();
        }
        has_removed
    }

    /// Keeps the extra fields for which `keep` is true, by key and value; a field that is removed marks the message.
    /// Returns whether one was.
    pub fn retain_extra(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> bool {
        let before = self.0.extra.members.len();
        if before == 0 {
            return false;
        }
        self.0.extra.members.retain(|(key, value)| keep(key, value.as_str()));
        let has_removed = self.0.extra.members.len() < before;
        if has_removed {
            self.mark_changed();
        }
        has_removed
    }

    /// Joins text blocks that follow one another into one, where neither has extra fields.
    pub fn join_texts(&mut self) {
        let mut joined: Vec<Block> = Vec::with_capacity(self.blocks.len());
        let mut has_joined = false;
        for block in std::mem::take(&mut self.0.blocks) {
            match (joined.last_mut(), block) {
                (Some(Block::Text { text, extra }), Block::Text { text: more, extra: more_extra })
                    if extra.is_empty() && more_extra.is_empty() =>
                {
                    text.push_str(&more);
                    has_joined = true;
                }
                (_, block) => joined.push(block),
            }
        }
        self.0.blocks = joined;
        if has_joined {
            self.mark_changed();
        }
    }

    /// Reports the extra fields of this message and of its blocks that `dialect` cannot express.
    pub fn report(&self, dialect: &str, field_path: &str, diagnostics: &mut Diagnostics) {
        self.extra.report_lost(dialect, field_path, diagnostics);
        report_blocks(&self.blocks, dialect, &format!("{field_path}.content"), diagnostics);
    }

    /// The approximate number of bytes of the role and the texts.
    pub(crate) fn size(&self) -> usize {
        self.role.as_str().len() + size_of_blocks(&self.blocks)
    }

    /// The text of all text blocks, joined.
    pub fn joined_text(&self) -> String {
        self.blocks.iter().filter_map(Block::as_text).collect()
    }
}

impl Deref for Message {
    type Target = MessageFields;
    fn deref(&self) -> &MessageFields {
        &self.0
    }
}

fn size_of_blocks(blocks: &[Block]) -> usize {
    let size = |block: &Block| match block {
        Block::Text { text, .. } | Block::Refusal(text) => text.bytes().len(),
        Block::ToolCall { arguments, .. } => arguments.len(),
        Block::ToolResult { blocks, .. } => size_of_blocks(blocks),
        _ => 0,
    };
    blocks.iter().map(size).sum()
}

fn report_blocks(blocks: &[Block], dialect: &str, field_path: &str, diagnostics: &mut Diagnostics) {
    for block in blocks {
        match block {
            Block::Text { extra, .. } | Block::ToolCall { extra, .. } => {
                extra.report_lost(dialect, field_path, diagnostics);
            }
            Block::Image(media) | Block::Audio(media) | Block::File(media) => {
                media.extra.report_lost(dialect, field_path, diagnostics);
            }
            Block::ToolResult { extra, blocks, .. } => {
                extra.report_lost(dialect, field_path, diagnostics);
                report_blocks(blocks, dialect, field_path, diagnostics);
            }
            // Opaque reasoning follows rules of its own (`normalize::opaque`).
            Block::Reasoning { .. } | Block::Refusal(_) | Block::Native { .. } => {}
        }
    }
}

/// The messages of a request, which record whether the list or a message in it was changed.
///
/// Messages are read through [`Deref`] to a slice.
///
/// ```
/// use openai_shim_core::canonical::{Message, Messages, Role};
/// let mut messages = Messages::default();
/// messages.push_decoded(Message::decoded(Role::User, Vec::new()));
/// assert!(!messages.is_changed());
/// messages.iter_mut().for_each(|message| message.edit().name = None);
/// assert!(messages.is_changed());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Messages {
    list: Vec<Message>,
    /// Messages were added, removed or moved.
    is_list_changed: bool,
}

impl Messages {
    /// Whether the list, or a message in it, was changed after it was decoded.
    pub fn is_changed(&self) -> bool {
        self.is_list_changed || self.list.iter().any(Message::is_changed)
    }

    /// Marks the list as changed and returns it for writing: to add, remove or move messages.
    pub fn edit(&mut self) -> &mut Vec<Message> {
        self.is_list_changed = true;
        &mut self.list
    }

    /// Adds a message at the end and marks the list as changed.
    pub fn push(&mut self, message: Message) {
        self.edit().push(message);
    }

    /// Iterates over the messages for writing; each marks itself when it is changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Message> {
        self.list.iter_mut()
    }

    /// Removes the messages for which `keep` is false; a message that is removed marks the list. Returns whether one was.
    pub fn retain(&mut self, keep: impl FnMut(&Message) -> bool) -> bool {
        let before = self.list.len();
        self.list.retain(keep);
        let has_removed = self.list.len() < before;
        self.is_list_changed |= has_removed;
        has_removed
    }

    /// Adds a message that a decoder read from the payload, without a mark. For decoders only.
    pub fn push_decoded(&mut self, message: Message) {
        self.list.push(message);
    }

    /// The list for writing, without a mark: for decoders that build it from a payload.
    pub fn decoded_mut(&mut self) -> &mut Vec<Message> {
        &mut self.list
    }
}

/// Equal are lists of equal messages, changed or not.
impl PartialEq for Messages {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

/// What is read stands in no payload: it counts as changed.
impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|list| Self { list, is_list_changed: true })
    }
}

impl Deref for Messages {
    type Target = [Message];
    fn deref(&self) -> &[Message] {
        &self.list
    }
}

impl<'m> IntoIterator for &'m mut Messages {
    type Item = &'m mut Message;
    type IntoIter = std::slice::IterMut<'m, Message>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// Messages that stand in no payload: the list counts as changed.
impl From<Vec<Message>> for Messages {
    fn from(list: Vec<Message>) -> Self {
        Self { list, is_list_changed: true }
    }
}

impl<'m> IntoIterator for &'m Messages {
    type Item = &'m Message;
    type IntoIter = std::slice::Iter<'m, Message>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::raw;

    fn decoded() -> Message {
        let mut message = Message::decoded(Role::User, vec![Block::text("a"), Block::text("b")]);
        message.decoded_mut().extra = ExtraFields::new("d", vec![(String::from("k"), raw("1"))]);
        message.set_decoded_span(Span::new(&(3..9)));
        message
    }

    #[test]
    fn every_way_to_change_a_message_removes_its_source_span() {
        let ways: [fn(&mut Message); 11] = [
            |message| message.edit().role = Role::Tool,
            |message| message.edit().blocks.clear(),
            |message| message.edit().name = Some("n".into()),
            |message| message.edit().extra.members.clear(),
            |message| message.edit().content_was_parts = true,
            |message| message.edit_each_block(|block| *block.edit() = Block::text("c")),
            |message| {
                message.retain_blocks(|block| block.as_text() == Some("a"));
            },
            |message| {
                message.retain_extra(|key, _| key != "k");
            },
            Message::join_texts,
            Message::mark_changed,
            |message| *message = Message::text(Role::User, "c"),
        ];
        for (i, change) in ways.into_iter().enumerate() {
            let mut messages = Messages::default();
            messages.push_decoded(decoded());
            messages.iter_mut().for_each(change);
            let message = messages.first().unwrap();
            assert!(message.is_changed() && message.source_span().is_none(), "{i}");
            assert!(messages.is_changed(), "{i}");
            let message = messages.decoded_mut().first_mut().unwrap();
            message.set_decoded_span(Span::new(&(3..9)));
            assert!(message.source_span().is_none(), "{i}: a decoder's span unmarks nothing");
        }
    }

    #[test]
    fn a_message_that_is_only_read_keeps_its_source_span() {
        let mut messages = Messages::default();
        messages.push_decoded(decoded());
        for message in &mut messages {
            message.edit_each_block(|block| assert!(block.as_text().is_some()));
            assert!(!message.retain_blocks(|_| true) && !message.retain_extra(|_, _| true));
        }
        assert!(!messages.retain(|_| true) && !messages.is_changed());
        let span = messages.first().and_then(super::Message::source_span);
        assert_eq!(span.map(Span::range), Some(3..9));
    }

    #[test]
    fn every_way_to_change_the_list_marks_it() {
        let ways: [fn(&mut Messages); 4] = [
            |messages| messages.edit().clear(),
            |messages| messages.push(decoded()),
            |messages| {
                messages.retain(|_| false);
            },
            |messages| *messages = vec![decoded()].into(),
        ];
        for change in ways {
            let mut messages = Messages::default();
            messages.push_decoded(decoded());
            change(&mut messages);
            assert!(messages.is_changed());
        }
    }

    #[test]
    fn a_message_without_a_span_is_not_changed() {
        let mut message = decoded();
        message.set_decoded_span(None);
        assert!(message.source_span().is_none() && !message.is_changed());
    }

    #[test]
    fn a_reversed_range_is_no_span() {
        let (start, end) = (2, 0);
        assert_eq!(Span::new(&(start..end)), None);
    }

    #[test]
    fn a_message_stays_small() {
        assert!(size_of::<Message>() <= 64, "{}", size_of::<Message>());
    }
}

//! The content of one message of a request, from `Text`s and the JSON of blocks to JSON. Most messages have one text, which
//! needs neither a list nor a copy.

use crate::canonical::Text;

/// A content block that is ready to be written.
pub(super) enum ContentBlock<'m> {
    /// A text without fields of its own.
    Text(&'m Text),
    /// The JSON of any other block.
    Json(String),
}

impl ContentBlock<'_> {
    fn as_text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(_) => None,
        }
    }

    fn to_json(&self) -> String {
        match self {
            Self::Text(text) => text_block(text),
            Self::Json(json) => json.clone(),
        }
    }
}

fn text_block(text: &Text) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, text.to_json())
}

/// The content blocks of a message, in order.
#[derive(Default)]
pub(super) enum MessageContent<'m> {
    /// No block.
    #[default]
    Empty,
    /// One block.
    One(ContentBlock<'m>),
    /// A list of blocks.
    List(Box<BlockList<'m>>),
}

/// A list of content blocks, behind one pointer.
pub(super) struct BlockList<'m>(Vec<ContentBlock<'m>>);

impl<'m> MessageContent<'m> {
    /// Whether there is no block.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks().is_empty()
    }

    /// Adds a block.
    pub(super) fn push(&mut self, block: ContentBlock<'m>) {
        match std::mem::take(self) {
            Self::Empty => *self = Self::One(block),
            Self::One(first) => *self = Self::List(Box::new(BlockList(vec![first, block]))),
            Self::List(mut blocks) => {
                blocks.0.push(block);
                *self = Self::List(blocks);
            }
        }
    }

    /// Adds all blocks of another content.
    pub(super) fn append(&mut self, other: Self) {
        match other {
            Self::Empty => {}
            Self::One(block) => self.push(block),
            Self::List(blocks) => blocks.0.into_iter().for_each(|block| self.push(block)),
        }
    }

    /// Returns about how many bytes its JSON has.
    pub(super) fn estimated_len(&self) -> usize {
        let size = |block: &ContentBlock<'_>| match block {
            ContentBlock::Json(json) => json.len() + 1,
            text @ ContentBlock::Text(_) => text.as_text().map_or(0, |text| text.bytes().len() + 2),
        };
        self.blocks().iter().map(size).sum()
    }

    /// Returns the JSON of `content`: a string if there is one text without fields, else a list.
    pub(super) fn to_json(&self) -> String {
        match self.blocks() {
            [block] if block.as_text().is_some() => block.as_text().map(Text::to_json).unwrap_or_default(),
            blocks => format!("[{}]", blocks.iter().map(ContentBlock::to_json).collect::<Vec<_>>().join(",")),
        }
    }

    fn blocks(&self) -> &[ContentBlock<'m>] {
        match self {
            Self::Empty => &[],
            Self::One(block) => std::slice::from_ref(block),
            Self::List(blocks) => &blocks.0,
        }
    }
}

/// The messages of a request, as JSON.
pub(super) struct WrittenMessages {
    /// The system prompt; `None` if there is none.
    pub(super) system: Option<String>,
    /// The list of messages.
    pub(super) messages: String,
}

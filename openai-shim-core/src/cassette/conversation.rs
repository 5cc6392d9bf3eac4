//! What identifies a conversation in every dialect: its texts, calls and results in order, apart from how they are written.

use crate::canonical::digest::{Digest, call_digest};
use crate::canonical::{Block, Request, Role};

/// A conversation as requests of every dialect express it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) model: String,
    pub(super) is_stream: bool,
    /// The instructions first, which some dialects have apart from the messages; then the rest in order.
    pub(super) turns: Vec<Turn>,
}

/// What one side said without the other in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) speaker: &'static str,
    /// The beginning of its text, for people.
    pub(super) excerpt: String,
    digest: u128,
}

/// The most characters of an excerpt.
const EXCERPT_CHARACTERS: usize = 60;

impl Conversation {
    pub(super) fn new(request: &Request) -> Self {
        let mut instructions = TurnBuilder::new("instructions");
        let mut turns: Vec<TurnBuilder> = Vec::new();
        for message in &request.messages {
            if matches!(message.role, Role::System | Role::Developer) {
                message.blocks.iter().for_each(|block| instructions.add(block));
                continue;
            }
            for block in &message.blocks {
                let speaker = match (block, message.role) {
                    (Block::ToolResult { .. }, _) | (_, Role::Tool) => "tool",
                    (_, Role::Assistant) => "assistant",
                    _ => "user",
                };
                if turns.last().is_none_or(|turn| turn.speaker != speaker) {
                    turns.push(TurnBuilder::new(speaker));
                }
                if let Some(turn) = turns.last_mut() {
                    turn.add(block);
                }
            }
        }
        let all = std::iter::once(instructions).chain(turns);
        Self {
            model: request.model.clone(),
            is_stream: request.stream,
            turns: all.filter(|turn| !turn.is_empty).map(TurnBuilder::finish).collect(),
        }
    }

    /// How many turns at the beginning are the same.
    pub(super) fn common_turns(&self, other: &Self) -> usize {
        self.turns.iter().zip(&other.turns).take_while(|(one, two)| one.digest == two.digest).count()
    }
}

struct TurnBuilder {
    speaker: &'static str,
    excerpt: String,
    digest: Digest,
    is_empty: bool,
}

impl TurnBuilder {
    fn new(speaker: &'static str) -> Self {
        Self { speaker, excerpt: String::new(), digest: Digest::new(), is_empty: true }
    }

    fn add(&mut self, block: &Block) {
        match block {
            Block::Text { text, .. } | Block::Refusal(text) => self.add_text(text),
            // The names of tools are changed for some upstreams, and ids of calls differ between dialects.
            Block::ToolCall { name, arguments, .. } => self.add_item(name, call_digest("", arguments)),
            Block::ToolResult { blocks, .. } => blocks.iter().for_each(|block| self.add(block)),
            Block::Image(_) => self.add_item("[image]", 1),
            Block::Audio(_) => self.add_item("[audio]", 2),
            Block::File(_) => self.add_item("[file]", 3),
            // Clients drop reasoning, and other dialects have no place for native blocks.
            Block::Reasoning { .. } | Block::Native { .. } => {}
        }
    }

    /// White space does not count: dialects join and divide texts differently.
    fn add_text(&mut self, text: &str) {
        for word in text.split_whitespace() {
            self.is_empty = false;
            self.digest.add(word.as_bytes());
            self.add_excerpt(word);
        }
    }

    fn add_item(&mut self, name: &str, value: u128) {
        self.is_empty = false;
        self.digest.add(&[0xff]);
        self.digest.add(&value.to_le_bytes());
        self.add_excerpt(name);
    }

    fn add_excerpt(&mut self, word: &str) {
        let room = EXCERPT_CHARACTERS.saturating_sub(self.excerpt.chars().count());
        if room > 1 {
            let separator = if self.excerpt.is_empty() { "" } else { " " };
            self.excerpt.push_str(separator);
            self.excerpt.extend(word.chars().take(room));
        }
    }

    fn finish(mut self) -> Turn {
        self.digest.add_field(self.speaker.as_bytes());
        Turn { speaker: self.speaker, excerpt: self.excerpt, digest: self.digest.value() }
    }
}

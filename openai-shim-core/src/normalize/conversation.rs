//! The messages of a conversation to one digest, part of the keys of stored state: another conversation has other keys.

use crate::accepts::REQUEST_NONCE;
use crate::canonical::digest::Digest;
use crate::canonical::{Block, MediaSource, Message, Request, Role, Text};

/// A digest of all messages before a turn, the system message included.
pub(super) struct ConversationDigest(Digest);

impl ConversationDigest {
    /// The digest before the first message: that of what the request refers to.
    pub(super) fn new(request: &Request) -> Self {
        let mut digest = Digest::new();
        for reference in &request.references {
            digest.add_field(reference.as_bytes());
        }
        Self(digest)
    }

    /// The digest of all messages that were added.
    pub(super) fn value(&self) -> u128 {
        self.0.value()
    }

    /// Adds a message. Texts are added as they are escaped in JSON: a client escapes the same text the same way again.
    pub(super) fn add(&mut self, message: &Message) {
        self.0.add(message.role.as_str().as_bytes());
        self.0.add_field(message.name.as_deref().unwrap_or_default().as_bytes());
        let is_system = matches!(message.role, Role::System | Role::Developer);
        for block in &message.blocks {
            match block {
                Block::Text { text, .. } if is_system => self.add_system_text(text),
                block => self.add_block(block),
            }
        }
        self.0.add(b"\n");
    }

    fn add_text(&mut self, text: &[u8]) {
        self.0.add(b"t");
        self.0.add_field(text);
    }

    /// Adds the text of a system message without the lines that differ with each request: they belong to no conversation.
    fn add_system_text(&mut self, text: &Text) {
        if memchr::memmem::find(text.bytes(), REQUEST_NONCE.as_bytes()).is_none() {
            return self.add_text(text.bytes());
        }
        let text = text.unescaped();
        let lines: Vec<&str> = text.split('\n').filter(|line| !line.starts_with(REQUEST_NONCE)).collect();
        if !lines.is_empty() {
            self.add_text(lines.join("\n").as_bytes());
        }
    }

    /// Adds a block, without ids, which some clients change, and without reasoning, which clients drop from older turns.
    fn add_block(&mut self, block: &Block) {
        match block {
            Block::Text { text, .. } => self.add_text(text.bytes()),
            Block::Refusal(text) => {
                self.0.add(b"r");
                self.0.add_field(text.bytes());
            }
            Block::Image(media) | Block::Audio(media) | Block::File(media) => {
                self.0.add(b"m");
                self.add_source(&media.source);
                self.0.add_field(media.name.as_deref().unwrap_or_default().as_bytes());
            }
            Block::ToolCall { name, arguments, .. } => {
                self.0.add(b"c");
                self.0.add_field(name.as_bytes());
                self.0.add_field(arguments.as_bytes());
            }
            Block::ToolResult { blocks, is_error, .. } => {
                self.0.add(if *is_error { b"E" } else { b"R" });
                for block in blocks {
                    self.add_block(block);
                }
                self.0.add(b".");
            }
            Block::Native { raw, .. } => {
                self.0.add(b"n");
                self.0.add_field(raw.as_str().as_bytes());
            }
            Block::Reasoning { .. } => {}
        }
    }

    fn add_source(&mut self, source: &MediaSource) {
        match source {
            MediaSource::Url(url) => {
                self.0.add(b"u");
                self.0.add_field(url.as_bytes());
            }
            MediaSource::Base64 { media_type, data } => {
                self.0.add(b"b");
                self.0.add_field(media_type.as_bytes());
                self.0.add_field(data.as_bytes());
            }
            MediaSource::FileId(id) => {
                self.0.add(b"f");
                self.0.add_field(id.as_bytes());
            }
        }
    }
}

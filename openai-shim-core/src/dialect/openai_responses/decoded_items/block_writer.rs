//! The blocks that items become: deltas of interleaved items to `Open`, `Delta` and `Close` events in the order of the grammar.
//!
//! Of text, reasoning and refusals one block is open at a time. Tool calls may be open side by side, but not beside the
//! others, whose deltas wait in a queue until all calls are closed.

use super::super::names::NAME;
use super::item::PartKind;
use crate::canonical::{BlockKind, Delta, Event};
use crate::json::raw;

/// Writes the blocks of a stream.
#[derive(Debug, Default)]
pub(super) struct BlockWriter {
    next_block: u32,
    open: Option<OpenBlock>,
    queue: Vec<QueuedDelta>,
    queued_bytes: usize,
    open_calls: usize,
    has_calls: bool,
}

/// The open block of text, reasoning or refusal.
#[derive(Debug, Clone, Copy)]
struct OpenBlock {
    block: u32,
    /// The position of the item that the block belongs to.
    item: usize,
    part: PartKind,
}

/// A delta that waits until all calls are closed.
#[derive(Debug)]
struct QueuedDelta {
    item: usize,
    part: PartKind,
    delta: Delta,
}

impl BlockWriter {
    /// Returns the size of the waiting deltas.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Returns whether there was a tool call.
    pub(super) fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// Writes a delta of an item's part, or queues it while calls are open.
    pub(super) fn push(&mut self, item: usize, part: PartKind, delta: Delta, out: &mut Vec<Event>) {
        if self.open_calls > 0 {
            self.queued_bytes = self.queued_bytes.saturating_add(match &delta {
                Delta::Text(text) | Delta::Signature(text) => text.len(),
                Delta::Native { raw, .. } => raw.as_str().len(),
            });
            self.queue.push(QueuedDelta { item, part, delta });
            return;
        }
        self.write(item, part, delta, out);
    }

    fn write(&mut self, item: usize, part: PartKind, delta: Delta, out: &mut Vec<Event>) {
        let block = match self.open {
            Some(open) if open.item == item && part.continues(open.part) => open.block,
            _ => {
                self.close_open(out);
                let block = self.take_block();
                self.open = Some(OpenBlock { block, item, part });
                out.push(Event::Open { choice: 0, block, kind: part.block_kind() });
                block
            }
        };
        out.push(Event::Delta { choice: 0, block, delta });
    }

    /// Opens the block of a tool call, and returns it.
    pub(super) fn open_call(&mut self, id: String, name: String, out: &mut Vec<Event>) -> u32 {
        self.close_open(out);
        let block = self.take_block();
        self.has_calls = true;
        self.open_calls += 1;
        out.push(Event::Open { choice: 0, block, kind: BlockKind::ToolCall { id, name, signature: None } });
        block
    }

    /// Closes the block of a tool call.
    pub(super) fn close_call(&mut self, block: u32, out: &mut Vec<Event>) {
        self.open_calls = self.open_calls.saturating_sub(1);
        out.push(Event::Close { choice: 0, block });
    }

    /// Writes the waiting deltas if no call is open. A block whose item is done, as told by `is_done`, is closed.
    pub(super) fn flush(&mut self, is_done: impl Fn(usize) -> bool, out: &mut Vec<Event>) {
        if self.open_calls > 0 {
            return;
        }
        self.queued_bytes = 0;
        for QueuedDelta { item, part, delta } in std::mem::take(&mut self.queue) {
            self.write(item, part, delta, out);
        }
        if self.open.is_some_and(|open| is_done(open.item)) {
            self.close_open(out);
        }
    }

    /// Closes the open block of an item, if there is one.
    pub(super) fn close_item(&mut self, item: usize, out: &mut Vec<Event>) {
        if self.open.is_some_and(|open| open.item == item) {
            self.close_open(out);
        }
    }

    /// Closes the open block of text, reasoning or refusal, if there is one.
    pub(super) fn close_open(&mut self, out: &mut Vec<Event>) {
        if let Some(OpenBlock { block, .. }) = self.open.take() {
            out.push(Event::Close { choice: 0, block });
        }
    }

    fn take_block(&mut self) -> u32 {
        let block = self.next_block;
        self.next_block += 1;
        block
    }
}

/// Returns a delta with a field that only this dialect has.
pub(super) fn native(key: &str, value: &str) -> Delta {
    Delta::Native { dialect: NAME, key: key.to_owned(), raw: raw(value) }
}

//! JSON array of objects to one frame for each item: Google's stream format without server-sent events.

use super::deviation::Deviation;
use super::frame::{Frame, FrameTooLarge};

/// Reads a body that begins with `[` and then `{`.
#[derive(Debug)]
pub(super) struct ArrayReader {
    /// The current item, or the text after the array.
    buffer: Vec<u8>,
    /// How many brackets are open inside the item.
    depth: usize,
    position: Position,
    phase: ArrayPhase,
    limit: usize,
    pub(super) deviations: Vec<Deviation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArrayPhase {
    /// Before an item: white space and commas.
    BetweenItems,
    InItem,
    /// The array is closed; text that follows does not belong to it.
    AfterArray,
}

/// The position inside an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Outside every string.
    Structure,
    String,
    /// Inside a string, after a backslash that escapes the next byte.
    Escape,
}

impl ArrayReader {
    /// Creates a reader for the text after the opening bracket.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            depth: 0,
            position: Position::Structure,
            phase: ArrayPhase::BetweenItems,
            limit,
            deviations: vec![Deviation::Array],
        }
    }

    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLarge> {
        let mut input = chunk;
        while !input.is_empty() {
            input = match self.phase {
                ArrayPhase::BetweenItems => self.skip_separator(input),
                ArrayPhase::InItem => self.read_item(input, sink)?,
                ArrayPhase::AfterArray => {
                    self.buffer.extend_from_slice(input);
                    &[]
                }
            };
            if self.buffer.len() > self.limit {
                return Err(FrameTooLarge { limit: self.limit });
            }
        }
        Ok(())
    }

    /// The body has ended: emits an incomplete item, or the text after the array, as it is.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let buffer = std::mem::take(&mut self.buffer);
        let remaining = buffer.trim_ascii();
        if !remaining.is_empty() {
            if self.phase == ArrayPhase::AfterArray {
                self.deviations.push(Deviation::StrayLine);
            }
            sink(Frame::Line(remaining));
        } else if self.phase == ArrayPhase::BetweenItems {
            self.deviations.push(Deviation::Unterminated);
        }
        self.phase = ArrayPhase::AfterArray;
    }

    /// Skips white space and commas; returns the input from the next item, or after the end of the array.
    fn skip_separator<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let skip = input.iter().position(|b| !b.is_ascii_whitespace() && *b != b',').unwrap_or(input.len());
        let remaining = input.get(skip..).unwrap_or_default();
        match remaining.split_first() {
            None => remaining,
            Some((b']', after)) => {
                self.phase = ArrayPhase::AfterArray;
                after
            }
            Some(_) => {
                self.phase = ArrayPhase::InItem;
                remaining
            }
        }
    }

    /// Reads up to the end of the item or of the input; returns the input after it.
    fn read_item<'a>(
        &mut self,
        input: &'a [u8],
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<&'a [u8], FrameTooLarge> {
        let end = self.find_item_end(input);
        let (part, after) = input.split_at(end.unwrap_or(input.len()).min(input.len()));
        if self.buffer.len() + part.len() > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        if end.is_none() {
            self.buffer.extend_from_slice(part);
            return Ok(after);
        }
        self.phase = ArrayPhase::BetweenItems;
        if self.buffer.is_empty() {
            sink(Frame::Line(part.trim_ascii()));
        } else {
            self.buffer.extend_from_slice(part);
            let item = std::mem::take(&mut self.buffer);
            sink(Frame::Line(item.trim_ascii()));
            self.buffer = item;
            self.buffer.clear();
        }
        Ok(after)
    }

    /// Returns the index after the item; `None` if the item continues after the input.
    fn find_item_end(&mut self, input: &[u8]) -> Option<usize> {
        for (at, byte) in input.iter().enumerate() {
            match (self.position, byte) {
                (Position::Escape, _) | (Position::Structure, b'"') => self.position = Position::String,
                (Position::String, b'\\') => self.position = Position::Escape,
                (Position::String, b'"') => self.position = Position::Structure,
                (Position::Structure, b'{' | b'[') => self.depth += 1,
                // An item that is not an object ends where the next item or the end of the array begins.
                (Position::Structure, b',' | b']') if self.depth == 0 => return Some(at),
                (Position::Structure, b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                (Position::String | Position::Structure, _) => {}
            }
        }
        None
    }
}

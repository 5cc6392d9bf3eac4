//! The last template of a stream: a frame in, the values of its slots out; the stream's state is kept up to date.

use super::find_slots::{ChunkSlots, UsageSpan};
use super::template_text::{Slot, SlotSpan, SlotValues, TemplateText};
use crate::dialect::openai_chat::repair::{Phase, StreamState};
use crate::framing::Frame;
use crate::json::utf8;
use std::ops::Range;

/// After so many templates in a row that no chunk matched, none is stored any more.
const MAX_MISSES: u8 = 8;

/// A chunk that came, and what became of it.
#[derive(Debug)]
struct ChunkTemplate<T> {
    input: TemplateText,
    output: T,
    usage: Option<UsageSpan>,
    /// Diagnostics by their number, and how often the chunk recorded each.
    diagnostics: Vec<(usize, u32)>,
    was_replayed: bool,
}

/// Holds at most one template; `T` is what goes out for its chunk.
#[derive(Debug)]
pub(super) struct TemplateCache<T> {
    template: Option<ChunkTemplate<T>>,
    /// The values' ranges in the chunk at hand; kept, so that no chunk allocates.
    found: Vec<Range<usize>>,
    /// How many diagnostics were omitted before the chunk at hand; `None` if it cannot become a template.
    omitted_before: Option<u32>,
    /// How often each diagnostic was recorded before the chunk at hand.
    counts_before: Vec<u32>,
    misses: u8,
}

impl<T> Default for TemplateCache<T> {
    fn default() -> Self {
        Self { template: None, found: Vec::new(), omitted_before: None, counts_before: Vec::new(), misses: 0 }
    }
}

impl<T> TemplateCache<T> {
    /// Handles a frame that matches the template: updates the stream's state and calls `write`. Returns false for any other
    /// frame, which must be repaired and then given to [`store`](Self::store).
    pub(super) fn try_replay(
        &mut self,
        frame: Frame<'_>,
        stream: &mut StreamState,
        write: impl FnOnce(&T, &SlotValues<'_>),
    ) -> bool {
        if self.replay(frame, stream, write) {
            return true;
        }
        self.start_miss(stream);
        false
    }

    fn replay(
        &mut self,
        frame: Frame<'_>,
        stream: &mut StreamState,
        write: impl FnOnce(&T, &SlotValues<'_>),
    ) -> bool {
        let (Some(template), Frame::Event { data, .. }) = (&mut self.template, frame) else { return false };
        if template.input.find_values(data, &mut self.found).is_none() {
            return false;
        }
        let Some(chunk) = utf8(data) else { return false };
        let usage = template.usage.and_then(|usage| {
            let (first, last) = (self.found.get(usage.first)?, self.found.get(usage.last)?);
            chunk.get(first.start.checked_sub(usage.before)?..last.end + usage.after)
        });
        let values = SlotValues { chunk, found: &self.found, template: &template.input, usage };
        if !update_state(stream, &values, &template.diagnostics) {
            return false;
        }
        template.was_replayed = true;
        write(&template.output, &values);
        true
    }

    /// Drops the template, and notes the counts of diagnostics that the frame's repair will change.
    fn start_miss(&mut self, stream: &StreamState) {
        if let Some(template) = self.template.take() {
            self.misses = if template.was_replayed { 0 } else { self.misses + 1 };
        }
        self.omitted_before = (self.misses < MAX_MISSES && is_steady(stream)).then(|| {
            self.counts_before.clear();
            self.counts_before.extend(stream.diagnostics.counts());
            stream.diagnostics.omitted()
        });
    }

    /// Stores a repaired frame as the template, if `output` can tell what goes out for the next chunk of its form.
    pub(super) fn store(
        &mut self,
        frame: Frame<'_>,
        stream: &StreamState,
        output: impl FnOnce(&str, &[SlotSpan]) -> Option<T>,
    ) {
        if let (Some(omitted), Frame::Event { data, .. }) = (self.omitted_before.take(), frame)
            && is_steady(stream)
            && was_text_unchanged(stream)
            && stream.diagnostics.omitted() == omitted
        {
            self.template = utf8(data).and_then(|chunk| self.learn(chunk, stream, output));
        }
    }

    fn learn(
        &self,
        chunk: &str,
        stream: &StreamState,
        output: impl FnOnce(&str, &[SlotSpan]) -> Option<T>,
    ) -> Option<ChunkTemplate<T>> {
        let ChunkSlots { spans, usage } = ChunkSlots::find(chunk)?;
        let output = output(chunk, &spans)?;
        let input = TemplateText::new(chunk, &spans, |number, _| Some(number))?;
        let added = stream.diagnostics.counts().enumerate();
        let added = added.map(|(at, count)| (at, count - self.counts_before.get(at).copied().unwrap_or(0)));
        let diagnostics = added.filter(|(_, added)| *added > 0).collect();
        Some(ChunkTemplate { input, output, usage, diagnostics, was_replayed: false })
    }
}

/// Whether a chunk's repair depends on the chunk alone: one choice is in its middle, and nothing is withheld.
fn is_steady(stream: &StreamState) -> bool {
    let [choice] = stream.choices.as_slice() else { return false };
    choice.has_sent_role
        && !choice.is_finished()
        && !choice.has_withheld()
        && stream.held.is_none()
        && stream.prelude.is_empty()
        && stream.phase == Phase::Open
        && stream.identity.is_complete(&stream.spec)
        && !stream.spec.quirks.cumulative_deltas
}

/// Whether the last chunk's text went through unchanged.
fn was_text_unchanged(stream: &StreamState) -> bool {
    let [choice] = stream.choices.as_slice() else { return false };
    choice.was_text_unchanged()
}

/// Updates the stream's state as the repair of this chunk would; returns false, and changes nothing, if its text or its
/// arguments need repair.
fn update_state(stream: &mut StreamState, values: &SlotValues<'_>, diagnostics: &[(usize, u32)]) -> bool {
    let [choice] = stream.choices.as_mut_slice() else { return false };
    // A template has at most one slot of text or arguments.
    for slot in values.template.slots() {
        let is_taken = match slot {
            Slot::Arguments => {
                values.literal(slot).is_some_and(|literal| choice.calls.append_arguments(literal))
            }
            Slot::Content => values.literal(slot).is_some_and(|literal| {
                choice.extractor.as_mut().is_some_and(|extractor| extractor.pass(literal))
            }),
            _ => true,
        };
        if !is_taken {
            return false;
        }
    }
    if let Some(usage) = values.usage {
        let json = stream.usage.json.get_or_insert_default();
        json.clear();
        json.push_str(usage);
    }
    stream.summary.content = true;
    stream.diagnostics.increment(diagnostics);
    true
}

#[cfg(test)]
impl<T> TemplateCache<T> {
    /// A cache that never stores a template.
    pub(super) fn disabled() -> Self {
        Self { misses: MAX_MISSES, ..Self::default() }
    }

    /// Whether the last frame was replayed.
    pub(super) fn has_replayed(&self) -> bool {
        self.template.as_ref().is_some_and(|template| template.was_replayed)
    }
}

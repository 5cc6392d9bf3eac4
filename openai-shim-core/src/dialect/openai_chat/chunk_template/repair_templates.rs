//! The cache of a stream whose bytes pass through: a frame in, the bytes that go out for it, and the tap's events, out.

use super::cache::TemplateCache;
use super::event_template::{EventTemplate, emit_events, is_block_text, learn_events};
use super::find_slots::ChunkSlots;
use super::template_text::{Slot, SlotSpan, TemplateText};
use crate::canonical::{Delta, Event};
use crate::dialect::openai_chat::opaque_state_tap::OpaqueStateTap;
use crate::dialect::openai_chat::repair::StreamState;
use crate::framing::Frame;
use crate::json::utf8;
use std::ops::Range;

const EVENT_PREFIX: &str = "data: ";

/// The last template of a stream.
#[derive(Debug, Default)]
pub(in super::super) struct RepairTemplates {
    cache: TemplateCache<TemplateOutput>,
}

/// What goes out for a chunk.
#[derive(Debug)]
struct TemplateOutput {
    text: TemplateText,
    tap_events: Vec<EventTemplate>,
}

impl RepairTemplates {
    /// Handles a frame that matches the template; returns false, and changes nothing but the cache, for any other frame.
    pub(in super::super) fn try_replay(
        &mut self,
        frame: Frame<'_>,
        stream: &mut StreamState,
        tap: &mut OpaqueStateTap,
        out: &mut Vec<u8>,
    ) -> bool {
        self.cache.try_replay(frame, stream, |output, values| {
            output.text.write(values, out);
            emit_events(&output.tap_events, values, &mut tap.sink());
        })
    }

    /// Stores what went out for a frame that did not match: the bytes in `written` and the tap's events.
    pub(in super::super) fn store(
        &mut self,
        frame: Frame<'_>,
        stream: &StreamState,
        tap: &OpaqueStateTap,
        written: &[u8],
    ) {
        self.cache.store(frame, stream, |chunk, slots| {
            Some(TemplateOutput {
                text: output_text(chunk, slots, written)?,
                tap_events: learn_tap_events(chunk, slots, tap)?,
            })
        });
    }

    /// A cache that never stores a template.
    #[cfg(test)]
    pub(in super::super) fn disabled() -> Self {
        Self { cache: TemplateCache::disabled() }
    }

    /// Whether the last frame was replayed.
    #[cfg(test)]
    pub(in super::super) fn has_replayed(&self) -> bool {
        self.cache.has_replayed()
    }
}

/// Returns the bytes that went out, with slots for the chunk's values. `None` if they have other values, or not all of them.
fn output_text(chunk: &str, input: &[SlotSpan], written: &[u8]) -> Option<TemplateText> {
    let written = utf8(written)?;
    let event = written.strip_prefix(EVENT_PREFIX)?.strip_suffix("\n\n")?;
    let output = if event == chunk { input.to_vec() } else { ChunkSlots::find(event)?.spans };
    let output: Vec<SlotSpan> = output.into_iter().filter(|span| span.slot != Slot::Count).collect();
    let number = |slot: Slot| input.iter().position(|span| span.slot == slot);
    let has_input_value = |span: &SlotSpan| {
        let value = number(span.slot).and_then(|number| chunk.get(input.get(number)?.range.clone()));
        value.is_some() && value == event.get(span.range.clone())
    };
    let expected = input.iter().filter(|span| span.slot != Slot::Count).count();
    if expected != output.len() || !output.iter().all(has_input_value) {
        return None;
    }
    let shift = |range: Range<usize>| range.start + EVENT_PREFIX.len()..range.end + EVENT_PREFIX.len();
    let output: Vec<SlotSpan> =
        output.into_iter().map(|span| SlotSpan { range: shift(span.range), slot: span.slot }).collect();
    TemplateText::new(written, &output, |_, slot| number(slot))
}

/// Returns the tap's events for a chunk with slots; none before the tap records. Fields without a place in the canonical
/// model do not matter for the turn's record.
fn learn_tap_events(chunk: &str, slots: &[SlotSpan], tap: &OpaqueStateTap) -> Option<Vec<EventTemplate>> {
    if !tap.is_recording() {
        return Some(Vec::new());
    }
    let is_native = |event: &&Event| {
        matches!(event, Event::Extra { .. } | Event::Delta { delta: Delta::Native { .. }, .. })
    };
    let slots: Vec<SlotSpan> = slots.iter().filter(|span| is_block_text(span.slot)).cloned().collect();
    learn_events(tap.events().iter().filter(|event| !is_native(event)), chunk, &slots)
}

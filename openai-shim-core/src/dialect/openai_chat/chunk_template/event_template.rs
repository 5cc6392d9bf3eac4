//! Events with slots: a chunk's events in, the same events with another chunk's values out.

use super::template_text::{Slot, SlotSpan, SlotValues};
use crate::canonical::{Delta, Event, ExtraFieldList};
use crate::dialect::openai_chat::chunk_events::EventSink;
use crate::dialect::openai_chat::extra_fields::NAME;
use crate::dialect::openai_chat::reasoning_details;
use crate::json::{decode_string, raw};

/// Slots whose values are the text of blocks.
const BLOCK_TEXTS: [Slot; 3] = [Slot::Content, Slot::Reasoning, Slot::Arguments];

/// Whether a slot's value is the text of a block.
pub(super) fn is_block_text(slot: Slot) -> bool {
    BLOCK_TEXTS.contains(&slot)
}

/// An event with a slot.
#[derive(Debug)]
pub(super) enum EventTemplate {
    /// A delta with the slot's value as its text.
    Text { choice: u32, block: u32, slot: Slot },
    /// A delta with the `reasoning_details` around the slot: so many bytes before and after its value.
    Details { choice: u32, block: u32, before: usize, after: usize },
    /// A field of the chunk itself, which is an event where its value is new.
    ChunkField { key: &'static str, slot: Slot },
}

/// Emits the events with the values of a chunk.
pub(super) fn emit_events(templates: &[EventTemplate], values: &SlotValues<'_>, sink: &mut EventSink<'_>) {
    for template in templates {
        match template {
            EventTemplate::Text { choice, block, slot } => {
                let text = values.literal(*slot).and_then(decode_string).unwrap_or_default().into_owned();
                if *slot == Slot::Arguments {
                    sink.add_arguments(*choice, *block, &text);
                }
                let delta = Delta::Text(text);
                sink.out.push(Event::Delta { choice: *choice, block: *block, delta });
            }
            EventTemplate::Details { choice, block, before, after } => {
                let value = values.around(Slot::Details, *before, *after).unwrap_or_default();
                let key = String::from(reasoning_details::FIELD);
                let delta = Delta::Native { dialect: NAME, key, raw: raw(value) };
                sink.out.push(Event::Delta { choice: *choice, block: *block, delta });
            }
            EventTemplate::ChunkField { key, slot } => {
                let value = values.literal(*slot).unwrap_or_default();
                if sink.is_new_value(key, value) {
                    let extra = ExtraFieldList::new(NAME, vec![((*key).to_owned(), raw(value))]);
                    sink.out.push(Event::Extra { choice: None, extra });
                }
            }
        }
    }
}

/// Returns a chunk's events with slots. `None` if they have anything but the values of its slots, or not each value once.
pub(super) fn learn_events<'e>(
    events: impl Iterator<Item = &'e Event>,
    chunk: &str,
    slots: &[SlotSpan],
) -> Option<Vec<EventTemplate>> {
    let span = |slot: Slot| slots.iter().find(|span| span.slot == slot);
    let literal = |slot: Slot| {
        let range = &span(slot)?.range;
        chunk.get(range.start.checked_sub(1)?..range.end + 1)
    };
    let mut learned: Vec<(Slot, EventTemplate)> = Vec::new();
    for event in events {
        learned.push(match event {
            Event::Delta { choice, block, delta: Delta::Text(text) } => {
                let has_text = |slot: &Slot| literal(*slot).and_then(decode_string).as_deref() == Some(text);
                let [slot] = BLOCK_TEXTS.into_iter().filter(has_text).collect::<Vec<_>>().try_into().ok()?;
                (slot, EventTemplate::Text { choice: *choice, block: *block, slot })
            }
            Event::Delta { choice, block, delta: Delta::Native { key, raw, .. } }
                if key == reasoning_details::FIELD =>
            {
                let text = &span(Slot::Details)?.range;
                let start = chunk.find(raw.as_str())?;
                let before = text.start.checked_sub(start)?;
                let after = (start + raw.as_str().len()).checked_sub(text.end)?;
                (Slot::Details, EventTemplate::Details { choice: *choice, block: *block, before, after })
            }
            Event::Extra { choice: None, extra } => {
                let [(key, value)] = extra.of(NAME) else { return None };
                let is_padding =
                    |span: &&SlotSpan| matches!(span.slot, Slot::Padding(padding) if padding == key);
                let slot = slots.iter().find(is_padding)?.slot;
                let Slot::Padding(key) = slot else { return None };
                (literal(slot)? == value.as_str()).then_some(())?;
                (slot, EventTemplate::ChunkField { key, slot })
            }
            _ => return None,
        });
    }
    // Padding with the value of the chunk before is no event, but that of the next chunk may be one.
    let mut paddings = slots.iter().filter_map(|span| match span.slot {
        Slot::Padding(key) => Some((key, span.slot)),
        _ => None,
    });
    if let (Some((key, slot)), None) = (paddings.next(), paddings.next())
        && !learned.iter().any(|(learned, _)| *learned == slot)
    {
        learned.insert(0, (slot, EventTemplate::ChunkField { key, slot }));
    }
    let is_used_once = |slot: Slot| {
        slot == Slot::Count || learned.iter().filter(|(learned, _)| *learned == slot).count() == 1
    };
    slots
        .iter()
        .all(|span| is_used_once(span.slot))
        .then(|| learned.into_iter().map(|(_, template)| template).collect())
}

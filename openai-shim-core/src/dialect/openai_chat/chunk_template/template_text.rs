//! A text with slots: matched against a chunk, whose values it yields; written with other values.

use crate::json::scan;
use std::ops::Range;

/// The most digits of a number that is certainly a count.
pub(super) const MAX_COUNT_DIGITS: usize = 15;

/// What stands in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The choice's text, with JSON's escapes; not empty.
    Content,
    /// Reasoning, likewise.
    Reasoning,
    /// A part of a call's arguments, likewise.
    Arguments,
    /// The text in `reasoning_details`; the reasoning has it as well.
    Details,
    /// A field without a meaning, by its name.
    Padding(&'static str),
    /// A number in the token counts.
    Count,
}

/// A slot and its range in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotSpan {
    pub(super) range: Range<usize>,
    pub(super) slot: Slot,
}

/// A text with slots.
#[derive(Debug)]
pub(super) struct TemplateText {
    /// The text around the slots.
    fixed: String,
    /// In the order of the text.
    slots: Vec<SlotPosition>,
}

#[derive(Debug)]
struct SlotPosition {
    /// Where the slot is in the fixed text.
    offset: usize,
    slot: Slot,
    /// The slot's number in the chunk that came.
    number: usize,
}

impl TemplateText {
    /// Cuts the slots out of a text. `number` returns the number of a slot in the chunk that came.
    pub(super) fn new(
        text: &str,
        spans: &[SlotSpan],
        number: impl Fn(usize, Slot) -> Option<usize>,
    ) -> Option<Self> {
        let (mut fixed, mut slots, mut from) = (String::with_capacity(text.len()), Vec::new(), 0);
        for (at, SlotSpan { range, slot }) in spans.iter().enumerate() {
            fixed.push_str(text.get(from..range.start)?);
            slots.push(SlotPosition { offset: fixed.len(), slot: *slot, number: number(at, *slot)? });
            from = range.end;
        }
        fixed.push_str(text.get(from..)?);
        Some(Self { fixed, slots })
    }

    /// The slots, in the order of the text.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().map(|position| position.slot)
    }

    /// Matches a chunk, and puts the ranges of its values into `found`. `None` if it does not match.
    pub(super) fn find_values(&self, chunk: &[u8], found: &mut Vec<Range<usize>>) -> Option<()> {
        found.clear();
        let (fixed, mut at, mut from) = (self.fixed.as_bytes(), 0, 0);
        for SlotPosition { offset, slot, .. } in &self.slots {
            let before = fixed.get(from..*offset)?;
            at = chunk.get(at..)?.starts_with(before).then_some(at + before.len())?;
            let start = at;
            at = match slot {
                Slot::Count => scan::skip_digits(chunk, at)?,
                _ => scan::skip_string(chunk, at)? - 1,
            };
            let value = chunk.get(start..at)?;
            match slot {
                Slot::Count
                    if value.len() > MAX_COUNT_DIGITS
                        || (value.len() > 1 && value.first() == Some(&b'0')) =>
                {
                    return None;
                }
                Slot::Content | Slot::Reasoning | Slot::Arguments if value.is_empty() => return None,
                _ => {}
            }
            found.push(start..at);
            from = *offset;
        }
        (chunk.get(at..)? == fixed.get(from..)?).then_some(())
    }

    /// Writes the text with other values.
    pub(super) fn write(&self, values: &SlotValues<'_>, out: &mut Vec<u8>) {
        let (fixed, mut from) = (self.fixed.as_bytes(), 0);
        for SlotPosition { offset, number, .. } in &self.slots {
            out.extend_from_slice(fixed.get(from..*offset).unwrap_or_default());
            out.extend_from_slice(values.get(*number).as_bytes());
            from = *offset;
        }
        out.extend_from_slice(fixed.get(from..).unwrap_or_default());
    }
}

/// The values of a chunk that matches a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotValues<'w> {
    pub(super) chunk: &'w str,
    pub(super) found: &'w [Range<usize>],
    pub(super) template: &'w TemplateText,
    /// The JSON of the token counts, if there are any.
    pub(super) usage: Option<&'w str>,
}

impl<'w> SlotValues<'w> {
    /// The value of the slot with this number.
    fn get(&self, number: usize) -> &'w str {
        self.found.get(number).and_then(|range| self.chunk.get(range.clone())).unwrap_or_default()
    }

    /// The value of a slot, as a JSON string.
    pub(super) fn literal(&self, slot: Slot) -> Option<&'w str> {
        self.around(slot, 1, 1)
    }

    /// The value of a slot with so many bytes before and after it.
    pub(super) fn around(&self, slot: Slot, before: usize, after: usize) -> Option<&'w str> {
        let position = self.template.slots.iter().find(|position| position.slot == slot)?;
        let range = self.found.get(position.number)?;
        self.chunk.get(range.start.checked_sub(before)?..range.end + after)
    }
}

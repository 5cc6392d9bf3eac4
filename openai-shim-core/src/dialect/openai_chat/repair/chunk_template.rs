//! The form that a stream's chunks share: mended once, and said again with other words.
//!
//! A model's answer comes as hundreds of chunks that differ in nothing but a few words. The first one of a form is mended
//! in full. What came and what went out are kept as texts with holes where the words stood, with what was noted. A chunk
//! that fits the first text is then the second one with its own words: no judgement is made twice, so there is no second
//! one to differ from the first, and a form that needed repairs costs no more than one that needed none.
//!
//! It holds only where mending is a matter of the chunk alone: in the middle of one answer ([`Stream::is_steady`]), with
//! words that are no markup ([`Stream::again`]), and until any chunk of another form comes.

use super::stream::StreamState;
use crate::framing::Frame;
use crate::json::{Object, ValueKind, items, range_in, scan, utf8, value_kind};
use std::ops::Range;

/// Names of words that servers add against guessing by length; they mean nothing.
const PADDING: [&str; 2] = ["obfuscation", "p"];

/// Names of reasoning; all of them become the first.
const REASONING: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// The most digits of a count that is certainly one.
const LONGEST_COUNT: usize = 15;

/// How many forms in a row may be in vain before none is looked for any more.
const PATIENCE: u8 = 8;

/// What stands in a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Slot {
    /// The answer's text, in JSON's escapes; not empty.
    Content,
    /// Reasoning, likewise.
    Reasoning,
    /// A piece of a call's arguments, likewise.
    Arguments,
    /// The text of the one of the reasoning's details: it stands as reasoning as well.
    Details,
    /// A member that means nothing.
    Padding(&'static str),
    /// A number among the token counts.
    Count,
}

/// A hole and where it is in a text.
pub(in super::super) type SlotSpan = (Range<usize>, Slot);

/// A text with holes.
#[derive(Debug)]
pub(in super::super) struct TemplateText {
    /// The text around the holes.
    fixed: String,
    /// Where holes are in it, in order, and what number each has among those of the chunk that came.
    holes: Vec<(usize, Slot, usize)>,
}

impl TemplateText {
    fn new(text: &str, places: &[SlotSpan], number: impl Fn(usize, Slot) -> Option<usize>) -> Option<Self> {
        let (mut fixed, mut holes, mut from) = (String::with_capacity(text.len()), Vec::new(), 0);
        for (at, (range, hole)) in places.iter().enumerate() {
            fixed.push_str(text.get(from..range.start)?);
            holes.push((fixed.len(), *hole, number(at, *hole)?));
            from = range.end;
        }
        fixed.push_str(text.get(from..)?);
        Some(Self { fixed, holes })
    }

    /// Whether a chunk fits; then `found` is what fills the holes.
    fn fits(&self, chunk: &[u8], found: &mut Vec<Range<usize>>) -> Option<()> {
        found.clear();
        let (fixed, mut at, mut from) = (self.fixed.as_bytes(), 0, 0);
        for (end, hole, _) in &self.holes {
            let before = fixed.get(from..*end)?;
            at = chunk.get(at..)?.starts_with(before).then_some(at + before.len())?;
            let start = at;
            at = match hole {
                Slot::Count => scan::skip_digits(chunk, at)?,
                _ => scan::skip_string(chunk, at)? - 1,
            };
            let inner = chunk.get(start..at)?;
            match hole {
                Slot::Count
                    if inner.len() > LONGEST_COUNT || (inner.len() > 1 && inner.first() == Some(&b'0')) =>
                {
                    return None;
                }
                Slot::Content | Slot::Reasoning | Slot::Arguments if inner.is_empty() => return None,
                _ => {}
            }
            found.push(start..at);
            from = *end;
        }
        (chunk.get(at..)? == fixed.get(from..)?).then_some(())
    }

    /// Writes the text with other words.
    pub(super) fn write(&self, words: &SlotValues<'_>, out: &mut Vec<u8>) {
        let (fixed, mut from) = (self.fixed.as_bytes(), 0);
        for (end, _, number) in &self.holes {
            out.extend_from_slice(fixed.get(from..*end).unwrap_or_default());
            out.extend_from_slice(words.get(*number).as_bytes());
            from = *end;
        }
        out.extend_from_slice(fixed.get(from..).unwrap_or_default());
    }
}

/// A chunk that fits a form, and what fills its holes.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct SlotValues<'w> {
    chunk: &'w str,
    found: &'w [Range<usize>],
    form: &'w TemplateText,
    usage: Option<&'w str>,
}

impl<'w> SlotValues<'w> {
    /// What fills a hole, by its number.
    fn get(&self, number: usize) -> &'w str {
        self.found.get(number).and_then(|range| self.chunk.get(range.clone())).unwrap_or_default()
    }

    /// The words of this kind, as a JSON string.
    pub(in super::super) fn literal(&self, wanted: Slot) -> Option<&'w str> {
        self.around(wanted, 1, 1)
    }

    /// The words of this kind with so many bytes before and after them.
    pub(in super::super) fn around(&self, wanted: Slot, before: usize, after: usize) -> Option<&'w str> {
        let (_, _, number) = self.form.holes.iter().find(|(_, hole, _)| *hole == wanted)?;
        let range = self.found.get(*number)?;
        self.chunk.get(range.start.checked_sub(before)?..range.end + after)
    }

    /// The token counts, if there are any.
    pub(super) fn usage(&self) -> Option<&'w str> {
        self.usage
    }
}

/// A form: what comes, what goes out for it, and what is noted.
#[derive(Debug)]
struct ChunkTemplate<W> {
    input: TemplateText,
    output: W,
    /// The token counts' place in the text that came: it begins so far before its first hole and ends so far behind its last.
    usage: Option<UsageSpan>,
    /// Findings by their number, and how often each is noted anew.
    diagnostics: Vec<(usize, u32)>,
    used: bool,
}

/// Where token counts stand: the numbers of their first and last hole, and how many bytes are around these.
#[derive(Debug, Clone, Copy)]
struct UsageSpan {
    first: usize,
    last: usize,
    before: usize,
    after: usize,
}

/// The last form of a stream, if there is one. `W` is what goes out for it.
#[derive(Debug)]
pub(in super::super) struct TemplateCache<W> {
    form: Option<ChunkTemplate<W>>,
    found: Vec<Range<usize>>,
    /// How often each finding was noted before the chunk at hand; `None` if no form may be made of it.
    before: Option<u32>,
    counts: Vec<u32>,
    misses: u8,
}

impl<W> Default for TemplateCache<W> {
    fn default() -> Self {
        Self { form: None, found: Vec::new(), before: None, counts: Vec::new(), misses: 0 }
    }
}

impl<W> TemplateCache<W> {
    /// Takes a frame of the known form: the stream takes note of it, and `say` says what goes out. False if it has another
    /// form; it must then be mended.
    pub(in super::super) fn replay(
        &mut self,
        frame: Frame<'_>,
        stream: &mut StreamState,
        say: impl FnOnce(&W, &SlotValues<'_>),
    ) -> bool {
        let (Some(form), Frame::Event { data, .. }) = (&mut self.form, frame) else { return false };
        if form.input.fits(data, &mut self.found).is_none() {
            return false;
        }
        let Some(chunk) = utf8(data) else { return false };
        let usage = form.usage.and_then(|counts| {
            let (first, last) = (self.found.get(counts.first)?, self.found.get(counts.last)?);
            chunk.get(first.start.checked_sub(counts.before)?..last.end + counts.after)
        });
        let words = SlotValues { chunk, found: &self.found, form: &form.input, usage };
        if !stream.again(&words, &form.diagnostics) {
            return false;
        }
        form.used = true;
        say(&form.output, &words);
        true
    }

    /// A frame is about to be mended.
    pub(in super::super) fn start_miss(&mut self, stream: &StreamState) {
        if let Some(form) = self.form.take() {
            self.misses = if form.used { 0 } else { self.misses + 1 };
        }
        self.before = (self.misses < PATIENCE && stream.is_steady()).then(|| {
            self.counts.clear();
            self.counts.extend(stream.diagnostics.counts());
            stream.diagnostics.omitted()
        });
    }

    /// A frame was mended: keeps its form, if `went` can say what goes out for the next one of it.
    pub(in super::super) fn store(
        &mut self,
        frame: Frame<'_>,
        stream: &StreamState,
        went: impl FnOnce(&str, &[SlotSpan]) -> Option<W>,
    ) {
        if let (Some(omitted), Frame::Event { data, .. }) = (self.before.take(), frame)
            && stream.is_steady()
            && stream.has_passed()
            && stream.diagnostics.omitted() == omitted
        {
            self.form = utf8(data).and_then(|chunk| self.form(chunk, stream, went));
        }
    }

    fn form(
        &self,
        chunk: &str,
        stream: &StreamState,
        went: impl FnOnce(&str, &[SlotSpan]) -> Option<W>,
    ) -> Option<ChunkTemplate<W>> {
        let (places, usage) = places(chunk)?;
        let went = went(chunk, &places)?;
        let came = TemplateText::new(chunk, &places, |number, _| Some(number))?;
        let more = stream.diagnostics.counts().enumerate();
        let more = more.map(|(at, count)| (at, count - self.counts.get(at).copied().unwrap_or(0)));
        let diagnostics = more.filter(|(_, more)| *more > 0).collect();
        Some(ChunkTemplate { input: came, output: went, usage, diagnostics, used: false })
    }
}

/// What went out as bytes, with holes where the words of the chunk that came stand in it. The words must have come through
/// as they are.
pub(super) fn written(chunk: &str, came: &[SlotSpan], out: &[u8]) -> Option<TemplateText> {
    let out = utf8(out)?;
    let event = out.strip_prefix("data: ")?.strip_suffix("\n\n")?;
    let shift = |range: Range<usize>| range.start + 6..range.end + 6;
    let went = if event == chunk { came.to_vec() } else { places(event)?.0 };
    let went: Vec<SlotSpan> = went.into_iter().filter(|(_, hole)| *hole != Slot::Count).collect();
    let number = |hole: Slot| came.iter().position(|(_, own)| *own == hole);
    let same = |(range, hole): &SlotSpan| {
        let (own, _) = came.get(number(*hole)?)?;
        (chunk.get(own.clone())? == event.get(range.clone())?).then_some(())
    };
    let all = came.iter().filter(|(_, hole)| *hole != Slot::Count).count() == went.len();
    if !all || went.iter().any(|place| same(place).is_none()) {
        return None;
    }
    let went: Vec<SlotSpan> = went.into_iter().map(|(range, hole)| (shift(range), hole)).collect();
    TemplateText::new(out, &went, |_, hole| number(hole))
}

/// Where a chunk of one answer has words and counts that may be others in the next; `None` if it says anything else.
fn places(text: &str) -> Option<(Vec<SlotSpan>, Option<UsageSpan>)> {
    let (chunk, choices) = Object::parse_with_items(text.as_bytes(), "choices", "delta").ok()?;
    let [choice] = <[_; 1]>::try_from(choices).ok()?;
    let delta = choice.inner?;
    if delta.non_null("function_call").is_some() {
        return None;
    }
    let mut places: Vec<SlotSpan> = Vec::new();
    let mut words = |key: &str, hole| {
        match delta.non_null(key) {
            None | Some("\"\"") => {}
            Some(raw) if value_kind(raw) == ValueKind::String => {
                places.push((inside(text, delta.original(key)?)?, hole));
            }
            Some(_) => return None,
        }
        Some(())
    };
    words("content", Slot::Content)?;
    // Where reasoning has several names or parts, their likeness matters.
    let names: Vec<_> = REASONING.into_iter().filter(|name| delta.non_null(name).is_some()).collect();
    match names.as_slice() {
        [] => {}
        [name] => words(name, Slot::Reasoning)?,
        _ => return None,
    }
    if delta.non_null("reasoning_details").is_some_and(|details| details != "[]") {
        // It is the text beside them that is kept.
        places.iter().find(|(_, hole)| *hole == Slot::Reasoning)?;
        let [detail] = items(delta.original("reasoning_details")?)?.try_into().ok()?;
        let detail = Object::parse(detail.as_bytes()).ok()?;
        let words = ["text", "summary"].into_iter().find_map(|key| detail.original(key))?;
        (value_kind(words) == ValueKind::String).then_some(())?;
        places.push((inside(text, words)?, Slot::Details));
    }
    if delta.non_null("tool_calls").is_some_and(|calls| calls != "[]") {
        // Content beside a call may be refused when the arguments are taken already.
        places.iter().all(|(_, hole)| *hole != Slot::Content).then_some(())?;
        places.push((inside(text, arguments(delta.original("tool_calls")?)?)?, Slot::Arguments));
    }
    if places.is_empty() {
        return None;
    }
    for key in PADDING {
        if chunk.get(key).is_some_and(|v| value_kind(v) == ValueKind::String) {
            places.push((inside(text, chunk.original(key)?)?, Slot::Padding(key)));
        }
    }
    let counts = match chunk.non_null("usage") {
        None => None,
        Some(_) => Some(count(text, chunk.original("usage")?, &mut places)?),
    };
    places.sort_by_key(|(range, _)| range.start);
    let number = |place: &SlotSpan| places.iter().position(|own| own == place);
    let counts = match counts {
        None => None,
        Some((first, last, before, after)) => {
            Some(UsageSpan { first: number(&first)?, last: number(&last)?, before, after })
        }
    };
    Some((places, counts))
}

/// The arguments in a piece of one call, if that says nothing else of it.
fn arguments(calls: &str) -> Option<&str> {
    let [call] = items(calls)?.try_into().ok()?;
    let call = Object::parse(call.as_bytes()).ok()?;
    let function = Object::parse(call.original("function")?.as_bytes()).ok()?;
    // With a name a call may begin.
    let named = function.non_null("name").is_some_and(|name| name != "\"\"");
    let words = function
        .original("arguments")
        .filter(|words| value_kind(words) == ValueKind::String && *words != "\"\"")?;
    (!named && call.get("custom").is_none()).then_some(words)
}

/// The numbers of token counts; with it the first and last of them, and what is around these.
fn count(text: &str, usage: &str, places: &mut Vec<SlotSpan>) -> Option<(SlotSpan, SlotSpan, usize, usize)> {
    super::usage::read(usage)?;
    let start = range_in(text.as_bytes(), usage)?.start;
    let (mut found, mut at) = (Vec::new(), 0);
    let bytes = usage.as_bytes();
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => scan::skip_string(bytes, at + 1)?,
            b'0'..=b'9' => {
                let end = scan::skip_digits(bytes, at)?;
                // Costs and their like are numbers, too.
                if end - at > LONGEST_COUNT || matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
                    return None;
                }
                found.push((start + at..start + end, Slot::Count));
                end
            }
            b'-' => return None,
            _ => at + 1,
        };
    }
    let (first, last) = (found.first()?.clone(), found.last()?.clone());
    let (before, after) = (first.0.start - start, start + usage.len() - last.0.end);
    places.append(&mut found);
    Some((first, last, before, after))
}

/// Where the inner text of a raw string stands in the text that it is a part of.
fn inside(text: &str, raw: &str) -> Option<Range<usize>> {
    let Range { start, end } = range_in(text.as_bytes(), raw)?;
    Some(start + 1..end.checked_sub(1)?)
}

impl StreamState {
    /// Whether a chunk's mending is a matter of the chunk alone: one answer is in its middle, and nothing waits.
    fn is_steady(&self) -> bool {
        let [choice] = self.choices.as_slice() else { return false };
        choice.role_sent
            && !choice.finished
            && !choice.sealed
            && !choice.waits()
            && self.held.is_none()
            && self.prelude.is_empty()
            && self.is_open()
            && self.identity.is_settled(&self.spec)
            && !self.spec.quirks.cumulative_deltas
    }

    /// Whether the last chunk's text went through as it was.
    fn has_passed(&self) -> bool {
        let [choice] = self.choices.as_slice() else { return false };
        choice.voice.as_ref().is_some_and(|voice| voice.passed)
    }

    /// Takes note of a chunk of a known form; false if its words must be looked at.
    fn again(&mut self, words: &SlotValues<'_>, diagnostics: &[(usize, u32)]) -> bool {
        let [choice] = self.choices.as_mut_slice() else { return false };
        // A form has only one of these.
        for (_, hole, _) in &words.form.holes {
            let taken = match hole {
                Slot::Arguments => words.literal(*hole).is_some_and(|piece| choice.calls.again(piece)),
                Slot::Content => words
                    .literal(*hole)
                    .is_some_and(|words| choice.voice.as_mut().is_some_and(|voice| voice.pass(words))),
                _ => true,
            };
            if !taken {
                return false;
            }
        }
        if let Some(usage) = words.usage() {
            let own = self.usage.get_or_insert_default();
            own.clear();
            own.push_str(usage);
        }
        self.summary.content = true;
        self.diagnostics.increment(diagnostics);
        true
    }
}

#[cfg(test)]
impl<W> TemplateCache<W> {
    /// Every chunk is mended.
    pub(in super::super) fn never() -> Self {
        Self { misses: PATIENCE, ..Self::default() }
    }

    /// Whether the last chunk was said again.
    pub(in super::super) fn said(&self) -> bool {
        self.form.as_ref().is_some_and(|form| form.used)
    }
}

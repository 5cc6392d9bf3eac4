//! Text with reasoning between tags (`<think>` and others) to reasoning and text.
//!
//! The tags are those that vLLM's and SGLang's reasoning parsers support, and those that models write when a prompt asks them to
//! reason aloud.

use super::limits::{MAX_LEADING_SPACE_BYTES, MAX_WITHHELD_BYTES};
use super::partial_match;
use super::segment::MissingTag;
use super::unopened_tag::{UnopenedTagRemover, ends_reasoning};
use std::sync::Arc;

/// How many opening tags are read in one text. Only harmony's headers repeat, and no response has that many.
const MAX_TAGS: usize = 64;

/// Where reasoning between tags is recognized.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReasoningTagMode {
    /// Nowhere.
    #[default]
    Ignore,
    /// At the beginning of the text, after optional white space, if a known tag opens it.
    Leading,
    /// The chat template has already written the opening tag: all text is reasoning until the first closing tag. A complete text
    /// without a closing tag is the answer; one that was cut is reasoning, as in vLLM's and SGLang's parsers for DeepSeek R1.
    Prefilled,
    /// As [`Leading`](Self::Leading), with two more tags. Without an opening one as [`Prefilled`](Self::Prefilled), up to this
    /// closing tag.
    Own {
        /// The opening tag; empty: the chat template has already written it.
        open: Arc<str>,
        /// The closing tag.
        close: Arc<str>,
    },
}

impl ReasoningTagMode {
    /// Whether the text begins as reasoning.
    pub fn is_prefilled(&self) -> bool {
        matches!(self, Self::Prefilled) || matches!(self, Self::Own { open, .. } if open.is_empty())
    }

    /// Returns what a text begins with, of which this is the beginning.
    pub fn beginning(&self, text: &str) -> TextBeginning {
        let text = text.trim_start();
        let own = match self {
            Self::Own { open, .. } if !open.is_empty() => Some(&**open),
            Self::Ignore => return TextBeginning::Text,
            _ if self.is_prefilled() => return TextBeginning::Tag,
            _ => None,
        };
        let openers = || own.into_iter().chain(HARMONY.iter().chain(&TAGS).map(|tag| tag.opener));
        if openers().any(|opener| text.starts_with(opener)) {
            TextBeginning::Tag
        } else if openers().any(|opener| opener.starts_with(text)) {
            TextBeginning::Unknown
        } else {
            TextBeginning::Text
        }
    }
}

/// What a text begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextBeginning {
    /// White space, or what may become a tag.
    Unknown,
    /// Text.
    Text,
    /// Reasoning.
    Tag,
}

/// What a part of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    Text,
    Reasoning,
}

/// An opening tag, and the section of text that it begins.
#[derive(Debug)]
struct Tag {
    opener: &'static str,
    section: Section,
}

/// A section of the text.
#[derive(Debug, Clone, Copy)]
struct Section {
    kind: TextKind,
    closers: Closers,
    next: AfterSection,
}

/// The strings that end a section.
#[derive(Debug, Clone, Copy)]
enum Closers {
    Known(&'static [&'static str]),
    /// The closing tag of [`ReasoningTagMode::Own`].
    Own,
}

/// What may follow a section.
#[derive(Debug, Clone, Copy)]
enum AfterSection {
    Text,
    HarmonyHeader,
}

const fn reasoning(closers: &'static [&'static str]) -> Section {
    Section { kind: TextKind::Reasoning, closers: Closers::Known(closers), next: AfterSection::Text }
}

/// Reasoning up to the closing tag of [`ReasoningTagMode::Own`].
const OWN_REASONING: Section =
    Section { kind: TextKind::Reasoning, closers: Closers::Own, next: AfterSection::Text };

const fn tag(opener: &'static str, closers: &'static [&'static str]) -> Tag {
    Tag { opener, section: reasoning(closers) }
}

const fn harmony(opener: &'static str, kind: TextKind) -> Tag {
    let closers = Closers::Known(&["<|end|>", "<|return|>"]);
    Tag { opener, section: Section { kind, closers, next: AfterSection::HarmonyHeader } }
}

/// The headers of gpt-oss (harmony), which some servers do not remove: each names the channel of the text after it.
static HARMONY: [Tag; 6] = [
    harmony("<|channel|>analysis<|message|>", TextKind::Reasoning),
    harmony("<|channel|>final<|message|>", TextKind::Text),
    harmony("<|channel|>commentary<|message|>", TextKind::Text),
    harmony("<|start|>assistant<|channel|>analysis<|message|>", TextKind::Reasoning),
    harmony("<|start|>assistant<|channel|>final<|message|>", TextKind::Text),
    harmony("<|start|>assistant<|channel|>commentary<|message|>", TextKind::Text),
];

/// The tags of DeepSeek, Qwen, GLM and others; of prompts for reasoning; of Seed-OSS, MiniMax M3, Magistral and Kimi-VL.
static TAGS: [Tag; 8] = [
    tag("<think>", &["</think>"]),
    tag("<thinking>", &["</thinking>"]),
    tag("<thought>", &["</thought>"]),
    tag("<reasoning>", &["</reasoning>"]),
    tag("<seed:think>", &["</seed:think>"]),
    tag("<mm:think>", &["</mm:think>"]),
    tag("[THINK]", &["[/THINK]"]),
    tag("◁think▷", &["◁/think▷"]),
];

/// The closing tags of reasoning whose opening tag the chat template has written.
const ALL_CLOSERS: &[&str] = &[
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</seed:think>",
    "</mm:think>",
    "[/THINK]",
    "◁/think▷",
];

/// Creates what takes a closing tag out of one text that no known tag opens.
pub(crate) fn unopened_tag_remover() -> UnopenedTagRemover {
    UnopenedTagRemover::new(ALL_CLOSERS, TAGS.iter().map(|tag| tag.opener))
}

/// Whether a complete text begins as reasoning whose opening tag stood in the prompt: it has a closing tag outside of code,
/// without an opening one in front of it, and text behind it.
pub(crate) fn has_unopened_reasoning(text: &str) -> bool {
    let Some(closer) = partial_match::find_first(text, ALL_CLOSERS) else { return false };
    let (before, after) =
        (text.get(..closer.start).unwrap_or_default(), text.get(closer.end..).unwrap_or_default());
    ends_reasoning(after)
        && !after.trim().is_empty()
        && TAGS.iter().all(|tag| !before.contains(tag.opener))
        && before.matches("```").count() % 2 == 0
}

#[derive(Debug, Clone, Copy)]
enum TagPhase {
    /// An opening tag may follow, after white space.
    Opening(Expected),
    /// In a section. `is_blank`: it has only white space so far.
    InSection { section: Section, is_blank: bool },
    /// After a closing tag: another block of reasoning may follow. Without one, line breaks are layout and are dropped.
    AfterBlock,
    /// Text, in which a closing tag may come that no tag opened.
    Text,
    /// All remaining text is text.
    Passthrough,
}

/// What the beginning of the text, or of a section, may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Any tag; else text follows.
    Tag,
    /// Any tag; else reasoning follows.
    TagOrReasoning,
    /// A header of harmony; else text follows.
    HarmonyHeader,
}

/// Separates reasoning from text.
#[derive(Debug)]
pub(super) struct ReasoningParser {
    phase: TagPhase,
    withheld: String,
    /// How many bytes of it were read.
    start: usize,
    /// Reasoning was emitted.
    has_reasoned: bool,
    /// How many opening tags were read.
    tags: usize,
    /// The tags of [`ReasoningTagMode::Own`].
    own: Option<(Arc<str>, Arc<str>)>,
    /// In text without an opening tag.
    unopened: UnopenedTagRemover,
    /// The reasoning that the prompt began and no tag has ended so far.
    unclosed: Option<String>,
    missing: Option<MissingTag>,
}

type Sink<'a> = &'a mut dyn FnMut(TextKind, &str);

impl ReasoningParser {
    pub(super) fn new(mode: ReasoningTagMode) -> Self {
        let is_prefilled = mode.is_prefilled();
        let phase = match mode {
            ReasoningTagMode::Ignore => TagPhase::Passthrough,
            _ if is_prefilled => TagPhase::Opening(Expected::TagOrReasoning),
            _ => TagPhase::Opening(Expected::Tag),
        };
        let own = match mode {
            // An empty tag would end reasoning at once.
            ReasoningTagMode::Own { open, close } if !close.is_empty() => Some((open, close)),
            _ => None,
        };
        let unopened = unopened_tag_remover();
        Self {
            phase,
            withheld: String::new(),
            start: 0,
            has_reasoned: false,
            tags: 0,
            own,
            unopened,
            unclosed: is_prefilled.then(String::new),
            missing: None,
        }
    }

    /// Sets what a text begins as, unless some came before it; none follows. `is_complete`: the model ended it itself.
    pub(super) fn expect_whole(&mut self, text: &str, is_complete: bool) {
        let TagPhase::Opening(expected) = self.phase else { return };
        if !self.withheld.is_empty() || self.tags > 0 {
            return;
        }
        match expected {
            Expected::Tag if self.own.is_none() && has_unopened_reasoning(text) => {
                self.phase = TagPhase::Opening(Expected::TagOrReasoning);
            }
            Expected::TagOrReasoning if is_complete && !text.trim().is_empty() && !self.has_closer(text) => {
                self.phase = TagPhase::Opening(Expected::Tag);
                (self.unclosed, self.missing) = (None, Some(MissingTag::Closing));
            }
            _ => {}
        }
    }

    fn has_closer(&self, text: &str) -> bool {
        match &self.own {
            Some((_, close)) => text.contains(&**close),
            None => partial_match::find_first(text, ALL_CLOSERS).is_some(),
        }
    }

    /// Returns the reasoning that the prompt began and no tag ended, and forgets it.
    pub(super) fn take_unclosed(&mut self) -> Option<String> {
        let unclosed = self.unclosed.take().filter(|text| !text.trim().is_empty())?;
        self.missing = Some(MissingTag::Closing);
        Some(unclosed)
    }

    /// Returns which tag was missing, once.
    pub(super) fn take_missing_tag(&mut self) -> Option<MissingTag> {
        let unopened = self.unopened.take_removed().then_some(MissingTag::Opening);
        unopened.or_else(|| self.missing.take())
    }

    pub(super) fn push(&mut self, text: &str, sink: Sink<'_>) {
        match self.phase {
            TagPhase::Passthrough => return sink(TextKind::Text, text),
            TagPhase::Text => return self.push_text(text, sink),
            _ => {}
        }
        self.withheld.push_str(text);
        while self.advance(sink) {}
        self.withheld.drain(..self.start);
        self.start = 0;
    }

    fn push_text(&mut self, text: &str, sink: Sink<'_>) {
        self.unopened.push(text, &mut |text| sink(TextKind::Text, text));
        if self.unopened.is_done() {
            self.phase = TagPhase::Passthrough;
        }
    }

    /// Holds reasoning that no tag has ended, up to a limit: behind it the reasoning is not the answer.
    fn hold_unclosed(&mut self, from: usize, to: usize) {
        let Some(unclosed) = &mut self.unclosed else { return };
        let text = self.withheld.get(from..to).unwrap_or_default();
        if unclosed.len() + text.len() > MAX_WITHHELD_BYTES {
            self.unclosed = None;
        } else {
            unclosed.push_str(text);
        }
    }

    pub(super) fn finish(&mut self, sink: Sink<'_>) {
        self.hold_unclosed(0, self.withheld.len());
        let withheld = std::mem::take(&mut self.withheld);
        match self.phase {
            TagPhase::Opening(Expected::TagOrReasoning)
            | TagPhase::InSection { section: Section { kind: TextKind::Reasoning, .. }, is_blank: true } => {
                if !withheld.trim().is_empty() {
                    sink(TextKind::Reasoning, &withheld);
                }
            }
            TagPhase::InSection { section, .. } => sink(section.kind, &withheld),
            TagPhase::AfterBlock => sink(TextKind::Text, withheld.trim_start_matches(['\n', '\r'])),
            TagPhase::Text => self.unopened.finish(&mut |text| sink(TextKind::Text, text)),
            TagPhase::Opening(Expected::Tag) => {
                self.push_text(&withheld, sink);
                self.unopened.finish(&mut |text| sink(TextKind::Text, text));
            }
            _ => sink(TextKind::Text, &withheld),
        }
        self.phase = TagPhase::Passthrough;
    }

    /// Whether all further text is text, unless it has a character with which tags or code begin.
    pub(super) fn passes_plain_text(&self) -> bool {
        match self.phase {
            TagPhase::Passthrough => true,
            TagPhase::Text => self.unopened.is_idle(),
            _ => false,
        }
    }

    /// Whether `push` would emit this text, as text, and change no state.
    pub(super) fn is_unchanged(&self, text: &str) -> bool {
        match self.phase {
            TagPhase::Passthrough => true,
            TagPhase::Text => self.unopened.is_unchanged(text),
            _ => false,
        }
    }

    /// Reads up to the next change of phase. Returns false when more text is needed.
    fn advance(&mut self, sink: Sink<'_>) -> bool {
        match self.phase {
            TagPhase::Opening(expected) => self.read_opening(expected),
            TagPhase::InSection { section, is_blank } => self.read_section(section, is_blank, sink),
            TagPhase::AfterBlock => self.read_after_block(sink),
            TagPhase::Text => {
                let rest = self.rest().to_owned();
                self.start = self.withheld.len();
                self.push_text(&rest, sink);
                false
            }
            TagPhase::Passthrough => {
                sink(TextKind::Text, self.rest());
                self.start = self.withheld.len();
                false
            }
        }
    }

    /// Looks for an opening tag at the beginning of the withheld text.
    fn read_opening(&mut self, expected: Expected) -> bool {
        let text = self.rest().trim_start();
        let is_tag_expected = expected != Expected::HarmonyHeader;
        let own = self.own.as_ref().filter(|(open, _)| is_tag_expected && !open.is_empty());
        let own = own.map(|(open, _)| (&**open, OWN_REASONING));
        let known = HARMONY.iter().chain(TAGS.iter().filter(|_| is_tag_expected));
        let tags = own.into_iter().chain(known.map(|tag| (tag.opener, tag.section)));
        let is_within_limits =
            self.rest().len() - text.len() <= MAX_LEADING_SPACE_BYTES && self.tags < MAX_TAGS;
        let mut may_become_tag = text.is_empty() && is_within_limits;
        for (opener, section) in tags.filter(|_| is_within_limits) {
            if let Some(after) = text.strip_prefix(opener) {
                self.start = self.withheld.len() - after.len();
                self.tags += 1;
                self.unclosed = None;
                self.phase = TagPhase::InSection { section, is_blank: true };
                return true;
            }
            may_become_tag |= !text.is_empty() && opener.starts_with(text);
        }
        if may_become_tag {
            return false;
        }
        self.phase = match expected {
            Expected::TagOrReasoning => {
                let section = if self.own.is_some() { OWN_REASONING } else { reasoning(ALL_CLOSERS) };
                TagPhase::InSection { section, is_blank: true }
            }
            Expected::Tag => TagPhase::Text,
            Expected::HarmonyHeader => TagPhase::Passthrough,
        };
        true
    }

    /// Looks for another opening tag behind a block of reasoning: some servers wrap each part of it into its own tags.
    fn read_after_block(&mut self, sink: Sink<'_>) -> bool {
        let text = self.rest().trim_start();
        let space = self.rest().len() - text.len();
        let own = self.own.as_ref().filter(|(open, _)| !open.is_empty());
        let own = own.map(|(open, _)| (&**open, OWN_REASONING));
        let mut openers = own.into_iter().chain(TAGS.iter().map(|tag| (tag.opener, tag.section)));
        let is_within_limits = space <= MAX_LEADING_SPACE_BYTES;
        if is_within_limits
            && let Some((opener, section)) = openers.clone().find(|(o, _)| text.starts_with(o))
        {
            if self.has_reasoned {
                sink(TextKind::Reasoning, self.rest().get(..space).unwrap_or_default());
            }
            self.start += space + opener.len();
            self.phase = TagPhase::InSection { section, is_blank: true };
            return true;
        }
        if is_within_limits && openers.any(|(opener, _)| opener.starts_with(text)) {
            return false;
        }
        self.start += self.rest().len() - self.rest().trim_start_matches(['\n', '\r']).len();
        self.phase = TagPhase::Passthrough;
        true
    }

    /// The withheld text that was not read yet.
    fn rest(&self) -> &str {
        self.withheld.get(self.start..).unwrap_or_default()
    }

    /// Emits the text of a section, up to its end or to a possible closing tag.
    fn read_section(&mut self, section: Section, is_blank: bool, sink: Sink<'_>) -> bool {
        let own = self.own.as_ref().map(|(_, close)| close.clone());
        let own = [own.as_deref().unwrap_or_default()];
        let closers = match section.closers {
            Closers::Known(closers) => closers,
            Closers::Own => &own[..],
        };
        // A model writes `<think>\n\n</think>` when it does not reason: blank reasoning is dropped.
        let has_reasoned = self.has_reasoned;
        let is_dropped = |text: &str| {
            section.kind == TextKind::Reasoning
                && !has_reasoned
                && is_blank
                && text.trim().is_empty()
                && text.len() <= MAX_LEADING_SPACE_BYTES
        };
        if let Some(closer) = partial_match::find_first(self.rest(), closers) {
            let content = self.rest().get(..closer.start).unwrap_or_default();
            let is_emitted = !is_dropped(content);
            if is_emitted {
                sink(section.kind, content);
            }
            self.has_reasoned |= is_emitted && section.kind == TextKind::Reasoning;
            self.unclosed = None;
            self.start += closer.end;
            self.phase = match section.next {
                AfterSection::HarmonyHeader => TagPhase::Opening(Expected::HarmonyHeader),
                AfterSection::Text => TagPhase::AfterBlock,
            };
            return true;
        }
        let end = partial_match::partial_match_start(self.rest(), closers);
        let content = self.rest().get(..end).unwrap_or_default();
        if is_dropped(content) {
            return false;
        }
        sink(section.kind, content);
        self.hold_unclosed(self.start, self.start + end);
        self.has_reasoned |= end > 0 && section.kind == TextKind::Reasoning;
        self.start += end;
        self.phase = TagPhase::InSection { section, is_blank: false };
        false
    }
}

//! Reasoning that stands in the text between tags.
//!
//! The tags are those that vLLM's and SGLang's reasoning parsers know, and those that models write when they are asked
//! to think aloud.

use super::{ReasoningTagMode, needle};

/// How much white space is held before a tag, or at the beginning of a section.
const BLANK: usize = 4096;

/// How many headers of harmony are read in one text; no answer has so many.
const HEADERS: usize = 64;

/// What a part of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    Text,
    Reasoning,
}

/// A tag that begins a section of the text.
#[derive(Debug)]
struct Tag {
    open: &'static str,
    part: TextKind,
    /// What ends the section.
    close: &'static [&'static str],
    /// Whether another header may follow; else plain text does.
    harmony: bool,
}

const fn think(open: &'static str, close: &'static [&'static str]) -> Tag {
    Tag { open, part: TextKind::Reasoning, close, harmony: false }
}

const fn harmony(open: &'static str, part: TextKind) -> Tag {
    Tag { open, part, close: &["<|end|>", "<|return|>"], harmony: true }
}

/// The headers of gpt-oss (harmony), where a server lets them through: each names the channel of what follows.
static HARMONY: [Tag; 6] = [
    harmony("<|channel|>analysis<|message|>", TextKind::Reasoning),
    harmony("<|channel|>final<|message|>", TextKind::Text),
    harmony("<|channel|>commentary<|message|>", TextKind::Text),
    harmony("<|start|>assistant<|channel|>analysis<|message|>", TextKind::Reasoning),
    harmony("<|start|>assistant<|channel|>final<|message|>", TextKind::Text),
    harmony("<|start|>assistant<|channel|>commentary<|message|>", TextKind::Text),
];

/// DeepSeek, Qwen, GLM, …; models asked to think aloud; Seed-OSS; MiniMax M3; Magistral; Kimi-VL.
static TAGS: [Tag; 8] = [
    think("<think>", &["</think>"]),
    think("<thinking>", &["</thinking>"]),
    think("<thought>", &["</thought>"]),
    think("<reasoning>", &["</reasoning>"]),
    think("<seed:think>", &["</seed:think>"]),
    think("<mm:think>", &["</mm:think>"]),
    think("[THINK]", &["[/THINK]"]),
    think("◁think▷", &["◁/think▷"]),
];

/// What ends a reasoning whose opening tag stood in the prompt.
const CLOSES: &[&str] = &[
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</seed:think>",
    "</mm:think>",
    "[/THINK]",
    "◁/think▷",
];

#[derive(Debug, Clone, Copy)]
enum TagPhase {
    /// A tag may come, after white space. `inside`: what is no tag is reasoning.
    Opening { harmony_only: bool, inside: bool },
    /// In a section. `blank`: only white space so far.
    Section { part: TextKind, close: &'static [&'static str], harmony: bool, blank: bool },
    /// Newlines after a closing tag are layout.
    Newlines,
    /// Nothing more is looked for.
    Plain,
}

/// Tells reasoning from text.
#[derive(Debug)]
pub(super) struct ReasoningParser {
    state: TagPhase,
    held: String,
    headers: usize,
}

type Sink<'a> = &'a mut dyn FnMut(TextKind, &str);

impl ReasoningParser {
    pub(super) fn new(think: ReasoningTagMode) -> Self {
        let state = match think {
            ReasoningTagMode::Off => TagPhase::Plain,
            ReasoningTagMode::Auto => TagPhase::Opening { harmony_only: false, inside: false },
            ReasoningTagMode::Inside => TagPhase::Opening { harmony_only: false, inside: true },
        };
        Self { state, held: String::new(), headers: 0 }
    }

    pub(super) fn push(&mut self, text: &str, sink: Sink<'_>) {
        if self.is_unchanged() {
            sink(TextKind::Text, text);
            return;
        }
        self.held.push_str(text);
        while self.step(sink) {}
    }

    pub(super) fn finish(&mut self, sink: Sink<'_>) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            TagPhase::Opening { inside: true, .. }
            | TagPhase::Section { part: TextKind::Reasoning, blank: true, .. } => {
                if !held.trim().is_empty() {
                    sink(TextKind::Reasoning, &held);
                }
            }
            TagPhase::Section { part, .. } => sink(part, &held),
            _ => sink(TextKind::Text, &held),
        }
        self.state = TagPhase::Plain;
    }

    /// Whether everything that comes is text.
    pub(super) fn is_unchanged(&self) -> bool {
        matches!(self.state, TagPhase::Plain) && self.held.is_empty()
    }

    /// Goes one state further; false when more text is needed.
    fn step(&mut self, sink: Sink<'_>) -> bool {
        match self.state {
            TagPhase::Opening { harmony_only, inside } => self.open(harmony_only, inside),
            TagPhase::Section { part, close, harmony, blank } => {
                if let Some((start, end)) = needle::first(&self.held, close) {
                    let inner = self.held.get(..start).unwrap_or_default();
                    // `<think>\n\n</think>` is how a model says that it did not think.
                    if !(part == TextKind::Reasoning
                        && blank
                        && inner.trim().is_empty()
                        && inner.len() <= BLANK)
                    {
                        sink(part, inner);
                    }
                    self.held.drain(..end);
                    self.state = if harmony {
                        TagPhase::Opening { harmony_only: true, inside: false }
                    } else {
                        TagPhase::Newlines
                    };
                    return true;
                }
                let open = needle::open_end(&self.held, close);
                let sure = self.held.get(..open).unwrap_or_default();
                if part == TextKind::Reasoning && blank && sure.trim().is_empty() && sure.len() <= BLANK {
                    return false;
                }
                sink(part, sure);
                self.held.drain(..open);
                self.state = TagPhase::Section { part, close, harmony, blank: false };
                false
            }
            TagPhase::Newlines => {
                let text = self.held.trim_start_matches(['\n', '\r']);
                let (layout, more) = (self.held.len() - text.len(), !text.is_empty());
                self.held.drain(..layout);
                if more {
                    self.state = TagPhase::Plain;
                }
                more
            }
            TagPhase::Plain => {
                sink(TextKind::Text, &self.held);
                self.held = String::new();
                false
            }
        }
    }

    /// Looks for a tag at the beginning of what is held.
    fn open(&mut self, harmony_only: bool, inside: bool) -> bool {
        let text = self.held.trim_start();
        let tags = HARMONY.iter().chain(TAGS.iter().filter(|_| !harmony_only));
        let early = self.held.len() - text.len() <= BLANK && self.headers < HEADERS;
        let mut may = text.is_empty() && early;
        for tag in tags.filter(|_| early) {
            if let Some(rest) = text.strip_prefix(tag.open) {
                self.headers += 1;
                let Tag { part, close, harmony, .. } = *tag;
                self.held.drain(..self.held.len() - rest.len());
                self.state = TagPhase::Section { part, close, harmony, blank: true };
                return true;
            }
            may |= !text.is_empty() && tag.open.starts_with(text);
        }
        if may {
            return false;
        }
        self.state = if inside {
            TagPhase::Section { part: TextKind::Reasoning, close: CLOSES, harmony: false, blank: true }
        } else {
            TagPhase::Plain
        };
        true
    }
}

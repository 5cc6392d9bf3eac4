//! Reasoning that stands in the text between tags.
//!
//! The tags are those that vLLM's and SGLang's reasoning parsers know, and those that models write when they are asked
//! to think aloud.

use super::{Think, seek};

/// How much white space is held before a tag, or at the beginning of a section.
const BLANK: usize = 4096;

/// How many headers of harmony are read in one text; no answer has so many.
const HEADERS: usize = 64;

/// What a part of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Text,
    Reasoning,
}

/// A tag that begins a section of the text.
#[derive(Debug)]
struct Tag {
    open: &'static str,
    part: Part,
    /// What ends the section.
    close: &'static [&'static str],
    /// Whether another header may follow; else plain text does.
    harmony: bool,
}

const fn think(open: &'static str, close: &'static [&'static str]) -> Tag {
    Tag { open, part: Part::Reasoning, close, harmony: false }
}

const fn harmony(open: &'static str, part: Part) -> Tag {
    Tag { open, part, close: &["<|end|>", "<|return|>"], harmony: true }
}

/// The headers of gpt-oss (harmony), where a server lets them through: each names the channel of what follows.
static HARMONY: [Tag; 6] = [
    harmony("<|channel|>analysis<|message|>", Part::Reasoning),
    harmony("<|channel|>final<|message|>", Part::Text),
    harmony("<|channel|>commentary<|message|>", Part::Text),
    harmony("<|start|>assistant<|channel|>analysis<|message|>", Part::Reasoning),
    harmony("<|start|>assistant<|channel|>final<|message|>", Part::Text),
    harmony("<|start|>assistant<|channel|>commentary<|message|>", Part::Text),
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
enum State {
    /// A tag may come, after white space. `inside`: what is no tag is reasoning.
    Opening { harmony_only: bool, inside: bool },
    /// In a section. `blank`: only white space so far.
    Section { part: Part, close: &'static [&'static str], harmony: bool, blank: bool },
    /// Newlines after a closing tag are layout.
    Newlines,
    /// Nothing more is looked for.
    Plain,
}

/// Tells reasoning from text.
#[derive(Debug)]
pub(super) struct Thinker {
    state: State,
    held: String,
    headers: usize,
}

type Sink<'a> = &'a mut dyn FnMut(Part, &str);

impl Thinker {
    pub(super) fn new(think: Think) -> Self {
        let state = match think {
            Think::Off => State::Plain,
            Think::Auto => State::Opening { harmony_only: false, inside: false },
            Think::Inside => State::Opening { harmony_only: false, inside: true },
        };
        Self { state, held: String::new(), headers: 0 }
    }

    pub(super) fn push(&mut self, text: &str, sink: Sink<'_>) {
        if self.passes() {
            sink(Part::Text, text);
            return;
        }
        self.held.push_str(text);
        while self.step(sink) {}
    }

    pub(super) fn finish(&mut self, sink: Sink<'_>) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Opening { inside: true, .. }
            | State::Section { part: Part::Reasoning, blank: true, .. } => {
                if !held.trim().is_empty() {
                    sink(Part::Reasoning, &held);
                }
            }
            State::Section { part, .. } => sink(part, &held),
            _ => sink(Part::Text, &held),
        }
        self.state = State::Plain;
    }

    /// Whether everything that comes is text.
    pub(super) fn passes(&self) -> bool {
        matches!(self.state, State::Plain) && self.held.is_empty()
    }

    /// Goes one state further; false when more text is needed.
    fn step(&mut self, sink: Sink<'_>) -> bool {
        match self.state {
            State::Opening { harmony_only, inside } => self.open(harmony_only, inside),
            State::Section { part, close, harmony, blank } => {
                if let Some((start, end)) = seek::first(&self.held, close) {
                    let inner = self.held.get(..start).unwrap_or_default();
                    // `<think>\n\n</think>` is how a model says that it did not think.
                    if !(part == Part::Reasoning && blank && inner.trim().is_empty() && inner.len() <= BLANK)
                    {
                        sink(part, inner);
                    }
                    self.held.drain(..end);
                    self.state = if harmony {
                        State::Opening { harmony_only: true, inside: false }
                    } else {
                        State::Newlines
                    };
                    return true;
                }
                let open = seek::open_end(&self.held, close);
                let sure = self.held.get(..open).unwrap_or_default();
                if part == Part::Reasoning && blank && sure.trim().is_empty() && sure.len() <= BLANK {
                    return false;
                }
                sink(part, sure);
                self.held.drain(..open);
                self.state = State::Section { part, close, harmony, blank: false };
                false
            }
            State::Newlines => {
                let text = self.held.trim_start_matches(['\n', '\r']);
                let (layout, more) = (self.held.len() - text.len(), !text.is_empty());
                self.held.drain(..layout);
                if more {
                    self.state = State::Plain;
                }
                more
            }
            State::Plain => {
                sink(Part::Text, &self.held);
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
                self.state = State::Section { part, close, harmony, blank: true };
                return true;
            }
            may |= !text.is_empty() && tag.open.starts_with(text);
        }
        if may {
            return false;
        }
        self.state = if inside {
            State::Section { part: Part::Reasoning, close: CLOSES, harmony: false, blank: true }
        } else {
            State::Plain
        };
        true
    }
}

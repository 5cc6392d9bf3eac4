//! Events as a stream: strictly what OpenAI sends.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create#stream>

use super::super::Encoder;
use super::repair::{CompletionIdentity, write_choice, write_object};
use super::response::{members, note_lost};
use super::{ECHOED, NAME, error, logprobs, prompt, usage, word};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, Logprobs, NumberedList,
    ReasoningStyle, ResponseContext, ResponseSpec, StreamUsage, Usage,
};
use crate::error::{Error, UpstreamError};
use crate::framing::write_event;
use std::collections::BTreeMap;

/// Writes a stream.
pub(super) struct CompletionsEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    head: CompletionIdentity,
    choices: NumberedList<ChoiceWriter>,
    usage: Option<Usage>,
    /// The prompt, which stands before each answer.
    prompt: String,
    /// Members for the next chunk, of the answer as a whole.
    extra: Vec<(String, String)>,
    over: bool,
}

#[derive(Default)]
struct ChoiceWriter {
    begun: bool,
    open: BTreeMap<u32, OpenBlock>,
    /// Reasoning stands open in the text.
    thinking: bool,
    logprobs: Option<Logprobs>,
    /// How many characters the client has of it, by its tokens.
    offset: usize,
    /// Members for the next chunk of this choice.
    extra: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq)]
enum OpenBlock {
    Text,
    Reasoning,
    Lost,
}

impl CompletionsEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            head: CompletionIdentity { id: String::new(), created: spec.created, model: spec.model.clone() },
            prompt: prompt(&spec).unwrap_or_default(),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            choices: NumberedList::default(),
            usage: None,
            extra: Vec::new(),
            over: false,
        }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceWriter {
        self.choices.get_or_insert_with(index, ChoiceWriter::default)
    }

    /// Writes one chunk of one choice.
    fn chunk(&mut self, index: u32, text: &str, finish: Option<&str>, out: &mut Vec<u8>) {
        let before = std::mem::take(&mut self.prompt);
        let choice = self.choice(index);
        let first = !std::mem::replace(&mut choice.begun, true);
        if first {
            choice.offset = before.chars().count();
        }
        let logprobs = choice.logprobs.take().map(|read| {
            let (written, chars) = logprobs::write(&read, choice.offset);
            choice.offset += chars;
            written
        });
        let extra = std::mem::take(&mut choice.extra);
        if first && !before.is_empty() {
            self.write(&[write_choice(index, &before, None, None, &[])], None, out);
        }
        self.prompt = before;
        self.write(&[write_choice(index, text, logprobs.as_deref(), finish, &extra)], None, out);
    }

    fn write(&mut self, choices: &[String], usage: Option<&str>, out: &mut Vec<u8>) {
        let extra = std::mem::take(&mut self.extra);
        let chunk = write_object(&self.head, choices, usage, &extra);
        write_event(out, |out| out.extend(chunk.into_bytes()));
    }

    fn open(&mut self, index: u32, block: u32, kind: &BlockKind) {
        let tagged = self.spec.reasoning == ReasoningStyle::Tags;
        let (open, lost) = match kind {
            BlockKind::Text | BlockKind::Refusal => (OpenBlock::Text, None),
            BlockKind::Reasoning if tagged => (OpenBlock::Reasoning, None),
            BlockKind::Reasoning => (OpenBlock::Lost, Some("reasoning")),
            BlockKind::ToolCall { .. } => (OpenBlock::Lost, Some("a tool call")),
        };
        if let Some(lost) = lost {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices[].text", lost);
        }
        self.choice(index).open.insert(block, open);
    }

    fn delta(&mut self, index: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let Some(open) = choice.open.get(&block).copied() else { return };
        let words = match (delta, open) {
            (Delta::Text(text), OpenBlock::Text) => {
                let close = if std::mem::take(&mut choice.thinking) { "\n</think>\n\n" } else { "" };
                format!("{close}{text}")
            }
            (Delta::Text(text), OpenBlock::Reasoning) => {
                let open = if std::mem::replace(&mut choice.thinking, true) { "" } else { "<think>\n" };
                format!("{open}{text}")
            }
            // What is lost was said when it began.
            (Delta::Text(_) | Delta::Signature(_), _) => return,
            (Delta::Native { dialect, .. }, _) => {
                self.diagnostics.record(DiagnosticCode::ExtraDropped, "choices[].text", dialect);
                return;
            }
        };
        if !words.is_empty() {
            self.chunk(index, &words, None, out);
        }
    }

    fn extra(&mut self, choice: Option<u32>, extra: &ExtraFieldList) {
        if extra.of(NAME).iter().any(|(key, _)| key == ECHOED) {
            self.prompt.clear();
        }
        match choice {
            Some(index) => {
                note_lost(extra, "choices[]", &mut self.diagnostics);
                let members = members(extra);
                self.choice(index).extra.extend(members);
            }
            None => {
                note_lost(extra, "", &mut self.diagnostics);
                self.extra.extend(members(extra));
            }
        }
    }
}

impl Encoder for CompletionsEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.head.id = id.clone().unwrap_or_else(|| self.context.new_id("cmpl-"));
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.head.model.clone_from(model);
                }
                self.head.created = created.unwrap_or(self.head.created);
            }
            Event::Open { choice, block, kind } => self.open(*choice, *block, kind),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => {
                self.choice(*choice).open.remove(block);
            }
            Event::Finish { choice, reason } => {
                let thinking = std::mem::take(&mut self.choice(*choice).thinking);
                let rest = if thinking { "\n</think>\n\n" } else { "" };
                self.chunk(*choice, rest, Some(word(reason)), out);
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => match (Logprobs::of(extra), choice) {
                (Some(_), Some(index)) => {
                    self.choice(*index).logprobs.get_or_insert_default().append(extra);
                }
                _ => self.extra(*choice, extra),
            },
            Event::Error(failure) => {
                error::encode_in_stream(&Error::Upstream(failure.clone()), out);
                self.over = true;
            }
            Event::End => {
                if self.spec.stream_usage == StreamUsage::Client {
                    if self.usage.is_none() {
                        self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
                    }
                    let counts = usage::write(self.usage.unwrap_or_default());
                    self.write(&[], Some(&counts), out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
                self.over = true;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) && !self.head.id.is_empty() {
            error::encode_in_stream(&Error::Upstream(UpstreamError::Truncated), out);
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

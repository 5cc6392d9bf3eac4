//! Canonical events in, a stream for a client out: strictly what OpenAI sends.
//!
//! <https://platform.openai.com/docs/api-reference/completions/create#stream>

use super::completion_writer::{CompletionIdentity, write_choice, write_completion};
use super::extra_fields::{NAME, record_dropped, to_fields};
use super::prompt_echo::{ECHOED_KEY, requested_prompt};
use super::{error, finish_reason, logprobs, usage};
use crate::canonical::{
    BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList, Logprobs, NumberedList,
    ReasoningStyle, ResponseContext, ResponseSpec, StreamUsage, Usage, code_of_loss,
};
use crate::dialect::Encoder;
use crate::error::{Error, UpstreamError};
use crate::framing::write_event;
use std::collections::BTreeMap;

const OPENING_TAG: &str = "<think>\n";
const CLOSING_TAG: &str = "\n</think>\n\n";

/// Encodes a stream.
pub(super) struct CompletionsEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    /// Its id is empty until the stream starts.
    identity: CompletionIdentity,
    choices: NumberedList<ChoiceWriter>,
    usage: Option<Usage>,
    /// The prompt that stands in front of each choice.
    prompt: String,
    /// Fields for the next chunk itself.
    extra: Vec<(String, String)>,
    has_ended: bool,
}

/// The state of one choice.
#[derive(Default)]
struct ChoiceWriter {
    has_begun: bool,
    open: BTreeMap<u32, OpenBlock>,
    /// The opening tag of the reasoning was written, and the closing one was not.
    is_in_reasoning: bool,
    logprobs: Option<Logprobs>,
    /// How many characters went out, counted by the tokens.
    offset: usize,
    /// Fields for this choice in its next chunk.
    extra: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq)]
enum OpenBlock {
    Text,
    Reasoning,
    /// The dialect has no place for it.
    Unsupported,
}

impl CompletionsEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            identity: CompletionIdentity {
                id: String::new(),
                created: spec.created,
                model: spec.model.clone(),
            },
            prompt: requested_prompt(&spec).unwrap_or_default(),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            choices: NumberedList::default(),
            usage: None,
            extra: Vec::new(),
            has_ended: false,
        }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceWriter {
        self.choices.get_or_insert_with(index, ChoiceWriter::default)
    }

    /// Writes a chunk of one choice; in front of its first one the prompt in another chunk.
    fn write_choice(&mut self, index: u32, text: &str, finish_reason: Option<&str>, out: &mut Vec<u8>) {
        let prompt = std::mem::take(&mut self.prompt);
        let choice = self.choice(index);
        let is_first = !std::mem::replace(&mut choice.has_begun, true);
        if is_first {
            choice.offset = prompt.chars().count();
        }
        let logprobs = choice.logprobs.take().map(|logprobs| {
            let written = logprobs::write(&logprobs, choice.offset);
            choice.offset += written.characters;
            written.json
        });
        let extra = std::mem::take(&mut choice.extra);
        if is_first && !prompt.is_empty() {
            self.write_chunk(&[write_choice(index, &prompt, None, None, &[])], None, out);
        }
        self.prompt = prompt;
        let choice = write_choice(index, text, logprobs.as_deref(), finish_reason, &extra);
        self.write_chunk(&[choice], None, out);
    }

    fn write_chunk(&mut self, choices: &[String], usage: Option<&str>, out: &mut Vec<u8>) {
        let extra = std::mem::take(&mut self.extra);
        let chunk = write_completion(&self.identity, choices, usage, &extra);
        write_event(out, |out| out.extend(chunk.into_bytes()));
    }

    fn open_block(&mut self, index: u32, block: u32, kind: &BlockKind) {
        let has_tags = self.spec.reasoning == ReasoningStyle::Tags;
        let (open, unsupported) = match kind {
            BlockKind::Text | BlockKind::Refusal => (OpenBlock::Text, None),
            BlockKind::Reasoning if has_tags => (OpenBlock::Reasoning, None),
            BlockKind::Reasoning => (OpenBlock::Unsupported, Some("reasoning")),
            BlockKind::ToolCall { .. } => (OpenBlock::Unsupported, Some("a tool call")),
        };
        if let Some(unsupported) = unsupported {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices[].text", unsupported);
        }
        self.choice(index).open.insert(block, open);
    }

    fn delta(&mut self, index: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let choice = self.choice(index);
        let Some(open) = choice.open.get(&block).copied() else { return };
        let text = match (delta, open) {
            (Delta::Text(text), OpenBlock::Text) => {
                let tag = if std::mem::take(&mut choice.is_in_reasoning) { CLOSING_TAG } else { "" };
                format!("{tag}{text}")
            }
            (Delta::Text(text), OpenBlock::Reasoning) => {
                let tag = if std::mem::replace(&mut choice.is_in_reasoning, true) { "" } else { OPENING_TAG };
                format!("{tag}{text}")
            }
            // A diagnostic was recorded when the block began.
            (Delta::Text(_) | Delta::Signature(_), _) => return,
            (Delta::Native { dialect, key, .. }, _) => {
                self.diagnostics.record(code_of_loss(key), "choices[].text", dialect);
                return;
            }
        };
        if !text.is_empty() {
            self.write_choice(index, &text, None, out);
        }
    }

    /// Keeps fields of a choice, or of the chunk itself, for the next chunk.
    fn extra(&mut self, choice: Option<u32>, extra: &ExtraFieldList) {
        if extra.of(NAME).iter().any(|(key, _)| key == ECHOED_KEY) {
            self.prompt.clear();
        }
        let field_path = if choice.is_some() { "choices[]" } else { "" };
        record_dropped(extra, field_path, &mut self.diagnostics);
        match choice {
            Some(index) => self.choice(index).extra.extend(to_fields(extra)),
            None => self.extra.extend(to_fields(extra)),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.spec.stream_usage == StreamUsage::Client {
            if self.usage.is_none() {
                self.diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
            }
            let usage = usage::write(self.usage.unwrap_or_default());
            self.write_chunk(&[], Some(&usage), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.has_ended = true;
    }
}

impl Encoder for CompletionsEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.identity.id = id.clone().unwrap_or_else(|| self.context.new_id("cmpl-"));
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.identity.model.clone_from(model);
                }
                self.identity.created = created.unwrap_or(self.identity.created);
            }
            Event::Open { choice, block, kind } => self.open_block(*choice, *block, kind),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => {
                self.choice(*choice).open.remove(block);
            }
            Event::Finish { choice, reason } => {
                let was_in_reasoning = std::mem::take(&mut self.choice(*choice).is_in_reasoning);
                let closing_tag = if was_in_reasoning { CLOSING_TAG } else { "" };
                self.write_choice(*choice, closing_tag, Some(finish_reason::name(reason)), out);
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
                self.has_ended = true;
            }
            Event::End => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_ended, true) && !self.identity.id.is_empty() {
            error::encode_in_stream(&Error::Upstream(UpstreamError::Truncated), out);
        }
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}

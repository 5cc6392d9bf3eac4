//! Streams: events to chunks, framed as server-sent events or as the items of a JSON array.
//!
//! <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>

use super::super::{Encoder, cited};
use super::citations::{self, CitedText};
use super::names::NAME;
use super::parts::{self, FunctionCallPart};
use super::response_object::{PARTS_PATH, new_candidate};
use super::stream_framing::StreamFraming;
use super::{error, extra_fields, finish_reason, logprobs, usage};
use crate::canonical::{
    BlockKind, Citation, CitedSources, Delta, DiagnosticCode, Diagnostics, Event, ExtraFieldList,
    ExtraFields, FinishReason, LOGPROBS, Logprobs, NumberedList, REASONING_DETAILS, ResponseContext,
    ResponseSpec, TextLength, Usage,
};
use crate::error::{Error, UpstreamError};
use crate::json::{Object, RawJson, encode_string};
use std::collections::{BTreeMap, VecDeque};

/// Encodes a stream.
pub(super) struct GeminiEncoder {
    spec: ResponseSpec,
    context: ResponseContext,
    diagnostics: Diagnostics,
    framing: StreamFraming,
    phase: Phase,
    id: String,
    model: String,
    choices: NumberedList<ChoiceWriter>,
    usage: Option<Usage>,
    /// Extra fields of `usageMetadata`, from an upstream of this dialect.
    usage_extra: Vec<(String, RawJson)>,
    /// Extra fields of the next chunk.
    extra: Vec<(String, String)>,
    /// Whether `promptFeedback` was written: a response without content needs no candidates then.
    has_prompt_feedback: bool,
}

/// How far the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// `Event::Start` did not arrive.
    AwaitingStart,
    InResponse,
    /// The last chunk was written, or nothing follows.
    Ended,
}

/// One choice, which is a candidate here.
#[derive(Default)]
struct ChoiceWriter {
    index: u32,
    /// The open blocks of text and reasoning.
    open: BTreeMap<u32, BlockKind>,
    text_length: TextLength,
    /// `text_length` where the open block started.
    block_start: TextLength,
    /// The citations of the open block.
    block_citations: Vec<Citation>,
    /// The citations of the blocks before it.
    citations: Vec<CitedText>,
    /// The citations of the response as a whole.
    response_citations: Vec<Citation>,
    pending_signature: PendingSignature,
    /// Tool calls by ascending block number: they are written when they are complete, in this order.
    calls: VecDeque<PendingCall>,
    /// JSON.
    finish_reason: Option<String>,
    /// Whether any part was written.
    has_content: bool,
    /// Extra fields of the next candidate.
    extra: Vec<(String, String)>,
    /// The log probabilities of the next candidate.
    logprobs: Logprobs,
}

/// The signature of the open block of reasoning, and its `reasoning_details` fields.
#[derive(Default)]
struct PendingSignature {
    signature: String,
    details: ExtraFields,
}

struct PendingCall {
    block: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
    extra: ExtraFields,
    is_closed: bool,
}

impl ChoiceWriter {
    /// Returns a tool call that is not written yet.
    fn call(&mut self, block: u32) -> Option<&mut PendingCall> {
        let position = self.calls.binary_search_by_key(&block, |call| call.block).ok()?;
        self.calls.get_mut(position)
    }

    /// Takes the extra fields of the next candidate.
    fn take_extra(&mut self) -> Vec<(String, String)> {
        let logprobs = std::mem::take(&mut self.logprobs);
        let mut extra = std::mem::take(&mut self.extra);
        if !logprobs.content.is_empty() {
            extra.push((logprobs::FIELD.to_owned(), logprobs::write(&logprobs)));
        }
        extra
    }

    /// Takes the first tool call out, if it is closed.
    fn pop_closed_call(&mut self) -> Option<PendingCall> {
        if self.calls.front()?.is_closed { self.calls.pop_front() } else { None }
    }
}

impl GeminiEncoder {
    pub(super) fn new(spec: ResponseSpec, context: ResponseContext) -> Self {
        Self {
            framing: StreamFraming::of(&spec),
            id: String::new(),
            model: spec.model.clone(),
            spec,
            context,
            diagnostics: Diagnostics::default(),
            phase: Phase::AwaitingStart,
            choices: NumberedList::default(),
            usage: None,
            usage_extra: Vec::new(),
            extra: Vec::new(),
            has_prompt_feedback: false,
        }
    }

    fn choice(&mut self, index: u32) -> Option<&mut ChoiceWriter> {
        let new_choice = || ChoiceWriter { index, ..ChoiceWriter::default() };
        Some(self.choices.get_or_insert_with(index, new_choice))
    }

    /// Writes a chunk with one part of one choice.
    fn write_part(&mut self, index: u32, part: &str, out: &mut Vec<u8>) {
        let Some(choice) = self.choice(index) else { return };
        choice.has_content = true;
        let mut candidate = new_candidate(part, index, None);
        for (key, value) in choice.take_extra() {
            candidate.set(key, value);
        }
        self.write_chunk(Some(&candidate.to_json()), None, out);
    }

    fn write_chunk(&mut self, candidates: Option<&str>, usage: Option<String>, out: &mut Vec<u8>) {
        let mut chunk = Object::new();
        if let Some(candidates) = candidates {
            chunk.set("candidates", format!("[{candidates}]"));
        }
        for (key, value) in std::mem::take(&mut self.extra) {
            chunk.set(key, value);
        }
        if let Some(usage) = usage {
            chunk.set("usageMetadata", usage);
        }
        chunk.set("modelVersion", encode_string(&self.model));
        chunk.set("responseId", encode_string(&self.id));
        self.framing.write(&chunk.to_json(), out);
    }

    fn open(&mut self, index: u32, block: u32, kind: &BlockKind) {
        if *kind == BlockKind::Refusal {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, PARTS_PATH, "a refusal, as text");
        }
        let generated_id = match kind {
            BlockKind::ToolCall { id, .. } if id.is_empty() => Some(self.context.new_id("call_")),
            _ => None,
        };
        let Some(choice) = self.choice(index) else { return };
        if let BlockKind::ToolCall { id, name, signature } = kind {
            choice.calls.push_back(PendingCall {
                block,
                id: generated_id.unwrap_or_else(|| id.clone()),
                name: name.clone(),
                arguments: String::new(),
                signature: signature.clone(),
                extra: ExtraFields::new(NAME, Vec::new()),
                is_closed: false,
            });
        } else {
            choice.block_start = choice.text_length;
            choice.open.insert(block, kind.clone());
        }
    }

    fn delta(&mut self, index: u32, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        let Some(choice) = self.choice(index) else { return };
        if let Some(call) = choice.call(block) {
            match delta {
                Delta::Text(text) => call.arguments.push_str(text),
                Delta::Signature(more) => call.signature.get_or_insert_default().push_str(more),
                Delta::Native { dialect: NAME, key, raw } => {
                    call.extra.members.push((key.clone(), raw.clone()));
                }
                Delta::Native { .. } => self.report_opaque(),
            }
            return;
        }
        let Some(kind) = choice.open.get(&block) else { return };
        let is_reasoning = *kind == BlockKind::Reasoning;
        let part = match delta {
            Delta::Text(text) if is_reasoning => parts::write_thought(text, None, &ExtraFields::default()),
            Delta::Text(text) => {
                choice.text_length.add(text);
                format!("{{\"text\":{}}}", encode_string(text))
            }
            Delta::Signature(more) if is_reasoning => {
                return choice.pending_signature.signature.push_str(more);
            }
            Delta::Native { dialect: REASONING_DETAILS, key, raw } if is_reasoning => {
                if !choice.pending_signature.details.set_detail(key, raw) {
                    self.diagnostics.record(
                        DiagnosticCode::ExtraDropped,
                        REASONING_DETAILS,
                        "more members than are kept",
                    );
                }
                return;
            }
            Delta::Native { dialect: NAME, key, raw } if key == extra_fields::NATIVE_PART => {
                raw.as_str().to_owned()
            }
            Delta::Native { dialect: NAME, key, raw } => {
                let extra = ExtraFields::new(NAME, vec![(key.clone(), raw.clone())]);
                if is_reasoning {
                    parts::write_thought("", None, &extra)
                } else {
                    let mut written = Vec::new();
                    parts::write_text(&"".into(), &extra, &mut written);
                    written.concat()
                }
            }
            // The dot marks a field that only tells how its own dialect wrote something.
            Delta::Native { dialect, key, .. } if *dialect != NAME && key.starts_with('.') => return,
            Delta::Native { dialect, key, raw } if !is_reasoning => {
                let CitedSources { mut list, rest } =
                    cited(&ExtraFields::new(dialect, vec![(key.clone(), raw.clone())]));
                choice.block_citations.append(&mut list);
                if !rest.is_empty() {
                    self.report_opaque();
                }
                return;
            }
            Delta::Signature(_) | Delta::Native { .. } => return self.report_opaque(),
        };
        self.write_part(index, &part, out);
    }

    fn report_opaque(&mut self) {
        self.diagnostics.record(DiagnosticCode::FeatureUnsupported, PARTS_PATH, "an opaque part");
    }

    fn close(&mut self, index: u32, block: u32, out: &mut Vec<u8>) {
        let Some(choice) = self.choice(index) else { return };
        choice.open.remove(&block);
        let (start, end) = (choice.block_start, choice.text_length);
        let citations = choice.block_citations.drain(..);
        choice.citations.extend(citations.map(|citation| CitedText { citation, start, end }));
        let PendingSignature { signature, details } = std::mem::take(&mut choice.pending_signature);
        if !signature.is_empty() {
            self.write_part(index, &parts::write_thought("", Some(&signature), &details), out);
        }
        let Some(choice) = self.choice(index) else { return };
        if let Some(call) = choice.call(block) {
            call.is_closed = true;
        }
        while let Some(call) = self.choice(index).and_then(ChoiceWriter::pop_closed_call) {
            let part = FunctionCallPart {
                id: &call.id,
                name: &call.name,
                arguments: &call.arguments,
                signature: call.signature.as_deref(),
                extra: &call.extra,
            };
            let part = part.into_json(PARTS_PATH, &mut self.diagnostics);
            self.write_part(index, &part, out);
        }
    }

    fn finish_choice(&mut self, index: u32, reason: &FinishReason) {
        if let Some(choice) = self.choice(index) {
            choice.finish_reason.get_or_insert_with(|| encode_string(finish_reason::write(reason)));
        }
    }

    fn extra(&mut self, choice: Option<u32>, extra: &ExtraFieldList) {
        if extra.dialect == LOGPROBS {
            if let Some(choice) = self.choice(choice.unwrap_or(0)) {
                choice.logprobs.append(extra);
            }
            return;
        }
        let CitedSources { list, rest } =
            if extra.dialect == NAME { CitedSources::default() } else { cited(extra) };
        if let (false, Some(choice)) = (list.is_empty(), self.choice(choice.unwrap_or(0))) {
            choice.response_citations.extend(list);
        }
        rest.report(NAME, if choice.is_some() { "candidates[]" } else { "" }, &mut self.diagnostics);
        for (key, value) in extra.of(NAME) {
            let field = (key.clone(), value.as_str().to_owned());
            match (choice, key.as_str()) {
                (Some(index), "finishReason") => {
                    if let Some(choice) = self.choice(index) {
                        choice.finish_reason = Some(field.1);
                    }
                }
                (Some(index), _) => {
                    if let Some(choice) = self.choice(index) {
                        choice.extra.push(field);
                    }
                }
                (None, key) if key.contains('.') => self.usage_extra.push((key.to_owned(), value.clone())),
                (None, key) => {
                    self.has_prompt_feedback |= key == "promptFeedback";
                    self.extra.push(field);
                }
            }
        }
    }

    /// Writes the last chunk: the finish reasons, and usage.
    fn end(&mut self, out: &mut Vec<u8>) {
        let has_content = self.choices.iter().any(|(_, choice)| choice.has_content);
        let candidates: Vec<_> = self
            .choices
            .iter_mut()
            .map(|(_, choice)| {
                let mut candidate = new_candidate("", choice.index, choice.finish_reason.take());
                let (start, end) = (TextLength::default(), choice.text_length);
                let citations = choice.response_citations.drain(..);
                choice.citations.extend(citations.map(|citation| CitedText { citation, start, end }));
                if !choice.citations.is_empty() {
                    candidate.set(citations::GROUNDING, citations::write(&choice.citations));
                }
                for (key, value) in choice.take_extra() {
                    candidate.set(key, value);
                }
                candidate.to_json()
            })
            .collect();
        usage::report_unsupported(self.usage.as_ref(), &mut self.diagnostics);
        let usage = usage::write(self.usage.as_ref(), &self.usage_extra);
        if usage.is_none() {
            self.diagnostics.record(DiagnosticCode::UsageMissing, "usageMetadata", "");
        }
        let candidates = candidates.join(",");
        let has_candidates = has_content || !self.has_prompt_feedback;
        self.write_chunk(has_candidates.then_some(candidates.as_str()), usage, out);
        self.framing.end(out);
        self.phase = Phase::Ended;
    }

    fn fail(&mut self, error: &UpstreamError, out: &mut Vec<u8>) {
        self.framing.write_error(&error::envelope(&Error::Upstream(error.clone())), out);
        self.framing.end(out);
        self.phase = Phase::Ended;
    }
}

impl Encoder for GeminiEncoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.phase == Phase::Ended {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                self.phase = Phase::InResponse;
                self.id = id.clone().unwrap_or_else(|| self.context.new_id(""));
                if let (Some(model), false) = (model, self.spec.restore_alias) {
                    self.model.clone_from(model);
                }
            }
            Event::Open { choice, block, kind } => self.open(*choice, *block, kind),
            Event::Delta { choice, block, delta } => self.delta(*choice, *block, delta, out),
            Event::Close { choice, block } => self.close(*choice, *block, out),
            Event::Finish { choice, reason } => self.finish_choice(*choice, reason),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Extra { choice, extra } => self.extra(*choice, extra),
            Event::Error(error) => self.fail(error, out),
            Event::End => self.end(out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::InResponse {
            self.fail(&UpstreamError::Truncated, out);
        }
        self.phase = Phase::Ended;
    }

    fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
